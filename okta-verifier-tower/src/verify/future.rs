use std::{
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{HeaderName, HeaderValue, Request, Response};
use okta_verifier::adapter::Authentication;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::hook::{Hook, RequestOutcome, report};
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
        // Dropped after the state, so that the request is gone when the outcome is reported as dropped.
        outcome: RequestOutcome,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<B>>,
    {
        Refused { refusal: Option<Refusal> },
        Authenticating {
            authentication: Authentication,
            grpc: bool,
            call: Option<Call<S, B>>,
        },
        Readying { call: Option<Call<S, B>> },
        Inner { #[pin] future: S::Future },
    }
}

/// A waiting request, the service to call with it, and the hook. They are boxed to keep the future small,
/// because each of the layers around this one moves the future.
type Call<S, B> = Box<(Request<B>, S, Option<Hook>)>;

impl<S, B> VerifyFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn refused(
        refusal: Refusal,
        added: Vec<(HeaderName, HeaderValue)>,
        outcome: RequestOutcome,
    ) -> Self {
        let refusal = Some(refusal);
        Self {
            state: State::Refused { refusal },
            added,
            outcome,
        }
    }

    /// Returns the future of a request that waits for `authentication`. The service of `call` must not have been
    /// polled ready, so that it holds no reservation while the request waits. Once the token is
    /// verified, the service is polled ready and called.
    pub(super) fn authenticating(
        authentication: Authentication,
        grpc: bool,
        call: (Request<B>, S, Option<Hook>),
        added: Vec<(HeaderName, HeaderValue)>,
        outcome: RequestOutcome,
    ) -> Self {
        Self {
            state: State::Authenticating {
                authentication,
                grpc,
                call: Some(Box::new(call)),
            },
            added,
            outcome,
        }
    }

    pub(super) fn inner(
        future: S::Future,
        added: Vec<(HeaderName, HeaderValue)>,
        outcome: RequestOutcome,
    ) -> Self {
        Self {
            state: State::Inner { future },
            added,
            outcome,
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
                    let mut response = refusal.into_response();
                    complete(this.outcome, &mut response, this.added);
                    return Poll::Ready(Ok(response));
                }
                StateProjection::Authenticating {
                    authentication,
                    grpc,
                    call,
                } => {
                    let result = ready!(Pin::new(authentication).poll(cx));
                    let mut call = call.take().expect(POLLED_AGAIN);
                    let (request, _, hook) = &mut *call;
                    match result {
                        Ok(token) => {
                            this.outcome.accept(&token);
                            request.extensions_mut().insert(token);
                            if let Some(report) = report(hook.as_ref(), request.extensions()) {
                                this.outcome.set_hook(report);
                            }
                            State::Readying { call: Some(call) }
                        }
                        Err(rejection) => match rejection.as_anonymous() {
                            Some(anonymous) => {
                                this.outcome.admit_anonymous();
                                request.extensions_mut().insert(anonymous.clone());
                                if let Some(report) = report(hook.as_ref(), request.extensions()) {
                                    this.outcome.set_hook(report);
                                }
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
                    let (_, service, _) = &mut **call.as_mut().expect(POLLED_AGAIN);
                    let readiness = ready!(service.poll_ready(cx));
                    // The service that was polled ready must be the one that is called.
                    let (request, mut service, _) = *call.take().expect(POLLED_AGAIN);
                    if let Err(error) = readiness {
                        this.outcome.complete(None);
                        return Poll::Ready(Err(error));
                    }
                    let future = service.call(request);
                    State::Inner { future }
                }
                StateProjection::Inner { future } => {
                    // The response is changed in place, because it is large.
                    let mut result = future.poll(cx);
                    match &mut result {
                        Poll::Ready(Ok(response)) => complete(this.outcome, response, this.added),
                        // An error of the inner service is not a rejection: the token was accepted.
                        Poll::Ready(Err(_)) => this.outcome.complete(None),
                        Poll::Pending => {}
                    }
                    return result;
                }
            };
            state.set(next);
        }
    }
}

/// Reports the outcome, and adds the headers. The innermost rejection is the one in the extensions of the response.
#[inline]
fn complete<R>(
    outcome: &mut RequestOutcome,
    response: &mut Response<R>,
    added: &mut Vec<(HeaderName, HeaderValue)>,
) {
    outcome.complete(response.extensions().get());
    if added.is_empty() {
        return;
    }
    for (name, value) in mem::take(added) {
        response.headers_mut().insert(name, value);
    }
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
