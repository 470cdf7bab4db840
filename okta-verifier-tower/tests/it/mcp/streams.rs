//! Event streams end with their token if the layer says so.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use hyper::body::Bytes;
use okta_verifier::Verifier;
use okta_verifier_testing::TestIssuer;
use okta_verifier_tower::{
    VerifyLayer,
    mcp::{McpLayer, McpRequestBody, McpResponseBody},
};
use tokio::{
    sync::mpsc::{self, Receiver, Sender},
    time::timeout,
};
use tower::{Layer, ServiceExt, service_fn};

use super::support::*;
use crate::support::{AUDIENCE, okta, verifier};

/// The body of a response: the events that the test sends.
struct Events(Receiver<&'static str>);

impl Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let event = self.0.poll_recv(cx);
        event.map(|event| event.map(|event| Ok(Frame::data(event.into()))))
    }
}

/// Sends a request, and returns the sender of the events and the body of the response.
async fn stream(
    verify: VerifyLayer,
    mcp: McpLayer,
    jwt: &str,
    content_type: &'static str,
) -> (Sender<&'static str>, McpResponseBody<Events>) {
    let (sender, receiver) = mpsc::channel(8);
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let server = service_fn(move |_: Request<McpRequestBody<_>>| {
        let receiver = receiver.lock().expect("no panic").take();
        let events = Events(receiver.expect("one request"));
        let response = Response::builder().header("content-type", content_type);
        async move { Ok::<_, Infallible>(response.body(events).expect("a response")) }
    });
    let service = verify.layer(mcp.layer(server));
    let response = service.oneshot(request("GET", jwt, None)).await;
    let response = response.expect("infallible");
    assert_eq!(response.status(), 200);
    (sender, response.into_body())
}

/// Returns the next event, or `None` at the end of the stream. Panics if neither arrives.
async fn next(body: &mut McpResponseBody<Events>) -> Option<Bytes> {
    let frame = timeout(Duration::from_secs(20), body.frame()).await;
    let frame = frame.expect("an event or the end")?.expect("infallible");
    Some(frame.into_data().expect("data"))
}

/// Returns whether the stream has neither an event nor an end now.
fn is_open(body: &mut McpResponseBody<Events>) -> bool {
    let mut cx = Context::from_waker(Waker::noop());
    Pin::new(body).poll_frame(&mut cx).is_pending()
}

/// Replaces the issuer, so that each token of the former one is void.
fn replace_issuer(verifier: &Verifier) {
    let other = TestIssuer::new(AUDIENCE).at("https://other.example/oauth2/default");
    let issuers = [other.issuer().any_client_id()];
    verifier.set_issuers(issuers).expect("valid settings");
}

// conformance 281
#[tokio::test]
async fn event_stream_ends_with_its_token() {
    for content_type in ["text/event-stream", "Text/Event-Stream ; charset=utf-8"] {
        let verifier = verifier(okta());
        let mcp = McpLayer::new(tools()).end_streams(&verifier);
        let verify = VerifyLayer::new(verifier.clone());
        let (sender, mut body) = stream(verify, mcp, &reader("ada"), content_type).await;
        assert_eq!(body.size_hint().exact(), None);
        sender.send("data: 1\n\n").await.expect("an open stream");
        assert_eq!(next(&mut body).await.as_deref(), Some(&b"data: 1\n\n"[..]));
        assert!(is_open(&mut body));

        // An event that waits is not sent any more.
        sender.send("data: 2\n\n").await.expect("an open stream");
        replace_issuer(&verifier);
        assert_eq!(next(&mut body).await, None);
        assert!(sender.is_closed(), "the server notices the end");
        assert!(body.is_end_stream());
        assert_eq!(next(&mut body).await, None);
    }
}

// conformance 281
#[tokio::test]
async fn event_stream_ends_while_it_waits_for_an_event() {
    let verifier = verifier(okta());
    let mcp = McpLayer::new(tools()).end_streams(&verifier);
    let verify = VerifyLayer::new(verifier.clone());
    let (sender, mut body) = stream(verify, mcp, &reader("ada"), "text/event-stream").await;
    let waiting = tokio::spawn(async move { next(&mut body).await });
    tokio::task::yield_now().await;
    replace_issuer(&verifier);
    assert_eq!(waiting.await.expect("no panic"), None);
    assert!(sender.is_closed());
}

#[tokio::test]
async fn event_stream_ends_at_once_with_another_verifier() {
    let mcp = McpLayer::new(tools()).end_streams(&verifier(okta()));
    let verify = VerifyLayer::new(verifier(okta()));
    let (_sender, mut body) = stream(verify, mcp, &reader("ada"), "text/event-stream").await;
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn event_stream_ends_when_the_server_ends_it() {
    let verifier = verifier(okta());
    let mcp = McpLayer::new(tools()).end_streams(&verifier);
    let verify = VerifyLayer::new(verifier);
    let (sender, mut body) = stream(verify, mcp, &reader("ada"), "text/event-stream").await;
    sender.send("data: 1\n\n").await.expect("an open stream");
    drop(sender);
    assert!(next(&mut body).await.is_some());
    assert_eq!(next(&mut body).await, None);
}

#[tokio::test]
async fn responses_that_do_not_end_with_the_token_stay_open() {
    let stream_type = "text/event-stream";
    for (content_type, ends, jwt) in [
        (stream_type, false, reader("ada")),
        ("application/json", true, reader("ada")),
        ("text/event-streams", true, reader("ada")),
        // Without a token there is nothing to wait for.
        (stream_type, true, String::new()),
    ] {
        let verifier = verifier(okta());
        let mcp = McpLayer::new(tools());
        let mcp = match ends {
            true => mcp.end_streams(&verifier),
            false => mcp,
        };
        let verify = VerifyLayer::new(verifier.clone()).optional();
        let (sender, mut body) = stream(verify, mcp, &jwt, content_type).await;
        replace_issuer(&verifier);
        assert!(is_open(&mut body), "{content_type} {ends}");
        sender.send("data: 1\n\n").await.expect("an open stream");
        assert!(next(&mut body).await.is_some());
    }
}
