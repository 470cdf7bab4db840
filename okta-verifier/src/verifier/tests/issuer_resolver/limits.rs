//! How often the resolver is called: single flight, the rate limit, the calls in flight and dropped requests.

use super::*;

// conformance 229
#[tokio::test(start_paused = true)]
async fn invented_issuers_cost_no_calls_beyond_the_rate_limit_and_no_memory() {
    let [acme, honest] = ["acme", "honest"].map(tenant);
    let database = Database::of([&acme, &honest]);
    let verifier = verifier(&database);
    let known = acme.token("ada").sign();
    assert_eq!(code(&verifier, &known).await, "ok");
    let mut codes = HashMap::new();
    for number in 0..500 {
        let invented = tenant(&format!("invented-{number}"));
        let jwt = acme.token("eve").claim("iss", invented.issuer_url()).sign();
        *codes.entry(code(&verifier, &jwt).await).or_insert(0) += 1;
    }
    // The call about acme was the first one of the burst of 100.
    assert_eq!(codes, [("unknown_issuer", 99), ("unavailable", 401)].into());
    assert_eq!(database.calls(), 100);
    assert_eq!(counts(&verifier), (1, 0, 99));

    // A new tenant may exist, so it gets 503 and not 401. A known one is not affected, cached token or not.
    let new = honest.token("bob").sign();
    let (retry_after, reason) = reason(&verifier, &new).await;
    assert!(matches!(reason, UnavailableReason::IssuerResolverRateLimit));
    assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_millis(100));
    assert_eq!(response(&verifier, &new).await, (503, Some("1".to_owned())));
    assert!(is_accepted_at_once(&verifier, &known));
    assert!(is_accepted_at_once(&verifier, &acme.token("bea").sign()));

    pass(retry_after).await;
    assert_eq!(code(&verifier, &new).await, "ok");
    // The rate is ten per second from then on.
    let calls = database.calls();
    for second in 1..=3 {
        pass(Duration::from_secs(1)).await;
        for number in 0..30 {
            let invented = tenant(&format!("later-{second}-{number}"));
            let jwt = acme.token("eve").claim("iss", invented.issuer_url()).sign();
            code(&verifier, &jwt).await;
        }
        assert_eq!(database.calls(), calls + 10 * second);
    }
}

// conformance 229
#[tokio::test(start_paused = true)]
async fn rejection_by_the_rate_limit_needs_no_wait_and_delays_nothing() {
    let [acme, umbrella] = ["acme", "umbrella"].map(tenant);
    let database = Database::of([&acme]);
    let verifier = builder(database.resolver().rate_limit(1, 1))
        .build()
        .unwrap();
    assert_eq!(
        code(&verifier, &umbrella.token("eve").sign()).await,
        "unknown_issuer"
    );
    let jwt = acme.token("ada").sign();
    for _ in 0..100 {
        let (retry_after, _) = reason(&verifier, &jwt).await;
        assert_eq!(retry_after, Duration::from_secs(1));
    }
    pass(Duration::from_secs(1)).await;
    assert_eq!(code(&verifier, &jwt).await, "ok");
}

// conformance 229
#[tokio::test(start_paused = true)]
async fn invented_issuers_that_make_the_resolver_hang_leave_calls_to_known_issuers() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = builder(database.resolver().max_in_flight(8))
        .build()
        .unwrap();
    let jwt = acme.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    let stuck: Vec<_> = (0..50)
        .map(|number| {
            let invented = tenant(&format!("invented-{number}"));
            database.set(&invented, Row::Hangs);
            let jwt = acme.token("eve").claim("iss", invented.issuer_url()).sign();
            let verifier = verifier.clone();
            tokio::spawn(async move { reason(&verifier, &jwt).await })
        })
        .collect();
    settle().await;
    assert_eq!(database.in_flight.load(Ordering::SeqCst), 6);
    // The settings of acme are due, and are resolved again meanwhile.
    let calls = database.calls();
    tokio::time::advance(Duration::from_secs(2)).await;
    let leased = verifier.0.resolved.as_ref().unwrap().cached();
    leased[0]
        .lease
        .as_ref()
        .unwrap()
        .renew(Duration::ZERO, crate::sync::clock::Now::read());
    assert_eq!(code(&verifier, &jwt).await, "ok");
    assert_eq!(database.calls(), calls + 1);
    for stuck in stuck {
        let (retry_after, reason) = stuck.await.unwrap();
        assert!(retry_after > Duration::ZERO);
        assert!(matches!(
            reason,
            UnavailableReason::IssuerResolverTimeout | UnavailableReason::IssuerResolverRateLimit
        ));
    }
    assert_eq!(database.most_in_flight.load(Ordering::SeqCst), 7);
    settle().await;
    assert_eq!(counts(&verifier).1, 0);
}

// conformance 228
#[tokio::test(start_paused = true)]
async fn concurrent_requests_share_one_call() {
    let acme = tenant("acme");
    let database = Database::default();
    for (name, row, expected) in [
        ("acme", Some(Row::Slow(settings(&acme))), "ok"),
        ("hangs", Some(Row::Hangs), "unavailable"),
        ("fails", Some(Row::Fails), "unavailable"),
        ("unknown", None, "unknown_issuer"),
    ] {
        let named = tenant(name);
        if let Some(row) = row {
            database.set(&named, row);
        }
        let verifier = verifier(&database);
        let calls = database.calls();
        let jwt = acme.token("ada").claim("iss", named.issuer_url()).sign();
        let requests: Vec<_> = (0..100)
            .map(|_| {
                let (verifier, jwt) = (verifier.clone(), jwt.clone());
                tokio::spawn(async move { code(&verifier, &jwt).await })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), expected);
        }
        assert_eq!(database.calls(), calls + 1, "{name}");
    }
}

// conformance 228
#[tokio::test(start_paused = true)]
async fn call_goes_on_when_its_requests_are_dropped() {
    let acme = tenant("acme");
    let database = Database::default();
    database.set(&acme, Row::Slow(settings(&acme)));
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    let mut dropped = Box::pin(verifier.verify(&jwt));
    let is_pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(dropped.as_mut().poll(context).is_pending())
    });
    assert!(is_pending.await);
    drop(dropped);
    settle().await;
    assert_eq!((database.calls(), counts(&verifier)), (1, (1, 0, 0)));
    assert!(is_accepted_at_once(&verifier, &jwt));
    assert_eq!(database.calls(), 1);
}

// conformance 228
#[tokio::test(start_paused = true)]
async fn authentication_dropped_before_its_first_poll_does_not_call_the_resolver() {
    let acme = tenant("acme");
    let database = Database::of([&acme]);
    let verifier = builder(database.resolver().rate_limit(1, 1))
        .build()
        .unwrap();
    let jwt = acme.token("ada").sign();
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    for _ in 0..10 {
        drop(
            verifier
                .authenticate(&credentials)
                .into_ready()
                .unwrap_err(),
        );
    }
    settle().await;
    assert_eq!((database.calls(), counts(&verifier)), (0, (0, 0, 0)));
    // The only call of the budget is still there.
    assert!(verifier.authenticate(&credentials).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn call_that_a_suspension_interrupts_is_repeated_without_a_back_off() {
    let acme = tenant("acme");
    let database = Database::default();
    database.set(&acme, Row::Hangs);
    let verifier = verifier(&database);
    let jwt = acme.token("ada").sign();
    let request = {
        let (verifier, jwt) = (verifier.clone(), jwt.clone());
        tokio::spawn(async move { code(&verifier, &jwt).await })
    };
    settle().await;
    assert_eq!(database.calls(), 1);
    database.set(&acme, Row::Found(settings(&acme)));
    pass(Duration::from_secs(3_600)).await;
    assert_eq!(request.await.unwrap(), "ok");
    assert_eq!(database.calls(), 2);
}
