//! What the routes demand, in both frameworks.

use okta_verifier::{Policy, Requirement};

pub(crate) struct ReadOrders;

impl Requirement for ReadOrders {
    const POLICY: Policy = Policy::scope("orders:read");
}
