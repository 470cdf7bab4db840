//! Requests that no client sends.

use std::time::Duration;

use okta_verifier_testing::MockOkta;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::http::{AUTHORIZE, KEYS, TOKEN, connect, get, send};

#[tokio::test]
async fn request_that_is_not_http_is_rejected() {
    let okta = MockOkta::start().await;
    for bytes in [
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/2\r\n\r\n",
        "GET / HTTP/1.1\r\nno colon\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: +1\r\n\r\n1",
        "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\u{0}\u{1}\u{2}\r\n\r\n",
    ] {
        assert_eq!(send(&okta, bytes).await.status, 400, "{bytes:?}");
    }
    let stray = "GET \u{ff} HTTP/1.1\r\n\r\n".replace('\u{ff}', "\u{80}");
    assert_eq!(send(&okta, &stray).await.status, 404);
    assert_eq!(get(&okta, KEYS).await.status, 200);
}

#[tokio::test]
async fn request_that_is_too_large_is_rejected() {
    let okta = MockOkta::start().await;
    let body = "a".repeat(1 << 20);
    let form = "Content-Type: application/x-www-form-urlencoded";
    for path in [TOKEN, AUTHORIZE] {
        let length = body.len();
        let call =
            format!("POST {path} HTTP/1.1\r\n{form}\r\nContent-Length: {length}\r\n\r\n{body}");
        assert_eq!(send(&okta, &call).await.status, 413);
    }
    let huge = format!(
        "POST {TOKEN} HTTP/1.1\r\nContent-Length: {}\r\n\r\n",
        "9".repeat(60)
    );
    assert_eq!(send(&okta, &huge).await.status, 413);
    let head = format!("GET {AUTHORIZE}?state={body} HTTP/1.1\r\n\r\n");
    assert_eq!(send(&okta, &head).await.status, 431);
    assert_eq!(get(&okta, KEYS).await.status, 200);
}

/// The limit of ten seconds is that of a server which other processes use.
#[tokio::test(start_paused = true)]
async fn client_that_sends_no_whole_request_is_disconnected() {
    let okta = MockOkta::builder().start().await.unwrap();
    let mut stream = connect(&okta).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut bytes));
    let _ = end.await.expect("the server closes the connection");
    assert!(bytes.is_empty());
}

#[tokio::test]
async fn client_that_leaves_early_does_not_stop_the_server() {
    let okta = MockOkta::start().await;
    for part in ["", "GET", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n1"] {
        let mut stream = connect(&okta).await.unwrap();
        stream.write_all(part.as_bytes()).await.unwrap();
        drop(stream);
    }
    assert_eq!(get(&okta, KEYS).await.status, 200);
}
