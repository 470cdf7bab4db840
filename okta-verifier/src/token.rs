//! One token: its form, its claims, and what is checked of them. Pure functions of their input.

pub(crate) mod ascii;
mod base64url;
pub(crate) mod checks;
pub(crate) mod claims;
pub(crate) mod confirmation;
pub(crate) mod json;
pub(crate) mod jws;
mod subject_kind;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use base64url::BASE64URL;
pub use subject_kind::SubjectKind;
