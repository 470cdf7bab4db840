//! Holes that other verifiers have, or had. Each test is named after one, and shows that it is
//! none here. No judgement of those projects: the holes are easy to dig, which is why they are
//! guarded. The layer's own are in the tests of `okta-verifier-tower`.

mod binding;
mod claims;
mod key_sets;
mod keys;
mod outage;
mod secrecy;
