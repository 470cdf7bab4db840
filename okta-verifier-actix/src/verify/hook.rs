//! `Hook`: the function that receives the outcome of each request.

use std::{fmt, sync::Arc};

use actix_web::{HttpRequest, dev::ServiceResponse};
use okta_verifier::{
    Rejection, VerifiedToken,
    adapter::{Outcome, PendingOutcome},
};

/// The function of [`VerifyMiddleware::on_outcome`](crate::VerifyMiddleware::on_outcome).
#[derive(Clone)]
pub(super) struct Hook(Arc<dyn Fn(Outcome<'_>, Option<&HttpRequest>) + Send + Sync>);

/// The outcome of one request, and the hook that receives it.
pub(super) struct RequestOutcome {
    pending: PendingOutcome<Report>,
    hook: Option<Hook>,
}

type Report = Box<dyn FnOnce(Outcome<'_>)>;

impl Hook {
    pub(super) fn new(
        hook: impl Fn(Outcome<'_>, Option<&HttpRequest>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(hook))
    }

    /// Returns the function that reports the outcome together with the request, if there is still one.
    fn report(&self, request: Option<HttpRequest>) -> Report {
        let hook = self.0.clone();
        Box::new(move |outcome| hook(outcome, request.as_ref()))
    }
}

impl RequestOutcome {
    /// Adds the hook, if there is one. The request is not kept until the response: actix-web panics in its routers
    /// while a clone of the request exists.
    #[inline]
    pub(super) fn new(pending: PendingOutcome, hook: Option<&Hook>) -> Self {
        Self {
            pending: pending.on_outcome(hook.map(|hook| hook.report(None))),
            hook: hook.cloned(),
        }
    }

    pub(super) fn accept(&mut self, token: &VerifiedToken) {
        self.pending.accept(token);
    }

    /// Reports the outcome. The innermost rejection is the one in the extensions of the response. Without a response,
    /// the inner service returned an error, which is not a rejection: the token was accepted.
    #[inline]
    pub(super) fn complete<B>(self, response: Option<&ServiceResponse<B>>) {
        let Self { mut pending, hook } = self;
        let Some(response) = response else {
            return pending.complete(None);
        };
        if let Some(hook) = hook {
            pending = pending.on_outcome(Some(hook.report(Some(response.request().clone()))));
        }
        pending.complete(response.response().extensions().get::<Rejection>());
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
