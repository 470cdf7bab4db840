use okta_verifier::{DpopNonces, DpopSettings, Policy, adapter::RequestCredentials};

use super::{BASE, TARGET, World, challenged, code};

const BEARER: &str = r#"Bearer realm="api""#;
const DPOP: &str =
    r#"DPoP realm="api", algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;

/// One of the scheme, with an error.
fn failed(scheme: &str, error: &str, description: &str) -> String {
    let failed = format!(r#"realm="api", error="{error}", error_description="{description}""#);
    match scheme {
        "DPoP" => DPOP.replace(r#"realm="api""#, &failed),
        _ => BEARER.replace(r#"realm="api""#, &failed),
    }
}

fn ask(world: &World, lines: &[&str]) -> (u16, Vec<String>) {
    let presented = RequestCredentials::new(lines.iter().map(|line| line.as_bytes()));
    challenged(
        world
            .verifier
            .authenticate(&presented)
            .into_ready()
            .unwrap(),
    )
}

const INVALID_TOKEN: &str = "The access token is invalid or has expired";
const MALFORMED: &str = "The request's credentials are malformed";

// conformance 26, 178
#[test]
fn without_credentials_both_schemes_are_offered() {
    let world = World::new();
    let offered = (401, vec![BEARER.to_owned(), DPOP.to_owned()]);
    assert_eq!(ask(&world, &[]), offered);
    assert_eq!(ask(&world, &["Basic YWRhOmFkYQ=="]), offered);
    let anonymous = world.verifier.anonymous().rejection();
    assert_eq!(challenged(Err(anonymous)), offered);
}

// conformance 176, 177
#[test]
fn the_error_stands_under_the_scheme_that_was_used() {
    let world = World::new();
    let bearer = failed("Bearer", "invalid_token", INVALID_TOKEN);
    assert_eq!(
        ask(&world, &["Bearer a.b.c"]),
        (401, vec![bearer.clone(), DPOP.to_owned()])
    );
    let bound = format!("Bearer {}", world.jwt);
    assert_eq!(ask(&world, &[&bound]), (401, vec![bearer, DPOP.to_owned()]));
    let dpop = failed("DPoP", "invalid_token", INVALID_TOKEN);
    assert_eq!(
        ask(&world, &["DPoP a.b.c"]),
        (401, vec![BEARER.to_owned(), dpop])
    );
    let proof = failed(
        "DPoP",
        "invalid_dpop_proof",
        "The DPoP proof is missing or invalid",
    );
    assert_eq!(
        challenged(world.send(&[])),
        (401, vec![BEARER.to_owned(), proof])
    );
}

// conformance 177
#[test]
fn malformed_credentials_are_400_under_their_scheme() {
    let world = World::new();
    let bearer = failed("Bearer", "invalid_request", MALFORMED);
    let dpop = failed("DPoP", "invalid_request", MALFORMED);
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
            let refused = (400, vec![bearer.clone(), DPOP.to_owned()]);
            assert_eq!(ask(&world, &[&format!("{scheme}{rest}")]), refused);
        }
        for scheme in ["DPoP", "dpop"] {
            let refused = (400, vec![BEARER.to_owned(), dpop.clone()]);
            assert_eq!(ask(&world, &[&format!("{scheme}{rest}")]), refused);
        }
    }
}

// conformance 177
#[test]
fn ambiguous_credentials_are_400_under_both() {
    let world = World::new();
    let both = ["Bearer", "DPoP"].map(|scheme| failed(scheme, "invalid_request", MALFORMED));
    let dpop = format!("DPoP {}", world.jwt);
    for lines in [
        &["Bearer a.b.c", &*dpop][..],
        &["Bearer a.b.c", "Bearer a.b.c"],
        &["Bearer", "DPoP"],
        // Two lines that were joined on the way.
        &["Bearer a.b.c, DPoP a.b.c"],
        &["DPoP a.b.c,Bearer a.b.c"],
        &["DPoP, Bearer a.b.c"],
        &["DPoP a,b"],
        &[""],
        &["="],
        &["Basic\ta"],
    ] {
        assert_eq!(ask(&world, lines), (400, both.to_vec()), "{lines:?}");
    }
    for authorization in [&*dpop, "Bearer a.b.c"] {
        let presented =
            RequestCredentials::new([authorization.as_bytes()]).query(Some("access_token=x"));
        let verdict = world
            .verifier
            .authenticate(&presented)
            .into_ready()
            .unwrap();
        assert_eq!(challenged(verdict), (400, both.to_vec()));
    }
}

// conformance 175
#[test]
fn a_missing_scope_is_told_under_dpop() {
    let world = World::new();
    let token = world.send(&[&world.proof().sign()]).unwrap();
    let refusal = token.require(Policy::scope("orders:read")).unwrap_err();
    let (status, challenges) = challenged(Err(refusal));
    assert_eq!(status, 403);
    let start = r#"DPoP realm="api", error="insufficient_scope""#;
    assert!(
        challenges.len() == 1 && challenges[0].starts_with(start),
        "{challenges:?}"
    );
    assert!(challenges[0].contains(r#"scope="orders:read", algs="#));
    // A handler's own refusal is the same, to the byte.
    let own = token.insufficient_scope("orders:read").unwrap();
    assert_eq!(challenged(Err(own)), (status, challenges));
    for malformed in ["", " ", "a  b", "a\"b", "a\\b", "a\r\nb", "é"] {
        assert!(token.insufficient_scope(malformed).is_err(), "{malformed}");
    }
}

// conformance 164, 173, 174
#[test]
fn a_nonce_is_demanded_and_given() {
    let world = World::with(DpopSettings::base_url(BASE).nonces(DpopNonces::random()));
    let verdict = world.send(&[&world.proof().sign()]);
    assert_eq!(code(&verdict), "use_dpop_nonce");
    let refusal = verdict.unwrap_err();
    let headers: Vec<_> = refusal.headers().collect();
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
    let wanted = failed(
        "DPoP",
        "use_dpop_nonce",
        "The DPoP proof needs the nonce of this response",
    );
    assert_eq!(
        challenged(Err(refusal.clone())),
        (401, vec![BEARER.to_owned(), wanted])
    );

    let good = || world.send(&[&world.proof().nonce(nonce).sign()]);
    assert_eq!(code(&good()), "ok");
    assert_eq!(code(&good()), "ok"); // the nonce may come again
    for proof in [
        world.proof(),
        world.proof().nonce("another"),
        world.proof().nonce(&nonce[1..]),
    ] {
        assert_eq!(code(&world.send(&[&proof.sign()])), "use_dpop_nonce");
    }
    // Any answer brings the newest, and is not for a cache.
    let names: Vec<_> = world
        .verifier
        .response_headers()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["dpop-nonce", "cache-control"]);
    assert_eq!(World::new().verifier.response_headers().count(), 0);
}

// conformance 164
#[test]
fn instances_accept_one_anothers_nonces() {
    let settings = || DpopSettings::base_url(BASE).nonces(DpopNonces::shared([7; 32]));
    let (one, other) = (World::with(settings()), World::with(settings()));
    let (_, nonce) = one.verifier.response_headers().next().unwrap();
    let proof = other.proof().nonce(nonce.to_str().unwrap()).sign();
    let presented = format!("DPoP {}", other.jwt);
    let presented = RequestCredentials::new([presented.as_bytes()]).dpop([proof.as_bytes()]);
    let verdict = other
        .verifier
        .authenticate(&presented.request("GET", TARGET))
        .into_ready();
    assert_eq!(code(&verdict.unwrap()), "ok");
}
