//! The layers behind hyper, with bytes on a socket: chunked, slow and truncated bodies, and their limits.

use std::{net::SocketAddr, time::Duration};

use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use okta_verifier::mcp::McpCalls;
use okta_verifier_tower::mcp::McpLayer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::support::*;

const MAX: usize = McpCalls::MAX_BODY;

async fn serve(server: Server) -> SocketAddr {
    let service = protected(McpLayer::new(tools()), server);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let address = listener.local_addr().expect("the listener is bound");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(service.clone());
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection);
        }
    });
    address
}

/// Lets the compiler check that the layers accept the body type of hyper.
fn _accepts_incoming(service: Protected) -> impl tower::Service<http::Request<Incoming>> {
    service
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("a connection")
}

fn head(jwt: &str, fields: &str) -> Vec<u8> {
    format!("POST /mcp HTTP/1.1\r\nhost: mcp.example.com\r\nauthorization: Bearer {jwt}\r\nconnection: close\r\n{fields}\r\n")
        .into_bytes()
}

/// Returns what arrives until the server closes the connection.
async fn read(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let result = timeout(Duration::from_secs(60), stream.read_to_end(&mut text)).await;
    // The server may reset a connection whose request it did not read to the end.
    let _ = result.expect("the server closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Sends bytes, as far as the server accepts them.
async fn write(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes).await;
}

#[track_caller]
fn assert_status(response: &str, status: u16) {
    let start = format!("HTTP/1.1 {status} ");
    assert!(response.starts_with(&start), "{status}: {response}");
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.chunks(size) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_body_above_the_limit_is_rejected_without_waiting_for_it() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    let fields = format!("content-length: {}\r\n", MAX + 1);
    for expect in ["", "expect: 100-continue\r\n"] {
        let mut stream = connect(address).await;
        let fields = format!("{fields}{expect}");
        write(&mut stream, &head(&reader("ada"), &fields)).await;
        // Not a byte of the body is sent, and the client is not told to continue.
        assert_status(&read(&mut stream).await, 413);
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_chunked_body_above_the_limit_is_rejected_while_it_arrives() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    let mut stream = connect(address).await;
    let body = vec![b' '; MAX + 1];
    let mut bytes = head(&reader("ada"), "transfer-encoding: chunked\r\n");
    bytes.extend(chunked(&body, 60_000));
    // The last chunk and the end are left out: the rejection does not wait for them.
    bytes.truncate(bytes.len() - 5);
    write(&mut stream, &bytes).await;
    assert_status(&read(&mut stream).await, 413);
    assert_eq!(server.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_body_of_exactly_the_limit_reaches_the_server() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    let message = message_of(MAX);
    let sized = format!("content-length: {MAX}\r\n");
    for (fields, body) in [
        (&*sized, message.clone()),
        ("transfer-encoding: chunked\r\n", chunked(&message, 60_000)),
    ] {
        let mut stream = connect(address).await;
        write(&mut stream, &head(&reader("ada"), fields)).await;
        write(&mut stream, &body).await;
        assert_status(&read(&mut stream).await, 200);
    }
    assert!(
        server
            .received()
            .iter()
            .all(|received| received.body == message)
    );
    assert_eq!(server.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_truncated_body_is_rejected_and_does_not_reach_the_server() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    for (fields, part) in [
        (
            format!("content-length: {}\r\n", LIST.len() + 1),
            LIST.to_owned(),
        ),
        (
            "transfer-encoding: chunked\r\n".to_owned(),
            format!("{:x}\r\n{LIST}\r\n", LIST.len()),
        ),
        (
            "transfer-encoding: chunked\r\n".to_owned(),
            format!("{:x}\r\n{LIST}\r\nno size\r\n", LIST.len()),
        ),
    ] {
        let mut stream = connect(address).await;
        write(&mut stream, &head(&reader("ada"), &fields)).await;
        write(&mut stream, part.as_bytes()).await;
        stream.shutdown().await.expect("an open connection");
        // hyper may close the connection without a response, because the client has gone.
        let response = read(&mut stream).await;
        assert!(
            response.is_empty() || response.starts_with("HTTP/1.1 400 "),
            "{response}"
        );
    }
    assert_eq!(server.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_slow_body_is_read_byte_by_byte_beside_other_requests() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    let mut slow = connect(address).await;
    slow.set_nodelay(true).expect("an option");
    let fields = format!("content-length: {}\r\n", LIST.len());
    write(&mut slow, &head(&reader("ada"), &fields)).await;
    let (last, first) = LIST.as_bytes().split_last().expect("a message");
    for byte in first {
        write(&mut slow, &[*byte]).await;
        tokio::task::yield_now().await;
    }
    let mut other = connect(address).await;
    write(&mut other, &head(&reader("bob"), &fields)).await;
    write(&mut other, LIST.as_bytes()).await;
    assert_status(&read(&mut other).await, 200);
    assert_eq!(server.count(), 1);

    write(&mut slow, &[*last]).await;
    assert_status(&read(&mut slow).await, 200);
    let subjects = server
        .received()
        .into_iter()
        .map(|it| it.subject.unwrap_or_default());
    assert_eq!(subjects.collect::<Vec<_>>(), ["bob", "ada"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_chunked_body_keeps_its_trailers_and_transfer_coding() {
    let server = Server::plain();
    let address = serve(server.clone()).await;
    let mut stream = connect(address).await;
    let fields = "transfer-encoding: chunked\r\ntrailer: x-sum\r\n";
    write(&mut stream, &head(&reader("ada"), fields)).await;
    let mut body = chunked(LIST.as_bytes(), 9);
    body.truncate(body.len() - 2);
    body.extend(b"x-sum: 7\r\n\r\n");
    write(&mut stream, &body).await;
    assert_status(&read(&mut stream).await, 200);
    let received = &server.received()[0];
    assert_eq!(received.body, LIST);
    let trailers = received.trailers.as_ref().expect("trailers");
    assert_eq!(trailers["x-sum"], "7");
    assert_eq!(received.headers["transfer-encoding"], "chunked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_rejection_has_its_length_and_the_json_rpc_error() {
    let address = serve(Server::plain()).await;
    let mut stream = connect(address).await;
    let fields = format!("content-length: {}\r\n{SESSION}: unknown\r\n", LIST.len());
    write(&mut stream, &head(&reader("ada"), &fields)).await;
    write(&mut stream, LIST.as_bytes()).await;
    let response = read(&mut stream).await;
    assert_status(&response, 404);
    let (fields, body) = response.split_once("\r\n\r\n").expect("a head");
    assert!(
        fields.contains(&format!("content-length: {}", body.len())),
        "{response}"
    );
    assert!(
        fields.contains("content-type: application/json"),
        "{response}"
    );
    assert!(body.contains(r#""code":-32001"#), "{response}");
}
