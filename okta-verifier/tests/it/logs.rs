//! Log lines never contain a token or any of its content.

use okta_verifier::{ApplicationRejection, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use serde_json::{Value, json};
use tracing::Level;

use crate::{
    rejection::wrong,
    support::{
        captured_logs::logged,
        mock_issuer,
        pinned_keys::{authenticate, okta, verifier},
    },
};

// conformance 20, 44
#[test]
fn rejection_is_logged_at_debug_without_the_tokens_content() {
    let okta = okta();
    let verifier = verifier(&okta);
    let tokens = wrong(&okta);
    let count = tokens.len();
    let mut jwts = Vec::new();
    let lines = logged(|| {
        for token in tokens {
            // Text of the sender in every place that accepts it.
            let jwt = token.claim("x", "5ecret").header("y", "5ecret").sign();
            assert!(authenticate(&verifier, &jwt).is_err());
            jwts.push(jwt);
        }
        let malformed =
            RequestCredentials::new([&b"Bearer 5ecret 5ecret"[..]]).query(Some("5ecret"));
        assert!(verifier.authenticate(&malformed).into_ready().is_ok());
    });
    assert!(lines.len() >= count);
    for (level, text) in &lines {
        assert_eq!(*level, Level::DEBUG, "{text}");
        for word in ["5ecret", "ada", "evil", "X-Evil", "eyJ", "AT."] {
            assert!(!text.contains(word), "{text}");
        }
        // The audience is shown if it is the reason, once the signature was verified. That of an ID token is
        // the client.
        let shows_audience = text.contains(r#"code="wrong_audience""#);
        assert_eq!(text.contains("api://"), shows_audience, "{text}");
        assert!(shows_audience || !text.contains("0oatest"), "{text}");
        assert!(!jwts.iter().any(|jwt| text.contains(jwt)), "{text}");
    }
}

#[test]
fn rejection_by_the_application_leaves_one_event_with_its_code() {
    const CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");
    let okta = okta();
    let token = authenticate(&verifier(&okta), &okta.token("ada").sign()).expect("a valid token");
    let lines = logged(|| {
        let rejection = token.reject(CLOSED);
        assert_eq!(
            (rejection.code(), rejection.issuer()),
            ("order_closed", Some(okta.issuer_url()))
        );
    });
    let [(Level::DEBUG, text)] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert!(
        text.contains("order_closed") && !text.contains("ada"),
        "{text}"
    );
}

#[test]
fn rejection_reason_in_the_log_has_no_time_of_the_token() {
    const FAR: u64 = 4_000_000_000; // in 2096
    let okta = okta();
    let verifier = verifier(&okta);
    for (token, reason) in [
        (okta.token("ada").expired(), "the token has expired"),
        (
            okta.token("ada").not_before(FAR),
            "the token is not valid yet",
        ),
        (
            okta.token("ada").issued_at(FAR),
            "the token was issued in the future",
        ),
    ] {
        let jwt = token.sign();
        let lines = logged(|| assert!(authenticate(&verifier, &jwt).is_err()));
        let [(_, text)] = &lines[..] else {
            panic!("one event: {lines:?}");
        };
        assert!(text.contains(reason), "{text}");
        let (_, reason) = text.split_once("reason=").unwrap();
        assert!(!reason.contains(|it: char| it.is_ascii_digit()), "{text}");
    }
}

// field kind I
#[test]
fn skipped_keys_are_logged_with_the_reason() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lines = logged(|| {
        runtime.block_on(async {
            let okta = MockOkta::start().await;
            let mut set: Value = serde_json::from_str(&okta.jwks()).unwrap();
            let keys = set["keys"].as_array_mut().unwrap();
            keys.push(json!({ "kty": "oct", "kid": "shared\"", "k": "c2VjcmV0" }));
            keys.push(json!({ "kid": "new\nline", "kty": "FUTURE" }));
            okta.fault(Endpoint::Keys, Fault::Body(set.to_string().into_bytes()));
            mock_issuer::verifier(&okta).warm_up().await.unwrap();
        });
    });
    let warnings: Vec<_> = lines
        .iter()
        .filter(|(level, text)| *level == Level::WARN && text.contains("were skipped"))
        .collect();
    let [(_, text)] = warnings[..] else {
        panic!("{lines:?}");
    };
    for part in [
        r#"entry 5 (kid "shared\""): it contains private or symmetric key material"#,
        "entry 6: its type, curve or algorithm is not supported",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(!text.contains("c2VjcmV0") && !text.contains('\n'), "{text}");
}
