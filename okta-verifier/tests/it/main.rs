//! The public API, as a user sees it.

mod claims;
mod config;
mod env;
mod judge;
mod logs;
mod policy;
mod profile;
mod properties;
mod refusals;
mod signatures;
mod step_up;
mod token_form;
mod verified;
