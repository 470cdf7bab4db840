//! A client that sends any bytes: what a well-behaved one would refuse to.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, ToSocketAddrs},
    time::timeout,
};

use super::Answer;

/// Sends `message` on a connection of its own, and reads the first answer on it. The message asks
/// for the connection's end, as [`Request::to_http1`](super::Request::to_http1) does.
///
/// # Errors
///
/// There is no connection, no answer, or none within five seconds.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> std::io::Result<()> {
/// use okta_verifier_testing::{MockOkta, conformance};
///
/// let okta = MockOkta::start().await;
/// let address = okta.issuer_url().trim_start_matches("http://").split('/').next().unwrap();
///
/// let message = b"GET /oauth2/default/v1/keys HTTP/1.1\r\nHost: \xff\r\n\r\n";
/// assert!(conformance::exchange(address, message).await.is_err(), "it wants text");
///
/// let message = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n";
/// assert_eq!(conformance::exchange(address, message).await?.status(), 404);
/// # Ok(()) }
/// ```
pub async fn exchange(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<Answer> {
    let bytes = converse(address, message).await?;
    parse(&bytes).ok_or_else(|| {
        let text = format!("no answer in {} bytes", bytes.len());
        io::Error::new(io::ErrorKind::InvalidData, text)
    })
}

/// Everything that comes back until the connection ends.
pub(super) async fn converse(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<Vec<u8>> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        // A server may answer and close before it has read all: what it wrote still counts.
        let _ = stream.write_all(message).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        Ok(bytes)
    };
    let late = || io::Error::new(io::ErrorKind::TimedOut, "nothing came within 5 s");
    timeout(LIMIT, exchange)
        .await
        .unwrap_or_else(|_| Err(late()))
}

/// Sends `message` and leaves, without a word and without reading.
pub(super) async fn leave(address: impl ToSocketAddrs, message: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(message).await
}

/// RFC 9112 §4, as much as a judge of status and fields needs.
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
