//! `Hook`: the function that receives the outcome of each request.

use std::{any::Any, fmt, sync::Arc};

use actix_web::{HttpRequest, dev::ServiceResponse};
use okta_verifier::{
    Rejection, VerifiedToken, Verifier,
    adapter::{Outcome, PendingOutcome},
};

use crate::Rejected;

/// The function of [`VerifyMiddleware::on_outcome`](crate::VerifyMiddleware::on_outcome).
// A thin pointer, because the layer is cloned for every request.
#[derive(Clone)]
pub(super) struct Hook(Arc<Box<Function>>);

type Function = dyn Fn(Outcome<'_>, Option<&HttpRequest>) + Send + Sync;

/// The outcome of one request, and the hook that receives it. The request is not kept until the response: actix-web
/// panics in its routers while a clone of the request exists.
pub(super) struct RequestOutcome {
    pending: PendingOutcome<Report>,
    hook: Option<Hook>,
}

type Report = Box<dyn FnOnce(Outcome<'_>)>;

impl Hook {
    pub(super) fn new(
        hook: impl Fn(Outcome<'_>, Option<&HttpRequest>) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Box::new(hook)))
    }

    /// Returns the function that reports the outcome together with the request, if there is still one.
    fn report(&self, request: Option<HttpRequest>) -> Report {
        let hook = self.0.clone();
        Box::new(move |outcome| hook(outcome, request.as_ref()))
    }
}

impl RequestOutcome {
    #[inline]
    pub(super) fn accepted(token: &VerifiedToken, hook: Option<&Hook>) -> Self {
        Self::new(PendingOutcome::accepted(token, report(hook)), hook)
    }

    pub(super) fn anonymous(verifier: &Verifier, hook: Option<&Hook>) -> Self {
        Self::new(PendingOutcome::anonymous(verifier, report(hook)), hook)
    }

    pub(super) fn undecided(verifier: &Verifier, hook: Option<&Hook>) -> Self {
        Self::new(PendingOutcome::with_hook(verifier, report(hook)), hook)
    }

    #[inline]
    fn new(pending: PendingOutcome<Report>, hook: Option<&Hook>) -> Self {
        let hook = hook.cloned();
        Self { pending, hook }
    }

    #[inline]
    pub(super) fn nested(self, is_nested: bool) -> Self {
        Self {
            pending: self.pending.nested(is_nested),
            hook: self.hook,
        }
    }

    pub(super) fn accept(&mut self, token: &VerifiedToken) {
        self.pending.accept(token);
    }

    pub(super) fn admit_anonymous(&mut self) {
        self.pending.admit_anonymous();
    }

    /// Reports the outcome. The innermost rejection is the one in the extensions of the response, or the error of an
    /// inner middleware. The token was accepted if that middleware returned another error.
    #[inline]
    pub(super) fn complete<B, E: 'static>(&mut self, result: &Result<ServiceResponse<B>, E>) {
        let response = match result {
            Ok(response) => response,
            Err(error) => return self.pending.complete(rejection(error)),
        };
        if let Some(hook) = &self.hook {
            let report = hook.report(Some(response.request().clone()));
            self.pending.set_hook(report);
        }
        self.pending
            .complete(response.response().extensions().get::<Rejection>());
    }
}

/// Returns the rejection that an inner middleware returned as its error.
#[cold]
fn rejection<E: 'static>(error: &E) -> Option<&Rejection> {
    // The error of every service of actix-web has this type, but the trait `Service` does not say so.
    let error = (error as &dyn Any).downcast_ref::<actix_web::Error>()?;
    error.as_error().map(Rejected::rejection)
}

/// Returns the function that reports the outcome of a request that is dropped.
#[inline]
fn report(hook: Option<&Hook>) -> Option<Report> {
    hook.map(|hook| hook.report(None))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").finish_non_exhaustive()
    }
}
