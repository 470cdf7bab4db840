//! The claims of the token, as an API would declare them.

use serde::{Deserialize, Serialize};

/// The type for verifiers that deserialize claims into the caller's type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of the token")]
pub struct Claims {
    pub ver: u32,
    pub jti: String,
    pub iss: String,
    pub aud: String,
    pub sub: String,
    pub iat: u64,
    pub exp: u64,
    pub auth_time: u64,
    pub cid: String,
    pub uid: String,
    pub scp: Vec<String>,
    pub groups: Vec<String>,
}
