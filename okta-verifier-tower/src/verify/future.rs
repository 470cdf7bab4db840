use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Request, Response};
use okta_verifier::adapter::Authentication;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::refusal::Refusal;

pin_project! {
    /// The response future of [`Verify`](crate::Verify): a rejection, or the inner service's response.
    ///
    /// This future is `Send` if `S`, the future of `S` and the request are.
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
        Authenticating { authentication: Authentication, grpc: bool, call: Option<Call<S, B>> },
        Readying { call: Option<Call<S, B>> },
        Inner { #[pin] future: S::Future },
    }
}

/// A waiting request and the service to call with it. The pair is boxed to keep the future small,
/// because each of the layers around this one moves the future.
type Call<S, B> = Box<(Request<B>, S)>;

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn refused(refusal: Refusal) -> Self {
        Self::new(State::Refused {
            refusal: Some(refusal),
        })
    }

    /// Returns the future of a request that waits for `authentication`. `service` must not have been
    /// polled ready, so that it holds no reservation while the request waits. Once the token is
    /// verified, `service` is polled ready and called.
    pub(super) fn authenticating(
        authentication: Authentication,
        grpc: bool,
        request: Request<B>,
        service: S,
    ) -> Self {
        Self::new(State::Authenticating {
            authentication,
            grpc,
            call: Some(Box::new((request, service))),
        })
    }

    pub(super) fn inner(future: S::Future) -> Self {
        Self::new(State::Inner { future })
    }

    /// Adds these headers to the response, whether it is a rejection or the inner service's response.
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
            let next = match state.as_mut().project() {
                StateProjection::Refused { refusal } => {
                    let refusal = refusal.take().expect(POLLED_AGAIN);
                    return Poll::Ready(Ok(add(refusal.into_response(), this.added)));
                }
                StateProjection::Authenticating {
                    authentication,
                    grpc,
                    call,
                } => {
                    let outcome = ready!(Pin::new(authentication).poll(cx));
                    let mut call = call.take().expect(POLLED_AGAIN);
                    let (request, _) = &mut *call;
                    match outcome {
                        Ok(token) => {
                            request.extensions_mut().insert(token);
                            State::Readying { call: Some(call) }
                        }
                        Err(rejection) => match rejection.as_anonymous() {
                            Some(anonymous) => {
                                request.extensions_mut().insert(anonymous.clone());
                                State::Readying { call: Some(call) }
                            }
                            None => {
                                let refusal = Some(Refusal::new(rejection, *grpc, request));
                                State::Refused { refusal }
                            }
                        },
                    }
                }
                StateProjection::Readying { call } => {
                    let (_, service) = &mut **call.as_mut().expect(POLLED_AGAIN);
                    let readiness = ready!(service.poll_ready(cx));
                    // The service that was polled ready must be the one that is called.
                    let (request, mut service) = *call.take().expect(POLLED_AGAIN);
                    if let Err(error) = readiness {
                        return Poll::Ready(Err(error));
                    }
                    let future = service.call(request);
                    State::Inner { future }
                }
                StateProjection::Inner { future } => {
                    return future.poll(cx).map_ok(|response| add(response, this.added));
                }
            };
            state.set(next);
        }
    }
}

fn add<R>(mut response: Response<R>, headers: &mut Vec<(HeaderName, HeaderValue)>) -> Response<R> {
    for (name, value) in mem::take(headers) {
        response.headers_mut().insert(name, value);
    }
    response
}

impl<S, B> fmt::Debug for VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    /// Omits the request, because its headers contain the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}

const POLLED_AGAIN: &str = "`VerifyFuture` polled after it completed";
