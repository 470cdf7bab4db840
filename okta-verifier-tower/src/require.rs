//! `RequireLayer` and its service: enforce a policy on verified tokens.

mod future;
mod layer;
mod service;

pub use self::{future::RequireFuture, layer::RequireLayer, service::Require};
