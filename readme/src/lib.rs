#![doc = include_str!("../../README.md")]
//!
//! (This package compiles and runs the code blocks above and of `docs/`, and is not published.)

#[doc = include_str!("../../docs/introspection.md")]
mod introspection {}

#[doc = include_str!("../../docs/binding.md")]
mod binding {}
