#![doc = include_str!("../../../README.md")]
//!
//! (This package compiles and runs the code blocks above, and those of the other documents, and is not published.)

#[doc = include_str!("../../../okta-verifier/README.md")]
mod core_crate {}

#[doc = include_str!("../../../okta-verifier-redis/README.md")]
mod redis_crate {}

#[doc = include_str!("../../../CONTRIBUTING.md")]
mod contributing {}

#[doc = include_str!("../../../SECURITY.md")]
mod security {}

#[doc = include_str!("../../../docs/binding.md")]
mod binding {}

#[doc = include_str!("../../../docs/choosing-settings.md")]
mod choosing_settings {}

#[doc = include_str!("../../../docs/common-mistakes.md")]
mod common_mistakes {}

#[doc = include_str!("../../../docs/decisions.md")]
mod decisions {}

#[doc = include_str!("../../../docs/differential.md")]
mod differential {}

#[doc = include_str!("../../../docs/introspection.md")]
mod introspection {}

#[doc = include_str!("../../../docs/key-rotation.md")]
mod key_rotation {}

#[doc = include_str!("../../../docs/moving-from-jwt-authorizer.md")]
mod moving_from_jwt_authorizer {}

#[doc = include_str!("../../../docs/moving-from-okta-jwt-verifier.md")]
mod moving_from_okta_jwt_verifier {}

#[doc = include_str!("../../../docs/neighbours.md")]
mod neighbours {}

#[doc = include_str!("../../../docs/outage.md")]
mod outage {}

#[doc = include_str!("../../../docs/performance.md")]
mod performance {}

#[doc = include_str!("../../../docs/why-401.md")]
mod why_401 {}

mod compile_errors;
