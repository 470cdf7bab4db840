//! What the caller may do: a `Policy` over the token that `Verify` found.

mod future;
mod layer;
mod service;

pub use self::{future::RequireFuture, layer::RequireLayer, service::Require};
