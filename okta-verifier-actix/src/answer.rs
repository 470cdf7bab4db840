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
    /// What a middleware answers: a refusal, or what the inner service answers.
    #[project = AnswerProjection]
    #[must_use = "futures do nothing unless polled"]
    pub enum Answer<F> {
        Refused { response: Option<ServiceResponse> },
        Inner { #[pin] future: F },
    }
}

impl<F> Answer<F> {
    /// An `Ok` response and no `Err`: an outer middleware decorates the former only, and a browser
    /// shows a script no refusal without CORS headers. Otherwise it is what an extractor's refusal
    /// becomes, with the error beside it for the middleware that log.
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
                let response = response.take().expect("`Answer` polled after it completed");
                Poll::Ready(Ok(response.map_into_right_body()))
            }
            AnswerProjection::Inner { future } => {
                future.poll(cx).map_ok(ServiceResponse::map_into_left_body)
            }
        }
    }
}
