//! Parses a token and checks its claims. The result depends on the arguments only.

pub(crate) mod ascii;
mod base64url;
pub(crate) mod checks;
pub(crate) mod claims;
pub(crate) mod confirmation;
pub(crate) mod json;
pub(crate) mod jws;
pub(crate) mod logged_claims;
pub(crate) mod profile;
mod subject_kind;
pub(crate) mod tenants;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use base64url::BASE64URL;
pub use profile::TokenProfile;
pub use subject_kind::SubjectKind;
