//! An HTTP client that can send any bytes, including those that a correct client would not send.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, ToSocketAddrs},
    time::timeout,
};

use super::Answer;

/// Sends `message` on a new connection, and reads the first response. The message must request that
/// the connection be closed, as [`Request::to_http1`](super::Request::to_http1) does. Of a stream of events
/// (`text/event-stream`), which may not end, only the head and what came with it are read.
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
        let (mut reader, mut writer) = TcpStream::connect(address).await?.into_split();
        let message = message.to_vec();
        // A server may respond before it has read everything: its response still counts. The writer stays open,
        // because a server may take a half-closed connection for a client that has left.
        let writing = tokio::spawn(async move {
            let _ = writer.write_all(&message).await;
            writer
        });
        let mut bytes = Vec::new();
        while !is_event_stream(&bytes) && matches!(reader.read_buf(&mut bytes).await, Ok(1..)) {}
        writing.abort();
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

/// Returns whether the bytes begin with the complete head of a stream of events.
fn is_event_stream(bytes: &[u8]) -> bool {
    // Any other response is read to its end, so its head is not parsed again and again.
    let is_possible = bytes.len() <= MAX_HEAD;
    let answer = is_possible.then(|| head(bytes)).flatten();
    answer.is_some_and(|(_, fields, _)| {
        fields.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type") && value.starts_with(b"text/event-stream")
        })
    })
}

/// Parses a response. Returns `None` if it is malformed.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let (status, fields, body) = head(bytes)?;
    Some(Answer::new(status, fields, body))
}

/// The status, the fields and the rest of a response.
type Head<'b> = (u16, Vec<(String, Vec<u8>)>, &'b [u8]);

/// Parses the status and the fields of a response (RFC 9112 §4). Returns `None` if the head is incomplete or
/// malformed.
fn head(bytes: &[u8]) -> Option<Head<'_>> {
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
    Some((status, fields?, &bytes[end + 4..]))
}

const LIMIT: Duration = Duration::from_secs(5);
/// The size up to which the beginning of a response is searched for the head of a stream, in bytes.
const MAX_HEAD: usize = 64 * 1024;
