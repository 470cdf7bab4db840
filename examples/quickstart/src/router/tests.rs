//! Tests of the routes with real keys and real signatures, without Okta and without a network.

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use okta_verifier::Verifier;
use okta_verifier_testing::{CLIENT_ID, TestIssuer};
use tower::ServiceExt;

use super::router;

fn start() -> (TestIssuer, Router) {
    let okta = TestIssuer::new("api://orders");
    let issuer = okta.issuer().client_id(CLIENT_ID);
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings");
    (okta, router(verifier))
}

async fn call(app: &Router, path: &str, jwt: Option<String>) -> (u16, String) {
    let mut request = Request::get(path);
    if let Some(jwt) = jwt {
        request = request.header("authorization", format!("Bearer {jwt}"));
    }
    let request = request.body(Body::empty()).expect("the request is valid");
    let Ok(response) = app.clone().oneshot(request).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), 4096)
        .await
        .expect("the body is complete");
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

#[tokio::test]
async fn health_is_open_and_unknown_paths_are_404() {
    let (_, app) = start();
    assert_eq!(call(&app, "/health", None).await, (200, "ok\n".to_owned()));
    assert_eq!(call(&app, "/nowhere", None).await.0, 404);
}

#[tokio::test]
async fn me_requires_any_valid_token() {
    let (okta, app) = start();
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .group("Admins")
        .sign();
    let expected = r#"{"subject":"ada","client_id":"0oatest","scopes":["orders:read"],"groups":["Admins"],"is_user":true}"#;
    assert_eq!(
        call(&app, "/me", Some(jwt)).await,
        (200, expected.to_owned())
    );
    assert_eq!(call(&app, "/me", None).await.0, 401);
}

#[tokio::test]
async fn orders_requires_the_scope() {
    let (okta, app) = start();
    let reader = okta.token("ada").scope("orders:read").sign();
    assert_eq!(
        call(&app, "/orders", Some(reader)).await,
        (200, "the orders of ada\n".to_owned())
    );
    assert_eq!(
        call(&app, "/orders", Some(okta.token("ada").sign()))
            .await
            .0,
        403
    );
}

#[tokio::test]
async fn admin_requires_the_group() {
    let (okta, app) = start();
    let admin = okta.token("ada").group("Admins").sign();
    assert_eq!(call(&app, "/admin", Some(admin)).await.0, 200);
    let reader = okta.token("ada").scope("orders:read").sign();
    assert_eq!(call(&app, "/admin", Some(reader)).await.0, 403);
}

#[tokio::test]
async fn wrong_tokens_are_rejected() {
    let (okta, app) = start();
    let wrong = [
        okta.token("ada").expired().sign(),
        okta.token("ada").foreign_key().sign(),
        okta.token("ada").audience("api://billing").sign(),
        okta.token("ada").client_id("0oastranger").sign(),
    ];
    for jwt in wrong {
        assert_eq!(call(&app, "/me", Some(jwt)).await.0, 401);
    }
}
