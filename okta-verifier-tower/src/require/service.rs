//! `Require`: the service that checks the policy.

use std::task::{Context, Poll};

use http::{Request, Response};
use okta_verifier::{OwnedPolicy, VerifiedToken, adapter::Anonymous};
use tower_service::Service;

use super::RequireFuture;
use crate::{ready, refusal::Refusal};

/// The service that [`RequireLayer`](crate::RequireLayer) wraps around `S`.
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless called"]
pub struct Require<S> {
    inner: S,
    policy: OwnedPolicy,
    grpc: bool,
}

impl<S> Require<S> {
    pub(super) fn new(inner: S, policy: OwnedPolicy, grpc: bool) -> Self {
        Self {
            inner,
            policy,
            grpc,
        }
    }
}

impl<S, B, R> Service<Request<B>> for Require<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    R: Default,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = RequireFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let extensions = request.extensions();
        let token = extensions.get::<VerifiedToken>();
        match self.policy.admit(token, extensions.get::<Anonymous>()) {
            Ok(_) => RequireFuture::inner(self.inner.call(request)),
            Err(rejection) => {
                ready::release(&mut self.inner);
                RequireFuture::refused(Refusal::new(rejection, self.grpc, &request))
            }
        }
    }
}
