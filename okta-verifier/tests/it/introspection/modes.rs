//! Which tokens are introspected in each mode, and how the responses are used.

use std::time::Duration;

use okta_verifier::{
    ConfigError, Issuer, SubjectKind, TokenProfile, Verifier,
    adapter::{Mount, RequestCredentials},
};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta, TokenBuilder};

use super::{calls, every_token, on_demand, opaque_tokens, verifier_with};
use crate::support::{
    mock_issuer::{build, issuer, result_code, verifier},
    token_edit::with_claim,
};

// conformance 104, 106, 108
#[tokio::test]
async fn introspection_modes_cover_each_kind_of_token() {
    let okta = MockOkta::start().await;
    type Make = fn(&MockOkta) -> TokenBuilder;
    let kinds: [(&str, Make); 5] = [
        ("published key", |okta| okta.token("ada")),
        ("unpublished key", |okta| {
            okta.token("ada").unpublished_key()
        }),
        ("encrypted", |okta| okta.token("ada").encrypted()),
        ("opaque", |okta| okta.opaque_token("ada")),
        ("refresh", |okta| okta.refresh_token("ada")),
    ];
    let none = [
        "ok",
        "unknown_key_id",
        "encrypted",
        "malformed",
        "malformed",
    ];
    let without = verifier(&okta);
    for ((name, make), expected) in kinds.iter().zip(none) {
        assert_eq!(
            result_code(&without, &make(&okta).sign()).await,
            expected,
            "{name}"
        );
    }
    assert_eq!(calls(&okta), 0);
    let switches = || on_demand().encrypted_tokens().tokens_with_unknown_keys();
    for (introspection, expected, requests) in [
        (on_demand(), none, [0; 5]),
        (
            switches(),
            ["ok", "ok", "ok", "malformed", "malformed"],
            [0, 1, 1, 0, 0],
        ),
        (
            opaque_tokens(),
            ["ok", "unknown_key_id", "encrypted", "ok", "missing_claim"],
            [0, 0, 0, 1, 1],
        ),
        (
            every_token(),
            ["ok", "unknown_key_id", "encrypted", "ok", "missing_claim"],
            [1, 0, 0, 1, 1],
        ),
        (
            every_token().signed_tokens_only(),
            [
                "ok",
                "unknown_key_id",
                "encrypted",
                "malformed",
                "malformed",
            ],
            [1, 0, 0, 0, 0],
        ),
    ] {
        for (((name, make), expected), requests) in kinds.iter().zip(expected).zip(requests) {
            let verifier = verifier_with(&okta, introspection.clone());
            let (token, before) = (make(&okta).sign(), calls(&okta));
            for _ in 0..3 {
                let code = result_code(&verifier, &token).await;
                assert_eq!(code, expected, "{introspection:?}: {name}");
            }
            assert_eq!(calls(&okta) - before, requests, "{introspection:?}: {name}");
        }
    }
}

// conformance 109, 115
#[tokio::test]
async fn introspection_is_skipped_for_tokens_that_local_checks_reject() {
    let okta = MockOkta::start().await;
    let introspection = every_token().encrypted_tokens();
    let verifier = verifier_with(&okta, introspection.tokens_with_unknown_keys());
    let valid = || okta.token("ada");
    let opaque = okta.opaque_token("ada").sign();
    let junk = [
        "a".repeat(16 * 1024 + 1),
        format!("{opaque} "),
        format!("{opaque}\u{e9}"),
        "a,b".to_owned(),
        String::new(),
        "====".to_owned(),
    ];
    let long = format!(
        "{}.{}.{}",
        "a".repeat(8_000),
        "b".repeat(8_000),
        "c".repeat(8_000)
    );
    let tokens = [
        valid().tampered().sign(),
        valid().foreign_key().sign(),
        valid().expired().sign(),
        valid().audience("api://other").sign(),
        valid().unsigned().sign(),
        valid().hmac("secret").sign(),
        valid().id_token().sign(),
        valid().typ("dpop+jwt").sign(),
        valid().claim("exp", "soon").sign(),
        valid().raw_payload(r#"{"iss":1}"#).sign(),
        valid().claim("iss", "https://unknown.test").sign(),
        valid().without_header("kid").sign(),
        // Their key is not published either: rejected for their claims.
        valid().unpublished_key().expired().sign(),
        valid().unpublished_key().audience("api://other").sign(),
        valid().unpublished_key().bound_to_key().sign(),
        // Three parts make a JWT, whatever they contain.
        "a.b.c".to_owned(),
        "..".to_owned(),
        // Characters of b64token that base64url does not have; five parts make an encrypted token.
        "a~.b.c".to_owned(),
        "a~.b.c.d.e".to_owned(),
        "a.b.c.d.e".to_owned(),
        "e30.b.c.d.e".to_owned(),
        long,
    ];
    for token in tokens.iter().chain(&junk) {
        let code = result_code(&verifier, token).await;
        assert!(!matches!(code, "ok" | "unavailable"), "{code}: {token}");
    }
    assert_eq!(calls(&okta), 0);
}

// Decision 30: a server may find a token by its jti alone.
// conformance 109, 114
#[tokio::test]
async fn introspection_ignores_an_edited_payload_under_an_unknown_key() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, on_demand().tokens_with_unknown_keys());
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .unpublished_key()
        .sign();
    let forged = with_claim(&with_claim(&jwt, "sub", "root"), "scp", "admin");
    let forged = with_claim(&forged, "groups", "Admins");
    for token in [&jwt, &forged] {
        let token = verifier.verify(token).await.unwrap();
        assert_eq!(token.subject(), "ada");
        assert_eq!(token.scopes().collect::<Vec<_>>(), ["orders:read"]);
        assert!(!token.has_group("Admins"));
    }
    assert_eq!(calls(&okta), 2, "another token with the same jti");
}

// conformance 116
#[tokio::test]
async fn introspection_gives_an_opaque_token_the_claims_of_a_jwt() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, opaque_tokens());
    let build = |token: TokenBuilder| {
        token
            .scope("a")
            .scope("b")
            .group("Admins")
            .claim("acr", "phr")
            .sign()
    };
    let jwt = verifier.verify(&build(okta.token("ada"))).await.unwrap();
    let opaque = verifier
        .verify(&build(okta.opaque_token("ada")))
        .await
        .unwrap();
    assert_eq!(jwt.subject(), opaque.subject());
    assert_eq!(jwt.issuer(), opaque.issuer());
    assert_eq!(jwt.client_id(), opaque.client_id());
    assert!(jwt.scopes().eq(opaque.scopes()));
    assert!(jwt.groups().eq(opaque.groups()));
    assert_eq!(jwt.acr(), opaque.acr());
    assert_eq!(jwt.subject_kind(), SubjectKind::User);
    assert_eq!(opaque.subject_kind(), SubjectKind::User);
}

// conformance 106, 111
#[tokio::test]
async fn introspection_rejects_a_revoked_token_after_max_age() {
    let okta = MockOkta::start().await;
    let introspection = every_token().encrypted_tokens();
    let verifier = verifier_with(&okta, introspection.max_age(Duration::ZERO));
    let tokens = [
        okta.token("ada").sign(),
        okta.opaque_token("ada").sign(),
        okta.token("ada").encrypted().sign(),
    ];
    for token in &tokens {
        assert_eq!(result_code(&verifier, token).await, "ok");
        okta.revoke(token);
        assert_eq!(result_code(&verifier, token).await, "inactive");
    }
    let other = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &other).await, "ok");
}

#[tokio::test]
async fn introspection_response_limits_the_scopes_of_a_jwt() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, every_token());
    let jwt = okta
        .token("ada")
        .scope("a")
        .scope("b")
        .claim("department", "sales")
        .sign();
    okta.fault(Endpoint::Introspection, Fault::Member("scope", r#""b c""#));
    for _ in 0..2 {
        let token = verifier.verify(&jwt).await.unwrap();
        assert_eq!(token.scopes().collect::<Vec<_>>(), ["b"]);
        // A claim that the response omits is still signed.
        assert_eq!(
            token.claim::<String>("department").unwrap().as_deref(),
            Some("sales")
        );
    }
    assert_eq!(calls(&okta), 1);
    okta.fault(Endpoint::Introspection, Fault::Member("sub", r#""bob""#));
    let other = okta.token("ada").sign();
    assert_eq!(result_code(&verifier, &other).await, "invalid_claim");
}

// Pinned keys are the only keys: introspection must not replace another one.
#[tokio::test]
async fn introspection_of_unknown_keys_with_pinned_keys_is_a_config_error() {
    let okta = MockOkta::start().await;
    let pinned = |introspection| {
        let issuer = issuer(&okta).keys(okta.jwks());
        Verifier::builder()
            .issuer(issuer.introspection(introspection))
            .build()
    };
    for introspection in [every_token(), on_demand()] {
        let error = pinned(introspection.tokens_with_unknown_keys()).unwrap_err();
        assert!(
            matches!(error, ConfigError::Introspection { .. }),
            "{error}"
        );
        let text = error.to_string();
        assert!(
            text.ends_with("remove .tokens_with_unknown_keys() or .keys(..)"),
            "{text}"
        );
    }
    let verifier = pinned(every_token()).unwrap();
    let unknown = okta.token("ada").unpublished_key().sign();
    assert_eq!(result_code(&verifier, &unknown).await, "unknown_key_id");
    assert_eq!(calls(&okta), 0);
    assert_eq!(
        result_code(&verifier, &okta.token("ada").sign()).await,
        "ok"
    );
    assert_eq!((calls(&okta), okta.hits().keys), (1, 0));
}

// conformance 109, 114
#[tokio::test]
async fn introspection_does_not_widen_the_audience_of_a_token_with_an_unknown_key() {
    let okta = MockOkta::start().await;
    let both = r#"["api://default","api://billing"]"#;
    okta.fault(Endpoint::Introspection, Fault::Member("aud", both));
    let issuer = issuer(&okta).audience("api://billing");
    let verifier = build(issuer.introspection(on_demand().tokens_with_unknown_keys()));
    let jwt = okta.token("ada").unpublished_key().sign();
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    // The second time the response is cached.
    for _ in 0..2 {
        let other = Mount::new(verifier.clone()).audience("api://billing");
        let rejection = other.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.error().unwrap().code(), "wrong_audience");
        let token = verifier.verify(&jwt).await.unwrap();
        assert_eq!(token.audiences().collect::<Vec<_>>(), ["api://default"]);
    }
    // The response names another audience of the settings only.
    let other = r#""api://billing""#;
    okta.fault(Endpoint::Introspection, Fault::Member("aud", other));
    let jwt = okta.token("ada").unpublished_key().sign();
    assert_eq!(result_code(&verifier, &jwt).await, "wrong_audience");
}

// decision 32
#[tokio::test]
async fn introspection_of_an_unknown_key_follows_a_key_fetch() {
    let okta = MockOkta::start().await;
    let verifier = verifier_with(&okta, on_demand().tokens_with_unknown_keys());
    let unknown = || okta.token("ada").unpublished_key().sign();
    okta.fault(Endpoint::Keys, Fault::Status(500));
    assert_eq!(result_code(&verifier, &unknown()).await, "unavailable");
    assert_eq!(calls(&okta), 0);
    okta.clear_faults();
    crate::support::mock_issuer::warm_up_until_it_succeeds(&verifier).await;
    let before = okta.hits().keys;
    assert_eq!(result_code(&verifier, &unknown()).await, "ok");
    assert_eq!((calls(&okta), okta.hits().keys - before), (1, 1));
}

#[tokio::test]
async fn introspection_limits_the_scopes_of_the_profiles_own_claims() {
    let okta = MockOkta::start().await;
    let profile = TokenProfile::new().scope_claims(["permissions"]);
    let issuer = Issuer::custom(okta.issuer_url(), "api://default", profile).any_client_id();
    let verifier = build(issuer.introspection(every_token()));
    let token = || {
        let token = okta.token("ada").typ("at+jwt").claim("client_id", "web");
        let token = ["cid", "uid", "scp"]
            .into_iter()
            .fold(token, TokenBuilder::without);
        token.claim("permissions", ["read", "write"])
    };
    for (permissions, expected) in [
        (r#"["read"]"#, vec!["read"]),
        ("[]", vec![]),
        (r#"["write","read","other"]"#, vec!["read", "write"]),
    ] {
        okta.fault(
            Endpoint::Introspection,
            Fault::Member("permissions", permissions),
        );
        let token = verifier.verify(&token().sign()).await.unwrap();
        assert_eq!(token.scopes().collect::<Vec<_>>(), expected);
    }
}

// field kind B
#[tokio::test]
async fn every_token_mode_introspects_a_token_without_explicit_typing() {
    let okta = MockOkta::start().await;
    let introspection = every_token();
    let issuer = |introspection| {
        let issuer = Issuer::rfc9068(okta.issuer_url(), "api://default").any_client_id();
        Verifier::builder()
            .issuer(issuer.introspection(introspection))
            .build()
            .unwrap()
    };
    let token = || {
        let token = okta.token("ada").without("cid").without("uid");
        token.claim("client_id", CLIENT_ID)
    };
    let verifier = issuer(introspection);
    for (jwt, expected) in [
        (token().typ("at+jwt").sign(), "ok"),
        (token().typ("JWT").sign(), "ok"),
        (token().sign(), "ok"),
    ] {
        assert_eq!(result_code(&verifier, &jwt).await, expected);
        okta.revoke(&jwt);
    }
    let asked = calls(&okta);
    assert_eq!(asked, 3);
    for (token, expected) in [
        (token().typ("secevent+jwt"), "type_not_allowed"),
        (
            token().typ("JWT").claim("at_hash", "x"),
            "not_an_access_token",
        ),
        (
            token().typ("JWT").claim("typ", "Refresh"),
            "not_an_access_token",
        ),
        (
            token().typ("JWT").claim("token_use", "id"),
            "not_an_access_token",
        ),
        (token().typ("JWT").without("client_id"), "missing_claim"),
        (token().typ("JWT").foreign_key(), "bad_signature"),
    ] {
        assert_eq!(result_code(&verifier, &token.sign()).await, expected);
    }
    assert_eq!(calls(&okta), asked);
    // Without a response, nothing shows that the token is an access token.
    let on_demand = issuer(on_demand());
    let jwt = token().typ("JWT").sign();
    assert_eq!(result_code(&on_demand, &jwt).await, "type_not_allowed");
}
