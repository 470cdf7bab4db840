//! Whether a token meets a policy, and what would help one that does not.

use std::cell::LazyCell;

use super::{Policy, Rule};
use crate::{
    error::ConfigError,
    http::{Rejection, Remedy, Scheme},
    sync::clock::Now,
    token::{SubjectKind, json},
    verified_token::VerifiedToken,
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
    /// The rejection to answer with: 403, or 401 where a new authentication of the user would help
    /// (RFC 9470 §3). The token of a service ([`SubjectKind::Service`]) gets 403 there too.
    pub fn require(&self, policy: Policy) -> Result<(), Rejection> {
        let now = Clock::new(unix_now);
        if policy.allows(self, &now) {
            return Ok(());
        }
        Err(match policy.remedy(self, &now, None) {
            Some(remedy) => Rejection::remediable(self.challenges(), self.scheme(), &remedy),
            None => Rejection::forbidden(),
        })
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

    /// Returns what would make `token` meet the policy, or `None` where neither scopes nor a new
    /// authentication would. `within` are the acr values that the rules outside leave.
    ///
    /// The cost is linear in the size of the policy, since a valid token is enough to cause it:
    /// each rule is evaluated once, each alternative is tried once, and no choice is taken back.
    fn remedy(
        self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'static str]>,
    ) -> Option<Remedy> {
        let mut remedy = Remedy::default();
        let satisfiable = self.demand(token, now, within, &mut remedy);
        (satisfiable && self.choose(token, now, within, &mut remedy)).then_some(remedy)
    }

    /// The first pass: the rules that hold whatever is chosen. It comes first, so that a rule
    /// without a remedy ends the search before any alternative is tried, and so that alternatives
    /// are chosen from those that fit every `acr` rule, also one that comes later.
    fn demand(
        self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'static str]>,
        remedy: &mut Remedy,
    ) -> bool {
        match self.0 {
            Rule::Scope(_) | Rule::Any(_) => true,
            Rule::Acr(values) => {
                let met = self.allows(token, now);
                (met || can_authenticate(token)) && remedy.acr(values, within, met)
            }
            Rule::MaxAge(max_age) => {
                let met = self.allows(token, now);
                remedy.max_age(max_age.as_secs(), met);
                met || can_authenticate(token)
            }
            Rule::All(policies) => policies
                .iter()
                .all(|policy| policy.demand(token, now, within, remedy)),
            Rule::AnyToken
            | Rule::Group(_)
            | Rule::Claim(..)
            | Rule::Subject(_)
            | Rule::When(..) => self.allows(token, now),
        }
    }

    /// The second pass: scopes in the order of the policy, and of each `any` the first alternative
    /// that is met, or else the first that has a remedy.
    fn choose(
        self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'static str]>,
        remedy: &mut Remedy,
    ) -> bool {
        match self.0 {
            Rule::Scope(scope) => {
                remedy.scope(scope, self.allows(token, now));
                true
            }
            Rule::All(policies) => policies
                .iter()
                .all(|policy| policy.choose(token, now, within, remedy)),
            Rule::Any(policies) => {
                let within = remedy.acr_values(within);
                let mut chosen: Option<Remedy> = None;
                for policy in policies {
                    match policy.remedy(token, now, within) {
                        Some(met) if met.is_met() => {
                            chosen = Some(met);
                            break;
                        }
                        found => chosen = chosen.or(found),
                    }
                }
                let found = chosen.is_some();
                if let Some(chosen) = chosen {
                    remedy.add(chosen);
                }
                found
            }
            // The first pass has seen these.
            Rule::AnyToken
            | Rule::Group(_)
            | Rule::Claim(..)
            | Rule::Subject(_)
            | Rule::Acr(_)
            | Rule::MaxAge(_)
            | Rule::When(..) => true,
        }
    }
}

/// A service has no user who could authenticate again, so that the challenge of RFC 9470 §3 would
/// not help it.
fn can_authenticate(token: &VerifiedToken) -> bool {
    token.subject_kind() != SubjectKind::Service
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
