//! Reads an HTTP/1.1 request. Supports the part of RFC 9112 that clients of an authorization server
//! use.

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request with its complete body.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// The path without the query.
    pub(super) path: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Reads a request. Returns `None` if the peer closes the connection early or does not send valid
    /// HTTP.
    pub(super) async fn read(stream: &mut TcpStream) -> Option<Self> {
        let mut bytes = Vec::new();
        let end = loop {
            if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                break at;
            }
            if bytes.len() > LIMIT || stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        let mut body = bytes.split_off(end + 4);
        let mut request = Self::head(std::str::from_utf8(&bytes[..end]).ok()?)?;
        let length = match request.header("content-length") {
            Some(length) => length.parse().ok().filter(|it| *it <= LIMIT)?,
            None => 0,
        };
        while body.len() < length {
            if stream.read_buf(&mut body).await.ok()? == 0 {
                return None;
            }
        }
        body.truncate(length);
        request.body = body;
        Some(request)
    }

    /// Returns the value of a field, the first if there are several, or `None` if there is none. The
    /// name is case-insensitive.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = self.headers.iter();
        let field = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        Some(&field.1)
    }

    fn head(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        let mut start = lines.next()?.split(' ');
        let (method, target) = (start.next()?.to_owned(), start.next()?);
        start
            .next()
            .filter(|version| version.starts_with("HTTP/1."))?;
        let path = target.split('?').next()?.to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        Some(Self {
            method,
            path,
            headers: lines.map(field).collect::<Option<_>>()?,
            body: Vec::new(),
        })
    }
}

/// The maximum size of a head and of a body, in bytes.
const LIMIT: usize = 64 * 1024;
