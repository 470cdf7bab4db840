//! Evaluates a policy, and finds the remedy if a token does not meet the policy.

use std::{cell::LazyCell, iter};

use super::{
    OwnedPolicy, Policy,
    owned::Source,
    rule::{Rule, Storage},
};
use crate::{
    error::{ClaimError, ConfigError},
    http::{Anonymous, ApplicationRejection, Rejection, Remedy, Scheme},
    sync::clock::Now,
    token::{SubjectKind, json},
    verified_token::{Floor, VerifiedToken},
};

impl VerifiedToken {
    /// Checks that the token meets the policy: a [`Policy`], or a reference to an [`OwnedPolicy`].
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
    /// assert!(challenge.to_str()?.ends_with(r#"scope="orders:write""#)); // the scope to request
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the rejection to respond with: 403, or 401 if a bound token (RFC 9449 §7.1) or a new
    /// authentication of the user (RFC 9470 §3) would help. For the token of a service ([`SubjectKind::Service`]) it is always 403, because there
    /// is no user who could authenticate.
    pub fn require(&self, policy: impl AsPolicy) -> Result<(), Rejection> {
        policy.check(self)
    }

    /// Returns a 403 for scopes that are known at run time only, for example from a database. The challenge
    /// names `scope`, and has the verifier's realm and the scheme that the token was sent with (RFC 9449
    /// §7.1). If the scopes are known at compile time or are in the settings, use [`require`](Self::require).
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{ConfigError, Rejection, VerifiedToken, Verifier};
    /// /// `scope` is the scope that this order requires.
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
    /// Returns an error if `scope` is not a list of scope tokens separated by single spaces (RFC 6749
    /// §3.3).
    pub fn insufficient_scope(&self, scope: &str) -> Result<Rejection, ConfigError> {
        // A client that requests the scopes of the challenge alone must not lose those of the layer.
        let mut remedy = self
            .floor()
            .and_then(|floor| floor.remedy(self))
            .unwrap_or_default();
        scope
            .split(' ')
            .for_each(|scope| remedy.scope(scope, false));
        Rejection::lacks_scope(
            self.challenges(),
            self.scheme(),
            &remedy.scopes.join(" "),
            Some(self.counters()),
            self.logged_claims().as_ref(),
        )
    }

    /// Returns a rejection of this valid token that the application itself decides. It names the issuer of
    /// the token, and leaves the same event in the log as every other rejection. The response has no
    /// challenge, because neither another token nor other scopes would help.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// use okta_verifier::{ApplicationRejection, Rejection, VerifiedToken};
    ///
    /// const NOT_THE_OWNER: ApplicationRejection = ApplicationRejection::new(403, "not_the_owner");
    ///
    /// fn may_change(token: &VerifiedToken, owner: &str) -> Result<(), Rejection> {
    ///     if token.subject() == owner { Ok(()) } else { Err(token.reject(NOT_THE_OWNER)) }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let token = verifier.verify(&okta.token("ada").sign()).await?;
    /// assert!(may_change(&token, "ada").is_ok());
    ///
    /// let rejection = may_change(&token, "bob").unwrap_err();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (403, "not_the_owner"));
    /// assert_eq!(rejection.issuer(), Some(token.issuer()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn reject(&self, rejection: ApplicationRejection) -> Rejection {
        Rejection::by_application(rejection, Some(self.counters()))
    }

    /// Returns a 403 for a handler that cannot read the claims of this token, and logs a warning. The response has no
    /// challenge, because no other scope would help.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Rejection, Verifier, VerifiedToken};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// fn floor(token: &VerifiedToken) -> Result<Option<u8>, Rejection> {
    ///     token.claim("floor").map_err(|error| token.unreadable_claims(&error))
    /// }
    ///
    /// let token = verifier.verify(&okta.token("ada").claim("floor", 3).sign()).await?;
    /// assert_eq!(floor(&token).ok(), Some(Some(3)));
    ///
    /// let token = verifier.verify(&okta.token("ada").claim("floor", "ground").sign()).await?;
    /// let rejection = floor(&token).unwrap_err();
    /// assert_eq!((rejection.status().as_u16(), rejection.code()), (403, "unreadable_claims"));
    /// assert_eq!(rejection.issuer(), Some(token.issuer()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unreadable_claims(&self, error: &ClaimError) -> Rejection {
        Rejection::unreadable_claims(error, self.counters())
    }

    // A token that is bound to a key is accepted with the scheme DPoP only.
    fn scheme(&self) -> Scheme {
        match self.confirmation().and_then(|cnf| cnf.jkt) {
            Some(_) => Scheme::Dpop,
            None => Scheme::Bearer,
        }
    }
}

/// A policy that [`VerifiedToken::require`] accepts: a [`Policy`], or a reference to an [`OwnedPolicy`].
///
/// No other type implements this trait.
///
/// ```
/// use okta_verifier::{AsPolicy, OwnedPolicy, Policy, Rejection, VerifiedToken};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
///
/// /// A check of your own that accepts both types.
/// fn may_ship(token: &VerifiedToken, policy: impl AsPolicy) -> Result<(), Rejection> {
///     token.require(policy)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let policy: OwnedPolicy = serde_json::from_str(r#"{ "scope": "orders:ship" }"#)?;
/// let token = verifier.verify(&okta.token("ada").scope("orders:ship").sign()).await?;
/// assert!(may_ship(&token, &policy).is_ok());
/// assert!(may_ship(&token, Policy::group("Shippers")).is_err());
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy that a token can be checked with",
    label = "expected a `Policy`, or a reference to an `OwnedPolicy`",
    note = "an `OwnedPolicy` is passed by reference: token.require(&policy)"
)]
pub trait AsPolicy: sealed::Check {}

impl AsPolicy for Policy {}
impl AsPolicy for &OwnedPolicy {}

mod sealed {
    use super::{Rejection, VerifiedToken};

    pub trait Check {
        fn check(self, token: &VerifiedToken) -> Result<(), Rejection>;

        /// Returns the scopes that a client without a token should request: of each `any`, those of the first
        /// alternative.
        fn first_scopes(&self) -> Vec<&str>;
    }
}

impl sealed::Check for Policy {
    fn check(self, token: &VerifiedToken) -> Result<(), Rejection> {
        require_all(iter::once(&self), token)
    }

    fn first_scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        self.0.add_first_scopes(&mut scopes);
        scopes
    }
}

impl sealed::Check for &OwnedPolicy {
    fn check(self, token: &VerifiedToken) -> Result<(), Rejection> {
        require_all(iter::once(self), token)
    }

    fn first_scopes(&self) -> Vec<&str> {
        OwnedPolicy::first_scopes(self)
    }
}

impl OwnedPolicy {
    /// Returns the scopes that a client without a token should request: of each `any`, those of the first
    /// alternative.
    pub(crate) fn first_scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        match self.source() {
            Source::Code(policy) => policy.0.add_first_scopes(&mut scopes),
            Source::Data(rule) => rule.add_first_scopes(&mut scopes),
        }
        scopes
    }
}

impl Floor for OwnedPolicy {
    fn remedy(&self, token: &VerifiedToken) -> Option<Remedy<'_>> {
        self.remedy_within(token, &Clock::new(unix_now), None)
    }
}

/// A policy in code or in data. The methods are those of its [`Rule`].
pub(crate) trait Evaluate {
    fn unmet(&self, token: &VerifiedToken, now: &Clock) -> Option<String>;

    fn remedy_within<'p>(
        &'p self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'p str]>,
    ) -> Option<Remedy<'p>>;
}

impl Evaluate for Policy {
    fn unmet(&self, token: &VerifiedToken, now: &Clock) -> Option<String> {
        self.0.unmet(token, now).map(Rule::to_text)
    }

    fn remedy_within<'p>(
        &'p self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'p str]>,
    ) -> Option<Remedy<'p>> {
        self.0.remedy(token, now, within)
    }
}

impl Evaluate for OwnedPolicy {
    fn unmet(&self, token: &VerifiedToken, now: &Clock) -> Option<String> {
        match self.source() {
            Source::Code(policy) => policy.unmet(token, now),
            Source::Data(rule) => rule.unmet(token, now).map(Rule::to_text),
        }
    }

    fn remedy_within<'p>(
        &'p self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'p str]>,
    ) -> Option<Remedy<'p>> {
        match self.source() {
            Source::Code(policy) => policy.remedy_within(token, now, within),
            Source::Data(rule) => rule.remedy(token, now, within),
        }
    }
}

/// Checks the policy with the token, if there is one.
pub(super) fn admit<'t>(
    policy: impl AsPolicy,
    token: Option<&'t VerifiedToken>,
    anonymous: Option<&Anonymous>,
) -> Result<&'t VerifiedToken, Rejection> {
    match (token, anonymous) {
        (Some(token), _) => token.require(policy).map(|()| token),
        // This is a 401, not a 403: the client sent no credentials, and may have a token (RFC 6750 §3.1).
        (None, Some(anonymous)) => Err(anonymous.rejection_for(&policy.first_scopes())),
        (None, None) => Err(Rejection::missing_layer()),
    }
}

/// Returns the 403 of a token for something that no token may use. No scope would help.
#[cfg(feature = "mcp")]
pub(crate) fn forbid(token: &VerifiedToken, unmet: &str) -> Rejection {
    rejection(token, None, unmet.to_owned())
}

/// Checks that the token meets each of the policies. The challenge names the scopes of all of them.
pub(crate) fn require_all<'p, P: Evaluate + 'p>(
    policies: impl Iterator<Item = &'p P> + Clone,
    token: &VerifiedToken,
) -> Result<(), Rejection> {
    let now = Clock::new(unix_now);
    let unmet = policies
        .clone()
        .find_map(|policy| policy.unmet(token, &now));
    let Some(unmet) = unmet else {
        return Ok(());
    };
    let remedy = floor_remedy(token).and_then(|floor| {
        { policies }.try_fold(floor, |mut all, policy| {
            let own = policy.remedy_within(token, &now, all.acr_values(None))?;
            all.add(own);
            Some(all)
        })
    });
    Err(rejection(token, remedy.as_ref(), unmet))
}

/// Returns what the floor of the token's layer requires. The token met the floor, but a client replaces the scopes of
/// its token by those of the challenge, so the challenge of a policy inside names the scopes of both.
fn floor_remedy(token: &VerifiedToken) -> Option<Remedy<'_>> {
    match token.floor() {
        None => Some(Remedy::default()),
        Some(floor) => floor.remedy(token),
    }
}

fn rejection(token: &VerifiedToken, remedy: Option<&Remedy<'_>>, unmet: String) -> Rejection {
    Rejection::for_policy(
        token.challenges(),
        token.scheme(),
        remedy,
        unmet,
        token.counters(),
        token.logged_claims().as_ref(),
    )
}

fn unix_now() -> u64 {
    Now::read().unix
}

/// The current time in seconds since 1970, which is read when the first rule needs it.
pub(crate) type Clock = LazyCell<u64>;

impl<S: Storage> Rule<S> {
    fn allows(&self, token: &VerifiedToken, now: &Clock) -> bool {
        match self {
            Self::AnyToken => true,
            Self::Scope(scope) => token.has_scope(scope),
            Self::Group(group) => token.has_group(group),
            Self::Claim(name, value) => {
                let claim = token.raw_claim(name);
                claim.is_some_and(|claim| claim_equals(claim, value))
            }
            Self::ClaimPath(path, value) => {
                let claim = token.raw_claim_at(path);
                claim.is_some_and(|claim| claim_equals(claim, value))
            }
            Self::Subject(kind) => token.subject_kind() == *kind,
            // A bound token is accepted only if its sender has proved the binding.
            Self::Bound => token.confirmation().is_some(),
            Self::Acr(values) => token
                .acr()
                .is_some_and(|acr| values.iter().any(|value| **value == *acr)),
            Self::MaxAge(max_age) => token.authenticated_within(max_age.as_secs(), **now),
            Self::All(policies) => policies
                .iter()
                .all(|policy| S::rule(policy).allows(token, now)),
            Self::Any(policies) => policies
                .iter()
                .any(|policy| S::rule(policy).allows(token, now)),
            Self::When(_, rule) => rule(token),
        }
    }

    /// Adds the scopes of the rule, of each `any` those of its first alternative.
    fn add_first_scopes<'p>(&'p self, scopes: &mut Vec<&'p str>) {
        match self {
            Self::Scope(scope) if !scopes.contains(&&**scope) => scopes.push(scope),
            Self::All(policies) => {
                for policy in policies.iter() {
                    S::rule(policy).add_first_scopes(scopes);
                }
            }
            Self::Any(policies) => {
                if let Some(first) = policies.first() {
                    S::rule(first).add_first_scopes(scopes);
                }
            }
            _ => {}
        }
    }

    /// Returns the part of the policy that `token` does not meet, or `None` if it meets the policy: of an `all`
    /// the first policy that is not met, or else the whole rule. Each rule is evaluated at most once.
    fn unmet<'p>(&'p self, token: &VerifiedToken, now: &Clock) -> Option<&'p Self> {
        match self {
            Self::All(policies) => policies
                .iter()
                .find_map(|policy| S::rule(policy).unmet(token, now)),
            rule => (!rule.allows(token, now)).then_some(rule),
        }
    }

    /// Returns what would make `token` meet the policy, or `None` if neither a binding nor scopes nor a new
    /// authentication would. `within` has the `acr` values that the rules around this policy allow, or is
    /// `None` if these rules allow every value.
    ///
    /// The cost must be linear in the size of the policy, because any valid token can cause this search.
    /// Each rule is evaluated once, each alternative is tried once, and no choice is taken back.
    fn remedy<'p>(
        &'p self,
        token: &VerifiedToken,
        now: &Clock,
        within: Option<&[&'p str]>,
    ) -> Option<Remedy<'p>> {
        let remedy = Remedy::default();
        let mut search = Search {
            token,
            now,
            within,
            remedy,
        };
        // The rules outside of every `any` come first. If one of them has no remedy, the search ends before
        // any alternative is tried. The alternatives are then chosen so that they fit every `acr` rule,
        // also a later one.
        let is_found =
            search.each(self, Search::require_rule) && search.each(self, Search::choose_remedy);
        is_found.then_some(search.remedy)
    }
}

/// The search for the remedy of one policy.
struct Search<'s, 'p> {
    token: &'s VerifiedToken,
    now: &'s Clock,
    within: Option<&'s [&'p str]>,
    remedy: Remedy<'p>,
}

impl<'p> Search<'_, 'p> {
    /// Calls `pass` for the policy, or for each policy of an `all`, until `pass` returns false.
    fn each<S: Storage>(
        &mut self,
        rule: &'p Rule<S>,
        pass: fn(&mut Self, &'p Rule<S>) -> bool,
    ) -> bool {
        match rule {
            Rule::All(policies) => policies
                .iter()
                .all(|policy| self.each(S::rule(policy), pass)),
            _ => pass(self, rule),
        }
    }

    /// The first pass: checks the rules that do not depend on the choice of an alternative.
    fn require_rule<S: Storage>(&mut self, rule: &'p Rule<S>) -> bool {
        let is_met = |search: &Self| rule.allows(search.token, search.now);
        match rule {
            Rule::Scope(_) | Rule::Any(_) => true,
            Rule::Acr(values) => {
                let met = is_met(self);
                (met || can_authenticate(self.token)) && self.remedy.acr(values, self.within, met)
            }
            Rule::MaxAge(max_age) => {
                let met = is_met(self);
                self.remedy.max_age(max_age.as_secs(), met);
                met || can_authenticate(self.token)
            }
            Rule::Bound => {
                self.remedy.lacks_binding |= !is_met(self);
                true
            }
            _ => is_met(self),
        }
    }

    /// The second pass: adds scopes in the order of the policy. Of each `any`, it adds the first
    /// alternative that is met, or else the first that has a remedy.
    fn choose_remedy<S: Storage>(&mut self, rule: &'p Rule<S>) -> bool {
        match rule {
            Rule::Scope(scope) => {
                let met = rule.allows(self.token, self.now);
                self.remedy.scope(scope, met);
                true
            }
            Rule::Any(policies) => {
                let within = self.remedy.acr_values(self.within);
                let mut chosen: Option<Remedy<'p>> = None;
                for policy in policies.iter() {
                    match S::rule(policy).remedy(self.token, self.now, within) {
                        Some(met) if met.is_met() => {
                            chosen = Some(met);
                            break;
                        }
                        found => chosen = chosen.or(found),
                    }
                }
                let is_found = chosen.is_some();
                if let Some(chosen) = chosen {
                    self.remedy.add(chosen);
                }
                is_found
            }
            // The first pass has checked all other rules.
            _ => true,
        }
    }
}

/// Returns whether a new authentication may help. A service has no user who could authenticate again, so
/// the challenge of RFC 9470 §3 would not help.
fn can_authenticate(token: &VerifiedToken) -> bool {
    token.subject_kind() != SubjectKind::Service
}

/// Returns whether the claim, which is JSON text, is the string `value` or an array of strings that contains
/// `value`. The comparison is exact.
fn claim_equals(claim: &str, value: &str) -> bool {
    match json::string(claim) {
        Some(text) => text == value,
        None => json::strings(claim).is_some_and(|texts| texts.iter().any(|text| text == value)),
    }
}
