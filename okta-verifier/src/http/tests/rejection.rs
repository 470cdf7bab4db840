//! Status, headers and text of a rejection.

use std::time::Duration;

use http::{HeaderName, HeaderValue, Response};

use super::challenges;
use crate::{
    error::{UnavailableReason, VerifyError},
    http::{CODES, Rejection, Scheme, codes::slot},
};

fn rejection(error: VerifyError) -> Rejection {
    Rejection::for_error(&challenges(), Scheme::Bearer, error, None, None)
}

fn unavailable(retry_after: Duration) -> Rejection {
    let source = UnavailableReason::Timeout;
    rejection(VerifyError::Unavailable {
        retry_after,
        source,
    })
}

// conformance 22, 24
#[test]
fn rejection_for_an_unavailable_issuer_is_503_with_whole_seconds() {
    for (retry_after, written) in [
        (Duration::ZERO, "1"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_millis(999), "1"),
        (Duration::from_millis(1_000), "1"),
        (Duration::from_millis(1_001), "2"),
        (Duration::from_secs(10), "10"),
        (Duration::from_millis(119_500), "120"),
        (Duration::from_secs(121), "120"),
        (Duration::from_secs(u64::MAX), "120"),
        (Duration::MAX, "120"),
    ] {
        let rejection = unavailable(retry_after);
        assert_eq!(rejection.status(), 503);
        assert_eq!(rejection.grpc_status(), 14);
        let headers: Vec<(HeaderName, HeaderValue)> = rejection.headers().collect();
        let written = [("cache-control", "no-store"), ("retry-after", written)];
        assert_eq!(headers.len(), written.len());
        for ((name, value), (expected, text)) in headers.iter().zip(written) {
            assert_eq!((name.as_str(), value.to_str().unwrap()), (expected, text));
        }
    }
}

#[test]
fn rejection_displays_status_and_error() {
    let error = VerifyError::Expired { seconds: 1 };
    let expired = rejection(error.clone());
    assert_eq!(
        expired.to_string(),
        format!("rejected with 401 Unauthorized: {error}")
    );
    let forbidden = Rejection::forbidden().to_string();
    assert_eq!(forbidden, "rejected with 403 Forbidden");
}

// conformance 14, 96
#[test]
fn rejection_is_503_only_if_the_client_is_not_at_fault() {
    for error in [
        VerifyError::Encrypted,
        VerifyError::AlgorithmNotAllowed,
        VerifyError::AlgorithmMismatch,
        VerifyError::TypeNotAllowed,
        VerifyError::MissingKeyId,
        VerifyError::UnknownKeyId,
        VerifyError::BadSignature,
        VerifyError::UnknownIssuer,
        VerifyError::OrgAuthorizationServer,
        VerifyError::MissingClaim { claim: "exp" },
        VerifyError::InvalidClaim { claim: "exp" },
        VerifyError::Expired { seconds: 1 },
        VerifyError::NotYetValid { seconds: 1 },
        VerifyError::IssuedInFuture { seconds: 1 },
        VerifyError::WrongAudience,
        VerifyError::NotAnAccessToken,
        VerifyError::ClientNotAllowed,
        VerifyError::BindingUnchecked,
    ] {
        let rejection = rejection(error.clone());
        let response: Response<()> = rejection.into_response();
        assert_eq!(response.status(), 401, "{error}");
        let challenge = &response.headers()["www-authenticate"];
        assert_eq!(challenge, challenges().invalid_token, "{error}");
    }
}

// conformance 20, 22
#[test]
fn rejection_is_in_the_response_extensions() {
    let response: Response<Vec<u8>> = unavailable(Duration::ZERO).into_response();
    assert!(response.body().is_empty());
    let inside = response.extensions().get::<Rejection>().expect("itself");
    assert_eq!(inside.status(), 503);
    assert_eq!(inside.error().map(VerifyError::code), Some("unavailable"));
}

/// A code without a slot would be counted as `other`. The sources are read so that none is missing.
#[test]
fn rejection_codes_have_a_slot_each() {
    let verify = include_str!("../../error/verify.rs");
    let (_, verify) = verify.split_once("fn code(").unwrap();
    let (verify, _) = verify.split_once("\n    }\n").unwrap();
    let verify = verify.split('"').skip(1).step_by(2);
    let own = include_str!("../codes.rs").lines();
    let own = own.filter_map(|line| {
        line.strip_prefix("pub(super) const ")?
            .split_once(": &str = \"")
    });
    let own = own.filter_map(|(_, rest)| rest.strip_suffix("\";"));
    let codes: Vec<_> = verify.chain(own).collect();
    assert!(
        codes.contains(&"expired") && codes.contains(&"no_credentials"),
        "{codes:?}"
    );
    for code in &codes {
        assert!(CODES.contains(code), "{code} is not in CODES");
    }
    assert_eq!(codes.len() + 1, CODES.len());
    assert_eq!(CODES.last(), Some(&"other"));
}

#[test]
fn rejection_with_another_code_has_the_last_slot() {
    assert_eq!(CODES[slot("expired")], "expired");
    assert_eq!(CODES[slot("a_code_of_the_application")], "other");
}
