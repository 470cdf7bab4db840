//! The register of an issuer's tokens, for introspection.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

/// The claims of every signed token that has not been revoked. A server that runs for long forgets the
/// oldest tokens.
#[derive(Debug, Default)]
pub(crate) struct Register(Mutex<Entries>);

#[derive(Debug, Default)]
struct Entries {
    claims: HashMap<Arc<str>, Map<String, Value>>,
    /// The latest token of each `jti`.
    names: HashMap<String, Arc<str>>,
    /// The tokens with their `jti`, oldest first, including those that were revoked.
    order: VecDeque<(Arc<str>, Option<String>)>,
}

impl Register {
    /// Stores the claims of `token`. A token whose payload is not a JSON object is not stored, so it is
    /// never active.
    pub(crate) fn enter(&self, token: &str, payload: &[u8]) {
        let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(payload) else {
            return;
        };
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = Arc::<str>::from(token);
        let jti = claims.get("jti").and_then(Value::as_str).map(str::to_owned);
        if let Some(jti) = &jti {
            entries.names.insert(jti.clone(), Arc::clone(&token));
        }
        entries.order.push_back((Arc::clone(&token), jti));
        entries.claims.insert(token, claims);
        if entries.order.len() > LIMIT {
            entries.forget_oldest();
        }
    }
}

impl Entries {
    fn forget_oldest(&mut self) {
        let Some((token, jti)) = self.order.pop_front() else {
            return;
        };
        self.claims.remove(&token);
        if let Some(jti) = jti
            && self.names.get(&jti) == Some(&token)
        {
            self.names.remove(&jti);
        }
    }
}

/// The maximum number of tokens, which take some 100 MB.
const LIMIT: usize = 50_000;

#[cfg(feature = "server")]
impl Register {
    /// Returns the claims with which a token was signed, or `None` if the token is unknown or was
    /// revoked.
    ///
    /// A JWT is found by its text, or else by its `jti`, as on real servers. Its signature and its
    /// other claims are not compared.
    pub(crate) fn claims(&self, token: &str) -> Option<Map<String, Value>> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.claims.get(entries.key_of(token)).cloned()
    }

    /// Removes a token. A JWT with the same `jti` and a different text is then unknown too.
    pub(crate) fn revoke(&self, token: &str) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = entries.key_of(token).to_owned();
        entries.claims.remove(&*key);
    }
}

#[cfg(feature = "server")]
impl Entries {
    /// Returns the key of the token's entry: the token itself, or else the latest token with the same
    /// `jti`.
    fn key_of<'a>(&'a self, token: &'a str) -> &'a str {
        if self.claims.contains_key(token) {
            return token;
        }
        let own = jti(token).and_then(|jti| self.names.get(&jti));
        own.map_or(token, |it| it)
    }
}

#[cfg(feature = "server")]
fn jti(jwt: &str) -> Option<String> {
    use base64::engine::{Engine, general_purpose::URL_SAFE_NO_PAD};

    let payload = jwt.split('.').nth(1)?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    Some(claims["jti"].as_str()?.to_owned())
}
