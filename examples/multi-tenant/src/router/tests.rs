//! Tests of the router in this process, with mock Oktas.

use axum::{Router, body::Body, http::Request};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};
use tower::ServiceExt;

use super::router;
use crate::{database::Tenant, settings::Settings};

struct Start {
    staff: MockOkta,
    acme: MockOkta,
    globex: MockOkta,
    app: Router,
}

/// Starts with acme active and globex known but inactive.
async fn start() -> Start {
    let [staff, acme, globex] = [
        MockOkta::start().await,
        MockOkta::start().await,
        MockOkta::start().await,
    ];
    let row = |name: &str, mock: &MockOkta, active| {
        let issuer = mock.issuer_url().to_owned();
        (name.to_owned(), Tenant { issuer, active })
    };
    let settings = Settings {
        staff: staff.issuer_url().to_owned(),
        tenants: vec![row("acme", &acme, true), row("globex", &globex, false)],
        audience: "api://default".to_owned(),
        client_id: okta_verifier_testing::CLIENT_ID.to_owned(),
        client_secret: okta_verifier_testing::CLIENT_SECRET.to_owned(),
    };
    let app = router(&settings).expect("valid settings");
    Start {
        staff,
        acme,
        globex,
        app,
    }
}

impl Start {
    async fn call(&self, method: &str, path: &str, jwt: &str) -> u16 {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("authorization", format!("Bearer {jwt}"));
        let request = request.body(Body::empty()).expect("the request is valid");
        let Ok(response) = self.app.clone().oneshot(request).await;
        response.status().as_u16()
    }
}

fn token(okta: &MockOkta) -> String {
    let token = okta.token("ada").scope("orders:read");
    token.scope("payments:write").sign()
}

// conformance 82
#[tokio::test]
async fn tenant_is_activated_and_deactivated() {
    let start = start().await;
    let operator = start.staff.token("grace").group("Operators").sign();
    let globex = token(&start.globex);
    assert_eq!(start.call("GET", "/orders", &globex).await, 401);
    assert_eq!(
        start.globex.hits().discovery,
        0,
        "an inactive issuer is not contacted"
    );

    assert_eq!(start.call("PUT", "/tenants/globex", &operator).await, 204);
    assert_eq!(start.call("GET", "/orders", &globex).await, 200);
    assert_eq!(
        start.call("DELETE", "/tenants/globex", &operator).await,
        204
    );
    assert_eq!(start.call("GET", "/orders", &globex).await, 401);
    assert_eq!(start.call("PUT", "/tenants/unknown", &operator).await, 404);
    assert_eq!(start.call("GET", "/orders", &token(&start.acme)).await, 200);
}

// conformance 81
#[tokio::test]
async fn tenants_cannot_change_tenants() {
    let start = start().await;
    let self_made = start.acme.token("ada").group("Operators").sign();
    assert_eq!(start.call("PUT", "/tenants/globex", &self_made).await, 401);
    let outsider = start.staff.token("ada").sign();
    assert_eq!(start.call("PUT", "/tenants/globex", &outsider).await, 403);
    assert_eq!(
        start.call("GET", "/orders", &token(&start.staff)).await,
        401
    );
}

#[tokio::test]
async fn revoked_token_can_read_but_not_pay() {
    let start = start().await;
    let jwt = token(&start.acme);
    assert_eq!(start.call("POST", "/payments", &jwt).await, 200);
    assert_eq!(start.acme.hits().introspection, 1);
    assert_eq!(start.call("GET", "/orders", &jwt).await, 200);
    assert_eq!(
        start.acme.hits().introspection,
        1,
        "reading needs no introspection"
    );

    let revoked = token(&start.acme);
    start.acme.revoke(&revoked);
    assert_eq!(start.call("GET", "/orders", &revoked).await, 200);
    assert_eq!(start.call("POST", "/payments", &revoked).await, 401);
}

#[tokio::test]
async fn payment_is_503_while_the_issuer_is_unavailable() {
    let start = start().await;
    start
        .acme
        .fault(Endpoint::Introspection, Fault::Status(503));
    let jwt = token(&start.acme);
    assert_eq!(start.call("GET", "/orders", &jwt).await, 200);
    assert_eq!(start.call("POST", "/payments", &jwt).await, 503);
}
