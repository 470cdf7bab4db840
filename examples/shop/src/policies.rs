//! The policies that are the same in every deployment. Those with a group are in the settings file.

use okta_verifier::{Policy, Requirement};

pub(crate) struct Read;

impl Requirement for Read {
    const POLICY: Policy = Policy::scope("shop:read");
}

pub(crate) struct Buy;

impl Requirement for Buy {
    const POLICY: Policy = Policy::scope("shop:buy");
}

/// A payment requires a token that is bound to the key of its client.
pub(crate) struct Pay;

impl Requirement for Pay {
    const POLICY: Policy = Policy::all(&[Policy::bound(), Policy::scope("shop:pay")]);
}
