//! Other kinds of JWT with the issuer's own signature (RFC 8725 §3.12).

use serde_json::{Value, json};

use super::checks::{check, code, expected, payload};
use crate::{
    crypto::Algorithm,
    token::{
        checks,
        claims::Claims,
        jws::{Header, Typ},
        profile::Profile,
    },
};

fn checked(changes: Value, typ: Typ) -> &'static str {
    let payload = payload(changes);
    let claims = Claims::parse(&payload).unwrap();
    code(check(&claims, typ, &expected(Profile::Okta), 1500))
}

// conformance 84, 86
#[test]
fn id_token_for_this_audience_is_rejected_by_its_claims() {
    for shape in [
        json!({ "jti": "ID.1" }),
        json!({ "at_hash": "w6BLQV3642TKWvaVwTAJuw" }),
        json!({ "c_hash": "w6BLQV3642TKWvaVwTAJuw" }),
        json!({ "at_hash": "x", "scp": ["openid"] }),
        json!({ "nonce": "UBGW" }),
        json!({ "nonce": "UBGW", "scp": [] }),
        json!({ "nonce": "UBGW", "scope": " " }),
        json!({ "nonce": 1 }),
    ] {
        for typ in [Typ::Absent, Typ::Jwt] {
            assert_eq!(
                checked(shape.clone(), typ),
                "not_an_access_token",
                "{shape}"
            );
        }
        // RFC 8725 §3.11: the explicit type decides, not the claims.
        assert_eq!(checked(shape, Typ::AccessToken), "ok");
    }
}

// field kind F
#[test]
fn claims_null_does_not_show_another_kind_of_token() {
    for name in ["nonce", "at_hash", "c_hash", "events"] {
        let payload = payload(json!({ name: "?" })).replace("\"?\"", "null");
        let claims = Claims::parse(&payload).unwrap();
        let checked = check(&claims, Typ::Absent, &expected(Profile::Okta), 1500);
        assert_eq!(code(checked), "ok", "{name}");
    }
}

// conformance 84, 215
#[test]
fn security_event_and_logout_token_are_rejected_by_events() {
    for uri in [
        "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
        "http://schemas.openid.net/event/backchannel-logout",
    ] {
        let events = json!({ "events": { uri: {} } });
        assert_eq!(checked(events, Typ::Absent), "not_an_access_token");
    }
    assert_eq!(
        checked(json!({ "events": {} }), Typ::Jwt),
        "not_an_access_token"
    );
    // A custom claim with the name `events` is not the claim of RFC 8417 §2.2.
    assert_eq!(checked(json!({ "events": ["login"] }), Typ::Absent), "ok");
}

// conformance 86
#[test]
fn access_token_with_oktas_own_claims_is_accepted() {
    for shape in [
        json!({ "nonce": "UBGW", "scp": ["openid"] }),
        json!({ "jti": null }),
        json!({ "jti": "id.1" }),
        json!({ "uid": null, "cid": null, "client_id": null }),
        json!({ "amr": ["pwd"], "idp": "00o1", "auth_time": 900, "acr": "urn:okta:loa:1fa:any" }),
    ] {
        assert_eq!(checked(shape.clone(), Typ::Absent), "ok", "{shape}");
    }
}

// conformance 85, 89
#[test]
fn typ_of_another_kind_of_token_is_rejected() {
    for (profile, typ, answer) in [
        (Profile::Okta, Typ::Absent, "ok"),
        (Profile::Okta, Typ::Jwt, "ok"),
        (Profile::Okta, Typ::AccessToken, "ok"),
        (Profile::Okta, Typ::Other, "type_not_allowed"),
        (Profile::Rfc9068, Typ::Absent, "type_not_allowed"),
        (Profile::Rfc9068, Typ::Jwt, "type_not_allowed"),
        (Profile::Rfc9068, Typ::AccessToken, "ok"),
        (Profile::Rfc9068, Typ::Other, "type_not_allowed"),
    ] {
        let header = Header {
            algorithm: Algorithm::RS256,
            kid: Some("1".into()),
            typ,
            other_typ: None,
        };
        let result = checks::check_header(&header, &expected(profile.clone()));
        assert_eq!(code(result), answer, "{profile:?} {typ:?}");
    }
}

// conformance 90
#[test]
fn rfc_9068_profile_requires_its_claims() {
    for (claim, profile, answer) in [
        ("iat", Profile::Rfc9068, "missing_claim"),
        ("jti", Profile::Rfc9068, "missing_claim"),
        ("client_id", Profile::Rfc9068, "missing_claim"),
        ("iat", Profile::Okta, "ok"),
        ("jti", Profile::Okta, "ok"),
        ("client_id", Profile::Okta, "ok"),
    ] {
        let payload = payload(json!({ claim: null }));
        let claims = Claims::parse(&payload).unwrap();
        let result = check(&claims, Typ::AccessToken, &expected(profile.clone()), 1500);
        assert_eq!(code(result), answer, "{profile:?} without {claim}");
    }
}
