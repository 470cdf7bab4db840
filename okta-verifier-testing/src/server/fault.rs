//! Faults that can be injected into an endpoint.

use std::time::Duration;

/// An endpoint of [`MockOkta`](crate::MockOkta). Requests are counted and faults are injected per
/// endpoint.
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
    /// `/oauth2/v1/keys` of the org, whose keys sign security events. They are the keys of the server too.
    OrgKeys,
    /// `/v1/authorize`.
    Authorization,
    /// `/v1/token`.
    Token,
    /// `/v1/introspect`.
    Introspection,
    /// `/v1/revoke`.
    Revocation,
    /// `/v1/clients`, which is 404 unless clients can [register](crate::MockOkta::set_registration).
    Registration,
}

/// A fault that replaces or changes the response.
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
    /// Responds with this status and Okta's error JSON. 429 and 503 also have `Retry-After: 2`, and 429
    /// has Okta's `X-Rate-Limit-*` fields.
    Status(u16),
    /// Responds with this status and the error JSON of an OAuth endpoint (RFC 6749 §5.2), such as
    /// `OauthError(400, "unauthorized_client")`.
    OauthError(u16, &'static str),
    /// Sends no response, and keeps the connection open until the client closes it.
    Hang,
    /// Delays the regular response by this time.
    Slow(Duration),
    /// Sends the body of the regular response one byte at a time, with this pause before each byte.
    Drip(Duration),
    /// Sends the regular `Content-Length` and only half of the body, then closes the connection.
    Truncate,
    /// Sends a complete response whose body is only the first half of the JSON text.
    Half,
    /// Adds a member of this many MiB to the regular response, without a `Content-Length`.
    Huge(usize),
    /// Responds with 200 and a login page, as a captive portal does.
    Html,
    /// Sends the regular response with another media type.
    ContentType(&'static str),
    /// Responds with `{"keys":[]}`.
    EmptyKeys,
    /// Responds with `{}`.
    NoKeys,
    /// Puts entries that a verifier must skip before the regular keys: a number, an unknown `kty`, an
    /// unknown curve, a point that is not on its curve, `kid` as a number, an RSA key of 1024 bits, an
    /// RSA key for encryption, a post-quantum key (`AKP`) and a symmetric key (`oct`).
    Mixed,
    /// Closes the connection without a response.
    Drop,
    /// Redirects to this URL with status 302.
    Redirect(String),
    /// Sets the issuer in the metadata to `https://evil.test/oauth2/default`. Discovery only.
    OtherIssuer,
    /// Sets `jwks_uri` in the metadata. Discovery only.
    JwksUri(String),
    /// Sets a member of the regular response to this JSON text: `Member("active", r#""true""#)`. This
    /// fault and [`Without`](Fault::Without) and [`Twice`](Fault::Twice) do not change a response that is
    /// not a JSON object.
    Member(&'static str, &'static str),
    /// Removes this member from the regular response.
    Without(&'static str),
    /// Repeats this member at the end of the regular response, with this JSON text as its value.
    Twice(&'static str, &'static str),
    /// Responds with 200, `application/json` and these bytes.
    Body(Vec<u8>),
}

impl Fault {
    /// Returns whether the fault applies only to metadata.
    pub(super) fn is_of_metadata(&self) -> bool {
        matches!(self, Self::OtherIssuer | Self::JwksUri(_))
    }

    /// Returns the URL that this fault puts into a response, or `None` for a fault without a URL. An
    /// error of the verifier may contain it.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::OtherIssuer => Some(OTHER_ISSUER),
            Self::JwksUri(url) | Self::Redirect(url) => Some(url),
            _ => None,
        }
    }

    /// Checks the fault's JSON text when the fault is injected, so that a mistake panics in the test.
    ///
    /// # Panics
    ///
    /// Panics if a member's value is not valid JSON.
    pub(super) fn assert_json(&self) {
        if let Self::Member(_, json) | Self::Twice(_, json) = self {
            let read = serde_json::from_str::<serde_json::Value>(json);
            assert!(read.is_ok(), "`{json}` is not valid JSON");
        }
    }
}

/// The issuer in the metadata of [`Fault::OtherIssuer`].
pub(super) const OTHER_ISSUER: &str = "https://evil.test/oauth2/default";
