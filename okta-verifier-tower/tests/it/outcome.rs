//! The outcome of each request: counted and reported to the hook exactly once.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use http::{Request, Response, Version};
use okta_verifier::{Policy, VerifiedToken, Verifier, adapter::Outcome};
use okta_verifier_testing::{Endpoint, Fault};
use okta_verifier_tower::{RequireLayer, VerifyLayer};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::support::{
    bearer, get,
    mock_issuer::{HangingIssuer, mock, token, verifier as cold},
    okta, verifier, whoami,
};

/// What a hook has received: one line per call.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// Adds a hook that writes the outcome, and the subject of the token in the extensions.
    fn on(&self, layer: VerifyLayer) -> VerifyLayer {
        let lines = self.0.clone();
        layer.on_outcome(move |outcome, extensions| {
            let code = match outcome {
                Outcome::Rejected(rejection) => rejection.code(),
                _ => "-",
            };
            let token = extensions.get::<VerifiedToken>();
            let subject = token.map_or("-", VerifiedToken::subject);
            let line = format!("{} {code} {subject}", outcome.name());
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

fn good() -> Request<()> {
    bearer(&okta().token("ada").sign())
}

#[tokio::test]
async fn outcome_of_a_rejected_request_has_its_code() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let service = layer.layer(service_fn(whoami::<()>));
    let expired = okta().token("ada").expired().sign();
    for request in [get("/", &[]), bearer("a.b.c"), bearer(&expired)] {
        let Ok(response) = service.clone().oneshot(request).await;
        assert_eq!(response.status(), 401);
    }
    log.assert(&[
        "rejected no_credentials -",
        "rejected malformed -",
        "rejected expired -",
    ]);
    let stats = verifier.stats();
    assert_eq!((stats.rejected(), stats.requests().count()), (3, 3));
}

#[tokio::test]
async fn outcome_of_an_accepted_request_has_the_token() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let service = layer.layer(service_fn(whoami::<()>));
    for _ in 0..2 {
        let Ok(response) = service.clone().oneshot(good()).await;
        assert_eq!(response.status(), 200);
    }
    log.assert(&["accepted - ada", "accepted - ada"]);
    assert_counts(&verifier, &["accepted - 2"]);
}

#[tokio::test]
async fn outcome_is_that_of_a_policy_inside_the_layer() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let service = ServiceBuilder::new()
        .layer(log.on(VerifyLayer::new(verifier.clone()).optional()))
        .layer(RequireLayer::new(Policy::scope("orders:read")))
        .service(service_fn(whoami::<()>));
    let Ok(response) = service.clone().oneshot(good()).await;
    assert_eq!(response.status(), 403);
    let Ok(response) = service.oneshot(get("/", &[])).await;
    assert_eq!(response.status(), 401);
    log.assert(&[
        "rejected insufficient_scope ada",
        "rejected no_credentials -",
    ]);
    assert_counts(
        &verifier,
        &["rejected no_credentials 1", "rejected insufficient_scope 1"],
    );
    assert_eq!(
        verifier.stats().issuers[0].rejected,
        [("insufficient_scope", 1)]
    );
}

#[tokio::test]
async fn outcome_of_a_request_without_credentials_is_anonymous() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()).optional());
    let service = layer.layer(service_fn(whoami::<()>));
    let Ok(_) = service.oneshot(get("/", &[])).await;
    log.assert(&["anonymous - -"]);
    assert_counts(&verifier, &["anonymous - 1"]);
}

#[tokio::test]
async fn outcome_of_a_grpc_request_has_its_rejection() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let service = ServiceBuilder::new()
        .layer(log.on(VerifyLayer::new(verifier.clone()).grpc()))
        .layer(RequireLayer::new(Policy::scope("orders:read")).grpc())
        .service(service_fn(whoami::<()>));
    let call = |mut request: Request<()>| {
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = Version::HTTP_2;
        let headers = request.headers_mut();
        headers.insert(
            "content-type",
            http::HeaderValue::from_static("application/grpc"),
        );
        headers.insert("te", http::HeaderValue::from_static("trailers"));
        request
    };
    for request in [call(good()), call(get("/", &[]))] {
        let Ok(response) = service.clone().oneshot(request).await;
        assert_eq!(response.status(), 200);
    }
    log.assert(&[
        "rejected insufficient_scope ada",
        "rejected no_credentials -",
    ]);
}

#[tokio::test]
async fn outcome_of_a_request_that_waits_for_keys_is_reported_once() {
    let okta = mock().await;
    let (log, verifier) = (Log::default(), cold(&okta));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let service = layer.layer(service_fn(whoami::<()>));
    let Ok(response) = service.clone().oneshot(bearer(&token(&okta))).await;
    assert_eq!(response.status(), 200);
    log.assert(&["accepted - ada"]);
    assert_counts(&verifier, &["accepted - 1"]);

    okta.fault(Endpoint::Keys, Fault::Drop);
    let cold = cold(&okta);
    let service = log
        .on(VerifyLayer::new(cold.clone()))
        .layer(service_fn(whoami::<()>));
    let Ok(response) = service.oneshot(bearer(&token(&okta))).await;
    assert_eq!(response.status(), 503);
    log.assert(&["accepted - ada", "rejected unavailable -"]);
    assert_eq!(cold.stats().rejected(), 1);
}

#[tokio::test]
async fn outcome_of_a_request_that_is_dropped_while_it_waits_for_keys_is_dropped() {
    let issuer = HangingIssuer::start().await;
    let (log, verifier) = (Log::default(), issuer.verifier(Duration::from_secs(10)));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let mut service = layer.layer(service_fn(whoami::<()>));
    {
        let mut waiting = pin!(service.call(bearer(&issuer.token())));
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        log.assert(&[]);
    }
    log.assert(&["dropped - -"]);
    assert_counts(&verifier, &["dropped - 1"]);
    assert_eq!(verifier.stats().dropped, 1);
}

#[tokio::test]
async fn outcome_of_a_request_that_is_dropped_in_the_handler_belongs_to_its_issuer() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let mut service = layer.layer(service_fn(async |_: Request<()>| {
        std::future::pending::<()>().await;
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    {
        let mut context = Context::from_waker(Waker::noop());
        let mut handling = pin!(service.call(good()));
        let poll = handling.as_mut().poll(&mut context);
        assert!(matches!(poll, Poll::Pending));
    }
    log.assert(&["dropped - ada"]);
    assert_eq!(verifier.stats().issuers[0].dropped, 1);
    assert_counts(&verifier, &["dropped - 1"]);
}

#[tokio::test]
async fn outcome_of_a_request_whose_inner_service_fails_is_accepted() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let service = layer.layer(service_fn(async |_: Request<()>| {
        Err::<Response<String>, _>("the database is down")
    }));
    assert!(service.oneshot(good()).await.is_err());
    log.assert(&["accepted - ada"]);
    assert_counts(&verifier, &["accepted - 1"]);
}

#[test]
fn outcome_of_a_request_whose_handler_panics_is_dropped() {
    let (log, verifier) = (Log::default(), verifier(okta()));
    let layer = log.on(VerifyLayer::new(verifier.clone()));
    let mut service = layer.layer(service_fn(async |request: Request<()>| {
        assert!(request.uri().path() == "/other", "the handler");
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let mut context = Context::from_waker(Waker::noop());
        let _ = pin!(service.call(good())).poll(&mut context);
    }));
    assert!(result.is_err());
    log.assert(&["dropped - ada"]);
    assert_counts(&verifier, &["dropped - 1"]);
}

#[tokio::test]
async fn outcome_of_nested_layers_of_one_verifier_is_counted_once() {
    let (outer, inner, verifier) = (Log::default(), Log::default(), verifier(okta()));
    let service = ServiceBuilder::new()
        .layer(outer.on(VerifyLayer::new(verifier.clone()).optional()))
        .layer(inner.on(VerifyLayer::new(verifier.clone())))
        .service(service_fn(whoami::<()>));
    let Ok(_) = service.clone().oneshot(good()).await;
    let Ok(_) = service.oneshot(get("/", &[])).await;
    outer.assert(&["accepted - ada", "rejected no_credentials -"]);
    inner.assert(&["accepted - ada", "rejected no_credentials -"]);
    assert_counts(&verifier, &["rejected no_credentials 1", "accepted - 1"]);
}

/// The token of the outer layer was accepted, so its issuer is the one that the outer verifier counts.
#[tokio::test]
async fn outcome_of_nested_layers_of_two_verifiers_is_counted_by_each() {
    let (outer, inner) = (verifier(okta()), verifier(okta()));
    let service = ServiceBuilder::new()
        .layer(VerifyLayer::new(outer.clone()))
        .layer(VerifyLayer::new(inner.clone()).audience("api://billing"))
        .service(service_fn(whoami::<()>));
    let Ok(response) = service.oneshot(good()).await;
    assert_eq!(response.status(), 401);
    assert_eq!(outer.stats().issuers[0].rejected, [("wrong_audience", 1)]);
    assert_eq!(inner.stats().rejected(), 1);
}
