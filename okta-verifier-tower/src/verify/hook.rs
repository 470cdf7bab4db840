//! `Hook`: the function that receives the outcome of each request.

use std::{fmt, sync::Arc};

use http::Extensions;
use okta_verifier::adapter::{Outcome, PendingOutcome};

/// The function of [`VerifyLayer::on_outcome`](super::VerifyLayer::on_outcome).
#[derive(Clone)]
pub(super) struct Hook(Arc<Function>);

type Function = dyn Fn(Outcome<'_>, &Extensions) + Send + Sync;

/// The outcome of one request.
pub(super) type RequestOutcome = PendingOutcome<Report>;

type Report = Box<dyn FnOnce(Outcome<'_>) + Send>;

impl Hook {
    pub(super) fn new(hook: impl Fn(Outcome<'_>, &Extensions) + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    #[cold]
    fn with(&self, extensions: &Extensions) -> Report {
        let (hook, extensions) = (self.0.clone(), extensions.clone());
        Box::new(move |outcome| hook(outcome, &extensions))
    }
}

/// Returns the function that reports the outcome together with a copy of the extensions, if there is a hook. The inner
/// service consumes the extensions themselves.
#[inline]
pub(super) fn report(hook: Option<&Hook>, extensions: &Extensions) -> Option<Report> {
    hook.map(|hook| hook.with(extensions))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
