//! The outcome of each request: counted and reported to the hook exactly once.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use actix_web::{
    Error, HttpMessage, HttpResponse,
    dev::{Service, ServiceRequest},
    middleware::{Next, from_fn},
    web,
};
use okta_verifier::{Policy, VerifiedToken, Verifier, adapter::Outcome};
use okta_verifier_actix::{Rejected, RequireMiddleware, Verified, VerifyMiddleware};
use okta_verifier_testing::{Endpoint, Fault};

use crate::support::{
    ReadOrders, app, bearer, get,
    mock_issuer::{HangingIssuer, mock, verifier as cold},
    okta, send, verifier, whoami,
};

/// What a hook has received: one line per call.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Returns a middleware whose hook writes the outcome, the route, and the subject of the token.
    fn of(&self, verifier: &Verifier) -> VerifyMiddleware {
        let lines = self.0.clone();
        VerifyMiddleware::new(verifier.clone()).on_outcome(move |outcome, request| {
            let code = match outcome {
                Outcome::Rejected(rejection) => rejection.code(),
                _ => "-",
            };
            let route = request.and_then(|request| request.match_pattern());
            let route = route.unwrap_or_else(|| "-".to_owned());
            let extensions = request.map(|request| request.extensions());
            let token = extensions.as_ref().and_then(|it| it.get::<VerifiedToken>());
            let subject = token.map_or("-", VerifiedToken::subject);
            let line = format!("{} {code} {route} {subject}", outcome.name());
            lines.lock().expect("no panic").push(line);
        })
    }

    #[track_caller]
    fn assert(&self, lines: &[&str]) {
        assert_eq!(*self.0.lock().expect("no panic"), lines);
    }
}

/// Asserts the counts of all requests.
#[track_caller]
fn assert_counts(verifier: &Verifier, lines: &[&str]) {
    let stats = verifier.stats();
    let requests = stats.requests();
    let counts =
        requests.map(|it| format!("{} {} {}", it.outcome, it.code.unwrap_or("-"), it.count));
    assert_eq!(counts.collect::<Vec<_>>(), lines);
}

async fn order(_: Verified<ReadOrders>) -> &'static str {
    "an order"
}

#[tokio::test]
async fn outcome_of_a_rejected_request_has_its_code_and_route() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let scope = web::scope("/orders").wrap(log.of(&verifier));
    let app = app(scope.route("/{id}", web::get().to(order))).await;
    let reader = okta().token("ada").scope("orders:read").sign();
    let other = okta().token("bob").sign();
    for (request, status) in [
        (get("/orders/7", &[]), 401),
        (bearer("/orders/7", "a.b.c"), 401),
        (bearer("/orders/7", &other), 403),
        (bearer("/orders/7", &reader), 200),
    ] {
        assert_eq!(send(&app, request).await.status, status);
    }
    log.assert(&[
        "rejected no_credentials /orders/{id} -",
        "rejected malformed /orders/{id} -",
        "rejected insufficient_scope /orders/{id} bob",
        "accepted - /orders/{id} ada",
    ]);
    let stats = verifier.stats();
    assert_eq!((stats.accepted(), stats.rejected()), (1, 3));
    assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 1)]);
}

#[tokio::test]
async fn outcome_is_that_of_a_policy_inside_the_middleware() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let require = RequireMiddleware::new(Policy::scope("orders:read"));
    let route = web::resource("/")
        .wrap(require)
        .wrap(log.of(&verifier).optional());
    let app = app(route.get(whoami)).await;
    let jwt = okta().token("bob").sign();
    assert_eq!(send(&app, bearer("/", &jwt)).await.status, 403);
    assert_eq!(send(&app, get("/", &[])).await.status, 401);
    log.assert(&[
        "rejected insufficient_scope / bob",
        "rejected no_credentials / -",
    ]);
    assert_counts(
        &verifier,
        &["rejected no_credentials 1", "rejected insufficient_scope 1"],
    );
}

#[tokio::test]
async fn outcome_of_a_request_without_credentials_is_anonymous() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let route = web::resource("/").wrap(log.of(&verifier).optional());
    let app = app(route.get(whoami)).await;
    send(&app, get("/", &[]))
        .await
        .assert_served("news", "anonymous");
    log.assert(&["anonymous - / -"]);
    assert_counts(&verifier, &["anonymous - 1"]);
}

#[tokio::test]
async fn outcome_of_a_request_that_waits_for_keys_is_reported_once() {
    let okta = mock().await;
    let (log, verifier) = (Log::default(), cold(&okta));
    let route = web::resource("/me").wrap(log.of(&verifier)).get(whoami);
    let app = app(route).await;
    let jwt = okta.token("ada").sign();
    assert_eq!(send(&app, bearer("/me", &jwt)).await.status, 200);
    log.assert(&["accepted - /me ada"]);
    assert_counts(&verifier, &["accepted - 1"]);
}

#[tokio::test]
async fn outcome_of_an_unavailable_issuer_is_rejected() {
    let okta = mock().await;
    okta.fault(Endpoint::Keys, Fault::Drop);
    let (log, verifier) = (Log::default(), cold(&okta));
    let route = web::resource("/me").wrap(log.of(&verifier)).get(whoami);
    let app = app(route).await;
    let jwt = okta.token("ada").sign();
    assert_eq!(send(&app, bearer("/me", &jwt)).await.status, 503);
    log.assert(&["rejected unavailable /me -"]);
    assert_eq!(verifier.stats().rejected(), 1);
}

#[tokio::test]
async fn outcome_of_a_request_that_is_dropped_while_it_waits_for_keys_is_dropped() {
    let issuer = HangingIssuer::start().await;
    let (log, verifier) = (Log::default(), issuer.verifier(Duration::from_secs(10)));
    let route = web::resource("/me").wrap(log.of(&verifier)).get(whoami);
    let app = app(route).await;
    {
        let mut waiting = pin!(app.call(bearer("/me", &issuer.token()).to_request()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        log.assert(&[]);
    }
    log.assert(&["dropped - - -"]);
    assert_counts(&verifier, &["dropped - 1"]);
}

#[tokio::test]
async fn outcome_of_a_request_that_is_dropped_in_the_handler_belongs_to_its_issuer() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let never = web::get().to(async || {
        std::future::pending::<()>().await;
        "never"
    });
    let app = app(web::resource("/me").wrap(log.of(&verifier)).route(never)).await;
    {
        let jwt = okta().token("ada").sign();
        let mut handling = pin!(app.call(bearer("/me", &jwt).to_request()));
        let mut context = Context::from_waker(Waker::noop());
        assert!(handling.as_mut().poll(&mut context).is_pending());
    }
    log.assert(&["dropped - - -"]);
    assert_eq!(verifier.stats().issuers[0].dropped, 1);
}

#[tokio::test]
async fn outcome_of_an_inner_middleware_that_fails_is_accepted() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let fails = from_fn(async |_, _: Next<actix_web::body::BoxBody>| {
        let error = actix_web::error::ErrorBadGateway("the database is down");
        Err::<actix_web::dev::ServiceResponse, Error>(error)
    });
    let route = web::resource("/").wrap(fails).wrap(log.of(&verifier));
    let app = app(route.get(async || HttpResponse::Ok())).await;
    let jwt = okta().token("ada").sign();
    let _ = app.call(bearer("/", &jwt).to_request()).await;
    log.assert(&["accepted - - -"]);
    assert_counts(&verifier, &["accepted - 1"]);
}

#[tokio::test]
async fn outcome_of_an_inner_middleware_that_fails_with_a_rejection_is_rejected() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let rejects = from_fn(
        async |request: ServiceRequest, next: Next<actix_web::body::BoxBody>| {
            let token = request.extensions().get::<VerifiedToken>().cloned();
            let token = token.expect("the outer middleware has verified it");
            token
                .require(Policy::scope("orders:read"))
                .map_err(Rejected::from)?;
            next.call(request).await
        },
    );
    let route = web::resource("/").wrap(rejects).wrap(log.of(&verifier));
    let app = app(route.get(async || HttpResponse::Ok())).await;
    let jwt = okta().token("ada").sign();
    let error = app.call(bearer("/", &jwt).to_request()).await.err();
    let error = error.expect("the middleware fails");
    assert_eq!(error.as_response_error().status_code(), 403);
    log.assert(&["rejected insufficient_scope - -"]);
    assert_counts(&verifier, &["rejected insufficient_scope 1"]);
}

#[tokio::test]
async fn outcome_of_nested_middlewares_of_one_verifier_is_counted_once() {
    let (outer, inner, verifier) = (Log::default(), Log::default(), verifier(okta()));
    let route = web::resource("/")
        .wrap(inner.of(&verifier))
        .wrap(outer.of(&verifier));
    let app = app(route.get(whoami)).await;
    let jwt = okta().token("ada").sign();
    send(&app, bearer("/", &jwt))
        .await
        .assert_served("nested", "ada");
    outer.assert(&["accepted - / ada"]);
    inner.assert(&["accepted - / ada"]);
    assert_counts(&verifier, &["accepted - 1"]);
}
