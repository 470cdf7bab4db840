//! Compares a response with the expected one and describes the difference.

use std::{error::Error, fmt};

#[cfg(feature = "server")]
use super::expected::Outcome;
use super::{Answer, Case, Expected};

impl Case {
    /// Compares a response with the expected one, for an API that received the request unchanged.
    ///
    /// The status, every `WWW-Authenticate` line, `Cache-Control` and `Retry-After` must match
    /// [`expected`](Self::expected) to the byte, and the body of a rejection must be empty. If the case and
    /// the response have a code, they must be equal too.
    ///
    /// # Errors
    ///
    /// Returns the difference.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Answer};
    ///
    /// let cases = conformance::cases();
    /// let anonymous = cases.iter().find(|case| case.name() == "credentials: none for /me => 401").unwrap();
    ///
    /// let fields = [("www-authenticate", r#"Bearer realm="api""#), ("cache-control", "no-store")];
    /// assert!(anonymous.compare(&Answer::new(401, fields, "")).is_ok());
    ///
    /// let fault = anonymous.compare(&Answer::new(401, [("cache-control", "no-store")], "")).unwrap_err();
    /// assert_eq!(fault.to_string(), r#"WWW-Authenticate: expected "Bearer realm=\"api\"", received nothing"#);
    /// ```
    pub fn compare(&self, answer: &Answer) -> Result<(), Difference> {
        let mut difference = compare(&self.expected(), answer);
        if let (Some(expected), Some(received)) = (self.code, answer.error_code())
            && expected != received
        {
            difference.add("code", expected, received);
        }
        difference.into_result()
    }

    /// Compares a response that came over a connection. If HTTP [cannot carry](Self::is_http) the request,
    /// the server itself must have rejected the request with 400, before any layer was called.
    ///
    /// # Errors
    ///
    /// Returns the difference.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::{self, Answer};
    ///
    /// let cases = conformance::cases();
    /// let control = cases.iter().find(|case| !case.is_http()).unwrap();
    /// assert!(control.compare_server(&Answer::new(400, [("content-length", "0")], "")).is_ok());
    /// assert!(control.compare_server(&Answer::new(200, [("content-length", "2")], "ok")).is_err());
    /// ```
    pub fn compare_server(&self, answer: &Answer) -> Result<(), Difference> {
        if self.is_http() {
            return self.compare(answer);
        }
        let mut difference = Difference::default();
        difference.status(400, answer);
        // A rejection with 400 by the layer always has this field. If it is absent, the server itself
        // rejected the request.
        difference.field("WWW-Authenticate", None, answer);
        difference.into_result()
    }

    /// Compares a response of the user's own API. Its handlers may send any 2xx response, and its
    /// middleware may add bodies to rejections.
    #[cfg(feature = "server")]
    pub(super) fn compare_api(
        &self,
        expected: &Expected,
        answer: &Answer,
    ) -> Result<(), Difference> {
        if !self.is_http() {
            return self.compare_server(answer);
        }
        let mut difference = Difference::default();
        match self.outcome {
            Outcome::Accepted => {
                if !(200..300).contains(&answer.status()) {
                    difference.add("status", "2xx", &answer.status().to_string());
                }
                difference.field("WWW-Authenticate", None, answer);
                // RFC 9111 §3.5: `public` would allow a shared cache to store the response.
                let public = |value: &[u8]| {
                    let mut directives = value.split(|byte| *byte == b',');
                    directives.any(|it| it.trim_ascii().eq_ignore_ascii_case(b"public"))
                };
                if answer.field("Cache-Control").any(public) {
                    difference.add("Cache-Control", "anything but public", "public");
                }
            }
            _ => difference.fields(expected, answer),
        }
        difference.into_result()
    }
}

fn compare(expected: &Expected, answer: &Answer) -> Difference {
    let mut difference = Difference::default();
    difference.fields(expected, answer);
    if expected.status() != 200 && !answer.body().is_empty() {
        difference.add("body", "nothing", &quoted(answer.body()));
    }
    difference
}

/// The differences between a response and the expected one.
///
/// ```
/// use okta_verifier_testing::conformance::{self, Answer};
///
/// let good = conformance::cases().into_iter().find(|case| case.name() == "credentials: a valid token => 200").unwrap();
/// let none = Vec::<(String, String)>::new();
/// assert_eq!(good.compare(&Answer::new(401, none, "")).unwrap_err().to_string(), "status: expected 200, received 401");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference(Vec<String>);

impl Difference {
    pub(super) fn of(what: &str, expected: &str, received: &str) -> Self {
        let mut difference = Self::default();
        difference.add(what, expected, received);
        difference
    }

    fn fields(&mut self, expected: &Expected, answer: &Answer) {
        self.status(expected.status(), answer);
        let challenges: Vec<&str> = expected.www_authenticate().collect();
        self.lines("WWW-Authenticate", &challenges, answer);
        self.field("Cache-Control", expected.cache_control(), answer);
        self.field("Retry-After", expected.retry_after(), answer);
    }

    fn status(&mut self, expected: u16, answer: &Answer) {
        if answer.status() != expected {
            self.add(
                "status",
                &expected.to_string(),
                &answer.status().to_string(),
            );
        }
    }

    /// Checks that the response has exactly one line of this field with the expected value, or no such
    /// line if `expected` is `None`.
    fn field(&mut self, name: &str, expected: Option<&str>, answer: &Answer) {
        self.lines(name, expected.as_slice(), answer);
    }

    /// Checks that the response has exactly these lines of the field, in this order.
    fn lines(&mut self, name: &str, expected: &[&str], answer: &Answer) {
        let received: Vec<&[u8]> = answer.field(name).collect();
        let expected: Vec<&[u8]> = expected.iter().map(|it| it.as_bytes()).collect();
        if received != expected {
            self.add(name, &listed(&expected), &listed(&received));
        }
    }

    fn add(&mut self, what: &str, expected: &str, received: &str) {
        self.0
            .push(format!("{what}: expected {expected}, received {received}"));
    }

    fn into_result(self) -> Result<(), Self> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(self),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

impl Error for Difference {}

fn listed(lines: &[&[u8]]) -> String {
    match lines.is_empty() {
        true => "nothing".to_owned(),
        false => Vec::from_iter(lines.iter().copied().map(quoted)).join(" and "),
    }
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}
