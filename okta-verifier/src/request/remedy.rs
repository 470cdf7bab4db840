/// What would make a valid token sufficient: scopes, or a new authentication of the user.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remedy {
    /// All that the chosen alternative needs, granted or not (RFC 6750 §3).
    pub(super) scopes: Vec<&'static str>,
    /// In the order of preference (RFC 9470 §3).
    pub(super) acr_values: Vec<&'static str>,
    /// Seconds.
    pub(super) max_age: Option<u64>,
    pub(super) lacks_scope: bool,
    pub(super) lacks_authentication: bool,
}

/// Each says that it helps.
impl Remedy {
    pub(crate) fn scope(&mut self, scope: &'static str, met: bool) -> bool {
        if !self.scopes.contains(&scope) {
            self.scopes.push(scope);
        }
        self.lacks_scope |= !met;
        true
    }

    pub(crate) fn acr(&mut self, values: &[&'static str], met: bool) -> bool {
        // Two rules: only what satisfies both helps.
        if self.acr_values.is_empty() {
            self.acr_values.extend(values);
        } else {
            self.acr_values.retain(|value| values.contains(value));
        }
        self.lacks_authentication |= !met;
        !self.acr_values.is_empty()
    }

    pub(crate) fn max_age(&mut self, seconds: u64, met: bool) -> bool {
        self.max_age = Some(self.max_age.map_or(seconds, |other| other.min(seconds)));
        self.lacks_authentication |= !met;
        true
    }
}
