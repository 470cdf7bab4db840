//! `assert_conformant`: a correct axum API passes, and each planted fault is reported by name.

use axum::{
    Router,
    extract::{Request, State},
    http::HeaderValue,
    middleware::{from_fn, from_fn_with_state, map_response},
    response::Response,
};
use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_axum::VerifyLayer;
use okta_verifier_testing::{CLIENT_ID, MockOkta, Routes, assert_conformant, conformance};

use crate::conformance::{app, serve};

fn verifier(okta: &MockOkta) -> Verifier {
    let issuer = okta.issuer("api://default").client_id(CLIENT_ID);
    Verifier::builder()
        .issuer(issuer)
        .build()
        .expect("valid settings")
}

fn routes() -> Routes {
    Routes::new()
        .protected("/me")
        .scope("/orders", "orders:read")
        .group("/admin", "Admins")
        .optional("/maybe")
        .open("/health")
}

async fn base_url(app: Router) -> String {
    format!("http://{}", serve(app).await)
}

/// Returns the names of the failed cases.
async fn failures(okta: &MockOkta, app: Router) -> Vec<String> {
    let report = conformance::run_api(&base_url(app).await, okta, routes()).await;
    let names: Vec<String> = report.failures().map(str::to_owned).collect();
    let text = report.to_string();
    assert!(names.iter().all(|name| text.contains(name)), "{text}");
    names
}

fn assert_names(failures: &[String], expected: &[&str]) {
    for name in expected {
        assert!(
            failures.iter().any(|it| it == name),
            "{name} is not among {failures:?}"
        );
    }
}

#[tokio::test]
async fn axum_app_is_conformant() {
    let okta = MockOkta::start().await;
    let url = base_url(app(verifier(&okta))).await;
    let report = assert_conformant(&url, &okta, routes()).await;
    assert!(report.passed() > 250, "{report}");
    assert!(
        report
            .skipped()
            .any(|(name, _)| name == "RFC 9068: a valid token => 200")
    );
}

/// The API has a prefix, its own bodies and realm, and requires a claim of every token.
#[tokio::test]
async fn api_with_other_paths_and_bodies_is_conformant() {
    use axum::{http::StatusCode, response::IntoResponse, routing::get};
    use okta_verifier::{Policy, Requirement};
    use okta_verifier_axum::Verified;

    struct Tenant;
    impl Requirement for Tenant {
        const POLICY: Policy = Policy::all(&[TENANT, Policy::scope("invoices.write")]);
    }
    const TENANT: Policy = Policy::claim("tenant", "acme");

    let okta = MockOkta::start().await;
    okta.set_audience("api://invoices");
    let issuer = okta.issuer("api://invoices").any_client_id();
    let builder = Verifier::builder().issuer(issuer).realm("invoices");
    let verifier = builder.build().expect("valid settings");
    let invoices = Router::new()
        .route(
            "/invoices",
            get(async |_: Verified<Tenant>| StatusCode::NO_CONTENT),
        )
        .route_layer(VerifyLayer::new(verifier));
    // Bodies are up to the API.
    let explain = async |response: Response| match response.status().is_success() {
        true => response,
        false => (response.into_parts().0, "no").into_response(),
    };
    let app = Router::new()
        .nest("/v1", invoices)
        .layer(map_response(explain));

    let routes = Routes::new()
        .scope("/invoices", "invoices.write")
        .realm("invoices")
        .any_client_id()
        .tokens(|token| token.claim("tenant", "acme"));
    let url = format!("{}/v1/", base_url(app).await);
    let report = assert_conformant(&url, &okta, routes).await;
    assert!(report.passed() > 200, "{report}");
}

#[tokio::test]
async fn missing_audience_check_is_reported() {
    /// Serves a request that is rejected only for its audience.
    async fn lenient(
        State(verifier): State<Verifier>,
        mut request: Request,
        next: axum::middleware::Next,
    ) -> Response {
        let lines: Vec<Vec<u8>> = lines(&request);
        let credentials = RequestCredentials::new(lines.iter().map(Vec::as_slice));
        if let Err(rejection) = verifier.authenticate(&credentials).await
            && rejection
                .error()
                .is_some_and(|error| error.code() == "wrong_audience")
        {
            *request.uri_mut() = "/health".parse().expect("a path");
        }
        next.run(request).await
    }
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let inner = app(verifier.clone());
    let app = Router::new()
        .fallback_service(inner)
        .layer(from_fn_with_state(verifier, lenient));
    let failures = failures(&okta, app).await;
    assert_names(
        &failures,
        &[
            "audience: another audience => 401 invalid_token",
            "audience: the client as audience => 401 invalid_token",
            "optional layer: another audience => 401 invalid_token",
        ],
    );
    assert!(
        !failures
            .iter()
            .any(|name| name == "dates: an expired token => 401 invalid_token"),
        "{failures:?}"
    );
}

#[tokio::test]
async fn missing_challenge_is_reported() {
    let okta = MockOkta::start().await;
    let bare = async |mut response: Response| {
        response.headers_mut().remove("www-authenticate");
        response
    };
    let failures = failures(&okta, app(verifier(&okta)).layer(map_response(bare))).await;
    assert_names(
        &failures,
        &[
            "credentials: none for /me => 401",
            "dates: an expired token => 401 invalid_token",
            "scope: no scope => 403 insufficient_scope",
        ],
    );
    assert!(
        !failures
            .iter()
            .any(|name| name == "credentials: a valid token => 200"),
        "{failures:?}"
    );
}

#[tokio::test]
async fn query_token_acceptance_is_reported() {
    async fn from_query(mut request: Request, next: axum::middleware::Next) -> Response {
        let token = request
            .uri()
            .query()
            .and_then(|it| it.strip_prefix("access_token="));
        if let Some(token) = token
            && !request.headers().contains_key("authorization")
        {
            let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a token");
            let path = request.uri().path().parse().expect("a path");
            *request.uri_mut() = path;
            request.headers_mut().insert("authorization", value);
        }
        next.run(request).await
    }
    let okta = MockOkta::start().await;
    let inner = app(verifier(&okta));
    let app = Router::new()
        .fallback_service(inner)
        .layer(from_fn(from_query));
    assert_eq!(
        failures(&okta, app).await,
        ["credentials: a token in the query => 401"]
    );
}

/// Other common mistakes, one change each.
#[tokio::test]
async fn other_faults_are_reported() {
    let okta = MockOkta::start().await;

    let first_line_wins = async |mut request: Request| {
        if let Some(first) = request.headers().get("authorization").cloned() {
            request.headers_mut().insert("authorization", first);
        }
        request
    };
    let app_with = |layer| app(verifier(&okta)).layer(axum::middleware::map_request(layer));
    let found = failures(&okta, app_with(first_line_wins)).await;
    assert_names(
        &found,
        &[
            "malformed credentials: the same line twice => 400 invalid_request",
            "malformed credentials: a valid line before a malformed one => 400 invalid_request",
        ],
    );

    let shared_cache = async |mut response: Response| {
        if response.status() == 200 {
            let public = HeaderValue::from_static("public, max-age=60");
            response.headers_mut().insert("cache-control", public);
        }
        response
    };
    let found = failures(
        &okta,
        app(verifier(&okta)).layer(map_response(shared_cache)),
    )
    .await;
    assert_names(
        &found,
        &[
            "credentials: a valid token => 200",
            "route: open, no credentials => 200",
        ],
    );

    let open = Router::new().fallback(async || "in");
    let found = failures(&okta, open).await;
    assert_names(
        &found,
        &[
            "credentials: none for /me => 401",
            "algorithm: an unsigned token with alg none => 401 invalid_token",
        ],
    );
}

#[tokio::test]
async fn unreachable_api_is_one_failure() {
    let okta = MockOkta::start().await;
    let report = conformance::run_api("http://127.0.0.1:1", &okta, routes()).await;
    assert_eq!(
        report.failures().collect::<Vec<_>>(),
        ["the API is reachable"]
    );
}

#[tokio::test]
async fn report_without_paths_is_not_conformant() {
    let okta = MockOkta::start().await;
    let url = base_url(app(verifier(&okta))).await;
    let report = conformance::run_api(&url, &okta, Routes::new()).await;
    assert_eq!((report.passed(), report.failures().count()), (0, 0));
    assert!(!report.is_conformant());
}

#[tokio::test]
#[should_panic(expected = "credentials: a token in the query => 401")]
async fn fault_panics_with_the_case_name() {
    let okta = MockOkta::start().await;
    let open = base_url(Router::new().fallback(async || "in")).await;
    let _ = assert_conformant(&open, &okta, routes()).await;
}

fn lines(request: &Request) -> Vec<Vec<u8>> {
    let lines = request.headers().get_all("authorization").iter();
    lines.map(|value| value.as_bytes().to_vec()).collect()
}
