//! How long resolved settings are used, and what replaces them.

use okta_verifier_testing::{MockOkta, Rotation};

use crate::{VoidReason, counts::Counts};

use super::*;

const TTL: Duration = Duration::from_secs(600);

#[tokio::test(start_paused = true)]
async fn resolved_issuer_is_used_without_a_call_and_keeps_its_cached_tokens() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let before = Counts::read();
    for minute in 0..60 {
        assert!(is_accepted_at_once(&verifier, &jwt), "minute {minute}");
        pass(Duration::from_secs(60)).await;
    }
    // Unchanged settings were resolved again every five minutes, and no signature was verified again.
    assert_eq!((Counts::read() - before).token_signatures, 0);
    assert!(
        (11..=13).contains(&database.calls()),
        "{}",
        database.calls()
    );
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolved_settings_that_change_apply_to_cached_tokens() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    database.set(&acme, Row::Found(undecided(&acme).client_id("0oaother")));
    pass(TTL / 2).await;
    // This request begins the call and is not delayed by it.
    assert!(is_accepted_at_once(&verifier, &jwt));
    settle().await;
    assert_eq!(code(&verifier, &jwt).await, "client_not_allowed");
    assert_eq!(database.calls(), 2);
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolved_issuer_that_is_removed_has_its_cached_tokens_rejected() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    database.remove(&acme);
    pass(TTL / 2).await;
    assert!(is_accepted_at_once(&verifier, &jwt));
    settle().await;
    assert_eq!(code(&verifier, &jwt).await, "unknown_issuer");
    assert_eq!(counts(&verifier), (0, 0, 1));
    // A token that arrives only after the lease is rejected too.
    let umbrella = tenant("umbrella");
    database.set(&umbrella, Row::Found(settings(&umbrella)));
    let jwt = umbrella.token("bob").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    database.remove(&umbrella);
    pass(TTL).await;
    assert_eq!(code(&verifier, &jwt).await, "unknown_issuer");
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolved_settings_outlive_a_failing_resolver_until_their_lease_ends() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    for row in [
        Row::Fails,
        Row::Found(settings(&tenant("umbrella"))),
        Row::Hangs,
    ] {
        assert_eq!(code(&verifier, &jwt).await, "ok");
        database.set(&acme, row);
        pass(TTL / 2).await;
        for _ in 0..4 {
            assert!(is_accepted_at_once(&verifier, &jwt));
            pass(TTL / 10).await;
        }
        pass(TTL / 10).await;
        assert_eq!(response(&verifier, &jwt).await.0, 503);
        assert_eq!(response(&verifier, &acme.token("bob").sign()).await.0, 503);
        database.set(&acme, Row::Found(settings(&acme)));
        pass(Duration::from_secs(31)).await;
    }
    // The issuer stayed known, so its calls did not use the rate limit.
    assert_eq!(counts(&verifier).0, 1);
}

#[tokio::test(start_paused = true)]
async fn background_calls_that_fail_are_delayed_by_the_back_off() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    database.set(&acme, Row::Fails);
    pass(TTL / 2).await;
    for _ in 0..1_000 {
        assert!(is_accepted_at_once(&verifier, &jwt));
        pass(Duration::from_millis(10)).await;
    }
    // Ten seconds have room for delays of 125 ms to 8 s.
    assert!((4..=9).contains(&database.calls()), "{}", database.calls());
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolved_issuer_that_is_evicted_has_its_cached_tokens_verified_again() {
    let tenants = ["acme", "umbrella", "initech"].map(tenant);
    let database = Database::of(&tenants);
    let verifier = builder(database.resolver().capacity(2)).build().unwrap();
    let tokens = tenants.each_ref().map(|it| it.token("ada").sign());
    for jwt in &tokens[..2] {
        assert_eq!(code(&verifier, jwt).await, "ok");
        pass(Duration::from_secs(1)).await;
    }
    let evicted = verifier.0.resolved.as_ref().unwrap().cached()[1].clone();
    // acme is used last, as a cached token.
    assert!(is_accepted_at_once(&verifier, &tokens[0]));
    assert_eq!(code(&verifier, &tokens[2]).await, "ok");
    assert_eq!(counts(&verifier).0, 2);
    assert!(evicted.is_retired() && evicted.url() == tenants[1].issuer_url());
    assert!(is_accepted_at_once(&verifier, &tokens[0]));
    assert!(!is_accepted_at_once(&verifier, &tokens[1]));
    let (before, calls) = (Counts::read(), database.calls());
    assert_eq!(code(&verifier, &tokens[1]).await, "ok");
    assert_eq!((Counts::read() - before).token_signatures, 1);
    assert_eq!(database.calls(), calls + 1);
}

// conformance 229
#[tokio::test(start_paused = true)]
async fn invented_issuers_evict_no_resolved_issuer() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let resolver = database.resolver().capacity(1).rate_limit(1_000, 10_000);
    let verifier = builder(resolver).build().unwrap();
    let jwt = acme.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    for number in 0..300 {
        let invented = tenant(&format!("invented-{number}"));
        if number % 2 == 0 {
            database.set(&invented, Row::Fails);
        }
        let jwt = acme.token("eve").claim("iss", invented.issuer_url()).sign();
        assert_ne!(code(&verifier, &jwt).await, "ok");
    }
    assert_eq!(counts(&verifier).0, 1);
    assert!(is_accepted_at_once(&verifier, &jwt));
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn configured_issuer_takes_precedence_over_the_resolver() {
    let configured = tenant("configured");
    let other = tenant("other");
    let alias = "https://alias.login.test/oauth2/default";
    let database = Database::of([&configured]);
    let under = |iss: &str| configured.token("ada").claim("iss", iss).sign();
    for iss in [alias, "https://configured.login.test"] {
        let row = Row::Found(settings(&TestIssuer::new(AUDIENCE).at(iss)));
        database.set(&TestIssuer::new(AUDIENCE).at(iss), row);
    }
    let strict = undecided(&configured)
        .client_id("0oaother")
        .also_known_as(alias);
    let patterns = [PATTERN, "https://*.login.test"];
    let builder = builder(database.resolver_of(patterns)).issuer(strict);
    let verifier = builder.build().unwrap();
    for (jwt, expected) in [
        (configured.token("ada").sign(), "client_not_allowed"),
        (under(alias), "client_not_allowed"),
        // The org authorization server of a configured issuer stays rejected, whatever the resolver says.
        (
            under("https://configured.login.test"),
            "org_authorization_server",
        ),
        (
            under("https://alias.login.test"),
            "org_authorization_server",
        ),
    ] {
        assert_eq!(code(&verifier, &jwt).await, expected);
    }
    assert_eq!(database.calls(), 0);
    assert_eq!(
        code(&verifier, &other.token("ada").sign()).await,
        "unknown_issuer"
    );
    assert_eq!(database.calls(), 1);
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolved_issuer_that_is_configured_later_is_replaced() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let database = Database::of([&acme, &umbrella]);
    let verifier = verifier(&database);
    let (jwt, other) = (acme.token("ada").sign(), umbrella.token("bob").sign());
    assert_eq!(code(&verifier, &jwt).await, "ok");
    assert_eq!(code(&verifier, &other).await, "ok");
    verifier
        .set_issuers([undecided(&acme).client_id("0oaother")])
        .unwrap();
    assert_eq!(code(&verifier, &jwt).await, "client_not_allowed");
    assert!(is_accepted_at_once(&verifier, &other));
    assert_eq!(counts(&verifier).0, 1);
    // The same settings do not keep the lease.
    verifier.set_issuers([settings(&umbrella)]).unwrap();
    assert_eq!(counts(&verifier).0, 0);
    database.remove(&umbrella);
    pass(2 * TTL).await;
    assert_eq!(code(&verifier, &umbrella.token("bob").sign()).await, "ok");
    // Without any configured issuer the resolver decides again.
    verifier.set_issuers([]).unwrap();
    assert_eq!(code(&verifier, &other).await, "unknown_issuer");
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

// conformance 231
#[tokio::test(start_paused = true)]
async fn resolver_result_that_arrives_after_the_issuer_was_configured_is_not_used() {
    let acme = tenant("acme");
    let database = Database::default();
    for row in [Some(Row::Slow(settings(&acme))), Some(Row::Fails), None] {
        match row {
            Some(row) => database.set(&acme, row),
            None => database.remove(&acme),
        }
        let verifier = verifier(&database);
        let jwt = acme.token("ada").sign();
        let mut request = Box::pin(verifier.verify(&jwt));
        let is_pending = std::future::poll_fn(|context| {
            std::task::Poll::Ready(request.as_mut().poll(context).is_pending())
        });
        assert!(is_pending.await);
        let strict = undecided(&acme).client_id("0oaother");
        verifier.set_issuers([strict]).unwrap();
        assert_eq!(request.await.unwrap_err().code(), "client_not_allowed");
        assert_eq!(counts(&verifier), (0, 0, 0));
    }
}

/// Lets time pass for the process, as in a suspension.
async fn suspend(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn resolved_issuer_keeps_its_keys_under_changed_settings() {
    let okta = MockOkta::start().await;
    okta.set_audience(AUDIENCE);
    let row = || Issuer::okta(okta.issuer_url(), AUDIENCE).any_client_id();
    let url = okta.issuer_url().to_owned();
    let database = Database::default();
    let set = |row| {
        database
            .rows
            .lock()
            .unwrap()
            .insert(url.clone(), Row::Found(row))
    };
    set(row());
    let pattern = okta.issuer_url().replace("/default", "/*");
    let verifier = builder(database.resolver_of([pattern])).build().unwrap();
    assert!(verifier.health().is_empty());
    let jwt = okta.token("ada").expires_in(24 * TTL).sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let keys = okta.hits().keys;
    set(row().groups_claim("teams"));
    // The lease has ended, and the keys are still fresh.
    suspend(Duration::from_secs(250)).await;
    verifier.0.resolved.as_ref().unwrap().cached()[0]
        .lease
        .as_ref()
        .unwrap()
        .renew(Duration::ZERO, crate::sync::clock::Now::read());
    assert_eq!(code(&verifier, &jwt).await, "ok");
    assert_eq!((okta.hits().keys, database.calls()), (keys, 2));
    // Operators see the resolved issuer, and can refresh its keys after an emergency rotation.
    let health = verifier.health();
    assert!(health.len() == 1 && health[0].is_resolved && health[0].issuer == url);
    assert_eq!(verifier.key_snapshots().len(), 1);
    verifier.warm_up().await.unwrap();
    assert_eq!(okta.hits().keys, keys);
    okta.rotate(Rotation::Hard);
    verifier.refresh().await.unwrap();
    assert_eq!(code(&verifier, &jwt).await, "unknown_key_id");
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_of_a_resolved_issuer_is_void_when_its_settings_are_removed_or_replaced() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    for other in [Some(undecided(&acme).client_id("0oaother")), None] {
        database.set(&acme, Row::Found(settings(&acme)));
        pass(2 * TTL).await; // for a new call
        let token = verifier.verify(&jwt).await.unwrap();
        // There is no request meanwhile.
        let void = tokio::spawn(verifier.until_void(&token));
        for _ in 0..20 {
            pass(TTL).await; // the lease is renewed, or the resolver is called again after it has ended
        }
        assert!(!void.is_finished());
        match other {
            Some(other) => database.set(&acme, Row::Found(other)),
            None => database.remove(&acme),
        }
        pass(TTL / 2 + Duration::from_secs(31)).await;
        assert_eq!(void.await.unwrap(), VoidReason::IssuerRemoved);
    }
}

// conformance 247
#[tokio::test(start_paused = true)]
async fn token_of_a_resolved_issuer_is_not_void_because_the_resolver_fails() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").expires_in(24 * TTL).sign();
    let token = verifier.verify(&jwt).await.unwrap();
    let void = tokio::spawn(verifier.until_void(&token));
    database.set(&acme, Row::Fails);
    for _ in 0..100 {
        pass(Duration::from_secs(30)).await;
    }
    assert_eq!(response(&verifier, &jwt).await.0, 503);
    assert!(!void.is_finished());
    // Once the resolver works again, the connection itself has it called.
    database.remove(&acme);
    for _ in 0..4 {
        pass(Duration::from_secs(30)).await;
    }
    assert_eq!(void.await.unwrap(), VoidReason::IssuerRemoved);
}

// conformance 246
#[tokio::test(start_paused = true)]
async fn token_of_a_resolved_issuer_is_void_when_the_issuer_is_evicted_or_configured() {
    let tenants = ["acme", "umbrella"].map(tenant);
    let database = Database::of(&tenants);
    let verifier = builder(database.resolver().capacity(1)).build().unwrap();
    let [acme, umbrella] = tenants.each_ref().map(|it| it.token("ada").sign());
    let token = verifier.verify(&acme).await.unwrap();
    let void = tokio::spawn(verifier.until_void(&token));
    settle().await;
    let token = verifier.verify(&umbrella).await.unwrap();
    settle().await;
    assert_eq!(void.await.unwrap(), VoidReason::IssuerRemoved);

    let void = tokio::spawn(verifier.until_void(&token));
    settle().await;
    assert!(!void.is_finished());
    verifier.set_issuers([settings(&tenants[1])]).unwrap();
    assert_eq!(void.await.unwrap(), VoidReason::IssuerRemoved);
}
