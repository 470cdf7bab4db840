//! What can go wrong at an endpoint.

use std::time::Duration;

/// A part of [`MockOkta`](crate::MockOkta) that can be counted and disturbed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # use okta_verifier_testing::{Endpoint, MockOkta};
/// # let okta = MockOkta::start().await;
/// okta.set_cache_control(Endpoint::Keys, "max-age=60");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// Metadata, in every [form](crate::MetadataForm).
    Discovery,
    /// `/v1/keys`.
    Keys,
    /// `/v1/token`.
    Token,
    /// `/v1/introspect`.
    Introspection,
    /// `/v1/revoke`.
    Revocation,
}

/// What happens to a request in place of the true answer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use okta_verifier_testing::{Endpoint, Fault, MockOkta};
///
/// let okta = MockOkta::start().await;
/// okta.fault_times(Endpoint::Keys, Fault::Status(503), 1);
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// This status, with Okta's error JSON; 429 and 503 with `Retry-After: 2`, 429 also with
    /// Okta's `X-Rate-Limit-*`.
    Status(u16),
    /// This status, with the error JSON of an OAuth endpoint (RFC 6749 §5.2):
    /// `OauthError(400, "unauthorized_client")`.
    OauthError(u16, &'static str),
    /// No answer, and the connection stays open until the client closes it.
    Hang,
    /// The true answer, this much later.
    Slow(Duration),
    /// The true answer, its body one byte at a time with this pause before each.
    Drip(Duration),
    /// The true `Content-Length`, half of the body, and the end of the connection.
    Truncate,
    /// A whole answer whose JSON stops in the middle.
    Half,
    /// The true answer with a member of so many MiB more, without a `Content-Length`.
    Huge(usize),
    /// 200 and a login page: what a captive proxy answers.
    Html,
    /// The true answer under another media type.
    ContentType(&'static str),
    /// `{"keys":[]}`.
    EmptyKeys,
    /// `{}`.
    NoKeys,
    /// The true keys among entries a verifier must skip: a number, an unknown `kty`, an unknown
    /// curve, a point off its curve, `kid` as a number, an RSA key of 1024 bits, one for
    /// encryption, a post-quantum key (`AKP`), and a symmetric one (`oct`).
    Mixed,
    /// The end of the connection, without an answer.
    Drop,
    /// 302 to this URL.
    Redirect(String),
    /// The metadata names another issuer: `https://evil.test/oauth2/default`. Discovery only.
    OtherIssuer,
    /// The metadata names this `jwks_uri`. Discovery only.
    JwksUri(String),
    /// The true answer with this member set to this JSON text: `Member("active", r#""true""#)`. An
    /// answer that is no JSON object stays as it is, here and below.
    Member(&'static str, &'static str),
    /// The true answer without this member.
    Without(&'static str),
    /// The true answer, and this member again at its end, with this JSON text as its value.
    Twice(&'static str, &'static str),
    /// 200, `application/json`, and these bytes.
    Body(Vec<u8>),
}

impl Fault {
    /// Whether the fault changes a metadata document, and so means nothing elsewhere.
    pub(super) fn is_of_metadata(&self) -> bool {
        matches!(self, Self::OtherIssuer | Self::JwksUri(_))
    }

    /// The URL that this fault publishes: an error may name it.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::OtherIssuer => Some(OTHER_ISSUER),
            Self::JwksUri(url) | Self::Redirect(url) => Some(url),
            _ => None,
        }
    }

    /// # Panics
    ///
    /// When a member's value is no JSON: at the one who asks for it, not later at the server.
    pub(super) fn assert_json(&self) {
        if let Self::Member(_, json) | Self::Twice(_, json) = self {
            let read = serde_json::from_str::<serde_json::Value>(json);
            assert!(read.is_ok(), "`{json}` is no JSON text");
        }
    }
}

/// What the metadata of [`Fault::OtherIssuer`] names.
pub(super) const OTHER_ISSUER: &str = "https://evil.test/oauth2/default";
