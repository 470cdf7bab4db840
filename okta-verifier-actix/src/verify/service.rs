use std::{rc::Rc, time::Duration};

use actix_web::{
    HttpMessage,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};
use okta_verifier::{Anonymous, VerifiedToken, Verifier};

use super::VerifyFuture;
use crate::{
    answer::Answer,
    bridge::{self, Caller},
};

/// The service that [`VerifyMiddleware`](crate::VerifyMiddleware) makes of `S`, one a worker.
///
/// Nearly every request is decided on the spot. Only when the issuer has to be asked, for its keys
/// say, is the authentication a future of its own.
#[derive(Debug)]
pub struct Verify<S> {
    /// Shared with the requests that wait for the issuer.
    inner: Rc<S>,
    verifier: Verifier,
    optional: bool,
    checked_within: Option<Duration>,
}

impl<S> Verify<S> {
    pub(super) fn new(
        inner: S,
        verifier: Verifier,
        optional: bool,
        checked_within: Option<Duration>,
    ) -> Self {
        Self {
            inner: Rc::new(inner),
            verifier,
            optional,
            checked_within,
        }
    }
}

impl<S, B> Service<ServiceRequest> for Verify<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = VerifyFuture<S>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        forget_earlier_verdicts(&request);
        self.judge(request).adding(bridge::added(&self.verifier))
    }
}

impl<S> Verify<S> {
    fn judge<B>(&self, request: ServiceRequest) -> VerifyFuture<S>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    {
        if self.optional && !bridge::has_credentials(&request) {
            request.extensions_mut().insert(self.verifier.anonymous());
            return VerifyFuture::answering(Answer::inner(self.inner.call(request)));
        }
        let (verifier, checked_within) = (&self.verifier, self.checked_within);
        let caller = Caller::of(&request);
        let presented = bridge::presented(&request, &caller, verifier, checked_within);
        let verdict = verifier.authenticate_now(&presented);
        match verdict {
            Some(Ok(token)) => {
                request.extensions_mut().insert(token);
                VerifyFuture::answering(Answer::inner(self.inner.call(request)))
            }
            Some(Err(rejection)) => VerifyFuture::answering(Answer::refused(request, rejection)),
            None => {
                let verifier = verifier.clone();
                let authentication =
                    bridge::authenticate(&request, caller, verifier, checked_within);
                VerifyFuture::authenticating(authentication, request, Rc::clone(&self.inner))
            }
        }
    }
}

/// An outer middleware may trust another issuer or another audience: its token must not pass for
/// ours.
fn forget_earlier_verdicts(request: &ServiceRequest) {
    let mut extensions = request.extensions_mut();
    extensions.remove::<VerifiedToken>();
    extensions.remove::<Anonymous>();
}
