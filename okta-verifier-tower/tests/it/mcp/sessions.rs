//! Sessions: only the owner can use one, and the store is bounded without evicting a live one.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Bytes;
use okta_verifier::mcp::{McpCalls, McpSession, McpSessions};
use okta_verifier_tower::mcp::{McpLayer, McpRequestBody};
use tower::{BoxError, ServiceExt, service_fn};

use super::support::*;
use crate::support::okta;

fn with(sessions: McpSessions) -> McpLayer {
    McpLayer::new(tools()).sessions(sessions)
}

fn with_room_for(sessions: usize) -> McpLayer {
    with(McpSessions::new().max_sessions(sessions))
}

// conformance 277
#[tokio::test]
async fn session_of_another_owner_is_rejected_as_an_unknown_one() {
    let server = Server::with_sessions();
    let service = protected(McpLayer::new(tools()), server.clone());
    let begun = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    let session = begun.session();
    let other_client = okta()
        .token("ada")
        .scope("files:read")
        .client_id("0oa9other")
        .sign();
    for method in ["POST", "GET", "DELETE", "PUT", "HEAD"] {
        let send_as = |jwt: &str, session: &str| {
            let request = request(method, jwt, Some(session));
            let request = request.map(|_| Full::<Bytes>::from(LIST));
            let service = service.clone();
            async move { send(&service, request).await }
        };
        let unknown = send_as(&reader("bob"), "unknown").await;
        unknown.assert(404, "unknown_session");
        assert_eq!(unknown.headers["content-type"], "application/json");
        let text = std::str::from_utf8(&unknown.body).expect("UTF-8");
        assert!(text.contains(r#""code":-32001"#), "{text}");
        for jwt in [&reader("bob"), &other_client] {
            assert_eq!(send_as(jwt, session).await, unknown, "{method}");
        }
        // It was never begun, so it belongs to its owner no more than to others.
        assert_eq!(
            send_as(&reader("ada"), "unknown").await,
            unknown,
            "{method}"
        );
    }
    assert_eq!(server.count(), 1);
    send(&service, post(&reader("ada"), Some(session), LIST))
        .await
        .assert(200, None);
}

// conformance 277
#[tokio::test]
async fn session_of_an_owner_passes_with_another_token() {
    let server = Server::with_sessions();
    let service = protected(McpLayer::new(tools()), server.clone());
    let begun = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    for jwt in [reader("ada"), writer("ada")] {
        for method in ["POST", "GET"] {
            let request =
                request(method, &jwt, Some(begun.session())).map(|_| Full::<Bytes>::from(LIST));
            send(&service, request).await.assert(200, None);
        }
    }
    assert!(
        server.received()[1..]
            .iter()
            .all(|it| it.session() == Some("session-1"))
    );
}

#[tokio::test]
async fn session_is_unknown_after_its_owner_has_deleted_it() {
    let server = Server::with_sessions();
    let service = protected(McpLayer::new(tools()), server.clone());
    let begun = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    let session = Some(begun.session());
    send(&service, request("DELETE", &reader("bob"), session))
        .await
        .assert(404, "unknown_session");
    send(&service, post(&reader("ada"), session, LIST))
        .await
        .assert(200, None);
    send(&service, request("DELETE", &reader("ada"), session))
        .await
        .assert(200, None);
    for method in ["POST", "GET", "DELETE"] {
        let request = request(method, &reader("ada"), session).map(|_| Full::<Bytes>::from(LIST));
        send(&service, request).await.assert(404, "unknown_session");
    }
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn session_stays_after_a_delete_that_the_server_rejects() {
    let server = Server::new(|received| {
        let mut response = Response::new(Full::default());
        if received.begins_session() {
            response
                .headers_mut()
                .insert(SESSION, HeaderValue::from_static("one"));
        }
        if received.method == "DELETE" {
            *response.status_mut() = status(405);
        }
        response
    });
    let service = protected(McpLayer::new(tools()), server);
    send(&service, post(&reader("ada"), None, INITIALIZE))
        .await
        .assert(200, None);
    send(&service, request("DELETE", &reader("ada"), Some("one")))
        .await
        .assert(405, None);
    send(&service, post(&reader("ada"), Some("one"), LIST))
        .await
        .assert(200, None);
}

// conformance 277
#[tokio::test]
async fn session_of_anonymous_callers_and_of_a_token_are_apart() {
    let server = Server::with_sessions();
    let service = optional(McpLayer::new(tools()), server.clone());
    let anonymous = send(&service, post("", None, INITIALIZE)).await;
    let ada = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    for (jwt, session) in [("", ada.session()), (&reader("ada"), anonymous.session())] {
        for method in ["POST", "GET", "DELETE"] {
            let request = request(method, jwt, Some(session)).map(|_| Full::<Bytes>::from(LIST));
            send(&service, request).await.assert(404, "unknown_session");
        }
    }
    send(&service, post("", Some(anonymous.session()), LIST))
        .await
        .assert(200, None);
    send(&service, post(&reader("ada"), Some(ada.session()), LIST))
        .await
        .assert(200, None);
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn session_field_that_is_malformed_is_rejected() {
    let server = Server::with_sessions();
    let service = protected(McpLayer::new(tools()), server.clone());
    let begun = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    for lines in [
        &[begun.session().as_bytes(), begun.session().as_bytes()][..],
        &[begun.session().as_bytes(), b"unknown"],
        &[b""],
        &[b"session 1"],
        &[b"session-1\xFF"],
        &["séance".as_bytes()],
        &[b"a\tb"],
    ] {
        for method in ["POST", "GET", "DELETE"] {
            let mut request =
                request(method, &reader("ada"), None).map(|_| Full::<Bytes>::from(LIST));
            for line in lines {
                let line = HeaderValue::from_bytes(line).expect("a legal value");
                request.headers_mut().append(SESSION, line);
            }
            send(&service, request).await.assert(400, "header_mismatch");
        }
    }
    assert_eq!(server.count(), 1);
}

// conformance 278
#[tokio::test]
async fn session_cannot_begin_in_a_full_store() {
    let server = Server::with_sessions();
    let service = protected(with_room_for(2), server.clone());
    let ada = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    send(&service, post(&reader("bob"), None, INITIALIZE))
        .await
        .assert(200, None);
    for subject in ["ada", "bob", "eve"] {
        let full = send(&service, post(&reader(subject), None, INITIALIZE)).await;
        full.assert(503, "too_many_sessions");
        assert_eq!(full.headers["retry-after"], "1");
    }
    assert_eq!(server.count(), 2);
    // The sessions that have begun, and requests that begin none, are served.
    send(&service, post(&reader("ada"), Some(ada.session()), LIST))
        .await
        .assert(200, None);
    send(&service, post(&reader("eve"), None, LIST))
        .await
        .assert(200, None);
    send(
        &service,
        request("DELETE", &reader("ada"), Some(ada.session())),
    )
    .await
    .assert(200, None);
    send(&service, post(&reader("eve"), None, INITIALIZE))
        .await
        .assert(200, None);
}

// conformance 278
#[tokio::test]
async fn session_share_of_a_user_leaves_room_for_others() {
    let server = Server::with_sessions();
    let sessions = McpSessions::new()
        .max_sessions(4)
        .max_sessions_per_subject(2);
    let service = optional(with(sessions), server.clone());
    // Each session with another client, as a user can register many.
    let by_client = |client: &str| {
        let token = okta().token("eve").client_id(client);
        post(&token.sign(), None, INITIALIZE)
    };
    for client in ["0oa1eve", "0oa2eve"] {
        send(&service, by_client(client)).await.assert(200, None);
    }
    for client in ["0oa1eve", "0oa3eve"] {
        let full = send(&service, by_client(client)).await;
        full.assert(503, "too_many_sessions");
    }
    send(&service, post(&reader("ada"), None, INITIALIZE))
        .await
        .assert(200, None);
    send(&service, post("", None, INITIALIZE))
        .await
        .assert(200, None);
    assert_eq!(server.count(), 4);
}

#[tokio::test]
async fn session_that_begins_in_a_batch_needs_a_place() {
    let service = protected(with_room_for(0), Server::with_sessions());
    let batch = format!("[{LIST},{INITIALIZE}]");
    let full = send(&service, post(&reader("ada"), None, &batch)).await;
    full.assert(503, "too_many_sessions");
}

// conformance 278
#[tokio::test]
async fn session_that_begins_within_another_one_needs_a_place() {
    let server = Server::with_sessions();
    let service = protected(with_room_for(2), server.clone());
    let first = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
    let within = || post(&reader("ada"), Some(first.session()), INITIALIZE);
    let second = send(&service, within()).await;
    second.assert(200, None);
    assert_ne!(second.session(), first.session());
    // Otherwise a client with one session could begin any number of them at the server.
    send(&service, within())
        .await
        .assert(503, "too_many_sessions");
    assert_eq!(server.count(), 2);
    // The session itself is not affected, and a session of another owner stays unknown.
    send(&service, post(&reader("ada"), Some(first.session()), LIST))
        .await
        .assert(200, None);
    let of_another = post(&reader("bob"), Some(first.session()), INITIALIZE);
    send(&service, of_another)
        .await
        .assert(404, "unknown_session");
}

// conformance 278
#[tokio::test]
async fn session_that_initializes_again_gives_its_second_place_back() {
    // The server keeps the session of the request.
    let server = Server::new(|received| {
        let mut response = Response::new(Full::default());
        let id = HeaderValue::from_static("one");
        response.headers_mut().insert(SESSION, id);
        *response.status_mut() = status(if received.session().is_some() {
            400
        } else {
            200
        });
        response
    });
    let service = protected(with_room_for(2), server);
    send(&service, post(&reader("ada"), None, INITIALIZE))
        .await
        .assert(200, None);
    for _ in 0..3 {
        let again = post(&reader("ada"), Some("one"), INITIALIZE);
        send(&service, again).await.assert(400, None);
    }
}

#[tokio::test]
async fn session_place_is_given_back_if_the_response_names_none() {
    let server = Server::plain();
    let service = protected(with_room_for(1), server.clone());
    for _ in 0..5 {
        send(&service, post(&reader("ada"), None, INITIALIZE))
            .await
            .assert(200, None);
    }
    assert_eq!(server.count(), 5);
}

#[tokio::test]
async fn session_place_is_given_back_if_the_request_is_dropped_or_panics_or_fails() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = calls.clone();
    let server = service_fn(move |_: Request<McpRequestBody<Full<Bytes>>>| {
        let call = count.fetch_add(1, Ordering::Relaxed);
        async move {
            match call {
                0 => std::future::pending().await,
                1 => panic!("the server panics"),
                2 => Err::<Response<Full<Bytes>>, BoxError>("the server fails".into()),
                _ => Ok(Response::default()),
            }
        }
    });
    let service = protected(with_room_for(1), server);
    let initialize = || {
        service
            .clone()
            .oneshot(post(&reader("ada"), None, INITIALIZE))
    };
    {
        let mut waiting = pin!(initialize());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        // The request has the only place.
        assert_eq!(initialize().await.expect("a response").status(), 503);
    }
    let panics = AssertUnwindSafe(initialize());
    assert!(tokio::spawn(panics).await.expect_err("a panic").is_panic());
    initialize().await.expect_err("the server fails");
    assert_eq!(initialize().await.expect("a response").status(), 200);
    assert_eq!(calls.load(Ordering::Relaxed), 4);
}

// conformance 279
#[tokio::test]
async fn session_that_the_server_gives_to_a_second_owner_is_withheld() {
    let server = Server::new(|_| {
        let mut response = Response::new(Full::from("a secret result"));
        response
            .headers_mut()
            .insert(SESSION, HeaderValue::from_static("one"));
        response
    });
    let service = protected(with_room_for(20), server);
    send(&service, post(&reader("ada"), None, INITIALIZE))
        .await
        .assert(200, None);
    for body in [INITIALIZE, LIST] {
        let withheld = send(&service, post(&reader("bob"), None, body)).await;
        withheld.assert(500, "misconfigured_layer");
        assert!(!withheld.headers.contains_key(SESSION));
        assert!(!withheld.body.windows(6).any(|part| part == b"secret"));
        send(&service, post(&reader("bob"), Some("one"), LIST))
            .await
            .assert(404, "unknown_session");
    }
    // The owner may be told the session again.
    send(&service, post(&reader("ada"), None, LIST))
        .await
        .assert(200, None);
    send(&service, post(&reader("ada"), Some("one"), LIST))
        .await
        .assert(200, None);
}

// conformance 279
#[tokio::test]
async fn session_field_of_the_server_that_is_malformed_is_withheld() {
    for lines in [&["one", "two"][..], &["one", "one"], &["o ne"], &[""]] {
        let server = Server::new(move |_| {
            let mut response = Response::new(Full::default());
            for line in lines {
                response
                    .headers_mut()
                    .append(SESSION, HeaderValue::from_static(line));
            }
            response
        });
        let service = protected(with_room_for(1), server);
        for _ in 0..3 {
            let withheld = send(&service, post(&reader("ada"), None, INITIALIZE)).await;
            withheld.assert(500, "misconfigured_layer");
        }
    }
}

#[tokio::test]
async fn session_that_begins_without_initialize_is_bound_if_there_is_room() {
    let server = Server::new(|received| {
        let mut response = Response::new(Full::default());
        if received.session().is_none() {
            let id = if received.method == "GET" {
                "of-get"
            } else {
                "of-post"
            };
            response
                .headers_mut()
                .insert(SESSION, HeaderValue::from_static(id));
        }
        response
    });
    let service = protected(with_room_for(1), server);
    send(&service, request("GET", &reader("ada"), None))
        .await
        .assert(200, None);
    send(&service, request("GET", &reader("bob"), Some("of-get")))
        .await
        .assert(404, "unknown_session");
    send(&service, request("GET", &reader("ada"), Some("of-get")))
        .await
        .assert(200, None);
    let full = send(&service, post(&reader("ada"), None, LIST)).await;
    full.assert(503, "too_many_sessions");
    assert!(!full.headers.contains_key(SESSION));
}

#[tokio::test]
async fn session_that_the_server_repeats_stays_deleted() {
    // The server repeats the session in each response, also in that to the DELETE.
    let server = Server::new(|_| {
        let mut response = Response::new(Full::default());
        response
            .headers_mut()
            .insert(SESSION, HeaderValue::from_static("one"));
        response
    });
    let service = protected(with_room_for(1), server);
    send(&service, post(&reader("ada"), None, INITIALIZE))
        .await
        .assert(200, None);
    send(&service, request("DELETE", &reader("ada"), Some("one")))
        .await
        .assert(200, None);
    send(&service, post(&reader("ada"), Some("one"), LIST))
        .await
        .assert(404, "unknown_session");
}

#[tokio::test]
async fn session_is_not_bound_if_the_layer_says_so() {
    let server = Server::with_sessions();
    let service = protected(McpLayer::new(tools()).unbound_sessions(), server.clone());
    for session in [None, Some("unknown")] {
        send(&service, post(&reader("bob"), session, INITIALIZE))
            .await
            .assert(200, None);
    }
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn session_store_is_shared_by_layers_with_the_same_one() {
    let sessions = McpSessions::new();
    let server = Server::with_sessions();
    let one = protected(with(sessions.clone()), server.clone());
    let two = protected(with(sessions), server);
    let begun = send(&one, post(&reader("ada"), None, INITIALIZE)).await;
    send(&two, post(&reader("ada"), Some(begun.session()), LIST))
        .await
        .assert(200, None);
    send(&two, post(&reader("bob"), Some(begun.session()), LIST))
        .await
        .assert(404, "unknown_session");
}

#[tokio::test]
async fn session_limits_are_shown_in_debug_output_and_nothing_else() {
    let (_verifier, token) = verified("ada").await;
    let sessions = McpSessions::new();
    let (mut headers, calls) = (HeaderMap::new(), calls());
    let session = sessions.begin("POST", &headers, Some(&calls), Some(&token), None);
    let session = session.expect("room");
    assert_eq!(format!("{session:?}"), "McpSession { .. }");
    headers.insert(SESSION, HeaderValue::from_static("0123456789abcdef"));
    session.complete(status(200), &headers).expect("room");
    let text = format!("{sessions:?}");
    assert!(text.contains("10000") && text.contains("3600s"), "{text}");
    assert!(
        !text.contains("0123456789abcdef") && !text.contains("ada"),
        "{text}"
    );
}

fn calls() -> McpCalls<'static> {
    McpCalls::read(&HeaderMap::new(), INITIALIZE.as_bytes(), None).expect("JSON-RPC")
}

/// Many threads begin, use, delete and drop sessions. At no time are there more than there is room for, and in the end
/// each place can be taken again.
// conformance 278
#[tokio::test]
async fn session_store_keeps_its_bounds_with_many_threads() {
    const ROOM: usize = 8;
    let sessions = McpSessions::new()
        .max_sessions(ROOM)
        .max_sessions_per_subject(ROOM);
    let mut tokens = Vec::new();
    for subject in ["ada", "bob", "eve", "zoe"] {
        tokens.push(verified(subject).await.1);
    }
    let live = AtomicUsize::new(0);
    let (sessions_of_all, live) = (&sessions, &live);
    thread::scope(|scope| {
        for (thread, token) in tokens.iter().cycle().take(8).enumerate() {
            scope.spawn(move || {
                let calls = calls();
                for round in 0..500 {
                    let empty = HeaderMap::new();
                    let begun =
                        sessions_of_all.begin("POST", &empty, Some(&calls), Some(token), None);
                    let Ok(session) = begun else { continue };
                    assert!(live.fetch_add(1, Ordering::SeqCst) < ROOM);
                    match round % 4 {
                        0 => drop(session),
                        1 => session.complete(status(200), &empty).expect("no session"),
                        _ => {
                            let mut named = HeaderMap::new();
                            let id = format!("session-{thread}-{round}");
                            named.insert(SESSION, id.parse().expect("ASCII"));
                            session.complete(status(200), &named).expect("a place");
                            let deleted =
                                sessions_of_all.begin("DELETE", &named, None, Some(token), None);
                            let deleted: McpSession = deleted.expect("the owner");
                            // Counted down before the place is free, so that the count is never too low.
                            live.fetch_sub(1, Ordering::SeqCst);
                            deleted.complete(status(204), &empty).expect("deleted");
                            continue;
                        }
                    }
                    live.fetch_sub(1, Ordering::SeqCst);
                }
            });
        }
    });
    let (empty, calls) = (HeaderMap::new(), calls());
    let begin = |token| sessions.begin("POST", &empty, Some(&calls), Some(token), None);
    let all: Vec<_> = tokens.iter().cycle().take(ROOM).map(begin).collect();
    assert!(all.iter().all(Result::is_ok), "each place is free again");
    assert!(begin(&tokens[0]).is_err());
}

/// The store is polled in the future, so a request that was never polled has no place.
#[tokio::test]
async fn session_place_is_not_taken_before_the_body_has_arrived() {
    let service = protected(with_room_for(1), Server::with_sessions());
    let unpolled = service
        .clone()
        .oneshot(post(&reader("ada"), None, INITIALIZE));
    send(&service, post(&reader("bob"), None, INITIALIZE))
        .await
        .assert(200, None);
    let late: Result<_, Infallible> = unpolled.await;
    assert_eq!(late.expect("infallible").status(), 503);
}

#[tokio::test]
async fn session_that_has_begun_passes_through_ready_and_pending_servers() {
    let server = service_fn(|_: Request<McpRequestBody<Full<Bytes>>>| async {
        tokio::task::yield_now().await;
        let mut response = Response::new(Full::<Bytes>::default());
        response
            .headers_mut()
            .insert(SESSION, HeaderValue::from_static("one"));
        Ok::<_, Infallible>(response)
    });
    let service = protected(with_room_for(1), server);
    let mut first = Box::pin(
        service
            .clone()
            .oneshot(post(&reader("ada"), None, INITIALIZE)),
    );
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(first.as_mut().poll(&mut cx), Poll::Pending));
    assert_eq!(first.await.expect("infallible").status(), 200);
    send(&service, post(&reader("ada"), Some("one"), LIST))
        .await
        .assert(200, None);
}
