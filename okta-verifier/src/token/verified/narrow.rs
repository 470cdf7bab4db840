use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value};

use super::{Inner, PAYLOAD, SCOPE, VerifiedToken};
use crate::error::VerifyError;

impl VerifiedToken {
    /// With those scopes only that `other` has too.
    ///
    /// # Errors
    ///
    /// The claims cannot be written anew: without them nothing that a claim forbids would be seen.
    pub(crate) fn narrowed_to(&self, other: &Self) -> Result<Self, VerifyError> {
        let inner = &*self.0;
        let common: Vec<&str> = self
            .scopes()
            .filter(|scope| other.has_scope(scope))
            .collect();
        let scope = common.join(" ");
        let payload = with_scopes(self.payload(), &common)
            .ok_or(VerifyError::InvalidClaim { claim: "scope" })?;
        Ok(Self(Arc::new(Inner {
            origin: inner.origin.clone(),
            texts: inner.texts.with(SCOPE, &scope).with(PAYLOAD, &payload),
            subject_kind: inner.subject_kind,
            dates: inner.dates,
            auth_time: inner.auth_time,
            bound: inner.bound.clone(),
            groups: OnceLock::new(),
        })))
    }
}

/// The claims with these scopes, each list in the shape it had: whoever reads the claim itself
/// must not find more than `has_scope` does.
fn with_scopes(payload: &str, scopes: &[&str]) -> Option<String> {
    let mut claims: Map<String, Value> = serde_json::from_str(payload).ok()?;
    for name in ["scp", "scope"] {
        if let Some(list) = claims.get_mut(name) {
            *list = match list {
                Value::Array(_) => scopes.into(),
                _ => scopes.join(" ").into(),
            };
        }
    }
    serde_json::to_string(&claims).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_claim_names_a_scope_that_was_taken_away() {
        for (payload, narrowed) in [
            (r#"{"scp":["a","b"],"x":1}"#, r#"{"scp":["a"],"x":1}"#),
            (r#"{"scope":"a b"}"#, r#"{"scope":"a"}"#),
            (r#"{"scp":"b","scope":"b"}"#, r#"{"scope":"a","scp":"a"}"#),
            (r#"{"other":"b"}"#, r#"{"other":"b"}"#),
        ] {
            assert_eq!(with_scopes(payload, &["a"]).as_deref(), Some(narrowed));
        }
    }
}
