//! A request of the table, split into parts that every framework can use.

use std::{fmt, net::IpAddr};

use base64::engine::{Engine, general_purpose::STANDARD};

use crate::listener;

/// A request of the table. A driver builds the request of its framework from the parts.
///
/// ```
/// use okta_verifier::adapter::RequestCredentials;
/// use okta_verifier_testing::conformance::{Issuers, Request};
///
/// /// The driver of a gateway, which passes the parts to the verifier directly.
/// fn credentials(request: &Request) -> RequestCredentials<'_> {
///     let lines = |wanted: &'static str| {
///         let fields = request.fields().filter(move |(name, _)| name.eq_ignore_ascii_case(wanted));
///         fields.map(|(_, value)| value)
///     };
///     let credentials = RequestCredentials::new(request.authorization())
///         .query(request.query())
///         .request(request.method(), request.path())
///         .dpop(lines("dpop"))
///         .client_cert(lines("client-cert"))
///         .peer(request.peer());
///     match request.client_certificate() {
///         Some(der) => credentials.client_certificate(der),
///         None => credentials,
///     }
/// }
///
/// let issuers = Issuers::bound();
/// let verifier = issuers.verifier();
/// for case in issuers.cases() {
///     let request = case.request(&issuers);
///     let result = verifier.authenticate(&credentials(&request)).into_ready().expect("pinned keys");
///     // The gateway has no routes, so it accepts what a policy would reject.
///     if case.expected().status() == 401 && request.path() != "/bound" {
///         assert_eq!(result.unwrap_err().status(), 401, "{}", case.name());
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Request {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) fields: Vec<Field>,
    pub(super) certificate: Option<&'static [u8]>,
    pub(super) body: Vec<u8>,
}

/// A field line: the name and the raw bytes of the value.
pub(super) type Field = (&'static str, Vec<u8>);

impl Request {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method
    }

    /// Returns the path, without the query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the query, without the question mark, or `None` if the target has no query.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Returns path and query, as in the request line.
    #[must_use]
    pub fn target(&self) -> String {
        match &self.query {
            Some(query) => format!("{}?{query}", self.path),
            None => self.path.clone(),
        }
    }

    /// Returns every field line, in order. A value may have bytes that HTTP does not allow.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (*name, value.as_slice()))
    }

    /// Returns the values of the `Authorization` lines.
    pub fn authorization(&self) -> impl Iterator<Item = &[u8]> {
        self.fields()
            .filter(|(name, _)| name.eq_ignore_ascii_case(AUTHORIZATION))
            .map(|(_, value)| value)
    }

    /// Returns the certificate that the client presents in its TLS session, in DER, or `None` if the
    /// client presents none. A driver without TLS puts the certificate where a TLS server would.
    /// [`to_http1`](Self::to_http1) sends it in a `Client-Cert` line, as a proxy that terminates TLS
    /// does (RFC 9440).
    #[must_use]
    pub fn client_certificate(&self) -> Option<&[u8]> {
        self.certificate
    }

    /// Returns the client's IP address. This address is not the address of a trusted proxy, so the
    /// verifier uses the certificate of the TLS session. A driver without sockets puts the address
    /// where a server would.
    #[must_use]
    pub fn peer(&self) -> IpAddr {
        IpAddr::from([192, 0, 2, 1]) // RFC 5737 §3
    }

    /// Returns the body, which is empty in most cases.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the HTTP/1.1 message (RFC 9112), unchanged even if HTTP does not allow it. The message
    /// has `Connection: close`, so the response ends when the server closes the connection.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Issuers};
    ///
    /// let issuers = Issuers::new();
    /// for case in conformance::cases() {
    ///     let request = case.request(&issuers);
    ///     let message = request.to_http1("127.0.0.1:8080");
    ///     let first = format!("{} {} HTTP/1.1\r\n", request.method(), request.target());
    ///     assert!(message.starts_with(first.as_bytes()));
    ///     assert!(message.ends_with(request.body()));
    /// }
    /// ```
    #[must_use]
    pub fn to_http1(&self, host: &str) -> Vec<u8> {
        let mut message = format!(
            "{} {} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n",
            self.method,
            self.target()
        )
        .into_bytes();
        for (name, value) in self.fields() {
            message.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        if let Some(der) = self.certificate {
            let line = format!("Client-Cert: :{}:\r\n", STANDARD.encode(der));
            message.extend(line.into_bytes());
        }
        if !self.body.is_empty() {
            message.extend(format!("Content-Length: {}\r\n", self.body.len()).into_bytes());
        }
        message.extend(b"\r\n");
        message.extend(&self.body);
        message
    }

    /// Reports every part that may contain credentials to the listener, so that tests can check that no
    /// response repeats it.
    pub(super) fn announce(&self) {
        let is_credential = |name: &str| {
            ["authorization", "dpop", "client-cert"]
                .iter()
                .any(|it| name.eq_ignore_ascii_case(it))
        };
        let fields = self.fields().filter(|(name, _)| is_credential(name));
        fields.for_each(|(_, value)| listener::secret(value));
        listener::secret(self.query().unwrap_or_default());
        listener::secret(self.body());
        listener::secret(self.certificate.unwrap_or_default());
    }
}

/// Writes the request on one line and truncates long values, such as tokens.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, cut(&self.target()))?;
        for (name, value) in self.fields() {
            write!(f, ", {name}: {}", cut(&value.escape_ascii().to_string()))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({self})")
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

pub(super) const AUTHORIZATION: &str = "Authorization";
const SHOWN: usize = 48;
