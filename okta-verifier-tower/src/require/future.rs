//! `RequireFuture`: the response future of `Require`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::refusal::Refusal;

pin_project! {
    /// The response future of [`Require`](crate::Require): a rejection, or the inner service's
    /// response.
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
        Refused { refusal: Option<Refusal> },
        Inner { #[pin] future: F },
    }
}

impl<F> RequireFuture<F> {
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self {
            state: State::Refused {
                refusal: Some(refusal),
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
            StateProjection::Refused { refusal } => {
                let refusal = refusal
                    .take()
                    .expect("`RequireFuture` must not be polled after it completed");
                Poll::Ready(Ok(refusal.into_response()))
            }
            StateProjection::Inner { future } => future.poll(cx),
        }
    }
}
