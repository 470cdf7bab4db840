//! [`Policy`] and [`OwnedPolicy`]: what a route requires of a valid token, as constants in code or as data from
//! a file. Policies are evaluated without I/O.

mod alternatives;
mod evaluate;
mod owned;
mod rule;

use crate::{
    http::{Anonymous, Rejection},
    token::{SubjectKind, json},
    verified_token::VerifiedToken,
};
pub use evaluate::AsPolicy;
#[cfg(feature = "mcp")]
pub(crate) use evaluate::{forbid, require_all};
pub use owned::OwnedPolicy;
use rule::{Constant, Rule};
use std::{fmt, time::Duration};

/// A rule that a [`VerifiedToken`] must meet. A policy is `'static` and `Copy` and can be a `const`, so
/// that it can be declared beside its route. An [`OwnedPolicy`] has the same rules, and is read from data.
///
/// If a binding (RFC 9449 §7.1), other scopes (RFC 6750 §3.1) or a new authentication of the user (RFC 9470 §3)
/// would make the token meet the policy, the rejection names what is required: a bound token if the token is
/// not bound, and otherwise all scopes and the authentication. For each [`any`](Self::any), the
/// rejection names what one alternative requires: the first alternative that the token already meets, or else
/// the first that fits the other rules and that the token could meet with a binding, other scopes or a new
/// authentication. This choice is final, even if it rules out every alternative of a later `any`. If none of
/// them would help, the rejection is a 403 without a challenge.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Policy, Verifier};
/// const READ: Policy = Policy::any(&[Policy::scope("orders:read"), Policy::group("Admins")]);
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
///
/// let admin = verifier.verify(&okta.token("ada").group("Admins").sign()).await.unwrap();
/// assert!(admin.require(READ).is_ok());
///
/// let other = verifier.verify(&okta.token("bob").sign()).await.unwrap();
/// assert_eq!(other.require(READ).unwrap_err().status(), 403);
/// # }
/// ```
///
/// A malformed scope in a const does not compile:
///
/// ```compile_fail
/// const READ: okta_verifier::Policy = okta_verifier::Policy::scope("orders read");
/// ```
#[derive(Clone, Copy)]
pub struct Policy(Rule<Constant>);

impl Policy {
    /// Accepts any valid token.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let token = verifier.verify(&okta.token("ada").sign()).await?;
    /// assert!(token.require(Policy::any_token()).is_ok());
    /// assert!(token.require(Policy::scope("orders:read")).is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn any_token() -> Self {
        Self(Rule::AnyToken)
    }

    /// Requires a scope.
    ///
    /// # Panics
    ///
    /// Panics if `scope` is not one scope token (RFC 6749 §3.3). In a const, this is a compile error.
    #[must_use]
    pub const fn scope(scope: &'static str) -> Self {
        expect(rule::check_scope(scope));
        Self(Rule::Scope(scope))
    }

    /// Requires that the subject is in the group. The name is compared exactly.
    ///
    /// # Panics
    ///
    /// Panics if `group` is empty. In a const, this is a compile error.
    #[must_use]
    pub const fn group(group: &'static str) -> Self {
        expect(rule::check_group(group));
        Self(Rule::Group(group))
    }

    /// Requires that the top-level claim `name` equals `value`, or is an array of strings that contains
    /// `value`.
    ///
    /// `name` is the plain name of the claim, never a path: a dot is part of the name, so
    /// `"address.country"` does not name a member of the claim `address`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// const ENGINES: Policy = Policy::claim("department", "engines");
    ///
    /// let one = okta.token("ada").claim("department", "engines").sign();
    /// assert!(verifier.verify(&one).await?.require(ENGINES).is_ok());
    /// let several = okta.token("bob").claim("department", ["sales", "engines"]).sign();
    /// assert!(verifier.verify(&several).await?.require(ENGINES).is_ok());
    /// let like_it = okta.token("eve").claim("department", "engines-guests").sign();
    /// assert_eq!(verifier.verify(&like_it).await?.require(ENGINES).unwrap_err().status(), 403);
    ///
    /// const FRENCH: Policy = Policy::claim("address.country", "FR");
    ///
    /// let dotted = okta.token("ada").claim("address.country", "FR").sign();
    /// assert!(verifier.verify(&dotted).await?.require(FRENCH).is_ok());
    /// let nested = okta.token("bob").claim("address", serde_json::json!({ "country": "FR" })).sign();
    /// assert_eq!(verifier.verify(&nested).await?.require(FRENCH).unwrap_err().status(), 403);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `name` is empty. In a const, this is a compile error.
    #[must_use]
    pub const fn claim(name: &'static str, value: &'static str) -> Self {
        expect(rule::check_claim(name));
        Self(Rule::Claim(name, value))
    }

    /// Requires that the claim at the end of `path` equals `value`, or is an array of strings that contains
    /// `value`. The path has the name of a top-level claim, and then the name of a member at each level. A
    /// dot is part of a name.
    ///
    /// Only objects are entered. A token that lacks a member of the path does not meet the rule, nor does a
    /// token whose value before the end of the path is not an object. Elements of arrays cannot be named.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # use serde_json::json;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// /// The role of a Keycloak realm.
    /// const ADMIN: Policy = Policy::claim_path(&["realm_access", "roles"], "admin");
    ///
    /// let admin = okta.token("ada").claim("realm_access", json!({ "roles": ["offline", "admin"] })).sign();
    /// assert!(verifier.verify(&admin).await?.require(ADMIN).is_ok());
    /// let other = okta.token("eve").claim("realm_access", json!({ "roles": ["administrator"] })).sign();
    /// assert_eq!(verifier.verify(&other).await?.require(ADMIN).unwrap_err().status(), 403);
    /// let dotted = okta.token("eve").claim("realm_access.roles", ["admin"]).sign();
    /// assert_eq!(verifier.verify(&dotted).await?.require(ADMIN).unwrap_err().status(), 403);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `path` is empty, has an empty name or has more than 16 names. The claims of a token are
    /// nested at most that deep. In a const, this is a compile error.
    #[must_use]
    pub const fn claim_path(path: &'static [&'static str], value: &'static str) -> Self {
        expect(json::check_path(path));
        Self(Rule::ClaimPath(path, value))
    }

    /// Requires a token that shows that it stands for a user: its
    /// [`subject_kind`](VerifiedToken::subject_kind) is [`SubjectKind::User`].
    ///
    /// A token of [`SubjectKind::Unknown`] is rejected with 403, like a token of a service.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// const PROFILE: Policy = Policy::user();
    ///
    /// let user = verifier.verify(&okta.token("ada").sign()).await?;
    /// assert!(user.require(PROFILE).is_ok());
    ///
    /// let service = verifier.verify(&okta.token("").service().sign()).await?;
    /// assert_eq!(service.require(PROFILE).unwrap_err().status(), 403);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn user() -> Self {
        Self(Rule::Subject(SubjectKind::User))
    }

    /// Requires a token that shows that it stands for a service: its
    /// [`subject_kind`](VerifiedToken::subject_kind) is [`SubjectKind::Service`].
    ///
    /// A token of [`SubjectKind::Unknown`] is rejected with 403, like a token of a user.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// const JOB: Policy = Policy::all(&[Policy::service(), Policy::scope("orders:import")]);
    ///
    /// let service = okta.token("").service().scope("orders:import").sign();
    /// assert!(verifier.verify(&service).await?.require(JOB).is_ok());
    ///
    /// let user = okta.token("ada").scope("orders:import").sign();
    /// let rejection = verifier.verify(&user).await?.require(JOB).unwrap_err();
    /// assert_eq!(rejection.status(), 403);
    /// assert!(rejection.headers().all(|(name, _)| name != "www-authenticate")); // no scope would help
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn service() -> Self {
        Self(Rule::Subject(SubjectKind::Service))
    }

    /// Requires a token that is bound to a key (DPoP, RFC 9449) or to a client certificate (RFC 8705), so that a
    /// stolen token is of no use. The verifier has then checked the proof or the certificate.
    ///
    /// If a binding would help, the rejection of an unbound token is a 401 `invalid_token` with the code
    /// `binding_required`, even if scopes are missing too. Its error is in the challenge of the scheme `DPoP`
    /// (RFC 9449 §7.1). A verifier without [`VerifierBuilder::dpop`](crate::VerifierBuilder::dpop) does not
    /// offer that scheme, so the error is in the challenge of the scheme `Bearer`, with which tokens that are
    /// bound to a certificate are sent (RFC 6750 §3.1, RFC 8705 §3). If the verifier accepts neither proofs nor
    /// certificates, no token meets the rule.
    ///
    /// To require a bound token on every route, use [`Issuer::require_dpop`](crate::Issuer::require_dpop).
    ///
    /// ```
    /// # use okta_verifier_testing::{Client, TestIssuer};
    /// # use okta_verifier::{Policy, Verifier, adapter::RequestCredentials, dpop::DpopSettings};
    /// # let (okta, client) = (TestIssuer::new("api://payments"), Client::new());
    /// # let dpop = DpopSettings::base_url("https://api.example.com");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).dpop(dpop).build()?;
    /// # let authenticate = |credentials: RequestCredentials<'_>| verifier.authenticate(&credentials).into_ready().unwrap().unwrap();
    /// const PAY: Policy = Policy::all(&[Policy::bound(), Policy::scope("payments:write")]);
    ///
    /// # let jwt = client.bind(okta.token("ada").scope("payments:write")).sign();
    /// # let (authorization, proof) = (format!("DPoP {jwt}"), client.proof("GET", "https://api.example.com/pay").token(&jwt).sign());
    /// # let credentials = RequestCredentials::new([authorization.as_bytes()]).request("GET", "/pay");
    /// let bound = authenticate(credentials.dpop([proof.as_bytes()]));
    /// assert!(bound.require(PAY).is_ok());
    ///
    /// # let authorization = format!("Bearer {}", okta.token("ada").scope("payments:write").sign());
    /// let unbound = authenticate(RequestCredentials::new([authorization.as_bytes()]));
    /// let rejection = unbound.require(PAY).unwrap_err();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (401, "binding_required"));
    /// let (_, challenge) = rejection.headers().nth(1).unwrap(); // the first one is that of Bearer, without an error
    /// assert!(challenge.to_str()?.starts_with(r#"DPoP realm="api", error="invalid_token""#));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn bound() -> Self {
        Self(Rule::Bound)
    }

    /// Requires that `acr` is one of these values. The comparison is exact. A token without `acr` does not
    /// meet the rule. If a new authentication of the user would help, the rejection is a 401 with a
    /// step-up challenge (RFC 9470 §3).
    ///
    /// # Panics
    ///
    /// Panics if `acr_values` is empty, or if a value is empty or has a character that a scope token cannot
    /// have, such as a space. In a const, this is a compile error.
    #[must_use]
    pub const fn acr(acr_values: &'static [&'static str]) -> Self {
        expect(rule::check_acr(acr_values));
        Self(Rule::Acr(acr_values))
    }

    /// Requires that the user authenticated at most `max_age` ago, in whole seconds. The time is
    /// `auth_time`, and the issuer's leeway is added to `max_age`. A token without `auth_time` does not
    /// meet the rule. `iat` is not used, because a refreshed token has a new `iat`. If a new
    /// authentication of the user would help, the rejection is a 401 with a step-up challenge (RFC 9470
    /// §3).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// /// For a payment: a second factor, within the last five minutes.
    /// const FRESH: Policy = Policy::all(&[
    ///     Policy::acr(&["urn:okta:loa:2fa:any"]),
    ///     Policy::max_age(Duration::from_secs(300)),
    /// ]);
    ///
    /// # let login = |ago| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - ago;
    /// let two_factors = |ago| okta.token("ada").claim("acr", "urn:okta:loa:2fa:any").claim("auth_time", login(ago));
    /// let token = verifier.verify(&two_factors(60).sign()).await?;
    /// assert!(token.require(FRESH).is_ok());
    ///
    /// let token = verifier.verify(&two_factors(3600).sign()).await?;
    /// let refusal = token.require(FRESH).unwrap_err();
    /// assert_eq!(refusal.status(), 401);
    /// let (_, challenge) = refusal.headers().next().unwrap();
    /// assert!(challenge.to_str()?.contains(r#"error="insufficient_user_authentication""#));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn max_age(max_age: Duration) -> Self {
        Self(Rule::MaxAge(max_age))
    }

    /// Requires all of the policies.
    ///
    /// # Panics
    ///
    /// Panics if `policies` is empty, because the policy would accept every token. In a const, this is a
    /// compile error.
    #[must_use]
    pub const fn all(policies: &'static [Self]) -> Self {
        expect(rule::check_count(policies.len()));
        Self(Rule::All(policies))
    }

    /// Requires at least one of the policies.
    ///
    /// # Panics
    ///
    /// Panics if `policies` is empty, because the policy would reject every token. In a const, this is a
    /// compile error.
    #[must_use]
    pub const fn any(policies: &'static [Self]) -> Self {
        expect(rule::check_count(policies.len()));
        Self(Rule::Any(policies))
    }

    /// Requires that a function returns true for the token. `Debug` shows `name` instead of the function.
    ///
    /// The function is called at most twice per evaluation of the policy.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// const STAFF: Policy = Policy::when("staff", |token| token.subject().ends_with("@example.com"));
    ///
    /// let employee = verifier.verify(&okta.token("ada@example.com").sign()).await?;
    /// assert!(employee.require(STAFF).is_ok());
    ///
    /// let guest = verifier.verify(&okta.token("eve@example.net").sign()).await?;
    /// let rejection = guest.require(STAFF).unwrap_err();
    /// assert_eq!(rejection.status(), 403);
    /// assert!(rejection.headers().all(|(name, _)| name != "www-authenticate")); // no scope would help
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn when(name: &'static str, rule: fn(&VerifiedToken) -> bool) -> Self {
        Self(Rule::When(name, rule))
    }

    /// Checks the policy with the token or the [`Anonymous`] that a layer inserted into a request's
    /// extensions, and returns the token. Every extractor and `RequireLayer` call this method.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{adapter::RequestCredentials, Policy, Verifier};
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build().unwrap();
    /// # let authorization = format!("Bearer {}", okta.token("ada").scope("orders:read").sign());
    /// # let credentials = RequestCredentials::new([authorization.as_bytes()]);
    /// # let token = &verifier.authenticate(&credentials).into_ready().unwrap().unwrap();
    /// let read = Policy::scope("orders:read");
    /// let anonymous = verifier.anonymous();
    /// assert!(read.admit(Some(token), None).is_ok());
    /// assert_eq!(Policy::group("Admins").admit(Some(token), None).unwrap_err().status(), 403);
    /// assert_eq!(read.admit(None, Some(&anonymous)).unwrap_err().status(), 401);
    /// assert_eq!(read.admit(None, None).unwrap_err().status(), 500); // the route has no layer
    /// ```
    ///
    /// # Errors
    ///
    /// Returns a 403, or a 401 for an unbound token or with a step-up challenge, if the token does not meet the
    /// policy. Returns
    /// the 401 for missing credentials if there is no token but an [`Anonymous`]. Returns a 500, and logs
    /// an error, if there is neither, because no layer in front of the handler then verifies tokens.
    pub fn admit<'t>(
        self,
        token: Option<&'t VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> Result<&'t VerifiedToken, Rejection> {
        evaluate::admit(self, token, anonymous)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Panics with the problem of a malformed literal.
#[track_caller]
const fn expect(check: Result<(), &'static str>) {
    if let Err(problem) = check {
        panic!("{}", problem);
    }
}

/// Names a [`Policy`] as a type, for extractors: `Verified<ReadOrders>`.
///
/// ```
/// use okta_verifier::{Policy, Requirement};
///
/// struct ReadOrders;
/// impl Requirement for ReadOrders {
///     const POLICY: Policy = Policy::scope("orders:read");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a policy that a token must meet",
    label = "this type does not implement `Requirement`",
    note = "write: impl Requirement for {Self} {{ const POLICY: Policy = Policy::scope(\"orders:read\"); }}",
    note = "to read the claims of the token as {Self}, take the extractor Claims<{Self}> instead of Verified<{Self}>"
)]
pub trait Requirement {
    /// The policy that the token must meet.
    const POLICY: Policy;
}

/// The requirement that any valid token meets.
///
/// ```
/// use okta_verifier::{AnyToken, Policy, Requirement};
///
/// /// A custom extractor with the same default as `Verified` in the adapters.
/// struct Client<R: Requirement = AnyToken>(std::marker::PhantomData<R>);
///
/// impl<R: Requirement> Client<R> {
///     const POLICY: Policy = R::POLICY;
/// }
/// assert_eq!(format!("{:?}", <Client>::POLICY), "any token");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AnyToken;

impl Requirement for AnyToken {
    const POLICY: Policy = Policy::any_token();
}
