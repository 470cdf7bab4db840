//! An HTTP client that can send any bytes, including those that a correct client would not send.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, ToSocketAddrs},
    time::timeout,
};

use super::Answer;

/// Sends `message` on a new connection, and reads the first response. The message must request that
/// the connection be closed, as [`Request::to_http1`](super::Request::to_http1) does.
///
/// # Errors
///
/// Returns an error if there is no connection or no valid response within five seconds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use okta_verifier_testing::{MockOkta, conformance};
///
/// let okta = MockOkta::start().await;
/// let address = okta.issuer_url().trim_start_matches("http://").split('/').next().unwrap();
///
/// let message = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
/// assert_eq!(conformance::exchange(address, message).await?.status(), 404);
/// let message = b"GET /oauth2/default/v1/keys HTTP/1.1\r\nHost: \xff\r\n\r\n"; // no client library sends it
/// assert_eq!(conformance::exchange(address, message).await?.status(), 400);
///
/// assert!(conformance::exchange("127.0.0.1:1", message).await.is_err()); // no server
/// # Ok(()) }
/// ```
pub async fn exchange(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<Answer> {
    let bytes = converse(address, message).await?;
    parse(&bytes).ok_or_else(|| {
        let text = format!("no response in {} bytes", bytes.len());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

/// Sends `message` and returns everything that arrives until the connection is closed.
pub(super) async fn converse(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<Vec<u8>> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        // A server may respond and close before it has read everything: its response still counts.
        let _ = stream.write_all(message).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Ok(bytes)
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "no response within 5 s");
    timeout(LIMIT, exchange)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Sends `message` and closes the connection without reading.
pub(super) async fn leave(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(message).await
}

/// Parses the status and the fields of a response (RFC 9112 §4). Returns `None` if the response is
/// malformed.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let mut lines = bytes[..end]
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii);
    let status = lines.next()?.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    let field = |line: &[u8]| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = String::from_utf8(line[..colon].to_vec()).ok()?;
        Some((name, line[colon + 1..].trim_ascii().to_vec()))
    };
    let fields: Option<Vec<_>> = lines.map(field).collect();
    Some(Answer::new(status, fields?, &bytes[end + 4..]))
}

const LIMIT: Duration = Duration::from_secs(5);
