//! Who is calling: credentials in, a `VerifiedToken` in the extensions or a refusal out.

mod credentials;
mod future;
mod layer;
mod service;

pub use self::{future::VerifyFuture, layer::VerifyLayer, service::Verify};
