use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Extensions, Request, Response, header::AUTHORIZATION};
use okta_verifier::{VerifiedToken, Verifier, adapter::Anonymous};
use tower_service::Service;

use super::{
    VerifyFuture,
    credentials::{credentials, strip},
    hook::{RequestOutcome, report},
    layer::Settings,
};
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
    settings: Arc<Settings>,
}

impl<S> Verify<S> {
    pub(super) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
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

    // This is one function, and the future is built where it is returned, because each move copies the whole request or
    // the whole future of the inner service.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Self { inner, settings } = self;
        let (verifier, hook) = (settings.mount.verifier(), settings.hook.as_ref());
        let is_nested = remove_earlier_results(request.extensions_mut(), verifier);
        // The headers are added to the response, whether it is a rejection or the inner service's response.
        let added = verifier.response_headers().collect();
        let undecided = |request: &Request<B>| {
            let report = report(hook, request.extensions());
            RequestOutcome::with_hook(verifier, report).nested(is_nested)
        };
        // With any `Authorization` field the client meant to authenticate, so the request is not anonymous.
        if settings.optional && !request.headers().contains_key(AUTHORIZATION) {
            strip(request.headers_mut(), settings);
            return match settings.mount.anonymous() {
                Ok(anonymous) => {
                    request.extensions_mut().insert(anonymous);
                    let report = report(hook, request.extensions());
                    let outcome = RequestOutcome::anonymous(verifier, report).nested(is_nested);
                    VerifyFuture::inner(inner.call(request), added, outcome)
                }
                Err(rejection) => {
                    ready::release(inner);
                    let outcome = undecided(&request);
                    let refusal = Refusal::new(rejection, settings.grpc, &request);
                    VerifyFuture::refused(refusal, added, outcome)
                }
            };
        }
        let authentication = settings
            .mount
            .authenticate(&credentials(&request, settings));
        // The authentication has copies of what it needs.
        strip(request.headers_mut(), settings);
        match authentication.into_ready() {
            Ok(Ok(token)) => {
                let mut outcome = RequestOutcome::accepted(&token, None).nested(is_nested);
                request.extensions_mut().insert(token);
                if let Some(report) = report(hook, request.extensions()) {
                    outcome.set_hook(report);
                }
                VerifyFuture::inner(inner.call(request), added, outcome)
            }
            Ok(Err(rejection)) => {
                if let Some(anonymous) = rejection.as_anonymous() {
                    request.extensions_mut().insert(anonymous.clone());
                    let mut outcome = undecided(&request);
                    outcome.admit_anonymous();
                    return VerifyFuture::inner(inner.call(request), added, outcome);
                }
                ready::release(inner);
                let outcome = undecided(&request);
                let refusal = Refusal::new(rejection, settings.grpc, &request);
                VerifyFuture::refused(refusal, added, outcome)
            }
            Err(pending) => {
                ready::release(inner);
                let outcome = undecided(&request);
                let call = (request, inner.clone(), settings.hook.clone());
                VerifyFuture::authenticating(pending, settings.grpc, call, added, outcome)
            }
        }
    }
}

/// Removes the results of an outer layer. The outer layer may trust another issuer or audience, so its
/// token must not be mistaken for a token that this layer verified. Returns whether the outer layer has the same
/// verifier.
fn remove_earlier_results(extensions: &mut Extensions, verifier: &Verifier) -> bool {
    // A result of the same verifier is removed too, because it does not show for which request its DPoP
    // proof was made.
    let token = extensions.remove::<VerifiedToken>();
    let anonymous = extensions.remove::<Anonymous>();
    verifier.has_admitted(token.as_ref(), anonymous.as_ref())
}
