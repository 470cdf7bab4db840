//! The public API, as a user sees it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod binding;
mod cache;
mod cached_verdicts;
mod causes;
mod claims;
mod config;
mod conformance;
mod discovery;
mod env;
mod introspection;
mod judge;
mod keys;
mod logs;
mod manners;
mod mock;
mod operate;
mod pair;
mod policy;
mod policy_cost;
mod profile;
mod properties;
mod refusals;
mod regressions;
mod revalidate;
mod roots;
mod server;
mod signatures;
mod step_up;
mod store;
mod subject_kind;
mod tenants;
mod token_edit;
mod token_form;
mod token_size;
mod unknown_keys;
mod verified;
mod why_401;

use secret_scan as _;
