mod judged;

use std::{fmt, time::Duration};

use secrecy::{ExposeSecret, SecretString};

pub(crate) use self::judged::{Judged, Question};

/// How an issuer is asked about its tokens (RFC 7662), and about which ones.
///
/// The client is one of ours at the issuer, not the one that a token was issued to. Its answer
/// is checked like a token: `aud`, `exp`, `nbf`, the client and the kind of token must please,
/// and every claim of the [`VerifiedToken`](crate::VerifiedToken) comes from what the issuer
/// signed or answered, never from a token that nobody could verify.
///
/// ```
/// use std::time::Duration;
/// use okta_verifier::{Introspect, Introspection, Issuer, Verifier};
///
/// let secret = "from the environment";
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// let asking = Introspection::new("0oa1service", secret)
///     .introspect(Introspect::Always)
///     .max_age(Duration::from_secs(10)); // a revoked token is refused 10 s later at most
/// assert!(Verifier::builder().issuer(issuer.clone().introspection(asking)).build().is_ok());
///
/// let nobody = Introspection::new("0oa1service", ""); // RFC 7662 §2.1: the endpoint wants to know who asks
/// assert!(Verifier::builder().issuer(issuer.introspection(nobody)).build().is_err());
/// ```
///
/// # When the issuer cannot be asked
///
/// The request is answered with 503 and `Retry-After`, never with 401: a client would throw a
/// good token away. So it is when the issuer refuses our own credentials, which is logged as an
/// error and shown by [`Verifier::health`](crate::Verifier::health). Tokens that need no question
/// are accepted all the while.
///
/// # Bounds
///
/// Answers are remembered for [`max_age`](Self::max_age), and not past `exp`; refusals for 5 s.
/// One token is one question, however many requests wait for it. New questions are asked 32 at
/// once and 16 a second at most, with [`max_in_flight`](Self::max_in_flight) under way. Tokens
/// that local checks accepted have such a budget of their own, and half of the places.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct Introspection {
    client: Client,
    secret_post: bool,
    endpoint: Option<String>,
    introspect: Option<Introspect>,
    signed_tokens_only: bool,
    max_age: Duration,
    max_in_flight: usize,
}

#[derive(Clone)]
enum Client {
    Secret {
        client_id: String,
        secret: SecretString,
    },
    PrivateKey {
        client_id: String,
        kid: Option<String>,
        pem: SecretString,
    },
    Unauthenticated {
        client_id: String,
    },
}

/// Which tokens an issuer is asked about. What local checks refuse is never asked about.
///
/// ```
/// use okta_verifier::{Introspect, Introspection};
///
/// let revocable = Introspection::new("0oa1service", "secret").introspect(Introspect::Always);
/// let opaque = Introspection::new("0oa1service", "secret").introspect(Introspect::Opaque);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Introspect {
    /// Tokens that cannot be decided here: encrypted ones (five parts), and ones whose key the
    /// issuer does not publish, once a fetch has shown that. Never one with a bad signature.
    /// The default of [`Issuer::okta`](crate::Issuer::okta).
    Undecidable,
    /// Also strings that are no JWT: neither three nor five parts with dots between. The default
    /// of [`Issuer::rfc9068`](crate::Issuer::rfc9068).
    Opaque,
    /// Every token, after the local checks: a revoked one is refused once the last answer is
    /// older than [`Introspection::max_age`]. Without the issuer no token is accepted for longer.
    Always,
}

/// For an issuer whose settings may have changed: both sides are ours.
impl PartialEq for Client {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Client {
    fn parts(&self) -> (&str, Option<&str>, Option<&str>, Option<&str>) {
        match self {
            Self::Secret { client_id, secret } => {
                (client_id, Some(secret.expose_secret()), None, None)
            }
            Self::PrivateKey {
                client_id,
                kid,
                pem,
            } => (client_id, None, kid.as_deref(), Some(pem.expose_secret())),
            Self::Unauthenticated { client_id } => (client_id, None, None, None),
        }
    }
}

impl Introspection {
    /// Asks as the client `client_id`, with its secret in the `Authorization` field
    /// (`client_secret_basic`, RFC 6749 §2.3.1).
    pub fn new(client_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::with(Client::Secret {
            client_id: client_id.into(),
            secret: SecretString::from(secret.into()),
        })
    }

    /// Asks with assertions signed by a private key (`private_key_jwt`, RFC 7523 §2.2): PKCS#8 in
    /// PEM, for RS256 or ES256. `kid` names it among the client's keys at the issuer.
    ///
    /// ```
    /// use okta_verifier::{Introspection, Issuer, Verifier};
    ///
    /// let asking = Introspection::private_key_jwt("0oa1service", Some("2026"), "no key");
    /// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let error = Verifier::builder().issuer(issuer.introspection(asking)).build().unwrap_err();
    /// assert!(error.to_string().contains("PKCS#8"));
    /// ```
    pub fn private_key_jwt(
        client_id: impl Into<String>,
        kid: Option<&str>,
        pkcs8_pem: impl Into<String>,
    ) -> Self {
        Self::with(Client::PrivateKey {
            client_id: client_id.into(),
            kid: kid.map(str::to_owned),
            pem: SecretString::from(pkcs8_pem.into()),
        })
    }

    /// Names the client and proves nothing. RFC 7662 §2.1 wants the endpoint to know who asks:
    /// without that anybody may try tokens there. For issuers that allow nothing else.
    pub fn without_client_authentication(client_id: impl Into<String>) -> Self {
        Self::with(Client::Unauthenticated {
            client_id: client_id.into(),
        })
    }

    fn with(client: Client) -> Self {
        Self {
            client,
            secret_post: false,
            endpoint: None,
            introspect: None,
            signed_tokens_only: false,
            max_age: DEFAULT_MAX_AGE,
            max_in_flight: DEFAULT_MAX_IN_FLIGHT,
        }
    }

    /// Sends the secret in the form (`client_secret_post`), for a client that is set up so.
    ///
    /// ```
    /// # use okta_verifier::{Introspection, Issuer, Verifier};
    /// # let okta = |url: &str| Issuer::okta(url, "api://default").any_client_id();
    /// # let build = |asking| Verifier::builder()
    /// #     .issuer(okta("https://acme.okta.com/oauth2/default").introspection(asking))
    /// #     .build();
    ///
    /// let asking = Introspection::new("0oa1service", "secret").client_secret_post();
    /// assert!(build(asking).is_ok());
    /// let nothing_to_post = Introspection::without_client_authentication("0oa1service").client_secret_post();
    /// assert!(build(nothing_to_post).is_err());
    /// ```
    pub fn client_secret_post(mut self) -> Self {
        self.secret_post = true;
        self
    }

    /// The endpoint, where the metadata does not name it, or names the wrong one. https, unless
    /// the issuer is on loopback. One of another origin than the issuer's is never taken from the
    /// metadata, whatever [`Issuer::allow_origin`](crate::Issuer::allow_origin) says: our
    /// credentials are sent there. It must be written here.
    ///
    /// ```
    /// # use okta_verifier::{Introspection, Issuer, Verifier};
    /// # let okta = |url: &str| Issuer::okta(url, "api://default").any_client_id();
    /// # let build = |asking| Verifier::builder()
    /// #     .issuer(okta("https://acme.okta.com/oauth2/default").introspection(asking))
    /// #     .build();
    ///
    /// let asking = || Introspection::new("0oa1service", "secret");
    /// assert!(build(asking().endpoint("https://inner.example.com/introspect")).is_ok());
    /// assert!(build(asking().endpoint("http://inner.example.com/introspect")).is_err()); // in the clear
    /// ```
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Which tokens the issuer is asked about.
    pub fn introspect(mut self, introspect: Introspect) -> Self {
        self.introspect = Some(introspect);
        self
    }

    /// Leaves opaque and encrypted tokens to another issuer. They do not name theirs, so of
    /// several issuers with introspection all but one must say this.
    ///
    /// ```
    /// # use okta_verifier::{Introspection, Issuer, Verifier};
    /// # let okta = |url: &str| Issuer::okta(url, "api://default").any_client_id();
    /// # let asking = || Introspection::new("0oa1service", "secret");
    /// let both = |second| Verifier::builder()
    ///     .issuer(okta("https://acme.okta.com/oauth2/default").introspection(asking()))
    ///     .issuer(okta("https://umbrella.okta.com/oauth2/default").introspection(second))
    ///     .build();
    /// assert!(both(asking()).is_err()); // whose is a token that says nothing?
    /// assert!(both(asking().signed_tokens_only()).is_ok());
    /// ```
    pub fn signed_tokens_only(mut self) -> Self {
        self.signed_tokens_only = true;
        self
    }

    /// How long an answer counts: how late a revocation is noticed. Default 60 s, at most 1 h;
    /// zero: the issuer is asked at every request. An answer without `exp` counts for 60 s at
    /// most.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// How many questions may be under way. Default 8, at most 32: an Okta organization has 75 in
    /// all, for everybody.
    ///
    /// ```
    /// # use okta_verifier::{Introspection, Issuer, Verifier};
    /// # let okta = |url: &str| Issuer::okta(url, "api://default").any_client_id();
    /// # let build = |asking| Verifier::builder()
    /// #     .issuer(okta("https://acme.okta.com/oauth2/default").introspection(asking))
    /// #     .build();
    ///
    /// let asking = || Introspection::new("0oa1service", "secret");
    /// assert!(build(asking().max_in_flight(4)).is_ok());
    /// assert!(build(asking().max_in_flight(33)).is_err());
    /// ```
    pub fn max_in_flight(mut self, questions: usize) -> Self {
        self.max_in_flight = questions;
        self
    }
}

/// Leaves the client and its secret out, and all of the endpoint but its origin: a query may hold
/// a secret too.
impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Introspection")
            .field("endpoint", &self.endpoint.as_deref().map(judged::origin_of))
            .field("introspect", &self.introspect)
            .field("max_age", &self.max_age)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(60);
const DEFAULT_MAX_IN_FLIGHT: usize = 8;
