//! `TokenBuilder`: builds a valid token; each method changes one part of it.

mod claims;
mod header;
mod jws;
mod kind;
mod payload;
mod provider;
mod register;
mod wrong;

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use okta_verifier::Algorithm;

use crate::edits::Edits;
use crate::keys::Ring;
use crate::listener;
use jws::{Form, Seal};
use kind::Kind;
pub(crate) use payload::{Profile, user_id};
pub(crate) use provider::Provider;
pub(crate) use register::Register;

/// The client ID of every token, unless [`client_id`](TokenBuilder::client_id) sets another one.
///
/// ```
/// use okta_verifier_testing::{CLIENT_ID, TestIssuer};
///
/// let issuer = TestIssuer::new("api://orders").issuer().client_id(CLIENT_ID);
/// ```
pub const CLIENT_ID: &str = "0oatest";

/// A builder for tokens. The token is valid unless a method changes it.
///
/// If two methods set the same part, the last one wins. However, [`claim`](Self::claim) and
/// [`without`](Self::without) override the methods for scopes, groups, the client, `iat` and `exp`.
/// [`raw_payload`](Self::raw_payload) overrides all methods for claims.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// let okta = TestIssuer::new("api://orders");
/// let good = okta.token("ada").scope("orders:read").claim("department", "Sales").sign();
/// let forged = okta.token("ada").scope("orders:read").foreign_key().sign();
/// assert_ne!(good, forged);
/// ```
#[derive(Clone, Debug)]
#[must_use = "the builder does nothing until `.sign()` is called"]
pub struct TokenBuilder {
    ring: Arc<Ring>,
    profile: Profile,
    kind: Kind,
    issuer: String,
    audience: String,
    subject: String,
    client_id: String,
    scopes: Vec<String>,
    groups: Vec<String>,
    issued_at: u64,
    expires_at: u64,
    claims: Edits,
    header: Edits,
    algorithm: Option<Algorithm>,
    seal: Seal,
    raw_header: Option<Vec<u8>>,
    raw_payload: Option<Vec<u8>>,
    tampered: bool,
    form: Form,
    edit_signature: Option<fn(Vec<u8>) -> Vec<u8>>,
    /// The issuer's register of tokens, if the issuer supports introspection.
    register: Option<Arc<Register>>,
    revoked: bool,
}

impl TokenBuilder {
    pub(crate) fn new(
        ring: Arc<Ring>,
        profile: Profile,
        issuer: &str,
        audience: &str,
        subject: String,
    ) -> Self {
        listener::public(issuer);
        listener::public(audience);
        let now = unix_now();
        Self {
            ring,
            profile,
            kind: Kind::User,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            subject,
            client_id: CLIENT_ID.to_owned(),
            scopes: Vec::new(),
            groups: Vec::new(),
            issued_at: now,
            expires_at: now + LIFETIME,
            claims: Edits::default(),
            header: Edits::default(),
            algorithm: None,
            seal: Seal::Published,
            raw_header: None,
            raw_payload: None,
            tampered: false,
            form: Form::Signed,
            edit_signature: None,
            register: None,
            revoked: false,
        }
    }
}

impl TokenBuilder {
    /// Keeps the token out of the issuer's register, because it is not an access token.
    pub(crate) fn unregistered(mut self) -> Self {
        self.register = None;
        self
    }
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is after 1970")
        .as_secs()
}

/// The default lifetime of Okta's access tokens, in seconds.
pub(crate) const LIFETIME: u64 = 3600;
