//! [`EventResponse`]: the response to a request that delivers a security event (RFC 8935 §2.2 to §2.4).

use std::time::Duration;

use http::{
    HeaderValue, Response, StatusCode,
    header::{ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::rejection::seconds;

/// What becomes of a delivered event. The texts are constants, so that a response shows nothing of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventResponse {
    /// The event was recorded, or needs no record.
    Accepted,
    /// The request does not have the secret that the settings name.
    AuthenticationFailed,
    /// The body is not a security event token.
    InvalidRequest,
    /// No key of the transmitter verifies the signature.
    InvalidKey,
    InvalidIssuer,
    InvalidAudience,
    /// The token has expired, was issued in the future, or has no time or no events. Used only after the signature
    /// was verified.
    InvalidToken,
    /// The state of a verification event is not one of this service (SSF 1.0 §8.1.4).
    InvalidState,
    /// The request is genuine, but for another client.
    Forbidden,
    TooLarge,
    MethodNotAllowed,
    /// The event could not be verified or recorded for a reason on this side. The transmitter repeats it.
    Unavailable {
        retry_after: Duration,
    },
}

impl EventResponse {
    /// Returns the code in counters, in the log and, if the event was rejected, in the response.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::AuthenticationFailed => "authentication_failed",
            Self::InvalidRequest | Self::InvalidToken => "invalid_request",
            Self::InvalidKey => "invalid_key",
            Self::InvalidIssuer => "invalid_issuer",
            Self::InvalidAudience => "invalid_audience",
            Self::InvalidState => "invalid_state",
            Self::Forbidden => "forbidden",
            Self::TooLarge => "too_large",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Unavailable { .. } => "unavailable",
        }
    }

    const fn description(self) -> &'static str {
        match self {
            Self::AuthenticationFailed => "The request is not authenticated.",
            Self::InvalidRequest => "The body is not a security event token.",
            Self::InvalidKey => "No key of the transmitter verifies the token.",
            Self::InvalidIssuer => "The token has another issuer.",
            Self::InvalidAudience => "The token is for another audience.",
            Self::InvalidToken => "The token has no valid time, or no events.",
            Self::InvalidState => "The state is not one of this receiver.",
            _ => "",
        }
    }

    /// Returns the response. That of an accepted event has no body and no content type (RFC 8935 §2.2).
    pub(crate) fn into_response(self) -> Response<String> {
        let mut response = Response::new(String::new());
        let status = match self {
            Self::Accepted => StatusCode::ACCEPTED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MethodNotAllowed => {
                let headers = response.headers_mut();
                headers.insert(ALLOW, HeaderValue::from_static("POST"));
                StatusCode::METHOD_NOT_ALLOWED
            }
            Self::Unavailable { retry_after } => {
                let seconds = HeaderValue::from(seconds(retry_after));
                response.headers_mut().insert(RETRY_AFTER, seconds);
                StatusCode::SERVICE_UNAVAILABLE
            }
            _ => {
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static("en"));
                *response.body_mut() = format!(
                    r#"{{"err":"{}","description":"{}"}}"#,
                    self.code(),
                    self.description()
                );
                StatusCode::BAD_REQUEST
            }
        };
        *response.status_mut() = status;
        response
    }

    /// Returns the response to a logout token (OpenID Connect Back-Channel Logout 1.0 §2.8), which has no body and is
    /// not cached.
    pub(crate) fn into_logout_response(self) -> Response<String> {
        let mut response = self.into_response();
        if self == Self::Accepted {
            *response.status_mut() = StatusCode::OK;
        }
        response.body_mut().clear();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LANGUAGE);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// Returns the response to a delivery of an event hook. Okta sends a delivery again after 5xx and never after 4xx, so
    /// what can never be read is accepted.
    pub(crate) fn into_hook_response(self) -> Response<String> {
        match self {
            Self::Accepted | Self::InvalidRequest => empty(StatusCode::NO_CONTENT),
            Self::AuthenticationFailed => unauthorized(SHARED_SECRET),
            Self::TooLarge => Self::Unavailable {
                retry_after: AFTER_TOO_LARGE,
            }
            .into_response(),
            Self::MethodNotAllowed => {
                let mut response = self.into_response();
                let methods = HeaderValue::from_static("GET, POST");
                response.headers_mut().insert(ALLOW, methods);
                response
            }
            _ => self.into_response(),
        }
    }

    /// Returns the response to the request with which an org verifies an event hook.
    pub(crate) fn of_verification(challenge: Result<&[u8], Self>) -> Response<String> {
        let challenge = match challenge {
            Ok(challenge) => String::from_utf8_lossy(challenge),
            Err(Self::InvalidRequest) => return empty(StatusCode::BAD_REQUEST),
            Err(rejected) => return rejected.into_hook_response(),
        };
        let body = serde_json::json!({ "verification": challenge }).to_string();
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// Returns the response to a request of Universal Logout.
    pub(crate) fn into_universal_logout_response(self) -> Response<String> {
        match self {
            Self::Accepted => empty(StatusCode::NO_CONTENT),
            Self::InvalidRequest => empty(StatusCode::BAD_REQUEST),
            Self::AuthenticationFailed
            | Self::InvalidKey
            | Self::InvalidIssuer
            | Self::InvalidAudience
            | Self::InvalidToken => unauthorized(BEARER),
            _ => self.into_response(),
        }
    }
}

fn empty(status: StatusCode) -> Response<String> {
    let mut response = Response::new(String::new());
    *response.status_mut() = status;
    response
}

/// A 401 must have a challenge (RFC 9110 §11.6.1).
fn unauthorized(challenge: HeaderValue) -> Response<String> {
    let mut response = empty(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}

/// The challenge of a request that is authenticated by a token (RFC 6750 §3).
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
/// The challenge of an event hook, whose secret has no scheme of its own. The name is not a registered scheme, so that no
/// client takes it for one that it knows. It does not show in which field the secret is expected.
const SHARED_SECRET: HeaderValue = HeaderValue::from_static("Shared-Secret");
/// Okta sends a delivery once more, and the second time is as large.
const AFTER_TOO_LARGE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_response_of_a_rejected_event_is_json_of_rfc_8935() {
        for rejected in [
            EventResponse::AuthenticationFailed,
            EventResponse::InvalidRequest,
            EventResponse::InvalidKey,
            EventResponse::InvalidIssuer,
            EventResponse::InvalidAudience,
            EventResponse::InvalidToken,
            EventResponse::InvalidState,
        ] {
            let response = rejected.into_response();
            assert_eq!(response.status(), 400);
            assert_eq!(response.headers().len(), 2);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
            assert_eq!(response.headers()[CONTENT_LANGUAGE], "en");
            let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
            assert_eq!(body["err"], rejected.code());
            assert!(!body["description"].as_str().unwrap().is_empty());
            assert_eq!(body.as_object().unwrap().len(), 2);
        }
    }

    #[test]
    fn event_response_of_an_accepted_event_has_neither_body_nor_content_type() {
        let response = EventResponse::Accepted.into_response();
        assert_eq!(response.status(), 202);
        assert!(response.headers().is_empty() && response.body().is_empty());
    }

    #[test]
    fn event_response_to_a_hook_is_never_400() {
        for (event, status) in [
            (EventResponse::Accepted, 204),
            (EventResponse::InvalidRequest, 204),
            (EventResponse::AuthenticationFailed, 401),
            (EventResponse::TooLarge, 503),
            (EventResponse::MethodNotAllowed, 405),
        ] {
            let response = event.into_hook_response();
            assert_eq!(response.status(), status);
            assert!(response.body().is_empty());
            assert_eq!(response.headers().contains_key(RETRY_AFTER), status == 503);
            assert_eq!(response.headers().contains_key(ALLOW), status == 405);
            let challenge = response.headers().get(WWW_AUTHENTICATE);
            assert_eq!(challenge.is_some(), status == 401);
            assert!(challenge.is_none_or(|it| it == "Shared-Secret"));
        }
    }

    #[test]
    fn event_response_to_a_verification_has_the_challenge_as_json() {
        let response = EventResponse::of_verification(Ok(b"a\"b\\c"));
        assert_eq!(response.status(), 200);
        assert_eq!(response.body(), r#"{"verification":"a\"b\\c"}"#);
        let rejected = EventResponse::of_verification(Err(EventResponse::AuthenticationFailed));
        assert_eq!(rejected.status(), 401);
        assert_eq!(rejected.headers()[WWW_AUTHENTICATE], "Shared-Secret");
        let without = EventResponse::of_verification(Err(EventResponse::InvalidRequest));
        assert_eq!(without.status(), 400);
    }

    #[test]
    fn event_response_to_a_universal_logout_has_no_body() {
        for (event, status) in [
            (EventResponse::Accepted, 204),
            (EventResponse::InvalidRequest, 400),
            (EventResponse::AuthenticationFailed, 401),
            (EventResponse::InvalidKey, 401),
            (EventResponse::InvalidIssuer, 401),
            (EventResponse::InvalidAudience, 401),
            (EventResponse::InvalidToken, 401),
            (EventResponse::Forbidden, 403),
            (EventResponse::MethodNotAllowed, 405),
            (EventResponse::TooLarge, 413),
        ] {
            let response = event.into_universal_logout_response();
            assert_eq!(response.status(), status);
            assert!(response.body().is_empty());
            let has_challenge = response.headers().contains_key(WWW_AUTHENTICATE);
            assert_eq!(has_challenge, status == 401);
        }
    }

    #[test]
    fn event_response_to_a_logout_is_not_cached() {
        let retry_after = Duration::from_secs(1);
        for (rejected, status) in [
            (EventResponse::Accepted, 200),
            (EventResponse::InvalidKey, 400),
            (EventResponse::TooLarge, 413),
            (EventResponse::Unavailable { retry_after }, 503),
        ] {
            let response = rejected.into_logout_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert!(!response.headers().contains_key(CONTENT_TYPE));
            assert!(response.body().is_empty());
        }
    }

    #[test]
    fn event_response_to_a_failure_on_this_side_asks_for_a_repetition() {
        let retry_after = Duration::from_millis(1_500);
        let response = EventResponse::Unavailable { retry_after }.into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "2");
        assert!(response.body().is_empty());
        assert_eq!(EventResponse::TooLarge.into_response().status(), 413);
        let response = EventResponse::MethodNotAllowed.into_response();
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "POST");
    }
}
