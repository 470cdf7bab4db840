use std::rc::Rc;

use actix_web::{
    HttpMessage,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse, forward_ready},
};
use okta_verifier::{VerifiedToken, Verifier, adapter::Anonymous};

use super::{VerifyFuture, VerifyMiddleware, hook::RequestOutcome};
use crate::{
    answer::Answer,
    bridge::{self, Connection},
};

/// The service that [`VerifyMiddleware`](crate::VerifyMiddleware) wraps around `S`, one per worker.
///
/// Nearly every request is decided in `call`. If a request has to wait, for the issuer's keys for example,
/// the returned future polls the authentication.
#[derive(Debug)]
pub struct Verify<S> {
    /// Shared with the requests that wait for the issuer.
    inner: Rc<S>,
    settings: VerifyMiddleware,
}

impl<S> Verify<S> {
    pub(super) fn new(inner: S, settings: VerifyMiddleware) -> Self {
        Self {
            inner: Rc::new(inner),
            settings,
        }
    }
}

impl<S, B> Service<ServiceRequest> for Verify<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    S::Error: 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = S::Error;
    type Future = VerifyFuture<S>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let is_nested = remove_earlier_results(&request, self.settings.mount.verifier());
        self.authenticate(request, is_nested)
            .adding(bridge::added(self.settings.mount.verifier()))
    }
}

impl<S> Verify<S> {
    fn authenticate<B>(&self, mut request: ServiceRequest, is_nested: bool) -> VerifyFuture<S>
    where
        S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    {
        let settings = &self.settings;
        let (verifier, hook) = (settings.mount.verifier(), settings.hook.as_ref());
        // With any `Authorization` field the client meant to authenticate, so the request is not anonymous.
        if settings.optional && !bridge::has_credentials(&request) {
            bridge::strip(&mut request, settings.strip_credentials);
            return match settings.mount.anonymous() {
                Ok(anonymous) => {
                    request.extensions_mut().insert(anonymous);
                    let outcome = RequestOutcome::anonymous(verifier, hook).nested(is_nested);
                    VerifyFuture::answering(Answer::inner(self.inner.call(request)), outcome)
                }
                Err(rejection) => {
                    let outcome = RequestOutcome::undecided(verifier, hook).nested(is_nested);
                    VerifyFuture::answering(Answer::refused(request, rejection), outcome)
                }
            };
        }
        let connection = Connection::of(&request);
        let authentication = settings.mount.authenticate(&bridge::credentials(
            &request,
            &connection,
            verifier,
            settings.max_introspection_age,
            settings.optional && settings.expired_as_anonymous,
        ));
        // The authentication has copies of what it needs.
        bridge::strip(&mut request, settings.strip_credentials);
        match authentication.into_ready() {
            Ok(Ok(token)) => {
                let outcome = RequestOutcome::accepted(&token, hook).nested(is_nested);
                request.extensions_mut().insert(token);
                VerifyFuture::answering(Answer::inner(self.inner.call(request)), outcome)
            }
            Ok(Err(rejection)) => {
                let mut outcome = RequestOutcome::undecided(verifier, hook).nested(is_nested);
                if let Some(anonymous) = rejection.as_anonymous() {
                    outcome.admit_anonymous();
                    request.extensions_mut().insert(anonymous.clone());
                    return VerifyFuture::answering(
                        Answer::inner(self.inner.call(request)),
                        outcome,
                    );
                }
                VerifyFuture::answering(Answer::refused(request, rejection), outcome)
            }
            Err(pending) => {
                let outcome = RequestOutcome::undecided(verifier, hook).nested(is_nested);
                VerifyFuture::authenticating(pending, request, Rc::clone(&self.inner), outcome)
            }
        }
    }
}

/// Removes the results of an outer middleware. The outer middleware may trust another issuer or audience,
/// so its token must not be mistaken for a token that this middleware verified. Returns whether the outer middleware
/// has the same verifier.
fn remove_earlier_results(request: &ServiceRequest, verifier: &Verifier) -> bool {
    let mut extensions = request.extensions_mut();
    // A result of the same verifier is removed too, because it does not show for which request its DPoP
    // proof was made.
    let token = extensions.remove::<VerifiedToken>();
    let anonymous = extensions.remove::<Anonymous>();
    verifier.has_admitted(token.as_ref(), anonymous.as_ref())
}
