//! What a step-up challenge requires of the client (RFC 9470 §3).

/// What would make a valid token meet a policy: scopes, or a new authentication of the user.
#[derive(Debug, Default)]
pub(crate) struct Remedy {
    /// All scopes that the chosen alternatives need, granted or not (RFC 6750 §3.1).
    pub(super) scopes: Vec<&'static str>,
    /// The values that satisfy every `acr` rule of the chosen alternatives, in the order of preference
    /// (RFC 9470 §3). `None` if no rule names any.
    pub(super) acr_values: Option<Vec<&'static str>>,
    /// The maximum age of the authentication, in seconds.
    pub(super) max_age: Option<u64>,
    pub(super) lacks_scope: bool,
    pub(super) lacks_authentication: bool,
}

impl Remedy {
    pub(crate) fn scope(&mut self, scope: &'static str, met: bool) {
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
        self.lacks_scope |= !met;
    }

    /// Adds an `acr` rule, where `within` limits its values as the rules beside this remedy do. Returns
    /// whether a value is left that satisfies all of them.
    pub(crate) fn acr(
        &mut self,
        values: &'static [&'static str],
        within: Option<&[&'static str]>,
        met: bool,
    ) -> bool {
        let common = match self.acr_values(within) {
            Some(others) => {
                let accepted = others.iter().filter(|value| values.contains(*value));
                accepted.copied().collect()
            }
            None => values.to_vec(),
        };
        let satisfiable = !common.is_empty();
        self.acr_values = Some(common);
        self.lacks_authentication |= !met;
        satisfiable
    }

    pub(crate) fn max_age(&mut self, seconds: u64, met: bool) {
        self.max_age = Some(self.max_age.map_or(seconds, |other| other.min(seconds)));
        self.lacks_authentication |= !met;
    }

    /// Adds the remedy of an alternative that was found with these [`acr_values`](Self::acr_values).
    pub(crate) fn add(&mut self, alternative: Self) {
        for scope in alternative.scopes {
            self.scope(scope, true);
        }
        if alternative.acr_values.is_some() {
            self.acr_values = alternative.acr_values;
        }
        if let Some(seconds) = alternative.max_age {
            self.max_age(seconds, true);
        }
        self.lacks_scope |= alternative.lacks_scope;
        self.lacks_authentication |= alternative.lacks_authentication;
    }

    /// Returns the values that are left, or else those of the outer rules.
    pub(crate) fn acr_values<'a>(
        &'a self,
        within: Option<&'a [&'static str]>,
    ) -> Option<&'a [&'static str]> {
        self.acr_values.as_deref().or(within)
    }

    /// Returns whether the token needs no remedy.
    pub(crate) fn is_met(&self) -> bool {
        !self.lacks_scope && !self.lacks_authentication
    }
}
