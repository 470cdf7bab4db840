use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use actix_web::{
    HttpMessage,
    body::EitherBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::header::{HeaderName, HeaderValue},
};
use okta_verifier::adapter::Authentication;
use pin_project_lite::pin_project;

use super::hook::RequestOutcome;
use crate::answer::Answer;

pin_project! {
    /// The response future of [`Verify`](super::Verify).
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S>
    where
        S: Service<ServiceRequest>,
    {
        #[pin]
        state: State<S>,
        added: Vec<(HeaderName, HeaderValue)>,
        // Dropped after the state, so that the request is gone when the outcome is reported as dropped.
        outcome: RequestOutcome,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S>
    where
        S: Service<ServiceRequest>,
    {
        Authenticating {
            authentication: Authentication,
            call: Option<(ServiceRequest, Rc<S>)>,
        },
        Answering { #[pin] answer: Answer<S::Future> },
    }
}

impl<S: Service<ServiceRequest>> VerifyFuture<S> {
    /// Returns the future of a request that waits for `authentication`. `service` is called once the
    /// token is verified.
    pub(super) fn authenticating(
        authentication: Authentication,
        request: ServiceRequest,
        service: Rc<S>,
        outcome: RequestOutcome,
    ) -> Self {
        let call = Some((request, service));
        let state = State::Authenticating {
            authentication,
            call,
        };
        Self::new(state, outcome)
    }

    pub(super) fn answering(answer: Answer<S::Future>, outcome: RequestOutcome) -> Self {
        Self::new(State::Answering { answer }, outcome)
    }

    /// Adds these headers to the response, whether it is a rejection or the inner service's response.
    pub(super) fn adding(mut self, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        self.added = headers;
        self
    }

    fn new(state: State<S>, outcome: RequestOutcome) -> Self {
        Self {
            state,
            added: Vec::new(),
            outcome,
        }
    }
}

impl<S, B> Future for VerifyFuture<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>>,
    S::Error: 'static,
{
    type Output = Result<ServiceResponse<EitherBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        loop {
            let answer = match state.as_mut().project() {
                StateProjection::Authenticating {
                    authentication,
                    call,
                } => {
                    let result = ready!(Pin::new(authentication).poll(cx));
                    let (request, service) = call.take().expect(POLLED_AGAIN);
                    match result {
                        Ok(token) => {
                            this.outcome.accept(&token);
                            request.extensions_mut().insert(token);
                            Answer::inner(service.call(request))
                        }
                        Err(rejection) => match rejection.as_anonymous() {
                            Some(anonymous) => {
                                this.outcome.admit_anonymous();
                                request.extensions_mut().insert(anonymous.clone());
                                Answer::inner(service.call(request))
                            }
                            None => Answer::refused(request, rejection),
                        },
                    }
                }
                StateProjection::Answering { answer } => {
                    let result = ready!(answer.poll(cx));
                    this.outcome.complete(&result);
                    return Poll::Ready(result.map(|mut response| {
                        for (name, value) in this.added.drain(..) {
                            response.headers_mut().insert(name, value);
                        }
                        response
                    }));
                }
            };
            state.set(State::Answering { answer });
        }
    }
}

const POLLED_AGAIN: &str = "`VerifyFuture` polled after it completed";
