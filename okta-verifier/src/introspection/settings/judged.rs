//! From what a user wrote to what is asked.

use std::{fmt, ops::RangeInclusive, time::Duration};

use secrecy::ExposeSecret;
use url::Url;

use super::{Client, Introspect, Introspection};
use crate::remote::client_auth::{self, ClientAuth};

/// Settings that please.
pub(crate) struct Judged {
    pub(crate) auth: ClientAuth,
    /// As given; the issuer's rules about URLs are not applied yet.
    pub(crate) endpoint: Option<String>,
    pub(crate) introspect: Introspect,
    pub(crate) signed_tokens_only: bool,
    pub(crate) max_age: Duration,
    pub(crate) max_in_flight: usize,
}

/// Why a token may have to be asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Its key is not published.
    UnknownKey,
    /// Five parts.
    Encrypted,
    /// Neither three parts nor five.
    Opaque,
    /// Local checks accepted it.
    Accepted,
}

/// Not the whole endpoint, as its query may hold a secret.
impl fmt::Debug for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged")
            .field("auth", &self.auth)
            .field("endpoint", &self.endpoint.as_deref().map(origin_of))
            .field("introspect", &self.introspect)
            .field("max_age", &self.max_age)
            .field("max_in_flight", &self.max_in_flight)
            .finish_non_exhaustive()
    }
}

/// For `Debug`.
pub(super) fn origin_of(endpoint: &str) -> String {
    Url::parse(endpoint).map_or_else(
        |_| "no URL".to_owned(),
        |url| url.origin().ascii_serialization(),
    )
}

impl Question {
    /// Whether the token's signature was verified: nobody can make such tokens up.
    pub(crate) fn is_verified(self) -> bool {
        self == Self::Accepted
    }
}

impl Judged {
    /// Whether the settings want it asked.
    pub(crate) fn asks(&self, question: Question) -> bool {
        match question {
            Question::UnknownKey => true,
            Question::Encrypted => !self.signed_tokens_only,
            Question::Opaque => {
                !self.signed_tokens_only && self.introspect != Introspect::Undecidable
            }
            Question::Accepted => self.introspect == Introspect::Always,
        }
    }
}

impl Introspection {
    /// `default` is the profile's. An error says what to write.
    pub(crate) fn judge(self, default: Introspect) -> Result<Judged, &'static str> {
        if self.max_age > MAX_MAX_AGE {
            return Err(
                "a max_age above 1 h accepts tokens that were revoked long ago; write at most 1 h",
            );
        }
        if !IN_FLIGHT.contains(&self.max_in_flight) {
            return Err("max_in_flight: write 1 to 32");
        }
        let auth = match self.client {
            Client::Secret { client_id, .. }
            | Client::PrivateKey { client_id, .. }
            | Client::Unauthenticated { client_id }
                if client_id.is_empty() =>
            {
                return Err("the client id is empty; write the one of the client that asks");
            }
            Client::Secret { secret, .. } if secret.expose_secret().is_empty() => {
                return Err(
                    "the client secret is empty; write it, or choose .without_client_authentication(..)",
                );
            }
            Client::PrivateKey { .. } | Client::Unauthenticated { .. } if self.secret_post => {
                return Err(".client_secret_post() needs a secret: Introspection::new(..)");
            }
            Client::Secret { client_id, secret } if self.secret_post => {
                ClientAuth::Post { client_id, secret }
            }
            Client::Secret { client_id, secret } => ClientAuth::basic(&client_id, &secret),
            Client::PrivateKey {
                client_id,
                kid,
                pem,
            } => ClientAuth::PrivateKeyJwt {
                client_id,
                kid,
                key: Box::new(client_auth::private_key(&pem)?),
            },
            Client::Unauthenticated { client_id } => ClientAuth::Named { client_id },
        };
        Ok(Judged {
            auth,
            endpoint: self.endpoint,
            introspect: self.introspect.unwrap_or(default),
            signed_tokens_only: self.signed_tokens_only,
            max_age: self.max_age,
            max_in_flight: self.max_in_flight,
        })
    }
}

const MAX_MAX_AGE: Duration = Duration::from_secs(60 * 60);
const IN_FLIGHT: RangeInclusive<usize> = 1..=32;
