//! Tests of the methods with real keys and real signatures, without Okta and without a network.

use okta_verifier::Verifier;
use okta_verifier_testing::{CLIENT_ID, TestIssuer};
use tonic::{Code, Request, Status, service::Routes};

use crate::proto::{
    Empty, admin_client::AdminClient, health_client::HealthClient, orders_client::OrdersClient,
};

fn start() -> (TestIssuer, Routes) {
    let okta = TestIssuer::new("api://orders");
    let issuer = okta.issuer().client_id(CLIENT_ID);
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings");
    (okta, super::routes(verifier))
}

fn with(jwt: &str) -> Request<Empty> {
    let mut request = Request::new(Empty {});
    let value = format!("Bearer {jwt}").parse().expect("ASCII");
    request.metadata_mut().insert("authorization", value);
    request
}

fn challenge(status: &Status) -> Option<&str> {
    status.metadata().get("www-authenticate")?.to_str().ok()
}

#[tokio::test]
async fn health_is_open() {
    let (_, routes) = start();
    let response = HealthClient::new(routes).check(Empty {}).await;
    assert_eq!(response.expect("served").into_inner().text, "ok");
}

#[tokio::test]
async fn me_requires_any_valid_token() {
    let (okta, routes) = start();
    let mut orders = OrdersClient::new(routes);
    let jwt = okta.token("ada").scope("orders:read").group("Admins");
    let me = orders.me(with(&jwt.sign())).await.expect("served");
    let me = me.into_inner();
    assert_eq!(me.subject, "ada");
    assert_eq!(me.client_id.as_deref(), Some(CLIENT_ID));
    assert_eq!(me.scopes, ["orders:read"]);
    assert_eq!(me.groups, ["Admins"]);
    assert!(me.is_user);

    let rejection = orders.me(Empty {}).await.expect_err("no token");
    assert_eq!(rejection.code(), Code::Unauthenticated);
    assert_eq!(challenge(&rejection), Some(r#"Bearer realm="api""#));
}

/// The rejection of a method has the same challenge as that of a layer.
#[tokio::test]
async fn list_requires_the_scope() {
    let (okta, routes) = start();
    let mut orders = OrdersClient::new(routes);
    let reader = okta.token("ada").scope("orders:read").sign();
    let response = orders.list(with(&reader)).await.expect("served");
    assert_eq!(response.into_inner().text, "the orders of ada");

    let other = okta.token("ada").sign();
    let rejection = orders.list(with(&other)).await.expect_err("no scope");
    assert_eq!(rejection.code(), Code::PermissionDenied);
    let challenge = challenge(&rejection).expect("a challenge");
    assert!(
        challenge.ends_with(r#" scope="orders:read""#),
        "{challenge}"
    );
}

#[tokio::test]
async fn greet_requires_the_group() {
    let (okta, routes) = start();
    let mut admin = AdminClient::new(routes);
    let jwt = okta.token("ada").group("Admins").sign();
    let response = admin.greet(with(&jwt)).await.expect("served");
    assert_eq!(response.into_inner().text, "hello, administrator ada");

    let jwt = okta.token("ada").scope("orders:read").sign();
    let rejection = admin.greet(with(&jwt)).await.expect_err("no group");
    assert_eq!(rejection.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn wrong_tokens_are_rejected() {
    let (okta, routes) = start();
    let wrong = [
        okta.token("ada").expired().sign(),
        okta.token("ada").foreign_key().sign(),
        okta.token("ada").audience("api://billing").sign(),
        okta.token("ada").client_id("0oastranger").sign(),
    ];
    for jwt in wrong {
        let mut orders = OrdersClient::new(routes.clone());
        let rejection = orders.me(with(&jwt)).await.expect_err("the token is wrong");
        assert_eq!(rejection.code(), Code::Unauthenticated);
    }
}
