//! The body of a `POST`: its limit, and that the server receives what the client has sent.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use okta_verifier::mcp::McpCalls;
use okta_verifier_tower::mcp::{McpLayer, McpRequestBody, McpResponseBody};
use tower::{Service, ServiceExt, service_fn};

use super::support::*;

const MAX: usize = McpCalls::MAX_BODY;

/// A body of prepared frames, which counts those that were read.
struct Frames {
    frames: VecDeque<Result<Frame<Bytes>, io::Error>>,
    /// The exact size that the body announces.
    announced: Option<u64>,
    read: Arc<AtomicUsize>,
}

impl Frames {
    fn new(frames: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let frame = |bytes: Vec<u8>| Ok(Frame::data(Bytes::from(bytes)));
        Self {
            frames: frames.into_iter().map(frame).collect(),
            announced: None,
            read: Arc::default(),
        }
    }

    fn then(mut self, frame: Result<Frame<Bytes>, io::Error>) -> Self {
        self.frames.push_back(frame);
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(self.frames.pop_front())
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn post_frames(body: Frames) -> Request<Frames> {
    request("POST", &reader("ada"), None).map(|_| body)
}

// conformance 275
#[tokio::test]
async fn body_that_announces_too_much_is_rejected_before_it_is_read() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());

    let mut body = Frames::new([]);
    body.announced = Some(MAX as u64 + 1);
    let read = body.read.clone();
    let answer = send(&service, post_frames(body)).await;
    answer.assert(413, "body_too_large");

    // An outer layer has replaced the body by one of unknown length.
    let body = Frames::new([]);
    let read_too = body.read.clone();
    let mut request = post_frames(body);
    let length = HeaderValue::from(MAX as u64 + 1);
    request.headers_mut().insert("content-length", length);
    let answer = send(&service, request).await;
    answer.assert(413, "body_too_large");

    let reads = [read, read_too].map(|read| read.load(Ordering::Relaxed));
    assert_eq!((reads, server.count()), ([0, 0], 0));
}

// conformance 275
#[tokio::test]
async fn body_without_a_length_is_rejected_at_the_first_byte_above_the_limit() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let chunk = 64 * 1024;
    for (first, reads) in [(0, MAX / chunk + 1), (1, MAX / chunk + 1)] {
        let frames = std::iter::once(vec![b' '; first]).chain((0..1000).map(|_| vec![b' '; chunk]));
        let body = Frames::new(frames);
        let read = body.read.clone();
        let answer = send(&service, post_frames(body)).await;
        answer.assert(413, "body_too_large");
        // The frame that exceeds the limit is the last one that was read.
        assert_eq!(
            read.load(Ordering::Relaxed),
            reads + usize::from(first == 0)
        );
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn body_of_one_frame_above_the_limit_is_rejected() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let body = Frames::new([message_of(MAX + 1)]);
    send(&service, post_frames(body))
        .await
        .assert(413, "body_too_large");
    let body = Full::<Bytes>::from(message_of(MAX + 1));
    let request = request("POST", &reader("ada"), None).map(|_| body);
    send(&service, request).await.assert(413, "body_too_large");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn body_that_is_longer_than_announced_is_still_limited() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let mut request = post_frames(Frames::new([vec![b' '; MAX], vec![b' ']]));
    let headers = request.headers_mut();
    headers.insert("content-length", HeaderValue::from(5));
    send(&service, request).await.assert(413, "body_too_large");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn body_that_fails_is_rejected_as_the_request_of_the_client() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    let failed = || Err(io::Error::other("connection reset"));
    for body in [
        Frames::new([]).then(failed()),
        Frames::new([LIST.into()]).then(failed()),
    ] {
        let answer = send(&service, post_frames(body)).await;
        answer.assert(400, "malformed_body");
        assert!(!answer.headers.contains_key("www-authenticate"));
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn body_that_is_not_json_rpc_is_rejected() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    for body in ["", " ", "{", "[]", "null", "\u{feff}{}"] {
        let answer = send(&service, post(&reader("ada"), None, body)).await;
        answer.assert(400, "malformed_body");
        assert_eq!(answer.headers["content-type"], "application/json", "{body}");
        assert!(
            answer.body.starts_with(br#"{"jsonrpc":"2.0","#),
            "{answer:?}"
        );
    }
    assert_eq!(server.count(), 0);
}

// conformance 275
#[tokio::test]
async fn body_of_exactly_the_limit_reaches_the_server_unchanged() {
    let message = message_of(MAX);
    let chunks = message.chunks(1_000).map(<[u8]>::to_vec);
    for body in [Frames::new([message.clone()]), Frames::new(chunks)] {
        let server = Server::plain();
        let service = protected(McpLayer::new(tools()), server.clone());
        send(&service, post_frames(body)).await.assert(200, None);
        assert!(server.received()[0].body == message);
    }
}

#[tokio::test]
async fn body_trailers_and_header_fields_reach_the_server_unchanged() {
    let server = Server::plain();
    let service = protected(McpLayer::new(tools()), server.clone());
    // White space, the order of members and escapes stay.
    let text = "\t{ \"params\" : {\"name\":\"re\\u0061d_file\", \"x\":1.0e2},\r\n\"method\":\"tools/call\",\"id\":\"\\/\",\"jsonrpc\":\"2.0\"} ";
    let mut trailers = HeaderMap::new();
    trailers.append("x-sum", HeaderValue::from_static("1"));
    trailers.append("x-sum", HeaderValue::from_static("2"));
    let frames = text.as_bytes().chunks(7).map(<[u8]>::to_vec);
    let body = Frames::new(frames).then(Ok(Frame::trailers(trailers.clone())));
    let mut request = post_frames(body);
    for value in ["a", "b", "a"] {
        let value = HeaderValue::from_static(value);
        request.headers_mut().append("x-seen", value);
    }
    let headers = request.headers().clone();
    send(&service, request).await.assert(200, None);
    let received = &server.received()[0];
    assert_eq!(received.body, text);
    assert_eq!(received.trailers.as_ref(), Some(&trailers));
    assert_eq!(received.headers, headers);
    assert_eq!(received.subject.as_deref(), Some("ada"));
}

#[test]
fn body_of_many_small_frames_takes_little_more_memory_than_its_bytes() {
    let length = 256 * 1024;
    let message = message_of(length);
    let body = Frames::new(message.iter().map(|byte| vec![*byte]));
    let service = protected(McpLayer::new(tools()), Server::plain());
    let request = post_frames(body);
    let measured = allocation_counter::measure(|| {
        let mut future = pin!(service.clone().oneshot(request));
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(Ok(response)) = future.as_mut().poll(&mut cx) else {
            panic!("nothing to wait for");
        };
        assert_eq!(response.status(), 200);
    });
    // The vector of the bytes grows to twice its size at most, and is copied once while it grows.
    assert!(measured.bytes_max < 4 * length as u64, "{measured:?}");
}

/// Reads the body that a handler receives, frame by frame.
async fn frames_of(request: Request<Frames>) -> Vec<(SizeHint, bool)> {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = service_fn(move |request: Request<McpRequestBody<Frames>>| {
        let sender = sender.clone();
        async move {
            let mut body = Box::pin(request.into_body());
            loop {
                sender
                    .send((body.size_hint(), body.is_end_stream()))
                    .expect("the test waits");
                match body.frame().await {
                    Some(frame) => drop(frame.expect("no error")),
                    None => return Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())),
                }
            }
        }
    });
    let service = protected(McpLayer::new(tools()), handler);
    send(&service, request).await.assert(200, None);
    receiver.close();
    let mut seen = Vec::new();
    while let Some(one) = receiver.recv().await {
        seen.push(one);
    }
    seen
}

#[tokio::test]
async fn request_body_has_an_exact_size_and_one_frame() {
    let (before, after) = LIST.as_bytes().split_at(10);
    let body = Frames::new([before.to_vec(), after.to_vec()]);
    let exact = SizeHint::with_exact;
    let expected = [(exact(LIST.len() as u64), false), (exact(0), true)];
    let seen = frames_of(post_frames(body)).await;
    assert_eq!(format!("{seen:?}"), format!("{expected:?}"));

    let body = Frames::new([LIST.into()]).then(Ok(Frame::trailers(HeaderMap::new())));
    let expected = [
        (exact(LIST.len() as u64), false),
        (exact(0), false),
        (exact(0), true),
    ];
    let seen = frames_of(post_frames(body)).await;
    assert_eq!(format!("{seen:?}"), format!("{expected:?}"));
}

#[tokio::test]
async fn request_and_response_bodies_show_no_bytes_in_debug_output() {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let handler = service_fn(move |request: Request<McpRequestBody<Full<Bytes>>>| {
        sender
            .send(format!("{:?}", request.body()))
            .expect("the test waits");
        async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("the result"))) }
    });
    let layer = McpLayer::new(tools());
    let mut service = protected(layer.clone(), handler);
    let future = service.call(post(&reader("ada"), None, LIST));
    assert_eq!(format!("{future:?}"), "VerifyFuture { .. }");
    let response = future.await.expect("infallible");
    assert_eq!(
        receiver.recv().await.as_deref(),
        Some("McpRequestBody { .. }")
    );
    let text = format!("{:?} {layer:?} {service:?}", response.body());
    assert!(text.starts_with("McpResponseBody { .. }"), "{text}");
    assert!(
        !text.contains("the result") && !text.contains(&reader("ada")),
        "{text}"
    );
}

#[tokio::test]
async fn response_body_is_that_of_the_server() {
    let server = Server::new(|_| Response::new(Full::from("result")));
    let service = protected(McpLayer::new(tools()), server);
    let response = service
        .clone()
        .oneshot(post(&reader("ada"), None, LIST))
        .await
        .expect("infallible");
    assert_eq!(response.body().size_hint().exact(), Some(6));
    assert!(!response.body().is_end_stream());
    assert_eq!(
        response
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes(),
        "result"
    );
    let empty: McpResponseBody<Full<Bytes>> = McpResponseBody::default();
    assert!(empty.is_end_stream());
}
