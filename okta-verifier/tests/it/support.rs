//! Helpers that tests of several subjects use.

pub(crate) mod captured_logs;
pub(crate) mod captured_spans;
pub(crate) mod dpop_fixture;
pub(crate) mod mock_issuer;
pub(crate) mod pinned_keys;
pub(crate) mod private_key;
pub(crate) mod raw_server;
pub(crate) mod token_edit;
pub(crate) mod verifier_pair;
