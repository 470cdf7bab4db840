//! `assert_openapi`: a document that says what the API requires passes, and each lie is reported by its operation.

use axum::{
    Router,
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
    routing::{delete, get, post},
};
use okta_verifier::{Policy, Requirement, Verifier};
use okta_verifier_axum::{MaybeVerified, Verified, VerifyLayer};
use okta_verifier_testing::{CLIENT_ID, MockOkta, assert_openapi};
use serde_json::{Value, json};

use crate::conformance::serve;

struct Read;

impl Requirement for Read {
    const POLICY: Policy = Policy::scope("orders:read");
}

struct Ship;

impl Requirement for Ship {
    const POLICY: Policy = Policy::all(&[
        Policy::scope("orders:read"),
        Policy::any(&[Policy::scope("orders:ship"), Policy::scope("orders:admin")]),
        Policy::group("Warehouse"),
    ]);
}

/// Rejects a request without its parameter before the token is checked.
struct Page;

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        match parts.uri.query() {
            Some("page=1") => Ok(Self),
            _ => Err(StatusCode::BAD_REQUEST),
        }
    }
}

fn app(okta: &MockOkta) -> Router {
    let issuer = okta.issuer("api://default").client_id(CLIENT_ID);
    let verifier = Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings");
    let verify = VerifyLayer::new(verifier);
    let strict = Router::new()
        .route("/me", get(async |_: Verified| "in"))
        .route("/orders", get(async |_: Page, _: Verified<Read>| "in"))
        .route(
            "/orders/{id}",
            get(async |_: Path<u32>, _: Verified<Read>| "in"),
        )
        .route(
            "/orders/{id}/ship",
            post(async |_: Verified<Ship>, _: String| "in"),
        )
        .route_layer(verify.clone());
    let optional = Router::new()
        .route("/news", get(async |_: MaybeVerified| "in"))
        .route_layer(verify.optional());
    strict
        .merge(optional)
        .route("/health", get(async || "in"))
        .route("/cache", delete(async || "in"))
}

fn document() -> Value {
    let ship = |scope| json!({ "okta": ["orders:read", scope] });
    json!({
        "openapi": "3.1.0",
        "info": { "title": "orders", "version": "1" },
        "security": [{ "okta": [] }],
        "components": {
            "securitySchemes": {
                "okta": { "type": "openIdConnect", "openIdConnectUrl": "https://acme.okta.com/oauth2/default" },
                "key": { "type": "apiKey", "in": "header", "name": "X-Key" },
            },
            "parameters": { "Id": { "name": "id", "in": "path", "required": true, "schema": { "type": "integer" } } },
        },
        "paths": {
            "/me": { "get": {} },
            "/orders": { "get": {
                "security": [{ "okta": ["orders:read"] }],
                "parameters": [{ "name": "page", "in": "query", "required": true, "schema": { "type": "integer" } }],
            } },
            "/orders/{id}": {
                "parameters": [{ "$ref": "#/components/parameters/Id" }],
                "get": { "security": [{ "okta": ["orders:read"] }] },
            },
            "/orders/{id}/ship": { "post": {
                "security": [ship("orders:ship"), ship("orders:admin")],
                "parameters": [{ "$ref": "#/components/parameters/Id" }],
                "requestBody": { "content": { "application/json": {} } },
            } },
            "/news": { "get": { "security": [{}, { "okta": [] }] } },
            "/health": { "get": { "security": [] } },
            "/cache": { "delete": { "security": [] } },
        },
    })
}

async fn check(document: &Value) {
    let okta = MockOkta::start().await;
    let base_url = format!("http://{}", serve(app(&okta)).await);
    assert_openapi(&document.to_string(), &base_url, &okta, |token| {
        token.group("Warehouse")
    })
    .await;
}

/// Returns the text of the panic.
async fn failure(change: impl FnOnce(&mut Value)) -> String {
    let mut document = document();
    change(&mut document);
    let failed = tokio::spawn(async move { check(&document).await }).await;
    let panic = failed.expect_err("the document lies").into_panic();
    match panic.downcast::<String>() {
        Ok(text) => *text,
        // A text without an argument is a literal.
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    }
}

#[tokio::test]
async fn assert_openapi_accepts_a_true_document() {
    check(&document()).await;
    // A document of 3.0, with the same security in each operation.
    let mut old = document();
    old["openapi"] = json!("3.0.3");
    check(&old).await;
}

#[tokio::test]
async fn assert_openapi_reports_a_route_that_is_open_although_the_document_secures_it() {
    let text = failure(|it| it["paths"]["/health"]["get"] = json!({})).await;
    let expected = "1 of 7 operations\n- GET /health without a token: expected 401 with a challenge, because the document declares security; received 200";
    assert!(text.contains(expected), "{text}");
}

#[tokio::test]
async fn assert_openapi_reports_a_route_that_needs_a_token_although_the_document_does_not_say_so() {
    for security in [json!([]), json!([{}]), json!([{}, { "okta": [] }])] {
        let text = failure(|it| it["paths"]["/me"]["get"]["security"] = security).await;
        assert!(
            text.contains("- GET /me without a token: expected neither 401 nor 403"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn assert_openapi_reports_scopes_that_differ() {
    let read = |scopes: Value| {
        move |it: &mut Value| it["paths"]["/orders/{id}"]["get"]["security"] = scopes
    };
    // The document leaves the scope out.
    let text = failure(read(json!([{ "okta": [] }]))).await;
    assert!(
        text.contains(
            "- GET /orders/{id} with a token without scopes: expected neither 401 nor 403"
        ),
        "{text}"
    );
    // It has another scope, so that a client requests the wrong one.
    let text = failure(read(json!([{ "okta": ["orders:raed"] }]))).await;
    assert!(text.contains(r#"expected a challenge with the scopes of one of [["orders:raed"]]; received one with ["orders:read"]"#), "{text}");
    assert!(
        text.contains(
            r#"- GET /orders/{id} with the scopes ["orders:raed"]: expected neither 401 nor 403"#
        ),
        "{text}"
    );
    // It has one scope too many.
    let text = failure(read(json!([{ "okta": ["orders:read", "orders:list"] }]))).await;
    assert!(text.contains("1 of 7 operations"), "{text}");
    // It has an alternative that is not sufficient.
    let text = failure(read(
        json!([{ "okta": ["orders:read"] }, { "okta": ["orders:admin"] }]),
    ))
    .await;
    assert!(
        text.contains(r#"with the scopes ["orders:admin"]: expected neither"#),
        "{text}"
    );
    // It demands a scope where the route demands none.
    let text =
        failure(|it| it["paths"]["/me"]["get"]["security"] = json!([{ "okta": ["profile"] }]))
            .await;
    assert!(text.contains("- GET /me with a token without scopes: expected 403, because the document declares scopes; received 200"), "{text}");
}

#[tokio::test]
async fn assert_openapi_reports_what_the_document_leaves_out() {
    let text = failure(|it| it["paths"] = json!({})).await;
    assert!(
        text.contains("the OpenAPI document has no operation"),
        "{text}"
    );
    let text = failure(|it| it["openapi"] = json!("2.0")).await;
    assert!(text.contains("`openapi` of 3.0 or 3.1"), "{text}");
    // 3.2 has methods that would not be tested.
    let text = failure(|it| it["openapi"] = json!("3.2.0")).await;
    assert!(text.contains("`openapi` of 3.0 or 3.1"), "{text}");
    // Operations in another document would not be tested.
    for reference in ["paths.json#/orders", "#/components/pathItems/gone"] {
        let text = failure(|it| it["paths"]["/me"] = json!({ "$ref": reference })).await;
        assert!(text.contains("/me: the reference"), "{reference}: {text}");
    }
    let text = failure(|it| it["components"]["securitySchemes"] = json!({})).await;
    assert!(
        text.contains(r#"components.securitySchemes lacks "okta""#),
        "{text}"
    );
    let text = failure(|it| it["paths"]["/orders/{id}"]["parameters"] = json!([])).await;
    assert!(
        text.contains("a parameter of the path is not among `parameters`"),
        "{text}"
    );
    // A route that does not exist is not protected.
    let text = failure(|it| it["paths"]["/gone"] = json!({ "get": {} })).await;
    assert!(
        text.contains("- GET /gone without a token: expected 401"),
        "{text}"
    );
    // An alternative with an API key cannot be tested, but a request without credentials can.
    let text =
        failure(|it| it["paths"]["/health"]["get"]["security"] = json!([{ "key": [] }])).await;
    assert!(
        text.contains("- GET /health without a token: expected 401"),
        "{text}"
    );
}
