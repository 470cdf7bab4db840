//! What a route demands of a valid token: constant data, evaluated without I/O.

mod evaluate;
mod requirement;

use std::{fmt, time::Duration};

pub use requirement::{AnyToken, Requirement};

use crate::{
    request::{Anonymous, Rejection},
    token::VerifiedToken,
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
    Acr(&'static [&'static str]),
    MaxAge(Duration),
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

    /// The user authenticated in one of these ways: `acr` is one of them, to the letter. A token
    /// without `acr` does not meet it; the answer is a step-up challenge, 401 (RFC 9470 §3).
    ///
    /// # Panics
    ///
    /// `acr_values` is empty, or one of them is no printable word; in a const that is a compile
    /// error.
    #[must_use]
    pub const fn acr(acr_values: &'static [&'static str]) -> Self {
        assert!(!acr_values.is_empty(), "write at least one acr value");
        let mut index = 0;
        while index < acr_values.len() {
            let word = crate::request::is_scope_token(acr_values[index]);
            assert!(
                word,
                "write one acr value, such as \"urn:okta:loa:2fa:any\""
            );
            index += 1;
        }
        Self(Rule::Acr(acr_values))
    }

    /// The user authenticated at most this long ago, by `auth_time` and the issuer's leeway; in
    /// whole seconds. A token without `auth_time` does not meet it, and `iat` does not count, as a
    /// refreshed token has a new one; the answer is a step-up challenge, 401 (RFC 9470 §3).
    #[must_use]
    pub const fn max_age(max_age: Duration) -> Self {
        Self(Rule::MaxAge(max_age))
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
    /// A token that does not meet the policy: 403, or the 401 of a step-up. No token, but [`Anonymous`]: the plain 401.
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
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Rule::AnyToken => f.write_str("any token"),
            Rule::Scope(scope) => write!(f, "scope {scope:?}"),
            Rule::Group(group) => write!(f, "group {group:?}"),
            Rule::Claim(name, value) => write!(f, "claim {name:?} is {value:?}"),
            Rule::Acr(values) => write!(f, "acr one of {values:?}"),
            Rule::MaxAge(max_age) => write!(f, "authenticated within {max_age:?}"),
            Rule::All(policies) => write!(f, "all of {policies:?}"),
            Rule::Any(policies) => write!(f, "any of {policies:?}"),
            Rule::When(name, _) => write!(f, "when {name:?}"),
        }
    }
}
