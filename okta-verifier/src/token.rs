//! One token: its form, its claims, and what is checked of them. Pure functions of their input.

mod base64url;
pub(crate) mod cache;
pub(crate) mod checks;
pub(crate) mod claims;
pub(crate) mod compact;
pub(crate) mod confirmation;
mod debug;
mod groups;
pub(crate) mod json;
pub(crate) mod jws;
mod subject_kind;
mod texts;
mod verified;

#[cfg(test)]
mod tests;

pub(crate) use base64url::BASE64URL;
pub use subject_kind::SubjectKind;
pub(crate) use verified::Origin;
pub use verified::VerifiedToken;
