//! What each result of the resolver means for the token.

use crate::introspection::{ClientAuthentication, Introspection};

use super::*;

// conformance 230
#[tokio::test(start_paused = true)]
async fn resolver_that_fails_is_503_and_backs_off_for_its_issuer_only() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let database = Database::of([&umbrella]);
    database.set(&acme, Row::Fails);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    assert_eq!(response(&verifier, &jwt).await, (503, Some("1".to_owned())));
    for _ in 0..100 {
        let (retry_after, reason) = reason(&verifier, &jwt).await;
        assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_millis(250));
        assert!(matches!(reason, UnavailableReason::IssuerResolver { .. }));
        // The text is for logs, and the error of the resolver contains `iss`.
        assert_eq!(reason.to_string(), "the issuer resolver failed");
    }
    assert_eq!(database.calls(), 1);
    assert_eq!(code(&verifier, &umbrella.token("bob").sign()).await, "ok");

    database.set(&acme, Row::Found(settings(&acme)));
    pass(Duration::from_secs(1)).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

// conformance 230
#[tokio::test(start_paused = true)]
async fn resolver_that_hangs_is_503_after_its_timeout() {
    let acme = tenant("acme");
    let database = Database::default();
    database.set(&acme, Row::Hangs);
    let verifier = verifier(&database);
    let began = tokio::time::Instant::now();
    let (retry_after, reason) = reason(&verifier, &acme.token("ada").sign()).await;
    assert!(matches!(reason, UnavailableReason::IssuerResolverTimeout));
    assert!(retry_after > Duration::ZERO);
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(database.in_flight.load(Ordering::SeqCst), 0);
    assert_eq!(counts(&verifier), (0, 0, 1));
}

// conformance 230
#[tokio::test(start_paused = true)]
async fn resolver_that_panics_is_503() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let database = Database::of([&umbrella]);
    database.set(&acme, Row::Panics);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    for _ in 0..3 {
        assert_eq!(response(&verifier, &jwt).await.0, 503);
    }
    assert_eq!(database.calls(), 1);
    assert_eq!(code(&verifier, &umbrella.token("bob").sign()).await, "ok");
}

// conformance 230
#[tokio::test(start_paused = true)]
async fn resolver_that_returns_unusable_settings_is_503_and_nothing_is_cached() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let with_slash = acme.clone().at(format!("{}/", acme.issuer_url()));
    let database = Database::default();
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    let alias = "https://login.test/oauth2/default";
    let entra = "72f988bf-86f1-41af-91ab-2d7cd011db47";
    for unusable in [
        settings(&umbrella),
        settings(&umbrella).also_known_as(acme.issuer_url()),
        settings(&acme).also_known_as(alias),
        Issuer::entra_any_tenant(AUDIENCE).any_client_id(),
        Issuer::entra_v2(entra, AUDIENCE).any_client_id(),
        settings(&with_slash),
        undecided(&acme), // no choice of clients
        settings(&acme).client_id("0oa1"),
        settings(&acme).leeway(Duration::from_secs(301)),
    ] {
        database.set(&acme, Row::Found(unusable));
        let calls = database.calls();
        for _ in 0..2 {
            let (retry_after, reason) = reason(&verifier, &jwt).await;
            assert!(matches!(reason, UnavailableReason::ResolvedIssuer));
            assert!(retry_after > Duration::ZERO);
        }
        assert_eq!(database.calls(), calls + 1);
        assert_eq!(counts(&verifier), (0, 0, 1));
        pass(Duration::from_secs(31)).await;
    }
    // The other issuer was not accepted on the way.
    let other = umbrella.token("bob").sign();
    assert_eq!(code(&verifier, &other).await, "unknown_issuer");

    database.set(&acme, Row::Found(settings(&acme)));
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

// conformance 230
#[tokio::test(start_paused = true)]
async fn resolver_that_does_not_know_an_issuer_is_401_until_its_result_expires() {
    let acme = tenant("acme");
    let database = Database::default();
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    for _ in 0..100 {
        assert_eq!(code(&verifier, &jwt).await, "unknown_issuer");
    }
    assert_eq!(response(&verifier, &jwt).await, (401, None));
    database.set(&acme, Row::Found(settings(&acme)));
    pass(Duration::from_secs(59)).await;
    assert_eq!(code(&verifier, &jwt).await, "unknown_issuer");
    assert_eq!(database.calls(), 1);
    pass(Duration::from_secs(1)).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
    assert_eq!(database.calls(), 2);
}

// conformance 228
#[tokio::test(start_paused = true)]
async fn resolver_is_not_called_for_a_token_without_an_allowed_issuer() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let under = |iss: &str| acme.token("ada").claim("iss", iss).sign();
    for iss in [
        "https://login.test/oauth2/default",
        "https://a.b.login.test/oauth2/default",
        "https://acme.login.test/oauth2/default/",
        "https://acme.login.test/oauth2/other",
        "https://ACME.login.test/oauth2/default",
        "https://evil.test/.login.test/oauth2/default",
        "http://acme.login.test/oauth2/default",
        "acme",
        &"a".repeat(10_000),
    ] {
        assert_eq!(
            code(&verifier, &under(iss)).await,
            "unknown_issuer",
            "{iss}"
        );
    }
    let jwt = acme.token("ada").sign();
    let unsigned = jwt.rsplit_once('.').unwrap().0;
    for malformed in ["opaque-token", unsigned, &jwt[1..], "a.b.c", "a.b.c.d.e"] {
        assert_ne!(code(&verifier, malformed).await, "ok");
    }
    assert_eq!(database.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn resolved_issuer_rejects_the_tokens_of_another_tenant() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let database = Database::of([&acme, &umbrella]);
    let verifier = verifier(&database);
    for (jwt, expected) in [
        (acme.token("ada").sign(), "ok"),
        (acme.token("ada").tampered().sign(), "bad_signature"),
        (acme.token("ada").expired().sign(), "expired"),
        (acme.token("ada").audience("x").sign(), "wrong_audience"),
        // A token of umbrella under the name of acme.
        (
            umbrella.token("ada").claim("iss", acme.issuer_url()).sign(),
            "unknown_key_id",
        ),
    ] {
        assert_eq!(code(&verifier, &jwt).await, expected);
    }
    let token = verifier.verify(&acme.token("ada").sign()).await.unwrap();
    assert_eq!(token.issuer(), acme.issuer_url());
    assert_eq!(database.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn resolved_issuers_with_introspection_leave_opaque_tokens_to_the_configured_one() {
    let tenants = ["acme", "umbrella"].map(tenant);
    let client =
        || ClientAuthentication::client_secret_basic("0oa1service", "a-client-secret-value");
    let introspects = |it: &TestIssuer| {
        let endpoint = format!("{}/v1/introspect", it.issuer_url());
        let introspection = Introspection::every_token(client()).endpoint(endpoint);
        settings(it).introspection(introspection.encrypted_tokens())
    };
    let database = Database::default();
    for tenant in &tenants {
        database.set(tenant, Row::Found(introspects(tenant)));
    }
    let verifier = verifier(&database);
    for tenant in &tenants {
        // The issuer is resolved. Its endpoint does not exist.
        assert_eq!(
            code(&verifier, &tenant.token("ada").sign()).await,
            "unavailable"
        );
    }
    assert_eq!(counts(&verifier).0, 2);
    assert_eq!(code(&verifier, "an-opaque-token").await, "malformed");
    // A configured issuer may still introspect opaque tokens.
    let configured = tenant("configured");
    verifier.set_issuers([introspects(&configured)]).unwrap();
    assert_eq!(code(&verifier, "an-opaque-token").await, "unavailable");
}

#[test]
fn resolver_without_a_runtime_is_503() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let mut verify = Box::pin(async { reason(&verifier, &acme.token("ada").sign()).await });
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready((_, reason)) = verify.as_mut().poll(&mut context) else {
        panic!("the wait needs a runtime");
    };
    assert!(matches!(reason, UnavailableReason::NoRuntime));
    assert_eq!(database.calls(), 0);
}

#[test]
fn resolver_that_fails_is_logged_once_a_minute_and_without_the_issuer() {
    // The name is the only part of `iss` that a stranger may have written.
    let stranger = tenant("stranger");
    let database = Database::default();
    let lines = secret_scan::logged(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let verifier = verifier(&database);
            for row in [
                Row::Fails,
                Row::Found(undecided(&stranger)),
                Row::Found(settings(&stranger).client_id("0oa1")),
                Row::Found(Issuer::okta(
                    stranger.issuer_url().replace("/default", "/"),
                    AUDIENCE,
                )),
                Row::Found(Issuer::okta("https://stranger.login.test", AUDIENCE)),
                Row::Hangs,
            ] {
                database.set(&stranger, row);
                for _ in 0..5 {
                    assert_eq!(
                        response(&verifier, &stranger.token("eve").sign()).await.0,
                        503
                    );
                    pass(Duration::from_secs(61)).await;
                }
            }
        });
    });
    let texts: Vec<String> = lines.into_iter().map(|line| line.text).collect();
    let count = |text: &str| texts.iter().filter(|line| line.contains(text)).count();
    assert_eq!(count("message=issuer resolver failed"), 1, "{texts:#?}");
    assert_eq!(count("problem="), 20, "{texts:#?}");
    assert!(count(PATTERN) >= 21);
    assert_eq!(count("stranger"), 0, "{texts:#?}");
}

#[tokio::test(start_paused = true)]
async fn rejection_of_a_resolved_issuer_names_the_pattern_and_never_the_iss() {
    let [acme, down, unknown] = ["acme", "down", "unknown"].map(tenant);
    let database = Database::of([&acme]);
    database.set(&down, Row::Fails);
    let verifier = verifier(&database);
    for (token, expected) in [
        (acme.token("ada").expired(), "expired"),
        (acme.token("ada").tampered(), "bad_signature"),
        (down.token("ada"), "unavailable"),
        (down.token("ada"), "unavailable"), // during the back-off
        (unknown.token("ada"), "unknown_issuer"),
        (unknown.token("ada"), "unknown_issuer"), // the result is cached
    ] {
        let authorization = format!("Bearer {}", token.sign());
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let rejection = verifier.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.code(), expected);
        assert_eq!(rejection.issuer(), Some(PATTERN));
    }
    let jwt = acme.token("ada").sign();
    let token = verifier.verify(&jwt).await.unwrap();
    let rejection = token.require(crate::Policy::group("Admins")).unwrap_err();
    assert_eq!(rejection.issuer(), Some(PATTERN));

    let other = TestIssuer::new(AUDIENCE).at("https://evil.test/oauth2/default");
    let authorization = format!("Bearer {}", other.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let rejection = verifier.authenticate(&credentials).await.unwrap_err();
    assert_eq!(
        (rejection.code(), rejection.issuer()),
        ("unknown_issuer", None)
    );
}
