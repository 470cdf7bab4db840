use std::{fmt, time::Duration};

use crate::{
    algorithm::{Algorithm, Algorithms},
    introspection::Introspection,
    keys::DEFAULT_STALE_IF_ERROR,
    snapshot::KeySnapshot,
    token::checks::Profile,
};

mod judged;
mod rules;

pub(crate) use judged::Judged;

/// Whose tokens are accepted, and which of them.
///
/// What must be checked must be said: the issuer and the audience are arguments, and client ids
/// are either named or waived with [`any_client_id`](Self::any_client_id). Settings are judged by
/// [`VerifierBuilder::build`](crate::VerifierBuilder::build).
///
/// ```
/// use okta_verifier::{Issuer, Verifier};
///
/// let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
/// assert!(Verifier::builder().issuer(issuer.clone()).build().is_err()); // which clients?
/// assert!(Verifier::builder().issuer(issuer.client_id("0oa1client")).build().is_ok());
/// ```
#[derive(Clone, PartialEq)]
pub struct Issuer {
    url: String,
    aliases: Vec<String>,
    audience: String,
    profile: Profile,
    client_ids: Vec<String>,
    any_client_id: bool,
    algorithms: Algorithms,
    leeway: Duration,
    groups_claim: String,
    origins: Vec<String>,
    keys: Option<String>,
    stale_if_error: Duration,
    key_snapshot: Option<KeySnapshot>,
    introspection: Option<Introspection>,
}

impl Issuer {
    /// An Okta custom authorization server: `https://{domain}/oauth2/{id}`, written as its
    /// metadata writes it. Tokens carry `cid` and `scp`; `typ` may be absent, `JWT` or `at+jwt`.
    ///
    /// `audience` is the one of the server's settings, `api://default` for the server `default`.
    #[must_use]
    pub fn okta(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Okta, url.into(), audience.into())
    }

    /// Any issuer of RFC 9068 access tokens: `typ` must be `at+jwt`, and `client_id`, `iat` and
    /// `jti` must be there.
    #[must_use]
    pub fn rfc9068(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::new(Profile::Rfc9068, url.into(), audience.into())
    }

    fn new(profile: Profile, url: String, audience: String) -> Self {
        Self {
            url,
            aliases: Vec::new(),
            audience,
            profile,
            client_ids: Vec::new(),
            any_client_id: false,
            algorithms: Algorithms::ALL,
            leeway: DEFAULT_LEEWAY,
            groups_claim: "groups".to_owned(),
            origins: Vec::new(),
            keys: None,
            stale_if_error: DEFAULT_STALE_IF_ERROR,
            key_snapshot: None,
            introspection: None,
        }
    }

    /// Accepts tokens issued to this client; call it once for each.
    #[must_use]
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_ids.push(client_id.into());
        self
    }

    /// Waives the check of the client: any client of the authorization server may call.
    #[must_use]
    pub fn any_client_id(mut self) -> Self {
        self.any_client_id = true;
        self
    }

    /// Narrows the algorithms. Default: every supported one, each key with its own.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = algorithms
            .into_iter()
            .fold(Algorithms::NONE, Algorithms::with);
        self
    }

    /// For clocks that differ: `exp`, `nbf` and `iat` may be off by this much. Default 60 s, at
    /// most 300 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The claim that lists groups. Default `groups`; the name is free at Okta.
    #[must_use]
    pub fn groups_claim(mut self, name: impl Into<String>) -> Self {
        self.groups_claim = name.into();
        self
    }

    /// Another `iss` of the same Okta authorization server: the same path under another domain of
    /// the org, such as a custom one beside `acme.okta.com`. Call it once for each.
    ///
    /// It shares the keys and is never asked for any. What it issues is the issuer's own:
    /// [`VerifiedToken::issuer`](crate::VerifiedToken::issuer) says the issuer's URL.
    #[must_use]
    pub fn also_known_as(mut self, url: impl Into<String>) -> Self {
        self.aliases.push(url.into());
        self
    }

    /// Lets the metadata name URLs of another origin, such as `https://keys.example.com`.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Pins the keys to a key set, given as JSON text (RFC 7517 §5): nothing is ever fetched,
    /// and a rotation needs a new verifier.
    #[must_use]
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.keys = Some(jwks.into());
        self
    }
}

impl Issuer {
    /// How long keys serve past their freshness while they cannot be fetched (RFC 5861 §4).
    /// Default 1 h, at most 24 h; zero: not at all.
    ///
    /// Trust in the keys of one good fetch ends after their freshness, 1 h at most, and this;
    /// then requests get 503. A longer time survives a longer outage of the issuer, and trusts a
    /// key that was withdrawn in it for as long.
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Begins with the keys of an earlier process, as old as they are.
    #[must_use]
    pub fn key_snapshot(mut self, snapshot: KeySnapshot) -> Self {
        self.key_snapshot = Some(snapshot);
        self
    }
}

impl Issuer {
    /// Asks the issuer about tokens that cannot be decided here, or about every one
    /// (RFC 7662): see [`Introspection`].
    #[must_use]
    pub fn introspection(mut self, introspection: Introspection) -> Self {
        self.introspection = Some(introspection);
        self
    }
}

/// Leaves pinned keys out: somebody may have pinned private ones by mistake.
impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url)
            .field("audience", &self.audience)
            .field("profile", &self.profile)
            .field("client_ids", &self.client_ids)
            .field("any_client_id", &self.any_client_id)
            .finish_non_exhaustive()
    }
}

const DEFAULT_LEEWAY: Duration = Duration::from_secs(60);
