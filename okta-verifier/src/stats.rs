//! Counters of what a verifier did.

/// The counters of one issuer. Every token and every rejection of the issuer shares them.
#[derive(Debug)]
pub(crate) struct IssuerCounters {
    issuer: Box<str>,
}

impl IssuerCounters {
    pub(crate) fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.into(),
        }
    }

    /// Returns the issuer's URL, as configured.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }
}
