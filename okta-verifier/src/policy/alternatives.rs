//! The scopes that a policy requires, as alternatives, for a description of the API such as OpenAPI.

use std::ops::Deref;

use super::{
    OwnedPolicy, Policy,
    owned::Source,
    rule::{Rule, Storage},
};

impl Policy {
    /// Returns the scopes that the policy requires, as alternatives: a token needs all scopes of one of them.
    /// This is the form of the security requirements of an OpenAPI operation (OpenAPI 3.1.1 §4.8.30), in which
    /// each alternative is one requirement object.
    ///
    /// The alternatives are minimal: none contains all scopes of another one. They have the order of the
    /// policy. Rules about anything but scopes, such as [`group`](Self::group), [`claim`](Self::claim) or
    /// [`acr`](Self::acr), count as met, so write them into the description of the operation. A policy that does
    /// not require a scope has one alternative without scopes. So does [`any`](Self::any) with an alternative that
    /// needs no scope.
    ///
    /// Returns `None` if there are more than 64 alternatives, at the end or for a part of the policy, because nested
    /// `any`s multiply. Such a policy is still evaluated as usual.
    ///
    /// ```
    /// use okta_verifier::Policy;
    ///
    /// const SHIP: Policy = Policy::all(&[
    ///     Policy::scope("orders:read"),
    ///     Policy::any(&[Policy::scope("orders:ship"), Policy::scope("orders:admin")]),
    ///     Policy::group("Warehouse"),
    /// ]);
    /// let alternatives = SHIP.scope_alternatives().ok_or("too many alternatives")?;
    /// assert_eq!(alternatives, [["orders:read", "orders:ship"], ["orders:read", "orders:admin"]]);
    ///
    /// const NONE: Policy = Policy::any(&[Policy::scope("orders:read"), Policy::group("Admins")]);
    /// assert_eq!(NONE.scope_alternatives(), Some(vec![vec![]])); // the group alone is enough
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn scope_alternatives(self) -> Option<Vec<Vec<&'static str>>> {
        // The texts are copied out of the rule, so that they do not borrow from this policy.
        let alternatives = alternatives(&self.0)?.into_iter();
        let copied = alternatives.map(|scopes| scopes.into_iter().copied().collect());
        Some(copied.collect())
    }
}

impl OwnedPolicy {
    /// Returns the scopes that the policy requires, as alternatives, like [`Policy::scope_alternatives`].
    ///
    /// ```
    /// use okta_verifier::OwnedPolicy;
    ///
    /// let read: OwnedPolicy =
    ///     serde_json::from_str(r#"{ "any": [{ "scope": "orders:read" }, { "scope": "orders:admin" }] }"#)?;
    /// assert_eq!(read.scope_alternatives(), Some(vec![vec!["orders:read"], vec!["orders:admin"]]));
    ///
    /// let anyone: OwnedPolicy = serde_json::from_str(r#"{ "any_token": true }"#)?;
    /// assert_eq!(anyone.scope_alternatives(), Some(vec![vec![]]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn scope_alternatives(&self) -> Option<Vec<Vec<&str>>> {
        match self.source() {
            Source::Code(policy) => policy.scope_alternatives(),
            Source::Data(rule) => {
                let alternatives = alternatives(rule)?.into_iter();
                let texts = |scopes: Vec<_>| scopes.into_iter().map(Deref::deref).collect();
                Some(alternatives.map(texts).collect())
            }
        }
    }
}

/// The scopes of one alternative, each of them once.
type Alternative<'p, S> = Vec<&'p <S as Storage>::Text>;

/// Returns the minimal alternatives, which is the disjunctive normal form of the scopes. Returns `None` if
/// there are more than [`MAX_ALTERNATIVES`].
fn alternatives<S: Storage>(rule: &Rule<S>) -> Option<Vec<Alternative<'_, S>>> {
    let mut found = Vec::new();
    match rule {
        Rule::Scope(scope) => found.push(vec![scope]),
        Rule::Any(policies) => {
            for policy in policies.iter() {
                for alternative in alternatives(S::rule(policy))? {
                    add::<S>(&mut found, alternative)?;
                }
            }
        }
        Rule::All(policies) => {
            found.push(Vec::new());
            for policy in policies.iter() {
                let others = alternatives(S::rule(policy))?;
                let mut both = Vec::new();
                for one in &found {
                    for other in &others {
                        add::<S>(&mut both, union::<S>(one, other))?;
                    }
                }
                found = both;
            }
        }
        Rule::AnyToken
        | Rule::Group(_)
        | Rule::Claim(..)
        | Rule::ClaimPath(..)
        | Rule::Subject(_)
        | Rule::Bound
        | Rule::Acr(_)
        | Rule::MaxAge(_)
        | Rule::When(..) => found.push(Vec::new()),
    }
    Some(found)
}

/// Adds an alternative, unless another one needs no other scopes, and removes those that need more. Returns
/// `None` if there are too many.
fn add<'p, S: Storage>(
    alternatives: &mut Vec<Alternative<'p, S>>,
    new: Alternative<'p, S>,
) -> Option<()> {
    if alternatives.iter().any(|old| contains::<S>(&new, old)) {
        return Some(());
    }
    alternatives.retain(|old| !contains::<S>(old, &new));
    alternatives.push(new);
    (alternatives.len() <= MAX_ALTERNATIVES).then_some(())
}

fn union<'p, S: Storage>(
    one: &Alternative<'p, S>,
    other: &Alternative<'p, S>,
) -> Alternative<'p, S> {
    let mut union = one.clone();
    let new = other.iter().filter(|scope| !has::<S>(one, scope));
    union.extend(new);
    union
}

fn contains<S: Storage>(whole: &Alternative<'_, S>, part: &Alternative<'_, S>) -> bool {
    part.iter().all(|scope| has::<S>(whole, scope))
}

fn has<S: Storage>(alternative: &Alternative<'_, S>, scope: &S::Text) -> bool {
    alternative.iter().any(|one| ***one == **scope)
}

/// The bound for the time and the memory, because the number of alternatives may double with each rule. A client
/// cannot choose among more of them either.
const MAX_ALTERNATIVES: usize = 64;
