//! Cross-origin requests of browsers (the CORS protocol of the Fetch standard). Every origin may read every
//! response, because the server is a mock and nothing behind it is secret.

use super::answer::Answer;
use super::request::Request;

/// Returns whether the request is a preflight: a browser asks whether it may send another request.
pub(super) fn is_preflight(request: &Request) -> bool {
    request.method == "OPTIONS"
        && request.header("origin").is_some()
        && request.header("access-control-request-method").is_some()
}

/// Returns the response to a preflight. Every endpoint accepts the same.
pub(super) fn preflight() -> Answer {
    Answer::new(204, "text/plain", "")
        .with("access-control-allow-methods", "GET, POST")
        .with(
            "access-control-allow-headers",
            "authorization, content-type, dpop, if-none-match, mcp-protocol-version",
        )
        .with("access-control-max-age", "600")
}

/// Lets every origin read the response to a request with `Origin`. Other responses do not change.
pub(super) fn allow(request: &Request, answer: Answer) -> Answer {
    if request.header("origin").is_none() {
        return answer;
    }
    answer
        // Without credentials: browsers do not accept `*` for requests with cookies.
        .with("access-control-allow-origin", "*")
        .with(
            "access-control-expose-headers",
            "dpop-nonce, etag, www-authenticate",
        )
}
