//! `Issuers`: the issuers that the API under test trusts, and their tokens.

use std::{collections::HashMap, fmt, time::Duration};

#[cfg(feature = "server")]
use okta_verifier::introspection::{ClientAuthentication, Introspection};
use okta_verifier::{Algorithm, Issuer, Resource, Verifier, dpop::DpopSettings};

use super::{Case, odd_keys};
use crate::{CLIENT_ID, TestIssuer, TokenBuilder, token::Provider};

/// The issuers that the API under test trusts, and the tokens that they sign.
///
/// [`Issuers::new`] and [`Issuers::bound`] create the four issuers of this table. The keys of the
/// last issuer are unavailable. The other issuers have pinned keys. `Issuers::asking` creates other
/// issuers.
///
/// | issuer | profile | clients | keys |
/// |---|---|---|---|
/// | `https://okta.test/oauth2/default` | Okta | `0oatest` | pinned, valid ones mixed with unusual ones |
/// | `https://okta.test/oauth2/tenant-b` | Okta | any | pinned |
/// | `https://issuer.test` | RFC 9068 | any | pinned |
/// | `http://127.0.0.1:1/oauth2/default` | Okta | any | unavailable: no server listens there |
///
/// The audience is `api://conformance`. Clones share the keys.
///
/// ```
/// use okta_verifier_testing::conformance::{self, Issuers};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let issuers = Issuers::new();
/// let verifier = issuers.verifier();
///
/// let cases = conformance::cases();
/// let request = |name: &str| cases.iter().find(|case| case.name() == name).unwrap().request(&issuers);
/// let credentials = request("credentials: a valid token => 200");
/// let credentials = okta_verifier::adapter::RequestCredentials::new(credentials.authorization());
/// assert!(verifier.authenticate(&credentials).await.is_ok());
///
/// let credentials = request("malformed credentials: the same line twice => 400 invalid_request");
/// let credentials = okta_verifier::adapter::RequestCredentials::new(credentials.authorization());
/// assert_eq!(verifier.authenticate(&credentials).await.unwrap_err().status(), 400);
/// # }
/// ```
#[derive(Clone)]
pub struct Issuers {
    trusted: Vec<Issuer>,
    tokens: HashMap<Source, TokenBuilder>,
    terms: Terms,
    table: fn() -> Vec<Case>,
    knows_bindings: bool,
    has_resources: bool,
}

/// The issuer that signs a case's token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Source {
    /// The case has no token.
    None,
    /// The first issuer, or the `MockOkta` in a test of the user's own API.
    Okta,
    TenantB,
    Rfc9068,
    /// The issuer whose keys are unavailable.
    Silent,
    /// The first issuer, which signs with the unusual key of this name (see `odd_keys`).
    Odd(&'static str),
    /// The issuer of this provider.
    Of(Provider),
    /// The first issuer, with an opaque token.
    #[cfg(feature = "server")]
    Opaque,
    /// The first issuer, with a refresh token.
    #[cfg(feature = "server")]
    Refresh,
}

/// The requirements and the realm of the API. The defaults are those of the table.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// The `iss` of the first issuer.
    pub(super) issuer: String,
    pub(super) scope: String,
    pub(super) group: String,
    pub(super) realm: String,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            issuer: OKTA.to_owned(),
            scope: "orders:read".to_owned(),
            group: "Admins".to_owned(),
            realm: "api".to_owned(),
        }
    }
}

impl Issuers {
    /// Creates the issuers with new keys.
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "generating keys should be explicit"
    )]
    pub fn new() -> Self {
        let okta = TestIssuer::new(AUDIENCE).at(OKTA);
        let tenant_b = TestIssuer::new(AUDIENCE).at("https://okta.test/oauth2/tenant-b");
        let rfc9068 = TestIssuer::rfc9068(AUDIENCE);
        let silent = TestIssuer::new(AUDIENCE).at(SILENT);
        let (jwks, odd) = odd_keys::among(&okta.jwks(), OKTA, AUDIENCE);
        let trusted = vec![
            okta.issuer().client_id(CLIENT_ID).keys(jwks),
            tenant_b.issuer().any_client_id(),
            rfc9068.issuer().any_client_id(),
            Issuer::okta(SILENT, AUDIENCE).any_client_id(),
        ];
        let mut tokens: HashMap<_, _> = odd.into_iter().collect();
        tokens.extend([
            (Source::Okta, token(&okta)),
            (Source::TenantB, token(&tenant_b)),
            (Source::Rfc9068, token(&rfc9068)),
            (Source::Silent, token(&silent)),
        ]);
        Self {
            trusted,
            tokens,
            terms: Terms::default(),
            table: super::cases,
            knows_bindings: false,
            has_resources: false,
        }
    }

    /// Creates the issuers of the second table, with [bound tokens](super::bound_cases). Every token of the
    /// second issuer must be bound to a key. The external
    /// URL of the API under test is `https://api.example.com`. This API accepts DPoP, and trusts
    /// `Client-Cert` from peers on loopback, so the adapter must pass each peer's address to the
    /// verifier.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::Issuers;
    ///
    /// let issuers = Issuers::bound();
    /// assert!(issuers.cases().iter().any(|case| case.name() == "DPoP: a replayed request => 401 invalid_dpop_proof"));
    /// ```
    #[must_use]
    pub fn bound() -> Self {
        let mut issuers = Self::new();
        issuers.trusted = (issuers.trusted.into_iter().enumerate())
            .map(|(place, issuer)| match place {
                TENANT_B => issuer.require_dpop(),
                _ => issuer,
            })
            .collect();
        Self {
            table: super::bound_cases,
            knows_bindings: true,
            ..issuers
        }
    }

    /// Creates the issuers of the table of providers, with [tokens as each provider writes
    /// them](super::provider_cases): the Okta issuer of the first table, and one issuer for each constructor
    /// of [`TestIssuer`] that is named after a provider. All keys are pinned. Like [`bound`](Self::bound),
    /// the API under test accepts DPoP.
    ///
    /// ```
    /// use okta_verifier::adapter::RequestCredentials;
    /// use okta_verifier_testing::conformance::Issuers;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let issuers = Issuers::providers();
    /// let verifier = issuers.verifier();
    /// let cases = issuers.cases();
    /// let status = async |name: &str| {
    ///     let request = cases.iter().find(|case| case.name() == name).unwrap().request(&issuers);
    ///     let credentials = RequestCredentials::new(request.authorization());
    ///     verifier.authenticate(&credentials).await.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    /// };
    /// assert_eq!(status("Keycloak: a token of a user => 200").await, 200);
    /// assert_eq!(status("Keycloak: an ID token for the audience => 401 invalid_token").await, 401);
    /// # }
    /// ```
    #[must_use]
    pub fn providers() -> Self {
        let okta = TestIssuer::new(AUDIENCE).at(OKTA);
        let mut trusted = vec![okta.issuer().client_id(CLIENT_ID)];
        let mut tokens = HashMap::from([(Source::Okta, token(&okta))]);
        for provider in Provider::ALL {
            let issuer = TestIssuer::of(provider, AUDIENCE);
            trusted.push(match provider {
                // Without `aud`, the client stands for the audience.
                Provider::Cognito => issuer.issuer().client_id(CLIENT_ID).audience(AUDIENCE),
                _ => issuer.issuer().any_client_id(),
            });
            let user = issuer.token(provider.example_subject());
            tokens.insert(Source::Of(provider), user.algorithm(Algorithm::ES256));
        }
        Self {
            trusted,
            tokens,
            terms: Terms::default(),
            table: super::provider_cases,
            knows_bindings: true,
            has_resources: false,
        }
    }

    /// Creates the issuers of the table of [protected resources](super::resource_cases), which accept the audiences of
    /// two resources. Like [`bound`](Self::bound), the API under test accepts DPoP.
    ///
    /// ```
    /// use okta_verifier_testing::conformance::Issuers;
    ///
    /// let issuers = Issuers::resources();
    /// assert_eq!(issuers.verifier().resource_metadata_paths().count(), 2);
    /// assert_eq!(Issuers::bound().verifier().resource_metadata_paths().count(), 0);
    /// ```
    #[must_use]
    pub fn resources() -> Self {
        let issuers = Self::new();
        let of_resources = |issuer: Issuer| issuer.audience(FILES).audience(MAIL);
        Self {
            trusted: issuers.trusted.into_iter().map(of_resources).collect(),
            table: super::resource_cases,
            knows_bindings: true,
            has_resources: true,
            ..issuers
        }
    }

    /// Creates the issuers of the third table, with [tokens that require
    /// introspection](super::asked_cases): `okta`, whose tokens are all introspected, and an issuer
    /// whose introspection endpoint is unavailable. Sets the audience of `okta`.
    ///
    /// ```
    /// use okta_verifier::adapter::RequestCredentials;
    /// use okta_verifier_testing::{MockOkta, conformance::Issuers};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let okta = MockOkta::start().await;
    /// let issuers = Issuers::asking(&okta);
    /// let verifier = issuers.verifier();
    /// let cases = issuers.cases();
    /// let revoked = cases.iter().find(|case| case.name() == "introspection: a revoked JWT => 401 invalid_token").unwrap();
    /// let request = revoked.request(&issuers);
    /// let credentials = RequestCredentials::new(request.authorization());
    /// assert_eq!(verifier.authenticate(&credentials).await.unwrap_err().status(), 401);
    /// # }
    /// ```
    #[cfg(feature = "server")]
    #[must_use]
    pub fn asking(okta: &crate::MockOkta) -> Self {
        okta.set_audience(AUDIENCE);
        let silent = TestIssuer::new(AUDIENCE).at(SILENT);
        let asking = || {
            let client = ClientAuthentication::client_secret_basic(CLIENT_ID, crate::CLIENT_SECRET);
            Introspection::every_token(client)
        };
        let unavailable = asking().signed_tokens_only();
        let unavailable = unavailable.endpoint(format!("{SILENT}/v1/introspect"));
        let trusted = vec![
            okta.issuer(AUDIENCE)
                .client_id(CLIENT_ID)
                .introspection(asking().encrypted_tokens()),
            silent.issuer().any_client_id().introspection(unavailable),
        ];
        let tokens = [
            (
                Source::Okta,
                okta.token(SUBJECT).algorithm(Algorithm::ES256),
            ),
            (Source::Opaque, okta.opaque_token(SUBJECT)),
            (Source::Refresh, okta.refresh_token(SUBJECT)),
            (Source::Silent, token(&silent)),
        ];
        Self {
            trusted,
            tokens: tokens.into(),
            terms: Terms {
                issuer: okta.issuer_url().to_owned(),
                ..Terms::default()
            },
            table: super::asked_cases,
            knows_bindings: false,
            has_resources: false,
        }
    }

    /// Creates the issuers of an API that trusts only `okta`, and fetches its keys. All tokens that a case does not
    /// sign otherwise are signed with RS256, as Okta signs them, so `okta` may publish that key only. Sets the audience
    /// of `okta`.
    ///
    /// [`cases`](Self::cases) returns those of the [first table](super::cases) that need no other issuer.
    ///
    /// ```
    /// use okta_verifier::adapter::RequestCredentials;
    /// use okta_verifier_testing::{MockOkta, conformance::Issuers};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let okta = MockOkta::start().await;
    /// let issuers = Issuers::fetching(&okta);
    /// let verifier = issuers.verifier();
    /// let cases = issuers.cases();
    /// let status = async |name: &str| {
    ///     let request = cases.iter().find(|case| case.name() == name).unwrap().request(&issuers);
    ///     let credentials = RequestCredentials::new(request.authorization());
    ///     verifier.authenticate(&credentials).await.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
    /// };
    /// assert_eq!(status("credentials: a valid token => 200").await, 200);
    /// assert_eq!(status("dates: an expired token => 401 invalid_token").await, 401);
    /// assert_eq!(okta.hits().keys, 1);
    /// # }
    /// ```
    #[cfg(feature = "server")]
    #[must_use]
    pub fn fetching(okta: &crate::MockOkta) -> Self {
        okta.set_audience(AUDIENCE);
        let terms = Terms {
            issuer: okta.issuer_url().to_owned(),
            ..Terms::default()
        };
        Self {
            trusted: vec![okta.issuer(AUDIENCE).client_id(CLIENT_ID)],
            tokens: HashMap::from([(Source::Okta, okta.token(SUBJECT))]),
            terms,
            table: super::table::cases_of_one_issuer,
            knows_bindings: false,
            has_resources: false,
        }
    }

    /// Returns the cases that an API over [these issuers](Self::verifier) must pass.
    #[must_use]
    pub fn cases(&self) -> Vec<Case> {
        (self.table)()
    }

    /// Builds a verifier that trusts these issuers and has a short fetch timeout. Each call returns a
    /// new verifier with a new back-off, because the `Retry-After` of a 503 depends on the back-off.
    ///
    /// # Panics
    ///
    /// Never panics: the settings are valid.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let builder = Verifier::builder().fetch_timeout(Duration::from_millis(200));
        let builder = match self.knows_bindings {
            true => builder
                .dpop(DpopSettings::base_url(BASE_URL))
                .client_certificates()
                .trusted_proxies(["127.0.0.0/8"])
                .client_cert_header("Client-Cert"),
            false => builder,
        };
        let builder = match self.has_resources {
            true => builder
                .resource(Resource::new(FILES))
                .resource(Resource::new(MAIL)),
            false => builder,
        };
        let trusted = self.trusted.iter().cloned();
        trusted
            .fold(builder, okta_verifier::VerifierBuilder::issuer)
            .build()
            .expect("the settings are valid")
    }

    /// Creates the issuers for a test of the user's own API, which trusts only `okta` and has other
    /// settings than the API of the table.
    #[cfg(feature = "server")]
    pub(super) fn of_mock(okta: &crate::MockOkta, terms: Terms) -> Self {
        let token = okta.token(SUBJECT).algorithm(Algorithm::ES256);
        Self {
            trusted: Vec::new(),
            tokens: HashMap::from([(Source::Okta, token)]),
            terms,
            table: super::cases,
            knows_bindings: false,
            has_resources: false,
        }
    }

    pub(super) fn token(&self, source: Source) -> Option<TokenBuilder> {
        self.tokens.get(&source).cloned()
    }

    #[cfg(feature = "server")]
    pub(super) fn has_resources(&self) -> bool {
        self.has_resources
    }

    pub(super) fn terms(&self) -> &Terms {
        &self.terms
    }
}

/// Returns a token signed with ES256, which takes a tenth of the time of RSA. A case that depends on
/// the algorithm sets another one.
fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token(SUBJECT).algorithm(Algorithm::ES256)
}

/// Omits the keys.
impl fmt::Debug for Issuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuers")
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

/// The external URL of the API of the table of bound tokens.
pub(super) const BASE_URL: &str = "https://api.example.com";
/// The resources of the table of protected resources.
pub(super) const FILES: &str = "https://api.example.com/files";
pub(super) const MAIL: &str = "https://api.example.com/mail";
pub(super) const SUBJECT: &str = "ada";
pub(super) const AUDIENCE: &str = "api://conformance";
/// The place of the second issuer in the list.
const TENANT_B: usize = 1;
const OKTA: &str = "https://okta.test/oauth2/default";
/// No server listens on port 1, so connections are refused at once.
const SILENT: &str = "http://127.0.0.1:1/oauth2/default";
