//! Tests of the public API. A directory or file is named after its subject; `support` holds what
//! several of them use.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audiences;
mod back_channel_logout;
mod claims;
mod clock;
mod config;
mod conformance;
mod dpop;
mod env;
mod event_hooks;
mod expired;
#[cfg(feature = "explain")]
mod explain;
mod introspection;
mod issuers;
mod keys;
mod logs;
#[cfg(feature = "mcp")]
mod mcp;
mod mount;
mod mtls;
mod net;
mod policy;
mod profile;
mod properties;
mod providers;
mod recorded;
mod regressions;
mod rejection;
mod rejection_events;
mod rejection_issuer;
mod resource;
mod revocation;
mod security_events;
mod signatures;
mod spans;
mod stats;
mod step_up;
mod stream_verification;
mod subject_kind;
mod support;
mod tenants;
mod token_cache;
mod token_form;
mod token_size;
mod trusted_proxies;
mod unavailable;
mod universal_logout;
mod verified_token;
mod why_401;

use secret_scan as _;
