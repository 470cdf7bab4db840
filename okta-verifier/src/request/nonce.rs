use http::{HeaderName, HeaderValue, header::CACHE_CONTROL};

/// RFC 9449 §8.1.
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// `None` where there is no nonce to give.
pub(crate) fn nonce_value(nonce: Option<String>) -> Option<HeaderValue> {
    HeaderValue::try_from(nonce?).ok()
}

/// A nonce for the next request; an answer that brings one is not for a cache (RFC 9449 §8.2).
pub(crate) fn nonce_headers(
    nonce: Option<String>,
) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    nonce_value(nonce).into_iter().flat_map(|nonce| {
        let no_store = (CACHE_CONTROL, HeaderValue::from_static("no-store"));
        [(DPOP_NONCE, nonce), no_store]
    })
}
