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
mod texts;
mod verified;

#[cfg(test)]
mod tests;

pub(crate) use base64url::BASE64URL;
pub(crate) use verified::Origin;
pub use verified::VerifiedToken;
