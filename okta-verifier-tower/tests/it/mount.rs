//! `VerifyLayer::resource`, `require` and `strip_credentials`. The conformance table has their challenges.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use okta_verifier::{Policy, Resource, VerifiedToken, Verifier, adapter::Anonymous};
use okta_verifier_testing::MockOkta;
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{get, okta, verifier, whoami};

const READ: Policy = Policy::scope("files:read");

fn bearer(jwt: &str) -> Request<()> {
    get("/files", &[format!("Bearer {jwt}").as_bytes()])
}

/// A handler that responds with the names of the credentials that it sees.
async fn credentials(request: Request<()>) -> Result<Response<String>, Infallible> {
    let names = ["authorization", "dpop"];
    let seen = names
        .into_iter()
        .filter(|name| request.headers().contains_key(*name));
    Ok(Response::new(seen.collect::<Vec<_>>().join(" ")))
}

// conformance 256
#[tokio::test]
async fn token_that_does_not_meet_the_policy_of_the_layer_is_rejected_and_counted_once() {
    let verifier = verifier(okta());
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = log.clone();
    let layer =
        VerifyLayer::new(verifier.clone())
            .require(READ)
            .on_outcome(move |outcome, extensions| {
                let has_token = extensions.get::<VerifiedToken>().is_some();
                seen.lock().unwrap().push((outcome.name(), has_token));
            });
    let service = layer.layer(service_fn(whoami));
    let other = okta().token("ada").sign();
    let mut events = secret_scan::logged(|| {
        let response = service.clone().oneshot(bearer(&other));
        let response = futures_now(response);
        assert_eq!(response.status(), 403);
    });
    events.retain(|line| line.text.contains("request rejected"));
    assert_eq!(events.len(), 1, "{events:?}");
    let reader = okta().token("ada").scope("files:read").sign();
    let Ok(response) = service.clone().oneshot(bearer(&reader)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        *log.lock().unwrap(),
        [("rejected", false), ("accepted", true)]
    );
    let stats = verifier.stats();
    assert_eq!(stats.issuers[0].accepted, 1);
    assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 1)]);
    assert_eq!(stats.rejected, []);
}

/// Returns the result of a future that is ready at its first poll.
fn futures_now<T>(future: impl Future<Output = Result<T, Infallible>>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(Ok(value)) => value,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

// conformance 256, 262
#[tokio::test]
async fn request_that_waits_for_the_keys_is_checked_and_stripped_too() {
    let mock = MockOkta::start().await;
    let build = || {
        let issuer = mock.issuer("api://default").any_client_id();
        Verifier::builder()
            .issuer(issuer)
            .build()
            .expect("valid settings")
    };
    let service = |verifier| {
        let layer = VerifyLayer::new(verifier).require(READ).strip_credentials();
        layer.layer(service_fn(credentials))
    };
    let Ok(response) = service(build())
        .oneshot(bearer(&mock.token("ada").sign()))
        .await;
    assert_eq!(response.status(), 403);
    let reader = mock.token("ada").scope("files:read").sign();
    let Ok(response) = service(build()).oneshot(bearer(&reader)).await;
    assert_eq!((response.status().as_u16(), &**response.body()), (200, ""));
}

// conformance 262
#[tokio::test]
async fn credentials_reach_the_inner_service_unless_they_are_stripped() {
    let layer = VerifyLayer::new(verifier(okta()));
    let request = || {
        let mut request = bearer(&okta().token("ada").sign());
        let proof = "a.b.c".parse().expect("a header value");
        request.headers_mut().insert("dpop", proof);
        request
    };
    let kept = layer.clone().layer(service_fn(credentials));
    let Ok(response) = kept.oneshot(request()).await;
    assert_eq!(response.body(), "authorization dpop");
    let stripped = layer.strip_credentials();
    let Ok(response) = stripped
        .clone()
        .layer(service_fn(credentials))
        .oneshot(request())
        .await;
    assert_eq!((response.status().as_u16(), &**response.body()), (200, ""));
    // An anonymous request loses its proof too, and an expired token does not pass on.
    let mut anonymous = request();
    anonymous.headers_mut().remove("authorization");
    let optional = stripped
        .optional()
        .expired_as_anonymous()
        .layer(service_fn(credentials));
    let Ok(response) = optional.clone().oneshot(anonymous).await;
    assert_eq!((response.status().as_u16(), &**response.body()), (200, ""));
    let Ok(response) = optional
        .oneshot(bearer(&okta().token("ada").expired().sign()))
        .await;
    assert_eq!((response.status().as_u16(), &**response.body()), (200, ""));
}

// conformance 255
#[tokio::test]
async fn optional_layer_that_names_no_resource_serves_no_request() {
    const FILES: &str = "https://mcp.example.com/files";
    const MAIL: &str = "https://mcp.example.com/mail";
    let verifier = Verifier::builder()
        .issuer(
            okta()
                .issuer()
                .audience(FILES)
                .audience(MAIL)
                .any_client_id(),
        )
        .resource(Resource::new(FILES))
        .resource(Resource::new(MAIL))
        .build()
        .expect("valid settings");
    let optional = VerifyLayer::new(verifier.clone()).optional();
    let service = optional.clone().layer(service_fn(whoami));
    let Ok(response) = service.clone().oneshot(get("/", &[])).await;
    assert_eq!(response.status(), 500);
    let Ok(response) = service.oneshot(bearer(&okta().token("ada").sign())).await;
    assert_eq!(response.status(), 500);
    assert_eq!(verifier.stats().rejected, [("misconfigured_layer", 2)]);
    let named = optional.resource(MAIL).layer(service_fn(whoami::<()>));
    let Ok(response) = named.oneshot(get("/", &[])).await;
    assert_eq!(response.body(), "anonymous");
}

#[tokio::test]
async fn nested_layers_of_one_verifier_count_a_request_once() {
    let verifier = verifier(okta());
    let outer = VerifyLayer::new(verifier.clone()).require(READ);
    let inner = VerifyLayer::new(verifier.clone());
    let service = outer.layer(inner.layer(service_fn(whoami::<()>)));
    let reader = okta().token("ada").scope("files:read").sign();
    let Ok(response) = service.oneshot(bearer(&reader)).await;
    assert_eq!(response.status(), 200);
    assert_eq!(verifier.stats().issuers[0].accepted, 1);
    // The inner layer requires nothing, so its token names no scope of the outer one.
    let anonymous =
        VerifyLayer::new(verifier)
            .optional()
            .layer(service_fn(async |request: Request<()>| {
                let anonymous = request
                    .extensions()
                    .get::<Anonymous>()
                    .expect("no credentials");
                Ok::<_, Infallible>(anonymous.rejection().into_response::<String>())
            }));
    let Ok(response) = anonymous.oneshot(get("/", &[])).await;
    assert_eq!(
        response.headers()["www-authenticate"],
        r#"Bearer realm="api""#
    );
}
