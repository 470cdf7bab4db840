//! A token that was verified locally and introspected.

use serde_json::Value;

use super::issuer::{SECOND, active, inactive, origin, with};
use crate::{
    error::VerifyError,
    introspection::{IntrospectionReason, IntrospectionResponse},
    sync::clock::Now,
    token::{checks::Clients, profile::Profile},
    verified_token::VerifiedToken,
};

fn parse(response: &Value) -> IntrospectionResponse {
    let now = Now::read();
    let origin = origin(Profile::Okta, Clients::Any);
    IntrospectionResponse::parse(
        response.to_string().as_bytes(),
        &origin,
        IntrospectionReason::Opaque,
        60 * SECOND,
        now,
        now,
    )
    .unwrap()
}

fn token(response: &Value) -> VerifiedToken {
    parse(response).token(Now::read()).unwrap().clone()
}

fn confirm(response: &Value) -> Result<VerifiedToken, VerifyError> {
    parse(response).confirm(token(&with(active(), "extra", 1)), Now::read())
}

#[test]
fn confirmed_token_is_narrowed_to_the_scopes_of_the_response() {
    let same = confirm(&active()).unwrap();
    assert!(same.has_scope("orders:write"));
    assert_eq!(same.claim::<u64>("extra").unwrap(), Some(1));
    let unsaid = confirm(&with(active(), "scope", Value::Null)).unwrap();
    assert!(unsaid.has_scope("orders:write"));
    let fewer = confirm(&with(active(), "scope", "orders:read admin")).unwrap();
    assert_eq!(fewer.scopes().collect::<Vec<_>>(), ["orders:read"]);
    assert_eq!(fewer.claim::<u64>("extra").unwrap(), Some(1));
    let none = confirm(&with(active(), "scope", "")).unwrap();
    assert_eq!(none.scopes().count(), 0);
    let revoked = confirm(&inactive()).unwrap_err();
    assert_eq!(revoked.code(), "inactive");
}

#[test]
fn confirmation_about_another_token_is_rejected() {
    for (member, value) in [("sub", "bob"), ("client_id", "0oa2other"), ("jti", "AT.2")] {
        let error = confirm(&with(active(), member, value)).unwrap_err();
        assert!(
            matches!(error, VerifyError::InvalidClaim { claim } if claim == member),
            "{member}: {error:?}"
        );
    }
    // A claim that the response lacks contradicts nothing.
    for member in ["client_id", "jti"] {
        assert!(
            confirm(&with(active(), member, Value::Null)).is_ok(),
            "{member}"
        );
    }
}

#[test]
fn confirmed_token_that_expired_meanwhile_is_rejected() {
    let now = Now::read();
    let verified = || token(&with(active(), "exp", now.unix + 10));
    let response = parse(&active());
    // The leeway is 60 s.
    assert!(response.confirm(verified(), now.after(69 * SECOND)).is_ok());
    let late = response.confirm(verified(), now.after(70 * SECOND));
    assert!(matches!(late, Err(VerifyError::Expired { .. })));
}

// finding 13
#[test]
fn confirmed_token_keeps_numbers_of_any_size() {
    let account = 123_456_789_012_345_678_901_234_567_890_u128;
    let signed = active().to_string();
    let signed = signed.replacen('{', &format!(r#"{{"account":{account},"#), 1);
    let now = Now::read();
    let origin = origin(Profile::Okta, Clients::Any);
    let wide = IntrospectionResponse::parse(
        signed.as_bytes(),
        &origin,
        IntrospectionReason::Opaque,
        60 * SECOND,
        now,
        now,
    );
    let wide = wide.unwrap().token(now).unwrap().clone();
    let fewer = parse(&with(active(), "scope", "orders:read"));
    let narrowed = fewer.confirm(wide, now).unwrap();
    assert_eq!(narrowed.scopes().collect::<Vec<_>>(), ["orders:read"]);
    assert_eq!(narrowed.claim::<u128>("account").unwrap(), Some(account));
}
