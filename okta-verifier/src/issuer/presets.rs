//! Constructors of [`Issuer`] for known providers.
//!
//! Each one is a [`TokenProfile`] and what else is known of the provider. The guide "Choosing settings"
//! has a table of them, with what each accepts, and whether it was tried against a live server or against
//! tokens that were written after the provider's documentation.

use super::Issuer;
use crate::token::{
    profile::{Profile, Provider, TokenProfile},
    tenants::{PLACE, Tenants},
};
use std::sync::Arc;

/// Providers other than Okta.
impl Issuer {
    /// Configures an Auth0 tenant, such as `https://acme.eu.auth0.com/`. The URL ends with a slash, as every
    /// `iss` of Auth0 does, and `build()` rejects one without it. `audience` is the identifier of the API.
    ///
    /// Accepts the tokens of both profiles of Auth0: `typ` is `JWT` or `at+jwt`, the client is in `azp` or
    /// `client_id`, and `jti` may be absent. An ID token of Auth0 names no client and is rejected. The
    /// scopes are those of `scope`, which were granted to the client. `permissions` lists what the user may
    /// do at most; read it with [`Policy::claim`](crate::Policy::claim).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Policy, SubjectKind, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let auth0 = TestIssuer::auth0("https://orders.example"); // its issuer() is Issuer::auth0
    /// let verifier = Verifier::builder().issuer(auth0.issuer().any_client_id()).build()?;
    ///
    /// let jwt = auth0.token("auth0|ada").claim("permissions", ["orders:read"]).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.subject_kind(), SubjectKind::User);
    /// assert!(token.require(Policy::claim("permissions", "orders:read")).is_ok());
    ///
    /// let id_token = auth0.token("auth0|ada").without("azp").claim("nonce", "n").sign();
    /// assert_eq!(verifier.verify(&id_token).await.unwrap_err().code(), "not_an_access_token");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn auth0(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .accept_type("JWT")
            .client_claims(["azp", "client_id"])
            .allow_missing_token_id()
            .of_provider(Provider::Auth0);
        Self::custom(url, audience, profile)
    }

    /// Configures one tenant of Microsoft Entra ID, for tokens of version 2.0. `tenant_id` is the GUID of the
    /// tenant. `audience` is the client ID of the API's app registration.
    ///
    /// A token has the `typ` `JWT`, the `ver` `2.0`, the `tid` of the tenant, and names the client in `azp`,
    /// which ID tokens do not have. A key that is published for another tenant verifies no token. The app roles
    /// are the groups. Machines have roles and no scopes; they
    /// are recognized by the optional claim `idtyp`, which must be added to the app registration.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// use okta_verifier::{Issuer, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let audience = "00001111-aaaa-2222-bbbb-3333cccc4444";
    /// let entra = TestIssuer::entra_v2(audience);
    /// let verifier = Verifier::builder().issuer(entra.issuer().any_client_id()).build()?;
    ///
    /// let token = verifier.verify(&entra.token("ada").claim("roles", ["Orders.Read"]).sign()).await?;
    /// assert!(token.has_group("Orders.Read"));
    /// let id_token = entra.token("ada").without("azp").sign();
    /// assert_eq!(verifier.verify(&id_token).await.unwrap_err().code(), "missing_claim");
    ///
    /// let name = Issuer::entra_v2("acme.onmicrosoft.com", audience).any_client_id();
    /// assert!(Verifier::builder().issuer(name).build().is_err()); // not a GUID
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn entra_v2(tenant_id: impl AsRef<str>, audience: impl Into<String>) -> Self {
        let tenant = tenant_id.as_ref();
        let url = format!("https://login.microsoftonline.com/{tenant}/v2.0");
        Self::entra(url, audience, "2.0", "azp").of_tenant(tenant)
    }

    /// Configures one tenant of Microsoft Entra ID, for tokens of version 1.0, which an API gets unless its
    /// app registration says otherwise. `audience` is usually the application ID URI, such as
    /// `api://orders`.
    ///
    /// The issuer is `https://sts.windows.net/{tenant_id}/`. As [`entra_v2`](Self::entra_v2), but `ver` is
    /// `1.0`, and the client is in `appid`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let entra = TestIssuer::entra_v1("api://orders"); // its issuer() is Issuer::entra_v1
    /// let verifier = Verifier::builder().issuer(entra.issuer().client_id("portal")).build()?;
    /// let token = || entra.token("ada").client_id("portal").scope("orders.read"); // in `appid`
    /// assert_eq!(verifier.verify(&token().sign()).await?.client_id(), Some("portal"));
    /// let other_version = verifier.verify(&token().claim("ver", "2.0").sign()).await;
    /// assert_eq!(other_version.unwrap_err().code(), "not_an_access_token");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn entra_v1(tenant_id: impl AsRef<str>, audience: impl Into<String>) -> Self {
        let tenant = tenant_id.as_ref();
        let url = format!("https://sts.windows.net/{tenant}/");
        let metadata =
            format!("https://login.microsoftonline.com/{tenant}/.well-known/openid-configuration");
        Self::entra(url, audience, "1.0", "appid")
            .metadata_url(metadata)
            .of_tenant(tenant)
    }

    /// Configures several tenants of Microsoft Entra ID, for tokens of version 2.0, with one entry. The
    /// tenants are GUIDs.
    ///
    /// `iss` must name one of these tenants and contain the `tid` of the token. A key that is published for
    /// one tenant verifies only tokens of that tenant. [`VerifiedToken::issuer`] returns the `iss` of the
    /// token's tenant. The other rules are those of [`entra_v2`](Self::entra_v2).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let audience = "00001111-aaaa-2222-bbbb-3333cccc4444";
    /// # let entra = TestIssuer::entra_v2(audience);
    /// # let tenant = entra.issuer_url().split('/').nth(3).unwrap().to_owned();
    /// let verifier = |tenants: &[&str]| {
    ///     let issuer = Issuer::entra_tenants(tenants, audience).any_client_id();
    /// #   let issuer = issuer.keys(entra.jwks());
    ///     Verifier::builder().issuer(issuer).build()
    /// };
    /// let jwt = entra.token("ada").sign();
    /// let other = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    /// assert!(verifier(&[&tenant, other])?.verify(&jwt).await?.issuer().contains(&tenant));
    /// let refused = verifier(&[other])?.verify(&jwt).await.unwrap_err();
    /// assert_eq!(refused.code(), "unknown_issuer");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`VerifiedToken::issuer`]: crate::VerifiedToken::issuer
    #[must_use]
    pub fn entra_tenants<T: AsRef<str>>(
        tenant_ids: impl IntoIterator<Item = T>,
        audience: impl Into<String>,
    ) -> Self {
        let tenants = tenant_ids.into_iter().map(|it| it.as_ref().to_owned());
        Self::entra_of(Tenants::Listed(tenants.collect()), audience)
    }

    /// Configures every tenant of Microsoft Entra ID, for tokens of version 2.0. Anyone can create a tenant,
    /// so a valid token says nothing about the caller. The service must decide by the tenant and the subject,
    /// for example by [`VerifiedToken::issuer`](crate::VerifiedToken::issuer).
    ///
    /// The other rules are those of [`entra_tenants`](Self::entra_tenants).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let entra = TestIssuer::entra_v2("00001111-aaaa-2222-bbbb-3333cccc4444");
    /// let issuer = Issuer::entra_any_tenant("00001111-aaaa-2222-bbbb-3333cccc4444").any_client_id();
    /// # let issuer = issuer.keys(entra.jwks());
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    /// assert!(verifier.verify(&entra.token("ada").sign()).await.is_ok());
    /// let other_tid = entra.token("ada").claim("tid", "aaaabbbb-0000-cccc-1111-dddd2222eeee").sign();
    /// assert_eq!(verifier.verify(&other_tid).await.unwrap_err().code(), "invalid_claim");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn entra_any_tenant(audience: impl Into<String>) -> Self {
        Self::entra_of(Tenants::Any, audience)
    }

    fn entra_of(tenants: Tenants, audience: impl Into<String>) -> Self {
        let url = format!("https://login.microsoftonline.com/{PLACE}/v2.0");
        let metadata =
            "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";
        let issuer = Self::entra(url, audience, "2.0", "azp").metadata_url(metadata);
        Self {
            tenants: Some(tenants),
            ..issuer
        }
    }

    fn entra(url: String, audience: impl Into<String>, version: &str, client: &str) -> Self {
        let profile = TokenProfile::new()
            .accept_type("JWT")
            .client_claims([client])
            .require_claim("ver", [version])
            .allow_missing_token_id()
            .of_provider(Provider::Entra);
        Self::custom(url, audience, profile).groups_claim("roles")
    }

    /// Remembers the ID of the only tenant, so that `build()` can check its form.
    fn of_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Some(tenant.to_owned());
        self
    }

    /// Configures a realm of Keycloak, such as `https://keycloak.example/realms/acme`. `audience` is a client
    /// of the realm that stands for this API. Keycloak writes it into `aud` only if the caller's client has an
    /// audience mapper.
    ///
    /// A token has the `typ` `JWT` or `at+jwt`, a payload `typ` of `Bearer` or `DPoP`, and names the client in
    /// `azp`. ID, refresh and logout tokens are rejected. The realm roles are the groups; for the roles of a
    /// client, call [`groups_claim_path`](Self::groups_claim_path) or use
    /// [`Policy::claim_path`](crate::Policy::claim_path). A user's token without `sub` is rejected: the
    /// caller's client needs the scope `basic`. For lightweight tokens, call
    /// [`lightweight_tokens`](Self::lightweight_tokens).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use serde_json::json;
    /// use okta_verifier::{SubjectKind, Verifier};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keycloak = TestIssuer::keycloak("orders-api"); // its issuer() is Issuer::keycloak
    /// let verifier = Verifier::builder().issuer(keycloak.issuer().any_client_id()).build()?;
    ///
    /// let jwt = keycloak.token("ada").claim("realm_access", json!({ "roles": ["clerk"] })).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert!(token.has_group("clerk") && token.subject_kind() == SubjectKind::User);
    ///
    /// let id_token = keycloak.token("ada").claim("typ", "ID").sign();
    /// assert_eq!(verifier.verify(&id_token).await.unwrap_err().code(), "not_an_access_token");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keycloak(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .accept_type("JWT")
            .client_claims(["azp", "client_id"])
            .require_claim("typ", ["Bearer", "DPoP"])
            .of_provider(Provider::Keycloak);
        Self::custom(url, audience, profile).groups_claim_path(["realm_access", "roles"])
    }

    /// Accepts Keycloak's lightweight access tokens too, which are signed but leave out most claims: `aud`,
    /// the roles, and a user's `sub`. Needs [`introspection`](Self::introspection).
    ///
    /// Such a token is introspected at every request, with the cache of
    /// [`Introspection`](crate::introspection::Introspection), after its signature, its dates and its client
    /// were checked. `aud`, `sub`, the scopes and the roles are then those of the response. If the token has
    /// an `aud`, it must name this API, and the response cannot widen it. A token whose key is unknown is not
    /// sent to the issuer.
    ///
    /// Without an `aud` in the token, a narrowing by token exchange is lost, because Keycloak computes the
    /// response's `aud` from the client's mappers. Set `lightweight.claim` on the audience mapper, so that
    /// the token has its `aud`.
    ///
    /// ```
    /// use okta_verifier::{Issuer, Verifier, introspection::{ClientAuthentication, Introspection}};
    ///
    /// let client = ClientAuthentication::client_secret_basic("orders-api", "secret");
    /// let issuer = Issuer::keycloak("https://keycloak.example/realms/acme", "orders-api").any_client_id();
    /// let issuer = issuer.lightweight_tokens();
    /// assert!(Verifier::builder().issuer(issuer.clone()).build().is_err()); // who states the audience?
    /// let issuer = issuer.introspection(Introspection::on_demand(client));
    /// assert!(Verifier::builder().issuer(issuer).build().is_ok());
    /// ```
    #[must_use]
    pub fn lightweight_tokens(mut self) -> Self {
        self.lightweight_tokens = true;
        self
    }

    /// Configures a user pool of Amazon Cognito, such as
    /// `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI`.
    ///
    /// Cognito's access tokens have no `aud`, unless the pool binds them to a resource. The app clients must
    /// therefore be listed with [`client_id`](Self::client_id). If a token has an `aud`, it must contain one of
    /// [`audience`](Self::audience). `token_use` must be `access`. `cognito:groups` are the groups.
    ///
    /// ```
    /// # use okta_verifier_testing::{CLIENT_ID, TestIssuer};
    /// use okta_verifier::Verifier;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cognito = TestIssuer::cognito(); // its issuer() is Issuer::cognito
    /// let verifier = Verifier::builder().issuer(cognito.issuer().client_id(CLIENT_ID)).build()?;
    ///
    /// let jwt = cognito.token("ada").claim("cognito:groups", ["clerks"]).sign();
    /// assert!(verifier.verify(&jwt).await?.has_group("clerks"));
    /// let id_token = cognito.token("ada").claim("token_use", "id").sign();
    /// assert_eq!(verifier.verify(&id_token).await.unwrap_err().code(), "not_an_access_token");
    /// let bound = cognito.token("ada").claim("aud", "https://other.example").sign();
    /// assert_eq!(verifier.verify(&bound).await.unwrap_err().code(), "wrong_audience");
    ///
    /// let any = cognito.issuer().any_client_id();
    /// assert!(Verifier::builder().issuer(any).build().is_err()); // which clients?
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cognito(url: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .accept_missing_type()
            .require_claim("token_use", ["access"])
            .allow_missing_audience()
            .of_provider(Provider::Cognito);
        Self::new(Profile::Custom(Arc::new(profile)), url.into(), Vec::new())
            .groups_claim("cognito:groups")
    }

    /// Configures Ory Hydra with the access token strategy `jwt`. The issuer has a slash at its end, as in
    /// its metadata. A client must request the audience; otherwise `aud` is empty, and the token is rejected.
    ///
    /// A token has the `typ` `JWT` and `client_id`. For introspection, write the endpoint of the admin port
    /// ([`Introspection::endpoint`](crate::introspection::Introspection::endpoint)), because the metadata
    /// does not name it.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let hydra = TestIssuer::hydra("https://orders.example"); // its issuer() is Issuer::hydra
    /// let verifier = Verifier::builder().issuer(hydra.issuer().any_client_id()).build()?;
    /// let machine = hydra.token("").service().scope("orders.read").sign();
    /// assert!(verifier.verify(&machine).await?.has_scope("orders.read"));
    /// let not_requested = hydra.token("ada").claim("aud", [""; 0]).sign();
    /// assert_eq!(verifier.verify(&not_requested).await.unwrap_err().code(), "invalid_claim");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn hydra(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::custom(url, audience, TokenProfile::new().accept_type("JWT"))
    }

    /// Configures Duende IdentityServer. `typ` is `at+jwt`; tokens of machines have no `sub`, so their client
    /// ID is the subject. `audience` is the name of the `ApiResource`, without which a token has no `aud`
    /// and is rejected.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let duende = TestIssuer::duende("orders"); // its issuer() is Issuer::duende
    /// let verifier = Verifier::builder().issuer(duende.issuer().any_client_id()).build()?;
    /// let machine = duende.token("").service().client_id("batch").sign();
    /// assert_eq!(verifier.verify(&machine).await?.subject(), "batch");
    /// let user = duende.token("ada").without("sub").sign();
    /// assert_eq!(verifier.verify(&user).await.unwrap_err().code(), "missing_claim");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn duende(url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self::custom(url, audience, TokenProfile::new().allow_missing_subject())
    }

    /// Configures WSO2 Identity Server 7. `typ` is `at+jwt`, and the client is in `client_id` and `azp`.
    /// `aut` says whether the token stands for a user or an application. By default `aud` is the caller's
    /// client ID, so configure an audience for the API there.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let wso2 = TestIssuer::wso2("https://orders.example"); // its issuer() is Issuer::wso2
    /// let verifier = Verifier::builder().issuer(wso2.issuer().client_id("portal")).build()?;
    /// let token = || wso2.token("ada").client_id("portal");
    /// assert!(verifier.verify(&token().sign()).await.is_ok());
    /// let for_the_client = verifier.verify(&token().audience("portal").sign()).await;
    /// assert_eq!(for_the_client.unwrap_err().code(), "wrong_audience");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn wso2(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .client_claims(["client_id", "azp"])
            .of_provider(Provider::Wso2);
        Self::custom(url, audience, profile)
    }

    /// Configures an environment of PingOne, such as `https://auth.pingone.eu/{environment}/as`. `typ` may be
    /// absent. Tokens of machines have no `sub`, so their client ID is the subject.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pingone = TestIssuer::pingone("https://orders.example"); // its issuer() is Issuer::pingone
    /// let verifier = Verifier::builder().issuer(pingone.issuer().any_client_id()).build()?;
    /// let machine = pingone.token("").service().client_id("batch").sign();
    /// assert_eq!(verifier.verify(&machine).await?.subject(), "batch");
    /// let id_token = pingone.token("ada").id_token().audience("https://orders.example").sign();
    /// assert!(verifier.verify(&id_token).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pingone(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .accept_missing_type()
            .allow_missing_subject();
        Self::custom(url, audience, profile)
    }

    /// Configures a Zitadel instance. `typ` may be absent or `JWT`. `audience` is the ID of the project or of
    /// the API's application.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let zitadel = TestIssuer::zitadel("269120303940567042"); // its issuer() is Issuer::zitadel
    /// let verifier = Verifier::builder().issuer(zitadel.issuer().any_client_id()).build()?;
    /// assert!(verifier.verify(&zitadel.token("ada").sign()).await.is_ok());
    /// let id_token = zitadel.token("ada").id_token().sign(); // its `aud` has the project too
    /// assert!(verifier.verify(&id_token).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn zitadel(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new().accept_missing_type().accept_type("JWT");
        Self::custom(url, audience, profile)
    }

    /// Accepts Google's ID tokens for this audience from the listed callers, for service accounts of Google
    /// Cloud that call this API. Each caller is an `email`, which must be verified, or a `sub`.
    ///
    /// These are identity tokens and not access tokens: anyone can get one for any audience, so only listed
    /// callers are accepted. They name no client that could be listed; call
    /// [`any_client_id`](Self::any_client_id).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let robot = "robot@acme.iam.gserviceaccount.com";
    /// # let google = TestIssuer::google("https://orders.example");
    /// let issuer = Issuer::google_identity_tokens("https://orders.example", [robot]).any_client_id();
    /// # let issuer = issuer.keys(google.jwks());
    /// let verifier = Verifier::builder().issuer(issuer).build()?;
    ///
    /// assert!(verifier.verify(&google.token(robot).sign()).await.is_ok());
    /// let other = google.token("eve@example.com").sign();
    /// assert_eq!(verifier.verify(&other).await.unwrap_err().code(), "client_not_allowed");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn google_identity_tokens<C: Into<String>>(
        audience: impl Into<String>,
        callers: impl IntoIterator<Item = C>,
    ) -> Self {
        let callers = callers.into_iter().map(Into::into).collect();
        let profile = TokenProfile::new()
            .accept_type("JWT")
            .client_claims(["azp"])
            .allow_missing_token_id()
            .of_provider(Provider::Google(callers));
        Self::custom("https://accounts.google.com", audience, profile)
    }

    /// Accepts the tokens of a cluster's service accounts that were requested for this audience. The URL is
    /// the `issuer` that the cluster's `/.well-known/openid-configuration` names. Inside the cluster, set
    /// [`jwks_uri`](Self::jwks_uri), and the cluster's CA with
    /// [`VerifierBuilder::http_client_builder`](crate::VerifierBuilder::http_client_builder).
    ///
    /// These are identity tokens: every pod can get one for any audience, so let a policy decide by the
    /// subject, `system:serviceaccount:{namespace}:{name}`. They name no client; call
    /// [`any_client_id`](Self::any_client_id).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let kubernetes = TestIssuer::kubernetes("https://orders.example");
    /// let issuer = kubernetes.issuer(); // Issuer::kubernetes_identity_tokens
    /// let verifier = Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// let billing = "system:serviceaccount:shop:billing";
    /// assert_eq!(verifier.verify(&kubernetes.token(billing).sign()).await?.subject(), billing);
    /// let node = kubernetes.token("system:node:node-1").sign();
    /// assert_eq!(verifier.verify(&node).await.unwrap_err().code(), "client_not_allowed");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn kubernetes_identity_tokens(url: impl Into<String>, audience: impl Into<String>) -> Self {
        let profile = TokenProfile::new()
            .accept_missing_type()
            .client_claims([""; 0])
            .allow_missing_token_id()
            .of_provider(Provider::Kubernetes);
        Self::custom(url, audience, profile)
    }

    /// Accepts the identity tokens of GitHub Actions for this audience, from workflows of the listed owners
    /// (`acme`) and repositories (`acme/orders`).
    ///
    /// Anyone with an account can get such a token for any audience, so only listed owners and repositories
    /// are accepted. The names are compared exactly. They name no client; call
    /// [`any_client_id`](Self::any_client_id). `sub` says which branch or environment the workflow ran for.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let github = TestIssuer::github_actions("https://orders.example");
    /// let issuer = Issuer::github_actions_identity_tokens("https://orders.example", ["acme"]);
    /// # let issuer = issuer.keys(github.jwks());
    /// let verifier = Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// let deploy = github.token("repo:acme/orders:ref:refs/heads/main"); // of the owner acme
    /// assert!(verifier.verify(&deploy.clone().sign()).await.is_ok());
    /// let stranger = deploy.claim("repository", "eve/orders").claim("repository_owner", "eve").sign();
    /// assert_eq!(verifier.verify(&stranger).await.unwrap_err().code(), "client_not_allowed");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn github_actions_identity_tokens<R: Into<String>>(
        audience: impl Into<String>,
        owners_and_repositories: impl IntoIterator<Item = R>,
    ) -> Self {
        let allowed = owners_and_repositories.into_iter().map(Into::into);
        let profile = TokenProfile::new()
            .accept_type("JWT")
            .client_claims([""; 0])
            .of_provider(Provider::GitHubActions(allowed.collect()));
        let url = "https://token.actions.githubusercontent.com";
        Self::custom(url, audience, profile)
    }

    /// Accepts the tokens of Cloudflare Access for one application. The URL is that of the team, such as
    /// `https://acme.cloudflareaccess.com`, and `audience` is the application's audience tag.
    ///
    /// Cloudflare sends the token in `Cf-Access-Jwt-Assertion`; the page "Tokens in other places" of the
    /// cookbook shows how to move it. A service token has no `sub`, so its `common_name` is the subject.
    /// Users have no client; call [`any_client_id`](Self::any_client_id).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let access = TestIssuer::cloudflare_access("32eafc7626e737692ce0a93ecf7a5e2a");
    /// let issuer = access.issuer(); // Issuer::cloudflare_access_identity_tokens
    /// let verifier = Verifier::builder().issuer(issuer.any_client_id()).build()?;
    /// let service = access.token("").service().client_id("e367826f93b8.access").sign();
    /// assert_eq!(verifier.verify(&service).await?.subject(), "e367826f93b8.access");
    /// let of_the_team = access.token("ada").claim("type", "org").sign();
    /// assert_eq!(verifier.verify(&of_the_team).await.unwrap_err().code(), "not_an_access_token");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cloudflare_access_identity_tokens(
        url: impl Into<String>,
        audience: impl Into<String>,
    ) -> Self {
        let url = url.into();
        let keys = format!("{}/cdn-cgi/access/certs", url.trim_end_matches('/'));
        let profile = TokenProfile::new()
            .accept_missing_type()
            .accept_type("JWT")
            .client_claims(["common_name"])
            .require_claim("type", ["app"])
            .allow_missing_token_id()
            .allow_missing_subject()
            .of_provider(Provider::CloudflareAccess);
        Self {
            provider_jwks_uri: Some(keys),
            ..Self::custom(url, audience, profile)
        }
    }
}
