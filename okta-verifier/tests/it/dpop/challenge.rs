use okta_verifier::{
    Policy,
    adapter::RequestCredentials,
    dpop::{DpopNonces, DpopSettings},
};

use crate::support::dpop_fixture::{BASE, Fixture, TARGET, code_of, status_and_challenges};

const BEARER: &str = r#"Bearer realm="api""#;
const DPOP: &str =
    r#"DPoP realm="api", algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;

/// Returns the challenge of `scheme` with an error.
fn challenge_with_error(scheme: &str, error: &str, description: &str) -> String {
    let challenge_with_error =
        format!(r#"realm="api", error="{error}", error_description="{description}""#);
    match scheme {
        "DPoP" => DPOP.replace(r#"realm="api""#, &challenge_with_error),
        _ => BEARER.replace(r#"realm="api""#, &challenge_with_error),
    }
}

fn authenticate(fixture: &Fixture, lines: &[&str]) -> (u16, Vec<String>) {
    let credentials = RequestCredentials::new(lines.iter().map(|line| line.as_bytes()));
    status_and_challenges(
        fixture
            .verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap(),
    )
}

const INVALID_TOKEN: &str = "The access token is invalid or has expired";
const MALFORMED: &str = "The request's credentials are malformed";

// conformance 26, 178
#[test]
fn challenge_without_credentials_offers_bearer_and_dpop() {
    let fixture = Fixture::new();
    let offered = (401, vec![BEARER.to_owned(), DPOP.to_owned()]);
    assert_eq!(authenticate(&fixture, &[]), offered);
    assert_eq!(authenticate(&fixture, &["Basic YWRhOmFkYQ=="]), offered);
    let anonymous = fixture.verifier.anonymous().rejection();
    assert_eq!(status_and_challenges(Err(anonymous)), offered);
}

// conformance 176, 177
#[test]
fn challenge_of_the_used_scheme_has_the_error() {
    let fixture = Fixture::new();
    let bearer = challenge_with_error("Bearer", "invalid_token", INVALID_TOKEN);
    assert_eq!(
        authenticate(&fixture, &["Bearer a.b.c"]),
        (401, vec![bearer.clone(), DPOP.to_owned()])
    );
    let bound = format!("Bearer {}", fixture.jwt);
    assert_eq!(
        authenticate(&fixture, &[&bound]),
        (401, vec![bearer, DPOP.to_owned()])
    );
    let dpop = challenge_with_error("DPoP", "invalid_token", INVALID_TOKEN);
    assert_eq!(
        authenticate(&fixture, &["DPoP a.b.c"]),
        (401, vec![BEARER.to_owned(), dpop])
    );
    let proof = challenge_with_error(
        "DPoP",
        "invalid_dpop_proof",
        "The DPoP proof is missing or invalid",
    );
    assert_eq!(
        status_and_challenges(fixture.send(&[])),
        (401, vec![BEARER.to_owned(), proof])
    );
}

// conformance 177
#[test]
fn challenge_for_malformed_credentials_is_400_under_their_scheme() {
    let fixture = Fixture::new();
    let bearer = challenge_with_error("Bearer", "invalid_request", MALFORMED);
    let dpop = challenge_with_error("DPoP", "invalid_request", MALFORMED);
    let long = "a".repeat(16 * 1024 + 1);
    for rest in [
        "",
        " ",
        "   ",
        " a=b",
        " a b",
        " \"a\"",
        "\ta",
        "=a",
        ":a",
        " =",
        &format!(" {long}"),
    ] {
        for scheme in ["Bearer", "bEARER"] {
            let rejected = (400, vec![bearer.clone(), DPOP.to_owned()]);
            assert_eq!(
                authenticate(&fixture, &[&format!("{scheme}{rest}")]),
                rejected
            );
        }
        for scheme in ["DPoP", "dpop"] {
            let rejected = (400, vec![BEARER.to_owned(), dpop.clone()]);
            assert_eq!(
                authenticate(&fixture, &[&format!("{scheme}{rest}")]),
                rejected
            );
        }
    }
}

// conformance 177
#[test]
fn challenge_for_ambiguous_credentials_is_400_under_both_schemes() {
    let fixture = Fixture::new();
    let both =
        ["Bearer", "DPoP"].map(|scheme| challenge_with_error(scheme, "invalid_request", MALFORMED));
    let dpop = format!("DPoP {}", fixture.jwt);
    for lines in [
        &["Bearer a.b.c", &*dpop][..],
        &["Bearer a.b.c", "Bearer a.b.c"],
        &["Bearer", "DPoP"],
        // Two field lines that an intermediary has joined.
        &["Bearer a.b.c, DPoP a.b.c"],
        &["DPoP a.b.c,Bearer a.b.c"],
        &["DPoP, Bearer a.b.c"],
        &["DPoP a,b"],
        &[""],
        &["="],
        &["Basic\ta"],
    ] {
        assert_eq!(
            authenticate(&fixture, lines),
            (400, both.to_vec()),
            "{lines:?}"
        );
    }
    for authorization in [&*dpop, "Bearer a.b.c"] {
        let credentials =
            RequestCredentials::new([authorization.as_bytes()]).query(Some("access_token=x"));
        let result = fixture
            .verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap();
        assert_eq!(status_and_challenges(result), (400, both.to_vec()));
    }
}

// conformance 175
#[test]
fn challenge_for_a_missing_scope_uses_the_dpop_scheme() {
    let fixture = Fixture::new();
    let token = fixture.send(&[&fixture.proof().sign()]).unwrap();
    let rejection = token.require(Policy::scope("orders:read")).unwrap_err();
    let (status, challenges) = status_and_challenges(Err(rejection));
    assert_eq!(status, 403);
    let start = r#"DPoP realm="api", error="insufficient_scope""#;
    assert!(
        challenges.len() == 1 && challenges[0].starts_with(start),
        "{challenges:?}"
    );
    assert!(challenges[0].contains(r#"scope="orders:read", algs="#));
    // A rejection by the handler has the same bytes.
    let own = token.insufficient_scope("orders:read").unwrap();
    assert_eq!(status_and_challenges(Err(own)), (status, challenges));
    for malformed in ["", " ", "a  b", "a\"b", "a\\b", "a\r\nb", "é"] {
        assert!(token.insufficient_scope(malformed).is_err(), "{malformed}");
    }
}

// conformance 164, 173, 174
#[test]
fn dpop_proof_without_the_current_nonce_is_rejected_with_a_nonce() {
    let fixture = Fixture::with(DpopSettings::base_url(BASE).nonces(DpopNonces::random()));
    let result = fixture.send(&[&fixture.proof().sign()]);
    assert_eq!(code_of(&result), "use_dpop_nonce");
    let rejection = result.unwrap_err();
    let headers: Vec<_> = rejection.headers().collect();
    let given: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name == "dpop-nonce")
        .collect();
    assert_eq!(given.len(), 1);
    let nonce = given[0].1.to_str().unwrap();
    assert!(
        nonce
            .bytes()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
    );
    let wanted = challenge_with_error(
        "DPoP",
        "use_dpop_nonce",
        "The DPoP proof needs the nonce of this response",
    );
    assert_eq!(
        status_and_challenges(Err(rejection.clone())),
        (401, vec![BEARER.to_owned(), wanted])
    );

    let valid = || fixture.send(&[&fixture.proof().nonce(nonce).sign()]);
    assert_eq!(code_of(&valid()), "ok");
    assert_eq!(code_of(&valid()), "ok"); // a nonce may be used more than once
    for proof in [
        fixture.proof(),
        fixture.proof().nonce("another"),
        fixture.proof().nonce(&nonce[1..]),
    ] {
        assert_eq!(code_of(&fixture.send(&[&proof.sign()])), "use_dpop_nonce");
    }
    // Every response has the current nonce and must not be cached.
    let names: Vec<_> = fixture
        .verifier
        .response_headers()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["dpop-nonce", "cache-control"]);
    assert_eq!(Fixture::new().verifier.response_headers().count(), 0);
}

// conformance 164
#[test]
fn dpop_nonces_with_a_shared_key_are_accepted_by_every_instance() {
    let settings = || DpopSettings::base_url(BASE).nonces(DpopNonces::shared([7; 32]));
    let (one, other) = (Fixture::with(settings()), Fixture::with(settings()));
    let (_, nonce) = one.verifier.response_headers().next().unwrap();
    let proof = other.proof().nonce(nonce.to_str().unwrap()).sign();
    let credentials = format!("DPoP {}", other.jwt);
    let credentials = RequestCredentials::new([credentials.as_bytes()]).dpop([proof.as_bytes()]);
    let result = other
        .verifier
        .authenticate(&credentials.request("GET", TARGET))
        .into_ready();
    assert_eq!(code_of(&result.unwrap()), "ok");
}
