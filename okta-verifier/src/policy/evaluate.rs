//! Whether a token meets a policy, and what would help one that does not.

use std::cell::LazyCell;

use super::{Policy, Rule};
use crate::{
    error::ConfigError,
    request::{Rejection, Remedy, Scheme},
    time::Now,
    token::{SubjectKind, VerifiedToken, json},
};

impl VerifiedToken {
    /// Whether the token meets the policy.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Policy, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// let token = verifier.verify(&okta.token("ada").scope("orders:read").sign()).await?;
    /// assert!(token.require(Policy::scope("orders:read")).is_ok());
    ///
    /// let refusal = token.require(Policy::scope("orders:write")).unwrap_err();
    /// assert_eq!(refusal.status(), 403);
    /// let (_, challenge) = refusal.headers().next().unwrap();
    /// assert!(challenge.to_str()?.ends_with(r#"scope="orders:write""#)); // what to ask for
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The refusal to answer with: 403, or 401 where a new authentication of the user would help
    /// (RFC 9470 §3).
    pub fn require(&self, policy: Policy) -> Result<(), Rejection> {
        let now = Clock::new(unix_now);
        if policy.allows(self, &now) {
            return Ok(());
        }
        let mut remedy = Remedy::default();
        if !policy.remedy(self, &now, &mut remedy, &mut |_| true) {
            return Err(Rejection::forbidden());
        }
        Err(Rejection::remediable(
            self.challenges(),
            self.scheme(),
            &remedy,
        ))
    }

    /// The 403 for scopes that are known at run time only, from a database say: it names `scope`, in
    /// the realm of the verifier and under the scheme that the token came with (RFC 9449 §7.1). Where
    /// the scopes are known at compile time, [`require`](Self::require) says the same.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{ConfigError, Rejection, VerifiedToken, Verifier};
    /// /// `scope` is the order's own.
    /// fn may_write(token: &VerifiedToken, scope: &str) -> Result<(), Rejection> {
    ///     if token.has_scope(scope) {
    ///         return Ok(());
    ///     }
    ///     Err(token.insufficient_scope(scope).expect("the database holds scopes"))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let okta = TestIssuer::new("api://orders");
    /// let issuer = okta.issuer().any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer).realm("orders").build().unwrap();
    ///
    /// let token = verifier.verify(&okta.token("ada").scope("order:17").sign()).await.unwrap();
    /// assert!(may_write(&token, "order:17").is_ok());
    ///
    /// let refusal = may_write(&token, "order:18").unwrap_err();
    /// assert_eq!(refusal.status(), 403);
    /// let (_, challenge) = refusal.headers().next().unwrap();
    /// assert!(challenge.to_str().unwrap().starts_with(r#"Bearer realm="orders""#));
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `scope` is not one scope token, or several with single spaces between (RFC 6749 §3.3).
    pub fn insufficient_scope(&self, scope: &str) -> Result<Rejection, ConfigError> {
        Rejection::lacks_scope(self.challenges(), self.scheme(), scope)
    }

    /// A token that is bound to a key passes with no other scheme.
    fn scheme(&self) -> Scheme {
        match self.confirmation().and_then(|cnf| cnf.jkt) {
            Some(_) => Scheme::Dpop,
            None => Scheme::Bearer,
        }
    }
}

fn unix_now() -> u64 {
    Now::read().unix
}

/// Seconds since 1970, read when the first rule asks.
type Clock = LazyCell<u64>;

impl Policy {
    fn allows(self, token: &VerifiedToken, now: &Clock) -> bool {
        match self.0 {
            Rule::AnyToken => true,
            Rule::Scope(scope) => token.has_scope(scope),
            Rule::Group(group) => token.has_group(group),
            Rule::Claim(name, value) => claim_equals(token, name, value),
            Rule::Subject(kind) => token.subject_kind() == kind,
            Rule::Acr(values) => token.acr().is_some_and(|acr| values.contains(&acr)),
            Rule::MaxAge(max_age) => token.authenticated_within(max_age.as_secs(), **now),
            Rule::All(policies) => policies.iter().all(|policy| policy.allows(token, now)),
            Rule::Any(policies) => policies.iter().any(|policy| policy.allows(token, now)),
            Rule::When(_, rule) => rule(token),
        }
    }

    /// Adds what would make `token` allowed; says whether anything can. `rest` is what must be
    /// satisfied besides: an alternative is chosen only where the whole still can be.
    fn remedy(
        self,
        token: &VerifiedToken,
        now: &Clock,
        remedy: &mut Remedy,
        rest: &mut dyn FnMut(&mut Remedy) -> bool,
    ) -> bool {
        let met = || self.allows(token, now);
        match self.0 {
            Rule::Scope(scope) => remedy.scope(scope, met()) && rest(remedy),
            // No service can authenticate as RFC 9470 §3 asks, so a challenge would not help it.
            Rule::Acr(_) | Rule::MaxAge(_)
                if token.subject_kind() == SubjectKind::Service && !met() =>
            {
                false
            }
            Rule::Acr(values) => remedy.acr(values, met()) && rest(remedy),
            Rule::MaxAge(max_age) => remedy.max_age(max_age.as_secs(), met()) && rest(remedy),
            Rule::All([]) => rest(remedy),
            Rule::All([first, others @ ..]) => {
                let others = Self(Rule::All(others));
                let mut rest = |remedy: &mut Remedy| others.remedy(token, now, remedy, rest);
                first.remedy(token, now, remedy, &mut rest)
            }
            Rule::Any(policies) => {
                let met = policies.iter().filter(|policy| policy.allows(token, now));
                met.chain(policies).any(|policy| {
                    let mut with = remedy.clone();
                    let helps = policy.remedy(token, now, &mut with, rest);
                    if helps {
                        *remedy = with;
                    }
                    helps
                })
            }
            Rule::AnyToken
            | Rule::Group(_)
            | Rule::Claim(..)
            | Rule::Subject(_)
            | Rule::When(..) => met() && rest(remedy),
        }
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
