//! The span of one fetch from an issuer, for traces.

use tracing::{Span, field::Empty};

use super::without_secrets;
use crate::error::UnavailableReason;

/// The span `fetch` of one fetch, at DEBUG, with the target `okta_verifier::fetch`. Its field `code` is recorded
/// at the end: `ok`, or the code of the failure. A fetch that is dropped before its end, such as one whose
/// runtime is shut down, ends with the code `abandoned`.
pub(crate) struct FetchSpan {
    span: Span,
    recorded: bool,
}

impl FetchSpan {
    /// Returns the span of a fetch in a task of its own.
    ///
    /// The span has no parent, because the fetch serves every request that waits for it and may outlast the
    /// one that began it, whose span would otherwise stay open. It follows from the current span instead, so
    /// that a trace can link to it.
    pub(crate) fn detached(issuer: &str, document: &'static str) -> Self {
        let span = tracing::debug_span!(
            target: TARGET, parent: None, NAME, issuer, document, code = Empty
        );
        span.follows_from(Span::current());
        Self::new(span)
    }

    /// Returns the span of a fetch that is a part of another one, whose span is its parent.
    pub(crate) fn nested(issuer: &str, document: &'static str) -> Self {
        Self::new(
            tracing::debug_span!(target: TARGET, NAME, issuer, document, url = Empty, code = Empty),
        )
    }

    fn new(span: Span) -> Self {
        Self {
            span,
            recorded: false,
        }
    }

    /// Returns the span, in which the future of the fetch must run.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// Records the URL of the document, which the settings name, without its secrets. The last one counts.
    pub(crate) fn record_url(&self, url: &str) {
        if !self.span.is_disabled() {
            let url = without_secrets(url.as_bytes());
            self.span.record("url", &*String::from_utf8_lossy(&url));
        }
    }

    /// Records the result of the fetch.
    pub(crate) fn record<T>(&mut self, result: &Result<T, UnavailableReason>) {
        self.span.record(
            "code",
            result
                .as_ref()
                .map_or_else(UnavailableReason::code, |_| "ok"),
        );
        self.recorded = true;
    }
}

impl Drop for FetchSpan {
    fn drop(&mut self) {
        if !self.recorded {
            self.record::<()>(&Err(UnavailableReason::Abandoned));
        }
    }
}

const TARGET: &str = "okta_verifier::fetch";
const NAME: &str = "fetch";
