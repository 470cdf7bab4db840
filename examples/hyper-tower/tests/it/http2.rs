//! The API over HTTP/2: the same responses, on one connection.

use http::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use okta_verifier_testing::MockOkta;
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn http_2_gets_the_same_responses() {
    let okta = MockOkta::start().await;
    let example = super::start(&okta);
    let base = example.address();
    let address = base.strip_prefix("http://").expect("an http URL");
    let stream = TcpStream::connect(address).await.expect("a listener");
    let connected = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut client, connection) = connected.expect("a connection");
    tokio::spawn(connection);

    let reader = okta.token("ada").scope("orders:read").sign();
    let other = okta.token("ada").sign();
    for (jwt, status) in [("a.b.c", 401), (&reader, 200), (&other, 403)] {
        let request = Request::get(format!("{base}/orders"))
            .header("authorization", format!("Bearer {jwt}"))
            .body(String::new())
            .expect("a valid request");
        let response = client.send_request(request).await.expect("an answer");
        assert_eq!(response.status(), status);
    }
}
