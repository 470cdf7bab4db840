//! The public API, as a user sees it.

mod config;
mod env;
