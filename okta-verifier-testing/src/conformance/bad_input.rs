//! Unusual and malformed input. After each input the server must serve the next request.

use std::net::SocketAddr;

use super::{
    Difference, Issuers, Report,
    issuers::Source,
    socket::{converse, exchange, leave},
};

/// The expected behaviour after the bytes are sent.
enum Then {
    /// The sender closes the connection without reading.
    Leaves,
    /// The server responds with these statuses, one per request.
    Gets(&'static [u16]),
    /// The server rejects the request or closes the connection.
    IsRejected,
}

pub(super) async fn run(issuers: &Issuers, address: SocketAddr, report: &mut Report) {
    let token = issuers
        .token(Source::Okta)
        .map_or(String::new(), |token| token.sign());
    let good = format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    for (name, message, then) in scripts(&token, &good) {
        let result = play(address, &message, then).await;
        report.record_probe(&format!("bad input: {name}"), result);
        let next = format!("{good}Connection: close\r\n\r\n");
        let next = exchange(address, next.as_bytes()).await;
        let served = next.is_ok_and(|answer| answer.status() == 200);
        let result = if served {
            Ok(())
        } else {
            Err(Difference::of("next request", "200", "none"))
        };
        report.record_probe(&format!("after bad input: {name}"), result);
    }
}

fn scripts(token: &str, good: &str) -> Vec<(&'static str, Vec<u8>, Then)> {
    use Then::*;
    let body = "POST /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer";
    let pad = |kibibytes: usize| "p".repeat(kibibytes * 1024);
    let close = "Connection: close\r\n\r\n";
    let lines = |count: usize| "X-Line: 1\r\n".repeat(count);
    let text: Vec<(&'static str, String, Then)> = vec![
        ("a connection without a request", String::new(), Leaves),
        ("a truncated request line", "GET /m".to_owned(), Leaves),
        (
            "a truncated field",
            good[..good.len() / 2].to_owned(),
            Leaves,
        ),
        ("a truncated head", good.to_owned(), Leaves),
        (
            "a complete request whose sender disconnects",
            format!("{good}\r\n"),
            Leaves,
        ),
        (
            "three requests whose sender disconnects",
            format!("{good}\r\n").repeat(3),
            Leaves,
        ),
        (
            "a truncated body",
            format!("{body} {token}\r\nContent-Length: 1000\r\n\r\nhalf"),
            Leaves,
        ),
        (
            "a rejected request with a truncated body",
            format!("{body} a.b.c\r\nContent-Length: 1000\r\n\r\nhalf"),
            Leaves,
        ),
        (
            "a truncated chunk",
            format!("{body} {token}\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf"),
            Leaves,
        ),
        (
            "20 KiB in another field",
            format!("{good}X-Pad: {}\r\n{close}", pad(20)),
            Gets(&[200]),
        ),
        (
            "50 more lines",
            format!("{good}{}{close}", lines(50)),
            Gets(&[200]),
        ),
        (
            "1000 more lines",
            format!("{good}{}{close}", lines(1000)),
            IsRejected,
        ),
        (
            "a megabyte in Authorization",
            format!(
                "GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{close}",
                pad(1024)
            ),
            IsRejected,
        ),
        (
            "a folded line",
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n {token}\r\n{close}"),
            IsRejected,
        ),
        (
            "white space before the colon",
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {token}\r\n{close}"),
            IsRejected,
        ),
        (
            "two lengths",
            format!("{good}Content-Length: 1\r\nContent-Length: 2\r\n{close}"),
            IsRejected,
        ),
        (
            "a rejected and a good request on one connection",
            format!("GET /me HTTP/1.1\r\nHost: x\r\n\r\n{good}{close}"),
            Gets(&[401, 200]),
        ),
        (
            "malformed credentials and a good request on one connection",
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n\r\n{good}{close}"),
            Gets(&[400, 200]),
        ),
        (
            "HTTP/1.0",
            good.replacen("1.1", "1.0", 1) + "\r\n",
            Gets(&[200]),
        ),
    ];
    let mut scripts: Vec<_> = text
        .into_iter()
        .map(|(name, text, then)| (name, text.into_bytes(), then))
        .collect();
    let bytes: [(&'static str, &[u8]); 3] = [
        (
            "a TLS ClientHello",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ),
        (
            "a NUL in the path",
            b"GET /m\0e HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        (
            "a field name in Latin-1",
            b"GET /me HTTP/1.1\r\nHost: x\r\nAuthoriz\xe9: x\r\n\r\n",
        ),
    ];
    scripts.extend(bytes.map(|(name, message)| (name, message.to_vec(), IsRejected)));
    scripts
}

async fn play(address: SocketAddr, message: &[u8], then: Then) -> Result<(), Difference> {
    let none = |error: std::io::Error| Difference::of("response", "one", &error.to_string());
    let expected = match then {
        Then::Leaves => return leave(address, message).await.map_err(none),
        Then::Gets(statuses) => Some(statuses),
        Then::IsRejected => None,
    };
    let bytes = converse(address, message).await.map_err(none)?;
    let received = statuses(&bytes);
    let matches = match expected {
        Some(statuses) => received == statuses,
        None => received.iter().all(|status| (400..500).contains(status)),
    };
    if matches {
        return Ok(());
    }
    let expected = expected.map_or("4xx or a closed connection".to_owned(), |it| {
        format!("{it:?}")
    });
    Err(Difference::of(
        "statuses",
        &expected,
        &format!("{received:?}"),
    ))
}

/// Returns the status of every response. Assumes that no body contains `HTTP/1.`.
fn statuses(mut bytes: &[u8]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(at) = bytes.windows(7).position(|it| it == b"HTTP/1.") {
        let status = bytes.get(at + 9..at + 12).unwrap_or_default();
        statuses.extend(
            std::str::from_utf8(status)
                .ok()
                .and_then(|it| it.parse::<u16>().ok()),
        );
        bytes = &bytes[at + 7..];
    }
    statuses
}
