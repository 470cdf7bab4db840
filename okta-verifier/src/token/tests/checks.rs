//! Dates, issuer, audience and client, at their limits.

use serde_json::{Value, json};

use crate::{
    crypto::{Algorithm, Algorithms},
    error::VerifyError,
    token::{
        checks::{self, Checked, Clients, Expected},
        claims::Claims,
        jws::Typ,
        profile::{Profile, Source},
    },
};

pub(super) const ISSUER: &str = "https://okta.test/oauth2/default";

/// Makes all checks of a token that follow the signature check.
pub(crate) fn check<'c>(
    claims: &'c Claims<'_>,
    typ: Typ,
    expected: &Expected,
    now: u64,
) -> Result<Checked<'c>, VerifyError> {
    checks::check_dates(claims.dates(), expected.leeway, now)?;
    checks::check_claims(claims, Source::Jwt(typ), expected)
}

pub(crate) fn expected(profile: Profile) -> Expected {
    Expected {
        issuer: ISSUER.into(),
        aliases: Vec::new(),
        tenants: None,
        audiences: vec!["api://orders".to_owned()],
        lightweight_tokens: false,
        require_dpop: false,
        introspects_every_token: false,
        profile,
        clients: Clients::Any,
        leeway: 0,
        algorithms: Algorithms::ALL,
        allow_missing_key_id: false,
    }
}

/// Returns a payload that is valid in both profiles from 1000 to 2000, with these claims changed. A null
/// removes a claim.
pub(crate) fn payload(changes: Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "sub": "ada", "aud": "api://orders", "exp": 2000, "iat": 1000,
        "jti": "AT.1", "cid": "0oatest", "client_id": "0oatest", "uid": "00uada",
    });
    let members = claims.as_object_mut().expect("an object");
    for (name, value) in changes.as_object().expect("an object") {
        members.insert(name.clone(), value.clone());
    }
    members.retain(|_, value| !value.is_null());
    claims.to_string()
}

fn checked(changes: Value, expected: &Expected, now: u64) -> Result<(), VerifyError> {
    let payload = payload(changes);
    check(&Claims::parse(&payload)?, Typ::Absent, expected, now).map(|_| ())
}

/// Returns the code of an error, or `ok`.
pub(super) fn code<T>(result: Result<T, VerifyError>) -> &'static str {
    result.map_or_else(|error| error.code(), |_| "ok")
}

// conformance 50, 94
#[test]
fn exp_that_is_reached_is_expired() {
    let mut okta = expected(Profile::Okta);
    for (leeway, now, answer) in [
        (0, 1999, "ok"),
        (0, 2000, "expired"),
        (0, 2001, "expired"),
        (60, 2059, "ok"),
        (60, 2060, "expired"),
        (60, u64::MAX, "expired"),
        (u64::MAX, u64::MAX - 1, "ok"),
    ] {
        okta.leeway = leeway;
        assert_eq!(code(checked(json!({}), &okta, now)), answer, "{now}");
        // A fraction of a second is rounded down.
        let fraction = json!({ "exp": 2000.9 });
        assert_eq!(code(checked(fraction, &okta, now)), answer, "{now}");
    }
    let error = checked(json!({}), &expected(Profile::Okta), 2007).unwrap_err();
    assert!(matches!(error, VerifyError::Expired { seconds: 7 }));
}

// field kind F
#[test]
fn claims_null_does_not_satisfy_what_a_profile_requires() {
    let checked = |profile, claim: &str| {
        let written = format!(r#""{claim}":null"#);
        let payload =
            payload(json!({ claim: "?" })).replace(&format!(r#""{claim}":"?""#), &written);
        assert!(payload.contains(&written), "{payload}");
        let expected = Expected {
            clients: Clients::Listed(vec!["0oatest".to_owned()]),
            ..expected(profile)
        };
        let claims = Claims::parse(&payload)?;
        check(&claims, Typ::AccessToken, &expected, 1500).map(|_| ())
    };
    for claim in ["iat", "jti", "client_id"] {
        let answer = code(checked(Profile::Rfc9068, claim));
        assert_eq!(answer, "missing_claim", "{claim}");
    }
    // With the explicit `typ`, `client_id` counts if `cid` is null, as if it is absent.
    for claim in ["iat", "jti", "cid", "uid"] {
        assert_eq!(code(checked(Profile::Okta, claim)), "ok", "{claim}");
    }
}

// conformance 51, 52
#[test]
fn nbf_in_the_future_is_rejected() {
    let mut okta = expected(Profile::Okta);
    for (leeway, now, answer) in [
        (0, 1499, "not_yet_valid"),
        (0, 1500, "ok"),
        (60, 1439, "not_yet_valid"),
        (60, 1440, "ok"),
    ] {
        okta.leeway = leeway;
        for nbf in [json!(1500), json!(1499.5)] {
            assert_eq!(code(checked(json!({ "nbf": nbf }), &okta, now)), answer);
        }
    }
    let error = checked(json!({ "nbf": 1507 }), &expected(Profile::Okta), 1500).unwrap_err();
    assert!(matches!(error, VerifyError::NotYetValid { seconds: 7 }));
}

// conformance 53
#[test]
fn iat_in_the_future_or_after_exp_is_rejected() {
    let mut okta = expected(Profile::Okta);
    for (leeway, now, answer) in [
        (0, 999, "issued_in_future"),
        (0, 1000, "ok"),
        (60, 939, "issued_in_future"),
        (60, 940, "ok"),
    ] {
        okta.leeway = leeway;
        for iat in [json!(1000), json!(999.5)] {
            assert_eq!(code(checked(json!({ "iat": iat }), &okta, now)), answer);
        }
    }
    let error = checked(json!({}), &expected(Profile::Okta), 993).unwrap_err();
    assert!(matches!(error, VerifyError::IssuedInFuture { seconds: 7 }));
    okta.leeway = 300;
    for iat in [json!(2000), json!(2001), json!(1999.5)] {
        assert_eq!(
            code(checked(json!({ "iat": iat }), &okta, 1990)),
            "invalid_claim"
        );
    }
    assert_eq!(code(checked(json!({ "iat": 1999 }), &okta, 1990)), "ok");
}

// conformance 55, 91
#[test]
fn iss_is_compared_exactly() {
    for iss in [
        "https://okta.test/oauth2/default/",
        "https://okta.test/oauth2/Default",
        "https://OKTA.test/oauth2/default",
        "https://okta.test:443/oauth2/default",
        "https://okta.test/oauth2/./default",
        "https://okta.test/oauth2/d%65fault",
        "http://okta.test/oauth2/default",
        "https://okta.test",
        " https://okta.test/oauth2/default",
    ] {
        let answer = checked(json!({ "iss": iss }), &expected(Profile::Okta), 1500);
        assert_eq!(code(answer), "unknown_issuer", "{iss}");
    }
}

// conformance 54, 55, 83, 92
#[test]
fn aud_is_compared_exactly() {
    for (aud, answer) in [
        (json!("api://orders"), "ok"),
        (json!(["api://billing", "api://orders"]), "ok"),
        (json!("api://orders/"), "wrong_audience"),
        (json!("api://Orders"), "wrong_audience"),
        (json!("api://order"), "wrong_audience"),
        (json!("api://orders api://billing"), "wrong_audience"),
        (json!(["api://billing"]), "wrong_audience"),
        (json!(""), "wrong_audience"),
        (json!([""]), "wrong_audience"),
        (json!(null), "missing_claim"),
    ] {
        let result = checked(json!({ "aud": aud }), &expected(Profile::Okta), 1500);
        assert_eq!(code(result), answer, "{aud}");
    }
}

// conformance 56, 67
#[test]
fn alg_that_is_not_listed_is_rejected() {
    let header = crate::token::jws::Header {
        algorithm: Algorithm::ES256,
        kid: Some("1".into()),
        typ: Typ::Absent,
        other_typ: None,
    };
    let mut okta = expected(Profile::Okta);
    assert!(checks::check_header(&header, &okta).is_ok());
    okta.algorithms = Algorithms::NONE
        .with(Algorithm::RS256)
        .with(Algorithm::EdDSA);
    let error = checks::check_header(&header, &okta).unwrap_err();
    assert!(matches!(error, VerifyError::AlgorithmNotAllowed));
}

// conformance 90
#[test]
fn client_is_cid_or_client_id_with_the_explicit_typ() {
    let listed = |profile| Expected {
        clients: Clients::Listed(vec!["0oatest".to_owned(), "0oaother".to_owned()]),
        ..expected(profile)
    };
    use Profile::{Okta, Rfc9068};
    use Typ::{AccessToken, Jwt};
    for (profile, typ, cid, client_id, answer) in [
        (Okta, Jwt, Some("0oatest"), None, "ok"),
        (Okta, Jwt, Some("0oaother"), None, "ok"),
        (Okta, Jwt, Some("0oatest"), Some("0oatest"), "ok"),
        (
            Okta,
            Jwt,
            Some("0oatest"),
            Some("0oaother"),
            "invalid_claim",
        ),
        (Okta, Jwt, Some("0oastranger"), None, "client_not_allowed"),
        (Okta, Jwt, Some("0oates"), None, "client_not_allowed"),
        (
            Okta,
            Jwt,
            Some("0oatest,0oaother"),
            None,
            "client_not_allowed",
        ),
        (Okta, Jwt, None, Some("0oatest"), "missing_claim"),
        (Okta, Jwt, None, None, "missing_claim"),
        (Okta, AccessToken, None, Some("0oatest"), "ok"),
        (
            Okta,
            AccessToken,
            None,
            Some("0oastranger"),
            "client_not_allowed",
        ),
        (Okta, AccessToken, None, None, "missing_claim"),
        (Rfc9068, AccessToken, None, Some("0oatest"), "ok"),
        (Rfc9068, AccessToken, Some("0oatest"), None, "missing_claim"),
        (
            Rfc9068,
            AccessToken,
            Some("0oastranger"),
            Some("0oatest"),
            "invalid_claim",
        ),
        (
            Rfc9068,
            AccessToken,
            None,
            Some("0oastranger"),
            "client_not_allowed",
        ),
    ] {
        let payload = payload(json!({ "cid": cid, "client_id": client_id }));
        let claims = Claims::parse(&payload).unwrap();
        let result = check(&claims, typ, &listed(profile.clone()), 1500);
        assert_eq!(code(result), answer, "{profile:?} {typ:?} {payload}");
        // With `Clients::Any`, every client is accepted, but RFC 9068 §2.2 still requires `client_id`.
        let anybody = check(&claims, typ, &expected(profile.clone()), 1500);
        let answer = match answer {
            "missing_claim" if profile == Okta => "ok",
            "client_not_allowed" => "ok",
            other => other,
        };
        assert_eq!(code(anybody), answer, "{profile:?} {typ:?} {payload}");
    }
}

// conformance 187
#[test]
fn cnf_that_cannot_be_read_is_rejected() {
    for cnf in [
        json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", "x": 1 }),
        json!({ "x5t#S256": "x" }),
        json!({}),
        json!([]),
        json!(false),
        json!(""),
    ] {
        let result = checked(json!({ "cnf": cnf }), &expected(Profile::Okta), 1500);
        assert_eq!(code(result), "binding_unchecked", "{cnf}");
    }
    let null = payload(json!({})).replace('{', r#"{"cnf":null,"#);
    let claims = Claims::parse(&null).unwrap();
    let result = check(&claims, Typ::Absent, &expected(Profile::Okta), 1500);
    assert_eq!(code(result), "binding_unchecked");
}
