use std::sync::Arc;

use super::{Challenges, Rejection};

/// Says that a request came without credentials and that its layer let it pass.
///
/// An optional layer puts it into the request's extensions, so that an extractor can tell a
/// caller without credentials (401) from a route without a layer (500).
#[derive(Clone, Debug)]
pub struct Anonymous(Arc<Challenges>);

impl Anonymous {
    pub(crate) fn new(challenges: Arc<Challenges>) -> Self {
        Self(challenges)
    }

    /// The plain 401, for a handler that wants credentials after all (RFC 6750 §3).
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        Rejection::unauthenticated(&self.0)
    }
}
