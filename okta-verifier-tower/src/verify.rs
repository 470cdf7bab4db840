//! `VerifyLayer` and its service, which verify the access token of each request.

mod credentials;
mod future;
mod hook;
mod layer;
mod service;

pub use self::{future::VerifyFuture, layer::VerifyLayer, service::Verify};
