use std::task::{Context, Poll};

use http::{Extensions, Request, Response, header::AUTHORIZATION};
use okta_verifier::{VerifiedToken, adapter::Anonymous};
use tower_service::Service;

use super::{VerifyFuture, VerifyLayer, credentials::credentials};
use crate::{ready, refusal::Refusal};

/// The service that [`VerifyLayer`](crate::VerifyLayer) wraps around `S`.
///
/// Nearly every request is decided in `call`: the returned future is then a rejection or wraps the inner
/// service's future. A request that has to wait, for the issuer's keys for example, holds no reservation of
/// the inner service. The service that was polled ready is released, and a clone of that service is polled
/// ready once the token is verified. If `poll_ready` of the clone fails, the returned future fails with the
/// same error. `S`, its future and the request's body need not be `Send` or `'static`.
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
        remove_earlier_results(request.extensions_mut());
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
        // With any `Authorization` field the client meant to authenticate, so the request is not anonymous.
        if layer.optional && !request.headers().contains_key(AUTHORIZATION) {
            request.extensions_mut().insert(layer.verifier.anonymous());
            return VerifyFuture::inner(inner.call(request));
        }
        let authentication = layer.verifier.authenticate(&credentials(&request, layer));
        match authentication.into_ready() {
            Ok(Ok(token)) => {
                request.extensions_mut().insert(token);
                VerifyFuture::inner(inner.call(request))
            }
            Ok(Err(rejection)) => {
                if let Some(anonymous) = rejection.as_anonymous() {
                    request.extensions_mut().insert(anonymous.clone());
                    return VerifyFuture::inner(inner.call(request));
                }
                ready::release(inner);
                VerifyFuture::refused(Refusal::new(rejection, layer.grpc, &request))
            }
            Err(pending) => {
                ready::release(inner);
                VerifyFuture::authenticating(pending, layer.grpc, request, inner.clone())
            }
        }
    }
}

/// Removes the results of an outer layer. The outer layer may trust another issuer or audience, so its
/// token must not be mistaken for a token that this layer verified.
fn remove_earlier_results(extensions: &mut Extensions) {
    // A result of the same verifier is removed too, because it does not show for which request its DPoP
    // proof was made.
    extensions.remove::<VerifiedToken>();
    extensions.remove::<Anonymous>();
}
