//! The bytes of every rejection (RFC 6750 §3).

use http::Response;
use okta_verifier::{Issuer, Rejection, Verifier, VerifyError, adapter::RequestCredentials};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use serde_json::json;

use crate::support::pinned_keys::{AUDIENCE, authenticate, build, okta, verifier};

const BARE: &str = r#"Bearer realm="api""#;
const MALFORMED: &str = r#"Bearer realm="api", error="invalid_request", error_description="The request's credentials are malformed""#;
const INVALID: &str = r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#;

/// Returns the status and the header lines, as they are sent.
fn sent(rejection: Rejection) -> (u16, Vec<String>) {
    let response: Response<String> = rejection.into_response();
    assert_eq!(response.body(), "");
    let lines = response
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
        .collect();
    (response.status().as_u16(), lines)
}

fn challenged(status: u16, challenge: &str) -> (u16, Vec<String>) {
    let challenge = format!("www-authenticate: {challenge}");
    (
        status,
        vec![challenge, "cache-control: no-store".to_owned()],
    )
}

fn reject(verifier: &Verifier, lines: &[&str], query: Option<&str>) -> Rejection {
    let lines = lines.iter().map(|line| line.as_bytes());
    let result = verifier
        .authenticate(&RequestCredentials::new(lines).query(query))
        .into_ready()
        .expect("decided without I/O");
    secret_scan::verdict(&result);
    result.expect_err("rejected")
}

// conformance 2, 4, 5, 6, 8, 13, 16, 22
#[test]
fn rejection_of_malformed_credentials_is_400_invalid_request() {
    let okta = okta();
    let jwt = okta.token("ada").sign();
    let valid = format!("Bearer {jwt}");
    let large = format!("Bearer {}", "a".repeat(16 * 1024 + 1));
    let verifier = verifier(&okta);
    for (lines, query) in [
        (&["Bearer"][..], None),
        (&["Bearer "], None),
        (&[""], None),
        (&[&format!("Bearer\t{jwt}")], None),
        (&[&format!("Bearer \"{jwt}\"")], None),
        (&[&format!("{valid},{jwt}")], None),
        (&[&format!("{valid} {jwt}")], None),
        (&["Bearer a=b"], None),
        (&["Bearer é"], None),
        (&[&large], None),
        (&[&valid, &valid], None),
        (&[&valid, "Basic x"], None),
        (&[&valid], Some(&*format!("access_token={jwt}"))),
        (&[&valid], Some("a=b&access_token=")),
    ] {
        let rejection = reject(&verifier, lines, query);
        // Of all these, only an exceeded size limit is an error of the token itself.
        let is_large = lines == [&large];
        assert_eq!(rejection.error().is_some(), is_large, "{lines:?}");
        assert_eq!(
            sent(rejection),
            challenged(400, MALFORMED),
            "{lines:?} {query:?}"
        );
    }
}

// conformance 7, 9, 10, 11, 12, 22, 25, 28
#[test]
fn rejection_without_bearer_credentials_is_401_without_an_error() {
    let okta = okta();
    let verifier = verifier(&okta);
    let query = format!("access_token={}", okta.token("ada").sign());
    for (lines, query) in [
        (&[][..], None),
        (&[], Some(&*query)),
        (&["Basic YWRhOmFkYQ=="], None),
        (&["Digest realm=\"x\""], None),
        (&["DPoP abc"], None),
    ] {
        let rejection = reject(&verifier, lines, query);
        assert_eq!(
            sent(rejection),
            challenged(401, BARE),
            "{lines:?} {query:?}"
        );
    }
    assert_eq!(
        sent(verifier.anonymous().rejection()),
        challenged(401, BARE)
    );
}

/// Returns a token for every reason of rejection.
pub(crate) fn wrong(okta: &TestIssuer) -> Vec<TokenBuilder> {
    let token = || okta.token("ada");
    vec![
        token().expired(),
        token().not_before(33_000_000_000),
        token().issued_at(33_000_000_000).expires_at(34_000_000_000),
        token().tampered(),
        token().foreign_key(),
        token().unpublished_key(),
        token().unsigned(),
        token().hmac_with_public_key(),
        token().audience("api://billing"),
        token().claim("iss", "https://evil.test/oauth2/default"),
        token().claim("iss", "https://okta.test"),
        token().without("sub"),
        token().claim("exp", "tomorrow"),
        token().id_token(),
        token().typ("dpop+jwt"),
        token().encrypted(),
        token().bound_to_key(),
        token().without_header("kid"),
        token().header("crit", ["exp"]),
        token().raw_payload("[]"),
        token().key_id("\"\r\nX-Evil: 1"),
        token().key_id("é\u{2028}\\"),
        token().claim("sub", "\"\r\nX-Evil: 1").expired(),
        token().claim("scp", json!([1])),
    ]
}

// conformance 9, 14, 16, 18, 20, 22, 25, 44, 96
#[test]
fn rejection_of_every_invalid_token_has_the_same_bytes() {
    let okta = okta();
    let verifier = verifier(&okta);
    let wrong = wrong(&okta).into_iter().map(TokenBuilder::sign);
    let opaque = [
        "abc",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "a.b.c.d.e",
        "a~b",
        "a/b+c==",
    ];
    for jwt in wrong.chain(opaque.map(str::to_owned)) {
        let rejection = authenticate(&verifier, &jwt).unwrap_err();
        assert!(rejection.error().is_some());
        assert_eq!(sent(rejection), challenged(401, INVALID), "{jwt}");
    }
}

// conformance 28, 29
#[test]
fn rejection_challenges_have_the_configured_realm() {
    let okta = okta();
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .realm(r#"the "orders" \ api"#)
        .build()
        .unwrap();
    let realm = r#"Bearer realm="the \"orders\" \\ api""#;
    let valid = authenticate(&verifier, &okta.token("ada").sign()).unwrap();
    let missing = valid
        .require(okta_verifier::Policy::scope("a"))
        .unwrap_err();
    for (rejection, rest) in [
        (reject(&verifier, &[], None), ""),
        (reject(&verifier, &["Bearer"], None), &MALFORMED[18..]),
        (reject(&verifier, &["Bearer a.b.c"], None), &INVALID[18..]),
        (
            missing,
            r#", error="insufficient_scope", error_description="The access token lacks a required scope", scope="a""#,
        ),
    ] {
        let (status, lines) = sent(rejection);
        let expected = format!("{realm}{rest}");
        assert_eq!(
            (status, lines.clone()),
            challenged(status, &expected),
            "{lines:?}"
        );
    }
}

// conformance 14, 22, 24
#[tokio::test]
async fn rejection_for_an_unavailable_issuer_is_503_without_a_challenge() {
    // Nothing listens there: the socket is closed again.
    let address = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap();
    let url = format!("http://{address}/oauth2/default");
    let okta = okta().at(&url);
    let verifier = build(Issuer::okta(&url, AUDIENCE).any_client_id());
    let jwt = okta.token("ada").sign();
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    assert!(verifier.authenticate(&credentials).into_ready().is_err());
    let rejection = verifier.authenticate(&credentials).await.unwrap_err();
    let error = rejection.error().expect("why");
    assert!(matches!(error, VerifyError::Unavailable { .. }), "{error}");
    let texts = format!("{error} {error:?} {rejection} {rejection:?}");
    assert!(!texts.contains(&jwt));
    let (status, lines) = sent(rejection);
    let expected = ["cache-control: no-store", "retry-after: 1"];
    assert_eq!(
        (status, lines.iter().map(String::as_str).collect()),
        (503, expected.to_vec())
    );
}

// conformance 15, 17, 18, 22, 23, 25, 26, 32
#[test]
fn rejection_by_a_handler_has_fixed_bytes() {
    let okta = okta();
    let token = authenticate(&verifier(&okta), &okta.token("ada").sign()).unwrap();
    let unreadable = token.claim::<u8>("sub").unwrap_err();
    let scope = r#"Bearer realm="api", error="insufficient_scope", error_description="The access token lacks a required scope", scope="a b:c""#;
    let no_store = || vec!["cache-control: no-store".to_owned()];
    for (rejection, expected) in [
        (
            Rejection::insufficient_scope("a b:c").unwrap(),
            challenged(403, scope),
        ),
        (token.unreadable_claims(&unreadable), (403, no_store())),
        (Rejection::missing_layer(), (500, no_store())),
    ] {
        assert_eq!(sent(rejection), expected);
    }
    for scope in ["", "a  b", "a\"b", "a\r\nb", "a\\b", "é", " a"] {
        assert!(Rejection::insufficient_scope(scope).is_err(), "{scope:?}");
    }
}
