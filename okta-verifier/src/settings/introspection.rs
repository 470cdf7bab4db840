//! The table `introspection` of an issuer in settings that are data.

use std::{fmt, fs, path::PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, de::Error as _};

use super::error::Problems;
use crate::{
    duration::DurationText,
    introspection::{ClientAuthentication, Introspection},
    net::without_secrets,
};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IntrospectionSettings {
    tokens: Tokens,
    authentication: Method,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    client_secret_file: Option<PathBuf>,
    private_key_file: Option<PathBuf>,
    key_id: Option<String>,
    endpoint: Option<UrlText>,
    max_age: Option<DurationText>,
    max_in_flight: Option<usize>,
    rate_limit: Option<Rate>,
    unverified_rate_limit: Option<Rate>,
    #[serde(default)]
    encrypted_tokens: bool,
    #[serde(default)]
    tokens_with_unknown_keys: bool,
    #[serde(default)]
    signed_tokens_only: bool,
}

/// Which tokens are introspected.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Tokens {
    Every,
    Opaque,
    OnDemand,
}

/// How this service authenticates. The names are those of the registry of RFC 7591 §4.2.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Method {
    ClientSecretBasic,
    ClientSecretPost,
    PrivateKeyJwt,
    None,
    Anonymous,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rate {
    per_second: u32,
    burst: u32,
}

impl IntrospectionSettings {
    /// Returns the settings, or `None` if there is a problem. `path` is the path of the table.
    pub(super) fn introspection(
        &self,
        path: &str,
        problems: &mut Problems,
    ) -> Option<Introspection> {
        let client = self.client(path, problems)?;
        let mut introspection = match self.tokens {
            Tokens::Every => Introspection::every_token(client),
            Tokens::Opaque => Introspection::opaque_tokens(client),
            Tokens::OnDemand => Introspection::on_demand(client),
        };
        if let Some(UrlText(endpoint)) = &self.endpoint {
            introspection = introspection.endpoint(endpoint);
        }
        if let Some(max_age) = self.max_age {
            introspection = introspection.max_age(max_age.0);
        }
        if let Some(requests) = self.max_in_flight {
            introspection = introspection.max_in_flight(requests);
        }
        if let Some(Rate { per_second, burst }) = self.rate_limit {
            introspection = introspection.rate_limit(per_second, burst);
        }
        if let Some(Rate { per_second, burst }) = self.unverified_rate_limit {
            introspection = introspection.unverified_rate_limit(per_second, burst);
        }
        if self.encrypted_tokens {
            introspection = introspection.encrypted_tokens();
        }
        if self.tokens_with_unknown_keys {
            introspection = introspection.tokens_with_unknown_keys();
        }
        if self.signed_tokens_only {
            introspection = introspection.signed_tokens_only();
        }
        Some(introspection)
    }

    fn client(&self, path: &str, problems: &mut Problems) -> Option<ClientAuthentication> {
        let before = problems.count();
        let has_secret = self.client_secret.is_some() || self.client_secret_file.is_some();
        let (needs_id, needs_secret, needs_key) = match self.authentication {
            Method::ClientSecretBasic | Method::ClientSecretPost => (true, true, false),
            Method::PrivateKeyJwt => (true, false, true),
            Method::None => (true, false, false),
            Method::Anonymous => (false, false, false),
        };
        let mut check = |key: &str, needed: bool, given: bool, what: &str| match (needed, given) {
            (true, false) => problems.add(path, &format_args!("write {key}, {what}")),
            (false, true) => {
                problems.add(
                    &format!("{path}.{key}"),
                    &"this authentication does not use it; remove it",
                );
            }
            _ => {}
        };
        let id = self.client_id.as_deref();
        check(
            "client_id",
            needs_id,
            id.is_some(),
            "the client ID of this service",
        );
        check(
            "client_secret_file",
            needs_secret,
            has_secret,
            "a file with the client secret, or client_secret",
        );
        check(
            "private_key_file",
            needs_key,
            self.private_key_file.is_some(),
            "a file with a PKCS#8 key in PEM",
        );
        if !needs_key {
            check("key_id", false, self.key_id.is_some(), "");
        }
        if self.client_secret.is_some() && self.client_secret_file.is_some() {
            let path = format!("{path}.client_secret");
            problems.add(&path, &"client_secret_file is set too; write one of them");
        }
        if problems.count() != before {
            return None;
        }
        let id = id.unwrap_or_default();
        Some(match self.authentication {
            Method::ClientSecretBasic => {
                let secret = self.secret(path, problems)?;
                ClientAuthentication::client_secret_basic(id, secret.expose_secret())
            }
            Method::ClientSecretPost => {
                let secret = self.secret(path, problems)?;
                ClientAuthentication::client_secret_post(id, secret.expose_secret())
            }
            Method::PrivateKeyJwt => {
                let file = self.private_key_file.as_ref()?;
                let key = read(&format!("{path}.private_key_file"), file, problems)?;
                let kid = self.key_id.as_deref();
                ClientAuthentication::private_key_jwt(id, kid, key.expose_secret())
            }
            Method::None => ClientAuthentication::none(id),
            Method::Anonymous => ClientAuthentication::anonymous(),
        })
    }

    fn secret(&self, path: &str, problems: &mut Problems) -> Option<SecretString> {
        match (&self.client_secret, &self.client_secret_file) {
            (Some(Secret(secret)), _) => Some(secret.clone()),
            (None, Some(file)) => {
                let secret = read(&format!("{path}.client_secret_file"), file, problems)?;
                // A file usually ends with a line break, which is not a part of the secret.
                let text = secret.expose_secret();
                let line = text.strip_suffix('\n').unwrap_or(text);
                Some(line.strip_suffix('\r').unwrap_or(line).into())
            }
            (None, None) => None,
        }
    }
}

/// A secret in the data. `Debug` and errors do not show it.
#[derive(Clone, Debug)]
struct Secret(SecretString);

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error of a wrong type shows the value.
        match serde_json::Value::deserialize(deserializer) {
            Ok(serde_json::Value::String(secret)) => Ok(Self(secret.into())),
            _ => Err(D::Error::custom("write the secret as a text")),
        }
    }
}

/// A URL that requests are sent to. `Debug` omits the query and the password, which may be secrets.
#[derive(Clone, Deserialize)]
pub(super) struct UrlText(pub(super) String);

impl fmt::Debug for UrlText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = without_secrets(self.0.as_bytes());
        write!(f, "{:?}", String::from_utf8_lossy(&shown))
    }
}

fn read(path: &str, file: &PathBuf, problems: &mut Problems) -> Option<SecretString> {
    let text = fs::read_to_string(file);
    text.inspect_err(|error| problems.unreadable(path, file, error))
        .ok()
        .map(SecretString::from)
}
