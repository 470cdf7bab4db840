//! What no client sends: after each of these the next request is served.

use std::net::SocketAddr;

use super::{
    Difference, Issuers, Report,
    issuers::Source,
    socket::{converse, exchange, leave},
};

/// What happens after the bytes are sent.
enum Then {
    /// The sender leaves without reading.
    Leaves,
    /// One of these statuses comes back, for each request one.
    Gets(&'static [u16]),
    /// A refusal comes back, or the end of the connection.
    IsTurnedAway,
}

pub(super) async fn run(issuers: &Issuers, address: SocketAddr, report: &mut Report) {
    let token = issuers
        .token(Source::Okta)
        .map_or(String::new(), |token| token.sign());
    let good = format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    for (name, message, then) in scripts(&token, &good) {
        let verdict = play(address, &message, then).await;
        report.probed(&format!("bad input: {name}"), verdict);
        let next = format!("{good}Connection: close\r\n\r\n");
        let next = exchange(address, next.as_bytes()).await;
        let served = next.is_ok_and(|answer| answer.status() == 200);
        let verdict = if served {
            Ok(())
        } else {
            Err(Difference::of("next request", "200", "none"))
        };
        report.probed(&format!("after bad input: {name}"), verdict);
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
        ("a request line cut short", "GET /m".to_owned(), Leaves),
        (
            "a field cut short",
            good[..good.len() / 2].to_owned(),
            Leaves,
        ),
        ("a head without its end", good.to_owned(), Leaves),
        (
            "a whole request whose sender leaves",
            format!("{good}\r\n"),
            Leaves,
        ),
        (
            "three requests whose sender leaves",
            format!("{good}\r\n").repeat(3),
            Leaves,
        ),
        (
            "a body cut short",
            format!("{body} {token}\r\nContent-Length: 1000\r\n\r\nhalf"),
            Leaves,
        ),
        (
            "a refused request with a body cut short",
            format!("{body} a.b.c\r\nContent-Length: 1000\r\n\r\nhalf"),
            Leaves,
        ),
        (
            "a chunk cut short",
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
            IsTurnedAway,
        ),
        (
            "a megabyte in Authorization",
            format!(
                "GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n{close}",
                pad(1024)
            ),
            IsTurnedAway,
        ),
        (
            "a folded line",
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n {token}\r\n{close}"),
            IsTurnedAway,
        ),
        (
            "white space before the colon",
            format!("GET /me HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer {token}\r\n{close}"),
            IsTurnedAway,
        ),
        (
            "two lengths",
            format!("{good}Content-Length: 1\r\nContent-Length: 2\r\n{close}"),
            IsTurnedAway,
        ),
        (
            "a refusal and a good request on one connection",
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
            "a TLS greeting",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ),
        (
            "a NUL in the path",
            b"GET /m\0e HTTP/1.1\r\nHost: x\r\n\r\n",
        ),
        (
            "a field's name in Latin-1",
            b"GET /me HTTP/1.1\r\nHost: x\r\nAuthoriz\xe9: x\r\n\r\n",
        ),
    ];
    scripts.extend(bytes.map(|(name, message)| (name, message.to_vec(), IsTurnedAway)));
    scripts
}

async fn play(address: SocketAddr, message: &[u8], then: Then) -> Result<(), Difference> {
    let none = |error: std::io::Error| Difference::of("answer", "one", &error.to_string());
    let wanted = match then {
        Then::Leaves => return leave(address, message).await.map_err(none),
        Then::Gets(statuses) => Some(statuses),
        Then::IsTurnedAway => None,
    };
    let bytes = converse(address, message).await.map_err(none)?;
    let came = statuses(&bytes);
    let fits = match wanted {
        Some(statuses) => came == statuses,
        None => came.iter().all(|status| (400..500).contains(status)),
    };
    if fits {
        return Ok(());
    }
    let wanted = wanted.map_or("4xx or the end".to_owned(), |it| format!("{it:?}"));
    Err(Difference::of("statuses", &wanted, &format!("{came:?}")))
}

/// Of every answer: each begins after the empty body of the one before.
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
