use std::task::{Context, Poll};

use http::{Extensions, Request, Response, header::AUTHORIZATION};
use okta_verifier::{Anonymous, VerifiedToken};
use tower_service::Service;

use super::{
    VerifyFuture, VerifyLayer,
    credentials::{self, Credentials},
};
use crate::{ready, refusal::Refusal};

/// The service that [`VerifyLayer`](crate::VerifyLayer) makes of `S`.
///
/// Nearly every request is decided in `call`, and its future is then the inner service's own or a
/// finished refusal. A request that has to wait for the issuer, for its keys for example, holds
/// nothing of the inner service meanwhile: the service that was polled ready is given back, and a
/// fresh clone is polled ready once the token is verified. An error of that clone's `poll_ready` is
/// the future's error. `S`, its future and the request's body need not be `Send`, nor `'static`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct Verify<S> {
    inner: S,
    layer: VerifyLayer,
}

impl<S> Verify<S> {
    pub(super) fn new(inner: S, layer: VerifyLayer) -> Self {
        Self { inner, layer }
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
        let future = self.authenticate(request);
        future.adding(self.layer.verifier.response_headers())
    }
}

impl<S> Verify<S> {
    fn authenticate<B, R>(&mut self, mut request: Request<B>) -> VerifyFuture<S, B>
    where
        S: Service<Request<B>, Response = Response<R>> + Clone,
    {
        let Self { inner, layer } = self;
        if layer.optional && !request.headers().contains_key(AUTHORIZATION) {
            request.extensions_mut().insert(layer.verifier.anonymous());
            return VerifyFuture::inner(inner.call(request));
        }
        let presented = credentials::presented(&request, layer);
        match layer.verifier.authenticate_now(&presented) {
            Some(Ok(token)) => {
                request.extensions_mut().insert(token);
                VerifyFuture::inner(inner.call(request))
            }
            Some(Err(rejection)) => {
                ready::release(inner);
                VerifyFuture::refused(Refusal::new(rejection, layer.grpc, &request))
            }
            None => {
                ready::release(inner);
                let authentication = Credentials::of(&request, layer).authenticate();
                VerifyFuture::authenticating(authentication, layer.grpc, request, inner.clone())
            }
        }
    }
}

/// An outer layer may trust another issuer or another audience: its token must not pass for ours.
fn forget_earlier_verdicts(extensions: &mut Extensions) {
    extensions.remove::<VerifiedToken>();
    extensions.remove::<Anonymous>();
}
