//! `Hook`: the function that receives the outcome of each request.

use std::{fmt, sync::Arc};

use http::Extensions;
use okta_verifier::adapter::{Outcome, PendingOutcome};

/// The function of [`VerifyLayer::on_outcome`](super::VerifyLayer::on_outcome).
#[derive(Clone)]
pub(super) struct Hook(Arc<dyn Fn(Outcome<'_>, &Extensions) + Send + Sync>);

/// The outcome of one request. The function has the extensions of the request.
pub(super) type RequestOutcome = PendingOutcome<Box<dyn FnOnce(Outcome<'_>) + Send>>;

impl Hook {
    pub(super) fn new(hook: impl Fn(Outcome<'_>, &Extensions) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }
}

/// Adds the hook and a copy of the extensions, if there is a hook. The inner service consumes the extensions
/// themselves.
#[inline]
pub(super) fn with_hook<H: FnOnce(Outcome<'_>)>(
    outcome: PendingOutcome<H>,
    hook: Option<&Hook>,
    extensions: &Extensions,
) -> RequestOutcome {
    outcome.on_outcome(hook.map(|Hook(hook)| report(hook.clone(), extensions.clone())))
}

fn report(
    hook: Arc<dyn Fn(Outcome<'_>, &Extensions) + Send + Sync>,
    extensions: Extensions,
) -> Box<dyn FnOnce(Outcome<'_>) + Send> {
    Box::new(move |outcome| hook(outcome, &extensions))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
