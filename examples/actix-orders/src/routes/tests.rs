//! Tests of the routes with real keys and real signatures, without Okta and without a network.

use actix_web::{App, body::to_bytes, test};
use okta_verifier::Verifier;
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::{CLIENT_ID, TestIssuer};

use super::routes;

async fn call(okta: &TestIssuer, path: &str, jwt: Option<String>) -> (u16, String) {
    let issuer = okta.issuer().client_id(CLIENT_ID);
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings");
    let verify = VerifyMiddleware::new(verifier);
    let app = App::new().configure(|api| routes(api, &verify));
    let app = test::init_service(app).await;

    let mut request = test::TestRequest::get().uri(path);
    if let Some(jwt) = jwt {
        request = request.insert_header(("authorization", format!("Bearer {jwt}")));
    }
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body())
        .await
        .expect("the body is complete");
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

fn okta() -> TestIssuer {
    TestIssuer::new("api://orders")
}

#[tokio::test]
async fn health_is_open_and_unknown_paths_are_404() {
    let okta = okta();
    let response = call(&okta, "/health", None).await;
    assert_eq!(response, (200, "ok\n".to_owned()));
    assert_eq!(call(&okta, "/nowhere", None).await.0, 404);
}

#[tokio::test]
async fn me_requires_any_valid_token() {
    let okta = okta();
    let jwt = okta
        .token("ada")
        .scope("orders:read")
        .group("Admins")
        .sign();
    let expected = r#"{"subject":"ada","client_id":"0oatest","scopes":["orders:read"],"groups":["Admins"],"is_user":true}"#;
    let response = call(&okta, "/me", Some(jwt)).await;
    assert_eq!(response, (200, expected.to_owned()));
    assert_eq!(call(&okta, "/me", None).await.0, 401);
}

#[tokio::test]
async fn orders_requires_the_scope() {
    let okta = okta();
    let reader = okta.token("ada").scope("orders:read").sign();
    let response = call(&okta, "/orders", Some(reader)).await;
    assert_eq!(response, (200, "the orders of ada\n".to_owned()));
    let other = okta.token("ada").sign();
    assert_eq!(call(&okta, "/orders", Some(other)).await.0, 403);
}

#[tokio::test]
async fn admin_requires_the_group() {
    let okta = okta();
    let admin = okta.token("ada").group("Admins").sign();
    assert_eq!(call(&okta, "/admin", Some(admin)).await.0, 200);
    let reader = okta.token("ada").scope("orders:read").sign();
    assert_eq!(call(&okta, "/admin", Some(reader)).await.0, 403);
}

#[tokio::test]
async fn wrong_tokens_are_rejected() {
    let okta = okta();
    let wrong = [
        okta.token("ada").expired().sign(),
        okta.token("ada").foreign_key().sign(),
        okta.token("ada").audience("api://billing").sign(),
        okta.token("ada").client_id("0oastranger").sign(),
    ];
    for jwt in wrong {
        assert_eq!(call(&okta, "/me", Some(jwt)).await.0, 401);
    }
}
