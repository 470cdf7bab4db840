use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::credentials::Authentication;
use crate::refusal::Refusal;

pin_project! {
    /// The answer of [`Verify`](crate::Verify): a refusal, or what the inner service answers.
    ///
    /// It is `Send` when `S`, its future and the request are.
    #[must_use = "futures do nothing unless polled"]
    pub struct VerifyFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        state: State<S, B>,
        added: Vec<(HeaderName, HeaderValue)>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Refused { refusal: Option<Refusal> },
        Authenticating { authentication: Authentication, call: Option<(Request<B>, S)> },
        Inner { #[pin] future: S::Future },
    }
}

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self::new(State::Refused {
            refusal: Some(refusal),
        })
    }

    /// `service` is the one that was polled ready; it is called once the token is verified.
    pub(super) fn authenticating(
        authentication: Authentication,
        request: Request<B>,
        service: S,
    ) -> Self {
        Self::new(State::Authenticating {
            authentication,
            call: Some((request, service)),
        })
    }

    pub(super) fn inner(future: S::Future) -> Self {
        Self::new(State::Inner { future })
    }

    /// With these headers on the answer, whatever it is.
    pub(super) fn adding(
        mut self,
        headers: impl Iterator<Item = (HeaderName, HeaderValue)>,
    ) -> Self {
        self.added.extend(headers);
        self
    }

    fn new(state: State<S, B>) -> Self {
        Self {
            state,
            added: Vec::new(),
        }
    }
}

impl<S, B, R> Future for VerifyFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Default,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut state = this.state;
        loop {
            let future = match state.as_mut().project() {
                StateProjection::Refused { refusal } => {
                    let refusal = refusal.take().expect(POLLED_AGAIN);
                    return Poll::Ready(Ok(add(refusal.into_response(), this.added)));
                }
                StateProjection::Authenticating {
                    authentication,
                    call,
                } => {
                    let verdict = ready!(authentication.as_mut().poll(cx));
                    // Taken before the verdict is looked at: a refusal drops the ready service, and
                    // its permit with it, before anyone writes the response.
                    let (mut request, mut service) = call.take().expect(POLLED_AGAIN);
                    match verdict {
                        Ok(token) => {
                            request.extensions_mut().insert(token);
                            service.call(request)
                        }
                        Err(rejection) => {
                            let refusal = Refusal::new(rejection, &request);
                            return Poll::Ready(Ok(add(refusal.into_response(), this.added)));
                        }
                    }
                }
                StateProjection::Inner { future } => {
                    return future.poll(cx).map_ok(|response| add(response, this.added));
                }
            };
            state.set(State::Inner { future });
        }
    }
}

fn add<R>(mut response: Response<R>, headers: &mut Vec<(HeaderName, HeaderValue)>) -> Response<R> {
    for (name, value) in headers.drain(..) {
        response.headers_mut().insert(name, value);
    }
    response
}

impl<S, B> fmt::Debug for VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    /// Says nothing of the request: its headers hold the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}

const POLLED_AGAIN: &str = "`VerifyFuture` polled after it completed";
