//! The response future that both middlewares share.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    body::EitherBody,
    dev::{ServiceRequest, ServiceResponse},
};
use okta_verifier::Rejection;
use pin_project_lite::pin_project;

use crate::Rejected;

pin_project! {
    /// The response future of a middleware: a rejection, or the inner service's response.
    #[project = AnswerProjection]
    #[must_use = "futures do nothing unless polled"]
    pub enum Answer<F> {
        Refused { response: Option<ServiceResponse> },
        Inner { #[pin] future: F },
    }
}

impl<F> Answer<F> {
    /// Responds with a rejection as `Ok`, not as `Err`. An outer middleware adds headers to `Ok`
    /// responses only, and without CORS headers a browser hides the rejection from scripts. The
    /// response is the same as when an extractor rejects the request. The error is attached for
    /// middleware that logs it.
    pub(crate) fn refused(request: ServiceRequest, rejection: Rejection) -> Self {
        Self::Refused {
            response: Some(request.error_response(Rejected::from(rejection))),
        }
    }

    pub(crate) fn inner(future: F) -> Self {
        Self::Inner { future }
    }
}

impl<F, B, E> Future for Answer<F>
where
    F: Future<Output = Result<ServiceResponse<B>, E>>,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            AnswerProjection::Refused { response } => {
                let response = response
                    .take()
                    .expect("`Answer` must not be polled after it completed");
                Poll::Ready(Ok(response.map_into_right_body()))
            }
            AnswerProjection::Inner { future } => {
                future.poll(cx).map_ok(ServiceResponse::map_into_left_body)
            }
        }
    }
}
