//! What a route demands of a valid token: constant data, evaluated without I/O.

use std::fmt;

use crate::{
    request::{Anonymous, Rejection},
    token::{VerifiedToken, json},
};

/// A rule over a [`VerifiedToken`]. `'static`, `Copy` and `const`: written once, beside the route.
///
/// A 403 names the scopes of the first alternative that they would have satisfied (RFC 6750
/// §3.1); where no scope would help it names none.
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
/// let stranger = verifier.verify(&okta.token("bob").sign()).await.unwrap();
/// assert_eq!(stranger.require(READ).unwrap_err().status(), 403);
/// # }
/// ```
///
/// A malformed scope in a const does not compile:
///
/// ```compile_fail
/// const READ: okta_verifier::Policy = okta_verifier::Policy::scope("orders read");
/// ```
#[derive(Clone, Copy)]
pub struct Policy(Rule);

#[derive(Clone, Copy)]
enum Rule {
    AnyToken,
    Scope(&'static str),
    Group(&'static str),
    Claim(&'static str, &'static str),
    All(&'static [Policy]),
    Any(&'static [Policy]),
    When(&'static str, fn(&VerifiedToken) -> bool),
}

impl Policy {
    /// Any valid token.
    #[must_use]
    pub const fn any_token() -> Self {
        Self(Rule::AnyToken)
    }

    /// The scope was granted.
    ///
    /// # Panics
    ///
    /// `scope` is not one scope token (RFC 6749 §3.3); in a const that is a compile error.
    #[must_use]
    pub const fn scope(scope: &'static str) -> Self {
        assert!(
            crate::request::is_scope_token(scope),
            "write one scope token, such as \"orders:read\""
        );
        Self(Rule::Scope(scope))
    }

    /// The subject is in the group; whole name, to the letter.
    ///
    /// # Panics
    ///
    /// `group` is empty; in a const that is a compile error.
    #[must_use]
    pub const fn group(group: &'static str) -> Self {
        assert!(!group.is_empty(), "write the group's name");
        Self(Rule::Group(group))
    }

    /// The top-level claim `name` equals `value`, or is an array of strings with `value` as one
    /// whole element. A dot in `name` is part of the name, no path.
    ///
    /// # Panics
    ///
    /// `name` is empty; in a const that is a compile error.
    #[must_use]
    pub const fn claim(name: &'static str, value: &'static str) -> Self {
        assert!(!name.is_empty(), "write the claim's name");
        Self(Rule::Claim(name, value))
    }

    /// Every one of the policies.
    ///
    /// # Panics
    ///
    /// `policies` is empty, which would allow everybody; in a const that is a compile error.
    #[must_use]
    pub const fn all(policies: &'static [Self]) -> Self {
        assert!(!policies.is_empty(), "write at least one policy");
        Self(Rule::All(policies))
    }

    /// At least one of the policies.
    ///
    /// # Panics
    ///
    /// `policies` is empty, which would allow nobody; in a const that is a compile error.
    #[must_use]
    pub const fn any(policies: &'static [Self]) -> Self {
        assert!(!policies.is_empty(), "write at least one policy");
        Self(Rule::Any(policies))
    }

    /// A rule of your own. `name` stands for it in `Debug`.
    #[must_use]
    pub const fn when(name: &'static str, rule: fn(&VerifiedToken) -> bool) -> Self {
        Self(Rule::When(name, rule))
    }

    /// Judges what a layer left in a request's extensions: what every extractor and
    /// `RequireLayer` calls.
    ///
    /// # Errors
    ///
    /// A token that does not meet the policy: 403. No token, but [`Anonymous`]: the plain 401.
    /// Neither, as there was no layer: 500 and an error in the log.
    pub fn admit(
        self,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> Result<(), Rejection> {
        match (token, anonymous) {
            (Some(token), _) => token.require(self),
            (None, Some(anonymous)) => Err(anonymous.rejection()),
            (None, None) => Err(Rejection::missing_layer()),
        }
    }

    fn allows(self, token: &VerifiedToken) -> bool {
        match self.0 {
            Rule::AnyToken => true,
            Rule::Scope(scope) => token.has_scope(scope),
            Rule::Group(group) => token.has_group(group),
            Rule::Claim(name, value) => claim_equals(token, name, value),
            Rule::All(policies) => policies.iter().all(|policy| policy.allows(token)),
            Rule::Any(policies) => policies.iter().any(|policy| policy.allows(token)),
            Rule::When(_, rule) => rule(token),
        }
    }

    /// Adds the scopes with which `token` would be allowed; says whether scopes can do that.
    fn remedy(self, token: &VerifiedToken, scopes: &mut Vec<&'static str>) -> bool {
        match self.0 {
            Rule::Scope(scope) => {
                if !scopes.contains(&scope) {
                    scopes.push(scope);
                }
                true
            }
            Rule::All(policies) => policies.iter().all(|policy| policy.remedy(token, scopes)),
            Rule::Any(policies) => {
                let met = policies.iter().filter(|policy| policy.allows(token));
                met.chain(policies).any(|policy| {
                    let before = scopes.len();
                    let helps = policy.remedy(token, scopes);
                    if !helps {
                        scopes.truncate(before);
                    }
                    helps
                })
            }
            _ => self.allows(token),
        }
    }
}

impl VerifiedToken {
    /// Whether the token meets the policy.
    ///
    /// # Errors
    ///
    /// The 403 to answer with.
    pub fn require(&self, policy: Policy) -> Result<(), Rejection> {
        if policy.allows(self) {
            return Ok(());
        }
        let mut scopes = Vec::new();
        if !policy.remedy(self, &mut scopes) || scopes.is_empty() {
            return Err(Rejection::forbidden());
        }
        // Each is a scope token by construction.
        Err(
            Rejection::missing_scope(self.challenges(), &scopes.join(" "))
                .unwrap_or_else(|_| Rejection::forbidden()),
        )
    }
}

/// Never a substring: equal to a string, or to one whole element of an array of strings.
fn claim_equals(token: &VerifiedToken, name: &str, value: &str) -> bool {
    let Some(claim) = token.raw_claim(name) else {
        return false;
    };
    match json::string(claim) {
        Some(text) => text == value,
        None => json::strings(claim).is_some_and(|texts| texts.iter().any(|text| text == value)),
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rule::AnyToken => f.write_str("any token"),
            Rule::Scope(scope) => write!(f, "scope {scope:?}"),
            Rule::Group(group) => write!(f, "group {group:?}"),
            Rule::Claim(name, value) => write!(f, "claim {name:?} is {value:?}"),
            Rule::All(policies) => write!(f, "all of {policies:?}"),
            Rule::Any(policies) => write!(f, "any of {policies:?}"),
            Rule::When(name, _) => write!(f, "when {name:?}"),
        }
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
    message = "`{Self}` says nothing about what a token must have",
    label = "this type is no `Requirement`",
    note = "write: impl Requirement for {Self} {{ const POLICY: Policy = Policy::scope(\"orders:read\"); }}"
)]
pub trait Requirement {
    /// What a token must have.
    const POLICY: Policy;
}

/// Any valid token will do.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AnyToken;

impl Requirement for AnyToken {
    const POLICY: Policy = Policy::any_token();
}
