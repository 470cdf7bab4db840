//! [`ClientAuthentication`]: how this service authenticates at the introspection endpoint.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::net::client_auth::{self, ClientAuth};

/// How this service authenticates at the introspection endpoint (RFC 7662 §2.1). The constructors are named
/// after the methods of RFC 7591 §2, except [`anonymous`](Self::anonymous). The client is this service, not
/// the client that a token was issued to.
///
/// ```
/// use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
///
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// let build = |client| {
///     let issuer = issuer.clone().introspection(Introspection::every_token(client));
///     Verifier::builder().issuer(issuer).build()
/// };
/// assert!(build(ClientAuthentication::client_secret_basic("0oa1service", "secret")).is_ok());
/// assert!(build(ClientAuthentication::client_secret_post("0oa1service", "secret")).is_ok());
/// assert!(build(ClientAuthentication::none("0oa1service")).is_ok());
///
/// assert!(build(ClientAuthentication::client_secret_basic("0oa1service", "")).is_err());
/// let error = build(ClientAuthentication::private_key_jwt("0oa1service", Some("2026"), "no key")).unwrap_err();
/// assert!(error.to_string().contains("PKCS#8"));
/// ```
#[derive(Clone)]
pub struct ClientAuthentication {
    client_id: String,
    method: Method,
}

#[derive(Clone)]
enum Method {
    SecretBasic(SecretString),
    SecretPost(SecretString),
    PrivateKey {
        kid: Option<String>,
        pem: SecretString,
    },
    None,
    Anonymous,
}

impl ClientAuthentication {
    /// Sends the client ID and its secret in the `Authorization` header (RFC 6749 §2.3.1).
    #[must_use]
    pub fn client_secret_basic(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::new(client_id, Method::SecretBasic(secret.into().into()))
    }

    /// Sends the client ID and its secret in the body of the request (RFC 6749 §2.3.1).
    #[must_use]
    pub fn client_secret_post(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::new(client_id, Method::SecretPost(secret.into().into()))
    }

    /// Sends an assertion that is signed with a private key (RFC 7523 §2.2). The key is PKCS#8 in PEM, for
    /// RS256 or ES256. `kid` is the ID under which the key is registered at the issuer.
    #[must_use]
    pub fn private_key_jwt(
        client_id: impl Into<String>,
        kid: Option<&str>,
        pkcs8_pem: impl Into<String>,
    ) -> Self {
        let kid = kid.map(str::to_owned);
        let pem = pkcs8_pem.into().into();
        Self::new(client_id, Method::PrivateKey { kid, pem })
    }

    /// Identifies the client without authenticating it. RFC 7662 §2.1 requires authentication, because
    /// otherwise anyone can test tokens at the endpoint. Use this only for issuers that support nothing
    /// else.
    #[must_use]
    pub fn none(client_id: impl Into<String>) -> Self {
        Self::new(client_id, Method::None)
    }

    /// Sends neither credentials nor a client ID, for an endpoint on an internal port such as the admin port
    /// of Ory Hydra. `build()` fails without [`Introspection::endpoint`](crate::introspection::Introspection::endpoint).
    ///
    /// RFC 7662 §2.1 requires that the endpoint is protected, because otherwise anyone can test tokens there.
    /// Without client authentication, the network must protect it: strangers must not reach the port.
    ///
    /// ```
    /// # use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    /// # let build = |introspection| Verifier::builder()
    /// #     .issuer(Issuer::rfc9068("https://hydra.acme.example/", "https://orders.example").any_client_id().introspection(introspection))
    /// #     .build();
    /// let introspection = || Introspection::opaque_tokens(ClientAuthentication::anonymous());
    /// assert!(build(introspection().endpoint("https://hydra.internal:4445/admin/oauth2/introspect")).is_ok());
    /// assert!(build(introspection()).is_err()); // which endpoint?
    /// ```
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("", Method::Anonymous)
    }

    fn new(client_id: impl Into<String>, method: Method) -> Self {
        Self {
            client_id: client_id.into(),
            method,
        }
    }

    /// Returns the ID of this service as a client. It is empty if requests are anonymous.
    #[cfg(feature = "explain")]
    pub(super) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns whether requests are sent without a client.
    pub(super) const fn is_anonymous(&self) -> bool {
        matches!(self.method, Method::Anonymous)
    }

    /// Validates the credentials. The error says what to change.
    pub(super) fn prepare(self) -> Result<ClientAuth, &'static str> {
        let Self { client_id, method } = self;
        if client_id.is_empty() && !matches!(method, Method::Anonymous) {
            return Err("the client ID is empty; write the ID of the client that introspects");
        }
        let secret = |secret: SecretString| match secret.expose_secret().is_empty() {
            true => {
                Err("the client secret is empty; write it, or use ClientAuthentication::none(..)")
            }
            false => Ok(secret),
        };
        Ok(match method {
            Method::SecretBasic(it) => ClientAuth::basic(&client_id, &secret(it)?),
            Method::SecretPost(it) => ClientAuth::Post {
                client_id,
                secret: secret(it)?,
            },
            Method::PrivateKey { kid, pem } => ClientAuth::PrivateKeyJwt {
                client_id,
                kid,
                key: Box::new(client_auth::private_key(&pem)?),
            },
            Method::None => ClientAuth::Public { client_id },
            Method::Anonymous => ClientAuth::Anonymous,
        })
    }
}

/// Compares settings, to find out whether they have changed. Both values are settings, so the comparison
/// need not take constant time.
impl PartialEq for ClientAuthentication {
    fn eq(&self, other: &Self) -> bool {
        let same =
            |one: &SecretString, other: &SecretString| one.expose_secret() == other.expose_secret();
        self.client_id == other.client_id
            && match (&self.method, &other.method) {
                (Method::SecretBasic(one), Method::SecretBasic(other))
                | (Method::SecretPost(one), Method::SecretPost(other)) => same(one, other),
                (
                    Method::PrivateKey { kid, pem },
                    Method::PrivateKey {
                        kid: other_kid,
                        pem: other_pem,
                    },
                ) => kid == other_kid && same(pem, other_pem),
                (Method::None, Method::None) | (Method::Anonymous, Method::Anonymous) => true,
                _ => false,
            }
    }
}

/// Shows only the method.
impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.method {
            Method::SecretBasic(_) => "client_secret_basic",
            Method::SecretPost(_) => "client_secret_post",
            Method::PrivateKey { .. } => "private_key_jwt",
            Method::None => "none",
            Method::Anonymous => "anonymous",
        })
    }
}
