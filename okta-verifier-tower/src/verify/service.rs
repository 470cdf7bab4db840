use std::task::{Context, Poll};

use http::{Extensions, Request, Response, header::AUTHORIZATION};
use okta_verifier::{Anonymous, VerifiedToken, Verifier};
use tower_service::Service;

use super::{
    VerifyFuture,
    credentials::{self, Credentials, Reading},
};
use crate::{ready, refusal::Refusal};

/// The service that [`VerifyLayer`](crate::VerifyLayer) makes of `S`.
///
/// Nearly every request is decided on the spot, and its future is then the inner service's own or a
/// ready refusal. Only when the issuer has to be asked, for its keys say, is the authentication a
/// future of its own. `S`, its future and the request's body need not be `Send`, nor `'static`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct Verify<S> {
    inner: S,
    verifier: Verifier,
    optional: bool,
    reading: Reading,
}

impl<S> Verify<S> {
    pub(super) fn new(inner: S, verifier: Verifier, optional: bool, reading: Reading) -> Self {
        Self {
            inner,
            verifier,
            optional,
            reading,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Verify<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = VerifyFuture<S, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        forget_earlier_verdicts(request.extensions_mut());
        let future = self.judge(request);
        future.adding(self.verifier.response_headers())
    }
}

impl<S> Verify<S> {
    fn judge<B, R>(&mut self, mut request: Request<B>) -> VerifyFuture<S, B>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone,
    {
        if self.optional && !request.headers().contains_key(AUTHORIZATION) {
            request.extensions_mut().insert(self.verifier.anonymous());
            return VerifyFuture::inner(self.inner.call(request));
        }
        let presented = credentials::presented(&request, &self.verifier, self.reading);
        match self.verifier.authenticate_now(&presented) {
            Some(Ok(token)) => {
                request.extensions_mut().insert(token);
                VerifyFuture::inner(self.inner.call(request))
            }
            Some(Err(rejection)) => {
                drop(ready::take(&mut self.inner));
                VerifyFuture::refused(Refusal::new(rejection, &request))
            }
            None => {
                let authentication = Credentials::of(&request, &self.verifier, self.reading)
                    .authenticate(self.verifier.clone());
                VerifyFuture::authenticating(authentication, request, ready::take(&mut self.inner))
            }
        }
    }
}

/// An outer layer may trust another issuer or another audience: its token must not pass for ours.
fn forget_earlier_verdicts(extensions: &mut Extensions) {
    extensions.remove::<VerifiedToken>();
    extensions.remove::<Anonymous>();
}
