//! Log lines never contain a token or any of its content.

use okta_verifier::{ApplicationRejection, Policy, Rejection, adapter::RequestCredentials};
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
        for word in [
            "5ecret", "ada", "0oatest", "api://", "evil", "X-Evil", "eyJ", "AT.",
        ] {
            assert!(!text.contains(word), "{text}");
        }
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
        assert!(!text.contains(|it: char| it.is_ascii_digit()), "{text}");
    }
}

// conformance 20, 44
#[test]
fn rejection_leaves_one_event_with_its_code() {
    let okta = okta();
    let verifier = verifier(&okta);
    let token = authenticate(&verifier, &okta.token("ada").group("5ecret").sign()).unwrap();
    let send = |line: &str| {
        let credentials = RequestCredentials::new([line.as_bytes()]);
        let result = verifier.authenticate(&credentials).into_ready();
        assert!(result.expect("decided without I/O").is_err());
    };
    let bearer = |jwt: &str| send(&format!("Bearer {jwt}"));
    let require = |policy| drop(token.require(policy).unwrap_err());
    const RUNTIME: &str = "5ecret:read";
    let cases: [(&str, &dyn Fn()); 12] = [
        ("no_credentials", &|| send("Basic 5ecret")),
        ("no_credentials", &|| {
            drop(Policy::any_token().admit(None, Some(&verifier.anonymous())));
        }),
        ("invalid_request", &|| bearer("5ecret 5ecret")),
        ("invalid_request", &|| bearer("\"5ecret\"")),
        ("malformed", &|| bearer(&"5ecret".repeat(10_000))),
        ("malformed", &|| bearer("5ecret")),
        ("expired", &|| bearer(&okta.token("ada").expired().sign())),
        ("insufficient_scope", &|| {
            require(Policy::scope("5ecret:read"));
        }),
        ("insufficient_scope", &|| {
            drop(token.insufficient_scope(RUNTIME));
            assert!(token.insufficient_scope("5ecret \"").is_err());
        }),
        ("insufficient_scope", &|| {
            drop(Rejection::insufficient_scope(RUNTIME));
        }),
        ("insufficient_user_authentication", &|| {
            require(Policy::acr(&["5ecret"]));
        }),
        ("forbidden", &|| {
            require(Policy::group("5ecret2"));
        }),
    ];
    for (code, act) in cases {
        let lines = logged(act);
        let [(level, text)] = &lines[..] else {
            panic!("{code}: {lines:?}");
        };
        assert_eq!(*level, Level::DEBUG, "{text}");
        assert!(text.contains(&format!("{code:?}")), "{code}: {text}");
        assert!(!text.contains("5ecret"), "{text}");
    }
    assert!(logged(|| drop(token.require(Policy::group("5ecret")))).is_empty());
}

// conformance 20
#[test]
fn rejection_of_unreadable_claims_is_a_warning_and_of_a_missing_layer_an_error() {
    let okta = okta();
    let token = authenticate(&verifier(&okta), &okta.token("ada").sign()).unwrap();
    let unreadable = token.claim::<u8>("sub").unwrap_err();
    let lines = logged(|| {
        drop(Rejection::unreadable_claims(&unreadable));
        drop(Rejection::missing_layer());
    });
    let levels: Vec<Level> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::ERROR]);
    assert!(
        lines[0].1.contains("sub") && !lines[0].1.contains("ada"),
        "{}",
        lines[0].1
    );
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
