//! Step-up: a valid token whose user must authenticate again (RFC 9470).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use okta_verifier::{Policy, Rejection, VerifiedToken, Verifier};
use okta_verifier_testing::{TestIssuer, TokenBuilder};

const PHISHING_RESISTANT: Policy = Policy::acr(&["phrh", "phr"]);
const RECENT: Policy = Policy::max_age(Duration::from_secs(300));
const TRANSFER: Policy =
    Policy::all(&[PHISHING_RESISTANT, RECENT, Policy::scope("payments:write")]);

fn rejected(policy: Policy, token: &VerifiedToken) -> Rejection {
    token.require(policy).expect_err("rejected")
}

fn challenge(rejection: &Rejection) -> Option<String> {
    let mut values = rejection
        .headers()
        .filter(|(name, _)| name == "www-authenticate");
    let value = values.next()?.1.to_str().unwrap().to_owned();
    assert!(values.next().is_none());
    Some(value)
}

fn verified(okta: &TestIssuer, token: TokenBuilder) -> VerifiedToken {
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .realm("bank")
        .build()
        .unwrap();
    let authorization = format!("Bearer {}", token.sign());
    let credentials = okta_verifier::adapter::RequestCredentials::new([authorization.as_bytes()]);
    verifier
        .authenticate(&credentials)
        .into_ready()
        .unwrap()
        .unwrap()
}

fn seconds_ago(seconds: u64) -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        - seconds
}

const DESCRIPTION: &str = r#"Bearer realm="bank", error="insufficient_user_authentication", error_description="The user must authenticate again or more strongly""#;

// conformance 189, 190, 191
#[test]
fn step_up_is_401_and_names_the_acr_values() {
    let okta = TestIssuer::new("api://bank");
    for token in [
        okta.token("ada").without("acr"),
        okta.token("ada").claim("acr", "urn:okta:loa:1fa:any"),
        okta.token("ada").claim("acr", "PHR"),
        okta.token("ada").claim("acr", "phr phrh"),
    ] {
        let rejection = rejected(PHISHING_RESISTANT, &verified(&okta, token));
        assert_eq!(rejection.status(), 401);
        let expected = format!(r#"{DESCRIPTION}, acr_values="phrh phr""#);
        assert_eq!(challenge(&rejection), Some(expected));
    }
    for acr in ["phr", "phrh"] {
        let token = verified(&okta, okta.token("ada").claim("acr", acr));
        assert!(token.require(PHISHING_RESISTANT).is_ok());
        assert_eq!(token.acr(), Some(acr));
    }
}

// conformance 30, 191, 192
#[test]
fn step_up_age_is_counted_from_auth_time_and_not_from_iat() {
    let okta = TestIssuer::new("api://bank");
    for token in [
        okta.token("ada").without("auth_time"),
        okta.token("ada").claim("auth_time", seconds_ago(420)),
        // Ahead of the clock by more than the leeway.
        okta.token("ada").claim("auth_time", seconds_ago(0) + 120),
    ] {
        // Just issued, as after a refresh.
        let rejection = rejected(RECENT, &verified(&okta, token.issued_at(seconds_ago(1))));
        assert_eq!(rejection.status(), 401);
        let expected = format!(r#"{DESCRIPTION}, max_age="300""#);
        assert_eq!(challenge(&rejection), Some(expected));
    }
    // Within the age, and within the age and the leeway of 60 s.
    for ago in [0, 200, 330] {
        let token = verified(
            &okta,
            okta.token("ada").claim("auth_time", seconds_ago(ago)),
        );
        assert!(token.require(RECENT).is_ok(), "{ago}");
    }
}

// conformance 190
#[test]
fn step_up_challenge_names_every_unmet_requirement() {
    let okta = TestIssuer::new("api://bank");
    let bare = || okta.token("ada").claim("auth_time", seconds_ago(9_000));
    let both = r#"acr_values="phrh phr", max_age="300""#;

    let rejection = rejected(TRANSFER, &verified(&okta, bare()));
    let expected = format!(r#"{DESCRIPTION}, scope="payments:write", {both}"#);
    assert_eq!(
        (rejection.status().as_u16(), challenge(&rejection)),
        (401, Some(expected))
    );

    let rejection = rejected(TRANSFER, &verified(&okta, bare().scope("payments:write")));
    assert_eq!(
        challenge(&rejection),
        Some(format!("{DESCRIPTION}, {both}"))
    );

    // Only the scope is missing: a new authentication would not help.
    let strong = bare()
        .claim("acr", "phr")
        .claim("auth_time", seconds_ago(0));
    let rejection = rejected(TRANSFER, &verified(&okta, strong));
    assert_eq!(rejection.status(), 403);
    assert!(
        challenge(&rejection)
            .unwrap()
            .ends_with(r#"scope="payments:write""#)
    );
}

#[test]
fn step_up_is_not_requested_if_it_would_not_suffice() {
    const ADMIN: Policy = Policy::all(&[PHISHING_RESISTANT, Policy::group("Admins")]);
    const EITHER: Policy = Policy::any(&[ADMIN, Policy::scope("admin")]);
    let okta = TestIssuer::new("api://bank");
    let token = verified(&okta, okta.token("ada"));
    assert_eq!(
        (
            rejected(ADMIN, &token).status().as_u16(),
            challenge(&rejected(ADMIN, &token))
        ),
        (403, None)
    );
    assert!(
        challenge(&rejected(EITHER, &token))
            .unwrap()
            .ends_with(r#"scope="admin""#)
    );
    // Two lists without a common value.
    const NEVER: Policy = Policy::all(&[Policy::acr(&["a"]), Policy::acr(&["b"])]);
    assert_eq!(rejected(NEVER, &token).status(), 403);
}

/// An alternative that would suffice alone, but not with the other rules, is skipped.
#[test]
fn step_up_is_found_in_every_order_of_rules() {
    const A_OR_B: Policy = Policy::any(&[Policy::acr(&["A"]), Policy::acr(&["B"])]);
    const LAST: Policy = Policy::all(&[A_OR_B, Policy::acr(&["B"])]);
    const FIRST: Policy = Policy::all(&[Policy::acr(&["B"]), A_OR_B]);
    let okta = TestIssuer::new("api://bank");
    let token = verified(&okta, okta.token("ada").claim("acr", "A"));
    for policy in [LAST, FIRST] {
        let expected = format!(r#"{DESCRIPTION}, acr_values="B""#);
        assert_eq!(challenge(&rejected(policy, &token)), Some(expected));
    }
}

#[test]
fn step_up_claims_are_typed() {
    let okta = TestIssuer::new("api://bank");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    for token in [
        okta.token("ada").claim("acr", 2),
        okta.token("ada").claim("acr", ""),
        okta.token("ada").claim("auth_time", "yesterday"),
        okta.token("ada").claim("auth_time", -1),
    ] {
        let authorization = format!("Bearer {}", token.sign());
        let credentials =
            okta_verifier::adapter::RequestCredentials::new([authorization.as_bytes()]);
        let rejection = verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap()
            .unwrap_err();
        assert_eq!(rejection.error().unwrap().code(), "invalid_claim");
    }
}

#[test]
fn step_up_grpc_status_follows_the_http_status() {
    let okta = TestIssuer::new("api://bank");
    let token = verified(&okta, okta.token("ada"));
    for (rejection, status) in [
        (rejected(PHISHING_RESISTANT, &token), "16"),
        (rejected(Policy::scope("admin"), &token), "7"),
        (rejected(Policy::group("Admins"), &token), "7"),
        (Rejection::missing_layer(), "13"),
    ] {
        let http = challenge(&rejection);
        let response: http::Response<String> = rejection.into_grpc_response();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "application/grpc");
        assert_eq!(response.headers()["grpc-status"], status);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let kept = response
            .headers()
            .get("www-authenticate")
            .map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(kept, http);
        assert!(response.extensions().get::<Rejection>().is_some());
    }
}
