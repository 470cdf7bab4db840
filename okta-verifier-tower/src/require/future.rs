use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use okta_verifier::Rejection;
use pin_project_lite::pin_project;

pin_project! {
    /// The answer of [`Require`](crate::Require): a refusal, or what the inner service answers.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct RequireFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = StateProjection]
    enum State<F> {
        Refused { rejection: Option<Rejection> },
        Inner { #[pin] future: F },
    }
}

impl<F> RequireFuture<F> {
    pub(super) fn refused(rejection: Rejection) -> Self {
        Self {
            state: State::Refused {
                rejection: Some(rejection),
            },
        }
    }

    pub(super) fn inner(future: F) -> Self {
        Self {
            state: State::Inner { future },
        }
    }
}

impl<F, R, E> Future for RequireFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Refused { rejection } => {
                let rejection = rejection
                    .take()
                    .expect("`RequireFuture` polled after it completed");
                Poll::Ready(Ok(rejection.into_response()))
            }
            StateProjection::Inner { future } => future.poll(cx),
        }
    }
}
