//! Holes that other verifiers have, or had. Each test is named after one, and shows that it is
//! none here. No judgement of those projects: the holes are easy to dig, which is why they are
//! guarded. The layer's own are in the tests of `okta-verifier-tower`.

mod claims;
mod key_fetch;
mod key_set;
mod logs;
mod outage;
mod sender_constraint;
