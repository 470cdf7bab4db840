//! `RequireLayer` and its service, which enforce a policy on verified tokens.

mod future;
mod layer;
mod service;

pub use self::{future::RequireFuture, layer::RequireLayer, service::Require};
