//! Reads an HTTP/1.1 request. Supports the part of RFC 9112 that clients of an authorization server
//! use.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

/// A connection, with or without TLS.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A request with its complete body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path without the query.
    pub(super) path: String,
    /// The query without its question mark, or an empty string.
    pub(super) query: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Why a request could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The client has closed the connection.
    Closed,
    /// The bytes are not HTTP/1.1, or use a part of it that is not supported.
    Malformed,
    /// The head is longer than [`LIMIT`].
    LongHead,
    /// The body is longer than [`LIMIT`].
    LongBody,
}

impl Request {
    pub(super) async fn read(stream: &mut impl Stream) -> Result<Self, Unreadable> {
        let mut bytes = Vec::new();
        let end = loop {
            let seen = bytes.len().saturating_sub(3);
            if bytes.len() > LIMIT {
                return Err(Unreadable::LongHead);
            }
            fill(stream, &mut bytes).await?;
            // Only the new bytes and the three before them are searched, so that a client that sends single bytes
            // does not cost more.
            let found = bytes[seen..].windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break seen + at;
            }
        };
        let mut body = bytes.split_off(end + 4);
        let head = std::str::from_utf8(&bytes[..end]).ok();
        let mut request = head.and_then(Self::head).ok_or(Unreadable::Malformed)?;
        let length = request.length()?;
        while body.len() < length {
            fill(stream, &mut body).await?;
        }
        body.truncate(length);
        request.body = body;
        Ok(request)
    }

    /// Returns the value of a field, the first if there are several, or `None` if there is none. The
    /// name is case-insensitive.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(&field.1)
    }

    fn length(&self) -> Result<usize, Unreadable> {
        if self.header("transfer-encoding").is_some() {
            return Err(Unreadable::Malformed);
        }
        let Some(text) = self.header("content-length") else {
            return Ok(0);
        };
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Unreadable::Malformed);
        }
        let length = text.parse().ok().filter(|length| *length <= LIMIT);
        length.ok_or(Unreadable::LongBody)
    }

    fn head(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut start = lines.next()?.split(' ');
        let (method, target) = (start.next()?.to_owned(), start.next()?);
        start
            .next()
            .filter(|version| version.starts_with("HTTP/1."))?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        Some(Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: lines.map(field).collect::<Option<_>>()?,
            body: Vec::new(),
        })
    }
}

async fn fill(stream: &mut impl Stream, bytes: &mut Vec<u8>) -> Result<(), Unreadable> {
    match stream.read_buf(bytes).await {
        Ok(count) if count > 0 => Ok(()),
        _ => Err(Unreadable::Closed),
    }
}

/// The maximum size of a head and of a body, in bytes.
const LIMIT: usize = 64 * 1024;
