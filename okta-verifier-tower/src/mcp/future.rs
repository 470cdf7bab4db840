//! `McpFuture`: the response future of `McpService`.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{
    HeaderMap, HeaderValue, Method, Request, Response, header::CONTENT_TYPE, request::Parts,
};
use http_body::Body;
use okta_verifier::{
    Rejection, VerifiedToken,
    adapter::Anonymous,
    mcp::{McpCalls, McpRejection, McpSession},
};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{
    McpRequestBody, McpResponseBody,
    layer::Settings,
    read_body::{ReadBody, TooLarge, announces_too_much},
};

pin_project! {
    /// The response future of [`McpService`](super::McpService): a rejection, or the server's response.
    ///
    /// This future is `Send` if `S`, the future of `S` and the request are. If it is dropped, nothing stays reserved.
    #[must_use = "futures do nothing unless polled"]
    pub struct McpFuture<S, B>
    where
        S: Service<Request<McpRequestBody<B>>>,
    {
        #[pin]
        state: State<S, B>,
        settings: Arc<Settings>,
        session: Option<McpSession>,
        // The token whose end ends the stream of the response.
        stream_token: Option<VerifiedToken>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B>
    where
        S: Service<Request<McpRequestBody<B>>>,
    {
        Rejected { rejection: Option<McpRejection> },
        Reading {
            #[pin]
            body: B,
            read: ReadBody,
            call: Option<Call<S>>,
        },
        Readying { call: Option<Call<S>>, body: Option<McpRequestBody<B>> },
        Inner { #[pin] future: S::Future },
    }
}

/// The head of a waiting request and the service to call with it. They are boxed to keep the future small, because each
/// of the layers around this one moves the future.
type Call<S> = Box<(Parts, S)>;

impl<S, B> McpFuture<S, B>
where
    S: Service<Request<McpRequestBody<B>>>,
    B: Body,
{
    /// `inner` must not have been polled ready, so that it holds no reservation while the body arrives.
    pub(super) fn new(request: Request<B>, inner: S, settings: Arc<Settings>) -> Self {
        let (parts, body) = request.into_parts();
        let mut session = None;
        let state = match check_head(&parts, &body) {
            Err(rejection) => State::rejected(rejection),
            Ok(()) if parts.method == Method::POST => State::Reading {
                body,
                read: ReadBody::default(),
                call: Some(Box::new((parts, inner))),
            },
            Ok(()) => match begin_session(&parts, None, &settings) {
                Err(rejection) => State::rejected(rejection),
                Ok(begun) => {
                    session = begun;
                    State::Readying {
                        call: Some(Box::new((parts, inner))),
                        body: Some(McpRequestBody::original(body)),
                    }
                }
            },
        };
        Self {
            state,
            settings,
            session,
            stream_token: None,
        }
    }
}

impl<S, B> State<S, B>
where
    S: Service<Request<McpRequestBody<B>>>,
{
    fn rejected(rejection: impl Into<McpRejection>) -> Self {
        Self::Rejected {
            rejection: Some(rejection.into()),
        }
    }
}

impl<S, B, R> Future for McpFuture<S, B>
where
    S: Service<Request<McpRequestBody<B>>, Response = Response<R>>,
    B: Body,
{
    type Output = Result<Response<McpResponseBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let settings = &**this.settings;
        let mut state = this.state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Rejected { rejection } => {
                    let rejection = rejection.take().expect(POLLED_AGAIN);
                    return Poll::Ready(Ok(response(rejection)));
                }
                StateProjection::Reading { body, read, call } => {
                    let result = ready!(poll_read(body, read, cx));
                    let call = call.take().expect(POLLED_AGAIN);
                    let (parts, _) = &*call;
                    let (bytes, trailers) = std::mem::take(read).finish();
                    let admitted = match result {
                        Ok(()) => admit(parts, &bytes, settings),
                        Err(reject) => Err(reject(caller(parts).0)),
                    };
                    match admitted {
                        Err(rejection) => State::rejected(rejection),
                        Ok(begun) => {
                            *this.session = begun;
                            State::Readying {
                                call: Some(call),
                                body: Some(McpRequestBody::read(bytes, trailers)),
                            }
                        }
                    }
                }
                StateProjection::Readying { call, body } => {
                    let (_, inner) = &mut **call.as_mut().expect(POLLED_AGAIN);
                    let readiness = ready!(inner.poll_ready(cx));
                    // The service that was polled ready must be the one that is called.
                    let (parts, mut inner) = *call.take().expect(POLLED_AGAIN);
                    if let Err(error) = readiness {
                        *this.session = None;
                        return Poll::Ready(Err(error));
                    }
                    if settings.ends_streams.is_some() {
                        *this.stream_token = parts.extensions.get().cloned();
                    }
                    let body = body.take().expect(POLLED_AGAIN);
                    let future = inner.call(Request::from_parts(parts, body));
                    State::Inner { future }
                }
                StateProjection::Inner { future } => {
                    let result = ready!(future.poll(cx));
                    // Without a response, the session is dropped and its reservation is given back.
                    let session = this.session.take();
                    let inner = result?;
                    let (status, headers) = (inner.status(), inner.headers());
                    match session.map_or(Ok(()), |session| session.complete(status, headers)) {
                        // The response must not reach the client, which is not the owner of its session.
                        Err(rejection) => State::rejected(rejection),
                        Ok(()) => {
                            let token = this.stream_token.take();
                            return Poll::Ready(Ok(pass_on(inner, token, settings)));
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}

/// Checks what can be checked before the body arrives.
fn check_head<B: Body>(parts: &Parts, body: &B) -> Result<(), McpRejection> {
    let (token, anonymous) = caller(parts);
    if token.is_none() && anonymous.is_none() {
        return Err(Rejection::missing_layer().into());
    }
    let lower = body.size_hint().lower();
    if parts.method == Method::POST && announces_too_much(&parts.headers, lower) {
        return Err(McpRejection::body_too_large(token));
    }
    Ok(())
}

/// Polls the body until it has ended.
fn poll_read<B: Body>(
    mut body: Pin<&mut B>,
    read: &mut ReadBody,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Reject>> {
    loop {
        match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Ok(frame)) => {
                if let Err(TooLarge) = read.push(frame) {
                    return Poll::Ready(Err(McpRejection::body_too_large));
                }
            }
            // The connection has failed, or an outer layer has a limit of its own.
            Some(Err(_)) => return Poll::Ready(Err(McpRejection::incomplete_body)),
        }
    }
}

/// Makes the rejection of a request with this token.
type Reject = fn(Option<&VerifiedToken>) -> McpRejection;

/// Checks the body of a `POST`, the session, and the policies of what the body calls.
fn admit(
    parts: &Parts,
    body: &[u8],
    settings: &Settings,
) -> Result<Option<McpSession>, McpRejection> {
    let (token, anonymous) = caller(parts);
    let calls = McpCalls::read(&parts.headers, body, token)?;
    let session = begin_session(parts, Some(&calls), settings)?;
    settings.tools.admit(&calls, token, anonymous)?;
    Ok(session)
}

fn begin_session(
    parts: &Parts,
    calls: Option<&McpCalls<'_>>,
    settings: &Settings,
) -> Result<Option<McpSession>, McpRejection> {
    let Some(sessions) = &settings.sessions else {
        return Ok(None);
    };
    let (token, anonymous) = caller(parts);
    let method = parts.method.as_str();
    sessions
        .begin(method, &parts.headers, calls, token, anonymous)
        .map(Some)
}

/// Returns what the layer that verifies tokens has put into the extensions of the request.
fn caller(parts: &Parts) -> (Option<&VerifiedToken>, Option<&Anonymous>) {
    (parts.extensions.get(), parts.extensions.get())
}

/// Returns the response to a rejected request.
fn response<R>(rejection: McpRejection) -> Response<McpResponseBody<R>> {
    let (rejection, text) = rejection.into_parts();
    let mut response: Response<McpResponseBody<R>> = rejection.into_response();
    if !text.is_empty() {
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        *response.body_mut() = McpResponseBody::text(text);
    }
    response
}

/// Returns the server's response, whose stream ends with the token if the layer says so.
fn pass_on<R>(
    response: Response<R>,
    token: Option<VerifiedToken>,
    settings: &Settings,
) -> Response<McpResponseBody<R>> {
    let is_stream = is_event_stream(response.headers());
    response.map(|body| match (&settings.ends_streams, token) {
        (Some(verifier), Some(token)) if is_stream => {
            McpResponseBody::stream(body, verifier, &token)
        }
        _ => McpResponseBody::server(body),
    })
}

/// Returns whether a response is an event stream, with or without parameters of the media type.
fn is_event_stream(headers: &HeaderMap) -> bool {
    const EVENT_STREAM: &[u8] = b"text/event-stream";
    let is_it = |value: &HeaderValue| {
        let essence = value.as_bytes().split(|byte| *byte == b';').next();
        essence.is_some_and(|essence| essence.trim_ascii().eq_ignore_ascii_case(EVENT_STREAM))
    };
    headers.get_all(CONTENT_TYPE).iter().any(is_it)
}

impl<S, B> fmt::Debug for McpFuture<S, B>
where
    S: Service<Request<McpRequestBody<B>>>,
{
    /// Omits the request, because its headers contain the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpFuture").finish_non_exhaustive()
    }
}

const POLLED_AGAIN: &str = "`McpFuture` polled after it completed";
