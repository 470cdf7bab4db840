//! Vulnerabilities and faults of other verifiers, present or fixed. Each test is named after one and
//! shows that it does not exist here. This is no criticism of those projects: such faults are easy to
//! make, which is why each has a test. Those of layers are in the tests of `okta-verifier-tower`.

mod claims;
mod key_fetch;
mod key_set;
mod logs;
mod outage;
mod sender_constraint;
