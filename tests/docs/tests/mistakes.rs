//! The typical mistakes of a new user at run time. Each meets a text that says what to write, and
//! `okta-verifier/docs/common-mistakes.md` quotes that text.

use std::{
    convert::Infallible,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
};

use actix_web::{App, dev::HttpServiceFactory, test as actix, web};
use axum::{
    Router,
    body::Body,
    http::{Request, Response},
    routing::get,
};
use okta_verifier::{
    ConfigError, Issuer, Policy, Verifier, dpop::DpopSettings, settings::Settings,
};
use okta_verifier_actix::{RequireMiddleware, VerifyMiddleware};
use okta_verifier_axum::{RequireLayer, VerifyLayer};
use okta_verifier_testing::{Client, MockOkta, TestIssuer, TokenBuilder};
use tokio::runtime;
use tower::{ServiceBuilder, ServiceExt};

const ISSUER: &str = "https://acme.okta.com/oauth2/default";
const AUDIENCE: &str = "api://default";
const CLIENT: &str = "0oab8om4bars6Y80Z0h7";
const READ: Policy = Policy::scope("orders:read");

/// Asserts that the text is the expected one, and that the page quotes it.
#[track_caller]
fn assert_told(text: impl ToString, expected: &str) {
    assert_eq!(text.to_string(), expected);
    let is_quoted = read("okta-verifier/docs/common-mistakes.md").contains(expected);
    assert!(
        is_quoted,
        "okta-verifier/docs/common-mistakes.md lacks: {expected}"
    );
}

/// Returns a file of the project.
fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path);
    fs::read_to_string(path).expect("a file of the project")
}

/// Returns the events of the library while `future` runs, such as `code="expired" … reason=…`.
fn events(future: impl Future) -> Vec<String> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    logged(|| drop(runtime.block_on(future)))
}

fn logged(act: impl FnOnce()) -> Vec<String> {
    let lines = secret_scan::logged(act).into_iter();
    let ours = lines.filter(|line| line.target.starts_with("okta_verifier::"));
    let text = |line: secret_scan::Line| line.text.trim_end().replacen("message=", "", 1);
    let texts = ours
        .map(text)
        .map(|text| match text.strip_prefix("request rejected ") {
            Some(rejection) => code_and_reason(rejection),
            None => text,
        });
    // A missing layer has an event of its own too, which says what to write.
    texts
        .filter(|text| !text.starts_with("code=\"missing_layer\""))
        .collect()
}

/// Returns the first and the last field of the event about a rejection. The page leaves out the others, which
/// depend on the service.
fn code_and_reason(fields: &str) -> String {
    let (code, rest) = fields.split_once(' ').expect("further fields");
    assert!(
        code.starts_with("code=") && rest.contains("status="),
        "{fields}"
    );
    let (_, reason) = rest.split_once("reason=").expect("the last field");
    format!("{code} … reason={reason}")
}

#[track_caller]
fn assert_one_event(future: impl Future, expected: &str) {
    let events = events(future);
    let [event] = &events[..] else {
        panic!("one event: {events:?}");
    };
    assert_told(event, expected);
}

// Issuers.

fn build(issuer: Issuer) -> Result<Verifier, ConfigError> {
    Verifier::builder().issuer(issuer).build()
}

#[track_caller]
fn assert_okta_issuer_is_rejected(url: &str, expected: &str) {
    let built = build(Issuer::okta(url, AUDIENCE).any_client_id());
    assert_told(built.expect_err("a mistake"), expected);
}

#[test]
fn issuer_that_is_not_set_is_rejected_with_the_call_to_write() {
    let error = Verifier::builder().build().unwrap_err();
    assert_told(error, NO_ISSUER);
}

#[test]
fn issuer_with_more_than_the_servers_id_is_rejected_with_the_issuer_to_write() {
    for (end, expected) in [
        ("/", SLASH),
        ("/.well-known/openid-configuration", METADATA),
        ("/v1/token", TOKEN_ENDPOINT),
    ] {
        assert_okta_issuer_is_rejected(&format!("{ISSUER}{end}"), expected);
    }
    assert!(build(Issuer::okta(ISSUER, AUDIENCE).any_client_id()).is_ok());
}

#[test]
fn issuer_without_https_is_rejected_with_the_issuer_to_write() {
    assert_okta_issuer_is_rejected("http://acme.okta.com/oauth2/default", HTTP);
}

#[test]
fn issuer_without_a_scheme_is_rejected_with_an_example() {
    assert_okta_issuer_is_rejected("acme.okta.com", BARE_DOMAIN);
}

#[test]
fn issuer_with_a_line_break_or_a_placeholder_is_rejected_with_what_to_change() {
    assert_okta_issuer_is_rejected(&format!("{ISSUER}\n"), LINE_BREAK);
    assert_okta_issuer_is_rejected("https://{yourOktaDomain}/oauth2/default", PLACEHOLDER);
}

#[test]
fn issuer_of_the_admin_console_is_rejected_with_the_issuer_to_write() {
    assert_okta_issuer_is_rejected("https://acme-admin.okta.com/oauth2/default", ADMIN);
}

#[test]
fn issuer_of_another_product_is_rejected_with_the_constructor_to_write() {
    let (keycloak, entra) = (
        "https://sso.acme.com/realms/acme",
        "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0",
    );
    assert_okta_issuer_is_rejected(keycloak, KEYCLOAK);
    assert_okta_issuer_is_rejected(entra, ENTRA);
    let tenant = "9122040d-6c67-4c5b-b112-36a304b66dad";
    for issuer in [
        Issuer::keycloak(keycloak, AUDIENCE),
        Issuer::entra_v2(tenant, AUDIENCE),
    ] {
        assert!(build(issuer.any_client_id()).is_ok());
    }
}

#[test]
fn issuer_of_another_product_that_is_its_metadata_url_is_rejected_with_the_issuer_to_write() {
    let url = "https://sso.acme.com/realms/acme/.well-known/openid-configuration";
    let error = build(Issuer::rfc9068(url, AUDIENCE).any_client_id()).unwrap_err();
    assert_told(error, OTHER_METADATA);
}

#[test]
fn issuer_of_auth0_without_its_slash_is_rejected_with_the_issuer_to_write() {
    let auth0 = |url: &str| build(Issuer::auth0(url, AUDIENCE).any_client_id());
    assert_told(auth0("https://acme.eu.auth0.com").unwrap_err(), NO_SLASH);
    assert!(auth0("https://acme.eu.auth0.com/").is_ok());
}

#[test]
fn lightweight_tokens_without_introspection_are_rejected_with_the_call_to_write() {
    let keycloak = Issuer::keycloak("https://sso.acme.com/realms/acme", AUDIENCE).any_client_id();
    assert!(build(keycloak.clone()).is_ok());
    let error = build(keycloak.lightweight_tokens()).unwrap_err();
    assert_told(error, NO_INTROSPECTION);
}

#[test]
fn settings_file_with_a_mistake_is_rejected_with_what_to_write() {
    let file = r#"
        [[issuers]]
        provider = "keycloak"
        url = "https://sso.acme.com/realms/acme"
        audiences = ["orders-api"]
        client_ids = ["orders-web"]
    "#;
    let problem = |text: &str| -> Option<String> {
        let settings = Settings::read(toml::Deserializer::parse(text).expect("TOML"));
        match settings.map(|settings| settings.verifier()) {
            Err(error) => Some(error.to_string()),
            Ok(built) => built.err().map(|error| error.to_string()),
        }
    };
    assert_eq!(problem(file), None);
    for (right, wrong, expected) in [
        (
            "client_ids = [\"orders-web\"]",
            "",
            "issuers[0]: missing field `client_ids`",
        ),
        (
            "[\"orders-api\"]",
            "\"orders-api\"",
            "issuers[0].audiences: invalid type: string \"orders-api\", expected a sequence",
        ),
        (
            "[\"orders-web\"]",
            "[\"*\"]",
            "issuers[0].client_ids: \"*\" must not be in a list; write \"*\" without brackets",
        ),
        ("audiences = [\"orders-api\"]", "", NO_AUDIENCES),
        ("[\"orders-api\"]", "[]", NO_AUDIENCES),
        (
            "[\"orders-web\"]",
            "[]",
            "issuers[0].client_ids: no client is accepted; write the IDs, or \"*\" to accept every client",
        ),
        (
            "url = \"https://sso.acme.com/realms/acme\"",
            "",
            "issuers[0]: this provider needs `url`; write it",
        ),
    ] {
        let error = problem(&file.replace(right, wrong));
        assert_told(error.expect("a mistake"), expected);
    }
    // The list of the keys follows.
    let error = problem(&file.replace("client_ids", "client_id")).expect("a mistake");
    let (start, keys) = error
        .split_once(" `provider`, `url`")
        .expect("the list of the keys");
    assert_told(
        start,
        "issuers[0].client_id: unknown field `client_id`, expected one of",
    );
    assert!(keys.contains("`client_ids`"));
}

#[test]
fn issuer_that_the_metadata_spells_otherwise_fails_with_that_spelling() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let error = runtime.unwrap().block_on(async {
        let server = MockOkta::start().await;
        let url = format!("{}/", server.issuer_url());
        let issuer = Issuer::rfc9068(url, AUDIENCE).any_client_id();
        let error = build(issuer).unwrap().warm_up().await.unwrap_err();
        let reason = error.reason().to_string();
        reason.replace(server.issuer_url(), "https://sso.acme.com/realms/acme")
    });
    assert_told(error, OTHER_SPELLING);
}

#[test]
fn org_server_issuer_is_rejected_with_the_form_to_write() {
    assert_okta_issuer_is_rejected("https://acme.okta.com", ORG_SERVER);
    assert_okta_issuer_is_rejected("https://acme.okta.com/oauth2/v1/token", ORG_SERVER);
    assert_okta_issuer_is_rejected("https://login.acme.com", ORG_SERVER_CUSTOM_DOMAIN);
}

// Audiences and clients.

#[test]
fn client_id_that_is_not_set_is_rejected_with_the_two_calls_to_choose_from() {
    let error = build(Issuer::okta(ISSUER, AUDIENCE)).unwrap_err();
    assert_told(error, NO_CLIENT);
}

#[test]
fn client_id_beside_any_client_id_is_rejected_with_what_to_remove() {
    let both = Issuer::okta(ISSUER, AUDIENCE)
        .client_id("0oa1client")
        .any_client_id();
    assert_told(build(both).unwrap_err(), BOTH_CLIENTS);
}

#[test]
fn audience_that_is_empty_is_rejected_with_an_example() {
    let error = build(Issuer::okta(ISSUER, "").any_client_id()).unwrap_err();
    assert_told(error, NO_AUDIENCE);
}

#[test]
fn audience_that_is_a_client_id_is_a_warning_and_a_reason_that_says_what_to_write() {
    let built = logged(|| drop(build(Issuer::okta(ISSUER, CLIENT).any_client_id())));
    let [warning] = &built[..] else {
        panic!("{built:?}");
    };
    assert_told(warning, AUDIENCE_WARNING);
    // Every token of the server is rejected.
    let (okta, mistaken) = (TestIssuer::new(AUDIENCE), TestIssuer::new(CLIENT));
    let issuer = mistaken.issuer().keys(okta.jwks()).any_client_id();
    assert_rejected(issuer, okta.token("ada"), WRONG_AUDIENCE);
}

#[test]
fn client_id_that_is_the_audience_is_a_warning_and_a_reason_that_says_what_to_write() {
    let mistaken = || Issuer::okta(ISSUER, AUDIENCE).client_id(AUDIENCE);
    let built = logged(|| drop(build(mistaken())));
    let [warning] = &built[..] else {
        panic!("{built:?}");
    };
    assert_told(warning, CLIENT_WARNING);
    let okta = TestIssuer::new(AUDIENCE);
    let issuer = okta.issuer().client_id(AUDIENCE);
    assert_rejected(issuer, okta.token("ada"), WRONG_CLIENT);
}

#[test]
fn audience_and_client_id_in_their_places_log_no_warning() {
    let issuer = Issuer::okta(ISSUER, AUDIENCE).client_id("0oa1client");
    assert!(logged(|| drop(build(issuer))).is_empty());
    let entra = "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0";
    let entra = Issuer::rfc9068(entra, "https://api.acme.com").client_id("https://app.acme.com");
    assert!(logged(|| drop(build(entra))).is_empty());
}

// Tokens.

/// Asserts the reason for which an axum API rejects the token.
#[track_caller]
fn assert_rejected(issuer: Issuer, token: TokenBuilder, expected: &str) {
    assert_authorization_is_rejected(issuer, &format!("Bearer {}", token.sign()), 401, expected);
}

#[track_caller]
fn assert_authorization_is_rejected(
    issuer: Issuer,
    authorization: &str,
    status: u16,
    expected: &str,
) {
    let app = Router::new()
        .route(
            "/orders",
            get(async |_: okta_verifier_axum::Verified| "orders"),
        )
        .route_layer(VerifyLayer::new(quiet(issuer)));
    let request = with_authorization("/orders", authorization);
    let send = async { assert_eq!(answer(app, request).await, status) };
    assert_one_event(send, expected);
}

/// Builds a verifier whose warnings a test does not see.
fn quiet(issuer: Issuer) -> Verifier {
    let mut built = None;
    logged(|| built = Some(build(issuer)));
    built.expect("built").expect("valid settings")
}

fn with_authorization(path: &str, authorization: &str) -> Request<Body> {
    let request = Request::get(path).header("authorization", authorization);
    request.body(Body::empty()).expect("a request")
}

async fn answer(app: Router, request: Request<Body>) -> u16 {
    let Ok(response) = app.oneshot(request).await;
    response.status().as_u16()
}

fn orders() -> (TestIssuer, Issuer) {
    let okta = TestIssuer::new(AUDIENCE);
    let issuer = okta.issuer().any_client_id();
    (okta, issuer)
}

#[test]
fn token_of_the_org_server_is_rejected_with_the_server_to_use() {
    let (okta, issuer) = orders();
    let domain = okta
        .issuer_url()
        .strip_suffix("/oauth2/default")
        .expect("a custom server");
    let org = TestIssuer::new(domain).at(domain);
    assert_rejected(issuer, org.token("ada"), ORG_TOKEN);
}

#[test]
fn token_of_an_issuer_that_is_not_configured_is_rejected_with_the_call_to_write() {
    let (_, issuer) = orders();
    let other = TestIssuer::new(AUDIENCE).at("https://acme.okta.com/oauth2/aus1other");
    assert_rejected(issuer, other.token("ada"), OTHER_ISSUER);
}

#[test]
fn id_token_is_rejected_with_the_token_to_send() {
    let (okta, issuer) = orders();
    // The audience of an ID token is the client.
    assert_rejected(issuer, okta.token("ada").id_token(), WRONG_AUDIENCE);
    let (okta, issuer) = orders();
    let id_token = okta.token("ada").id_token().audience(AUDIENCE);
    assert_rejected(issuer, id_token, ID_TOKEN);
}

#[test]
fn token_of_keycloak_under_rfc9068_is_rejected_with_the_constructor_to_use() {
    let keycloak = TestIssuer::keycloak(AUDIENCE);
    let issuer = Issuer::rfc9068(keycloak.issuer_url(), AUDIENCE).keys(keycloak.jwks());
    assert_rejected(issuer.any_client_id(), keycloak.token("ada"), OTHER_TYPE);
}

#[test]
fn lightweight_token_without_the_setting_is_rejected_with_the_claim_that_it_lacks() {
    let keycloak = TestIssuer::keycloak(AUDIENCE);
    let lightweight = keycloak.token("ada").without("aud").without("sub");
    assert_rejected(
        keycloak.issuer().any_client_id(),
        lightweight,
        MISSING_AUDIENCE,
    );
}

#[test]
fn token_in_another_form_than_one_bare_token_is_rejected_with_the_form_to_send() {
    for (form, status, expected) in [
        ("Bearer Bearer TOKEN", 400, NOT_ONE_TOKEN),
        ("Bearer \"TOKEN\"", 400, NOT_ONE_TOKEN),
        ("Bearer ", 400, EMPTY_TOKEN),
        ("\"Bearer TOKEN\"", 400, NO_SCHEME),
        ("TOKEN", 401, OTHER_SCHEME),
        ("Token TOKEN", 401, OTHER_SCHEME),
    ] {
        let (okta, issuer) = orders();
        let authorization = form.replace("TOKEN", &okta.token("ada").sign());
        assert_authorization_is_rejected(issuer, &authorization, status, expected);
    }
}

#[test]
fn token_that_is_not_sent_is_rejected_with_the_field_to_send() {
    let (_, issuer) = orders();
    let app = Router::new()
        .route("/orders", get(async || "orders"))
        .route_layer(VerifyLayer::new(quiet(issuer)));
    let in_query = Request::get("/orders?access_token=t").body(Body::empty());
    let send = async { assert_eq!(answer(app, in_query.unwrap()).await, 401) };
    assert_one_event(send, NO_FIELD);
}

#[test]
fn bound_token_without_dpop_enabled_is_rejected_with_the_setting_to_write() {
    let client = Client::new();
    let (okta, issuer) = orders();
    assert_rejected(issuer, client.bind(okta.token("ada")), BINDING_UNCHECKED);
    let (okta, issuer) = orders();
    let authorization = format!("DPoP {}", client.bind(okta.token("ada")).sign());
    assert_authorization_is_rejected(issuer, &authorization, 401, OTHER_SCHEME);
}

// Layers.

fn reader(okta: &TestIssuer) -> String {
    format!("Bearer {}", okta.token("ada").scope("orders:read").sign())
}

#[test]
fn axum_extractor_without_a_layer_is_a_500_that_names_the_layer() {
    let app = Router::new().route(
        "/orders",
        get(async |_: okta_verifier_axum::Verified| "orders"),
    );
    let request = with_authorization("/orders", &reader(&orders().0));
    let send = async { assert_eq!(answer(app, request).await, 500) };
    assert_one_event(send, NO_LAYER);
}

#[test]
fn axum_route_that_is_added_after_the_layer_is_not_covered_by_it() {
    let (okta, issuer) = orders();
    let app = Router::new()
        .route("/orders", get(async || "orders"))
        .route_layer(VerifyLayer::new(quiet(issuer)))
        .route(
            "/invoices",
            get(async |_: okta_verifier_axum::Verified| "invoices"),
        )
        .route("/open", get(async || "open"));
    let bearer = reader(&okta);
    let request = with_authorization("/invoices", &bearer);
    let send = async { assert_eq!(answer(app.clone(), request).await, 500) };
    assert_one_event(send, NO_LAYER);
    // Without an extractor, nothing protects such a route.
    let request = Request::get("/open").body(Body::empty()).unwrap();
    assert!(events(async { assert_eq!(answer(app, request).await, 200) }).is_empty());
}

#[test]
fn axum_route_layer_before_any_route_panics_with_what_to_do() {
    let (_, issuer) = orders();
    let verifier = quiet(issuer);
    let mistake = || Router::<()>::new().route_layer(VerifyLayer::new(verifier));
    assert_told(panic_text(mistake), NO_ROUTE_YET);
}

#[test]
fn axum_require_layer_outside_verify_layer_is_a_500_that_names_the_order() {
    let (okta, issuer) = orders();
    let verifier = quiet(issuer);
    let route = || Router::new().route("/orders", get(async || "orders"));
    let (verify, require) = (VerifyLayer::new(verifier), RequireLayer::new(READ));
    // The last layer is the outermost.
    let wrong = route()
        .route_layer(verify.clone())
        .route_layer(require.clone());
    let request = with_authorization("/orders", &reader(&okta));
    let send = async { assert_eq!(answer(wrong, request).await, 500) };
    assert_one_event(send, NO_LAYER);

    let right = route().route_layer(require).route_layer(verify);
    let request = with_authorization("/orders", &reader(&okta));
    assert!(events(async { assert_eq!(answer(right, request).await, 200) }).is_empty());
}

#[test]
fn tower_require_layer_outside_verify_layer_is_a_500_that_names_the_order() {
    let (okta, issuer) = orders();
    // The first layer of a `ServiceBuilder` is the outermost.
    let service = ServiceBuilder::new()
        .layer(okta_verifier_tower::RequireLayer::new(READ))
        .layer(okta_verifier_tower::VerifyLayer::new(quiet(issuer)))
        .service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let request = with_authorization("/orders", &reader(&okta));
    let send = async {
        let Ok(response) = service.oneshot(request).await;
        assert_eq!(response.status(), 500);
    };
    assert_one_event(send, NO_LAYER);
}

async fn actix_answer(service: impl HttpServiceFactory + 'static, bearer: &str) -> u16 {
    let app = actix::init_service(App::new().service(service)).await;
    let request = actix::TestRequest::get()
        .uri("/orders")
        .insert_header(("authorization", bearer))
        .to_request();
    actix::call_service(&app, request).await.status().as_u16()
}

#[test]
fn actix_extractor_without_a_middleware_is_a_500_that_names_the_middleware() {
    let handler = async |_: okta_verifier_actix::Verified| "orders";
    let resource = web::resource("/orders").get(handler);
    let bearer = reader(&orders().0);
    let send = async { assert_eq!(actix_answer(resource, &bearer).await, 500) };
    assert_one_event(send, NO_LAYER);
}

#[test]
fn actix_require_middleware_outside_verify_middleware_is_a_500_that_names_the_order() {
    let (okta, issuer) = orders();
    let bearer = reader(&okta);
    let verify = VerifyMiddleware::new(quiet(issuer));
    let resource = || web::resource("/orders").get(async || "orders");
    // The last `wrap` is the outermost.
    let wrong = resource()
        .wrap(verify.clone())
        .wrap(RequireMiddleware::new(READ));
    let send = async { assert_eq!(actix_answer(wrong, &bearer).await, 500) };
    assert_one_event(send, NO_LAYER);

    let right = resource().wrap(RequireMiddleware::new(READ)).wrap(verify);
    let send = async { assert_eq!(actix_answer(right, &bearer).await, 200) };
    assert!(events(send).is_empty());
}

fn dpop(issuer: Issuer) -> Verifier {
    Verifier::builder()
        .issuer(issuer)
        .dpop(DpopSettings::base_url("https://api.example.com"))
        .build()
        .expect("valid settings")
}

fn bound(client: &Client, okta: &TestIssuer, path: &str) -> Request<Body> {
    let jwt = client.bind(okta.token("ada")).sign();
    let url = format!("https://api.example.com{path}");
    let mut request = with_authorization(path, &format!("DPoP {jwt}"));
    let proof = client.proof("GET", &url).token(&jwt).sign();
    request
        .headers_mut()
        .insert("dpop", proof.parse().expect("a header"));
    request
}

#[test]
fn verify_layer_that_is_applied_twice_accepts_a_bearer_token_and_rejects_every_proof() {
    let (client, (okta, issuer)) = (Client::new(), orders());
    let verify = VerifyLayer::new(dpop(issuer));
    let app = Router::new()
        .route(
            "/orders",
            get(async |_: okta_verifier_axum::Verified| "orders"),
        )
        .route_layer(verify.clone())
        .route_layer(verify);
    let request = with_authorization("/orders", &reader(&okta));
    assert!(events(async { assert_eq!(answer(app.clone(), request).await, 200) }).is_empty());

    let request = bound(&client, &okta, "/orders");
    let send = async { assert_eq!(answer(app, request).await, 401) };
    assert_one_event(send, USED_TWICE);
}

#[test]
fn verify_layer_of_tower_under_axums_nest_rejects_a_proof_with_the_layer_to_use() {
    let (client, (okta, issuer)) = (Client::new(), orders());
    let verifier = dpop(issuer);
    let handler = || get(async |_: okta_verifier_axum::Verified| "orders");
    let tower = okta_verifier_tower::VerifyLayer::new(verifier.clone());
    let wrong = Router::new().route("/orders", handler()).route_layer(tower);
    let wrong = Router::new().nest("/v1", wrong);
    let request = bound(&client, &okta, "/v1/orders");
    let send = async { assert_eq!(answer(wrong, request).await, 401) };
    assert_one_event(send, NESTED);

    let right = Router::new().route("/orders", handler());
    let right = Router::new().nest("/v1", right.route_layer(VerifyLayer::new(verifier)));
    let request = bound(&client, &okta, "/v1/orders");
    assert!(events(async { assert_eq!(answer(right, request).await, 200) }).is_empty());
}

// Runtimes.

fn fetching() -> Verifier {
    quiet(Issuer::okta("http://127.0.0.1:1/oauth2/default", AUDIENCE).any_client_id())
}

#[test]
fn fetch_without_a_tokio_runtime_fails_with_the_runtime_to_use() {
    let verifier = fetching();
    let warm_up = pin!(verifier.warm_up());
    let Poll::Ready(Err(error)) = warm_up.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("it fails at once");
    };
    assert_told(error.reason(), NO_RUNTIME);
}

#[test]
fn fetch_on_a_runtime_without_timers_panics_with_what_to_call() {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    let mistake = || runtime.block_on(fetching().warm_up());
    assert_told(panic_text(mistake), NO_TIMERS);
}

#[test]
fn fetch_on_a_runtime_without_io_fails_with_what_to_call() {
    let runtime = runtime::Builder::new_current_thread().enable_time().build();
    let error = runtime.unwrap().block_on(fetching().warm_up()).unwrap_err();
    assert_told(error.reason(), NO_IO);
}

fn panic_text<T>(mistake: impl FnOnce() -> T) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(mistake)) else {
        panic!("it panics");
    };
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.expect("a text")
}

// Compiler messages.

#[test]
fn requirement_that_is_missing_has_the_message_that_the_page_quotes() {
    let source = read("okta-verifier/src/policy.rs");
    let (_, texts) = source.split_once("on_unimplemented(").expect("there");
    let (texts, _) = texts
        .split_once("\n)]\npub trait Requirement")
        .expect("its end");
    let page = read("okta-verifier/docs/common-mistakes.md");
    let mut quoted = 0;
    for line in texts.lines() {
        let Some((kind, text)) = line.trim().split_once(" = ") else {
            continue;
        };
        let text = text
            .trim_end_matches(',')
            .trim_matches('"')
            .replace("\\\"", "\"");
        let of = |name: &str| {
            text.replace("{Self}", name)
                .replace("{{", "{")
                .replace("}}", "}")
        };
        let is_quoted = page.contains(&of("ReadOrders")) || page.contains(&of("Employee"));
        // The page leaves out the label, which repeats the message.
        assert!(is_quoted || kind == "label", "{text}");
        quoted += usize::from(is_quoted);
    }
    assert_eq!(quoted, 3);
}

// The texts.

const NO_ISSUER: &str = r#"no issuer: call .issuer(Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").client_id("0oa…"))"#;
const SLASH: &str = r#"issuer "https://acme.okta.com/oauth2/default/": a custom authorization server has the issuer https://{domain}/oauth2/{id}, without a slash or a path behind it; write https://acme.okta.com/oauth2/default"#;
const METADATA: &str = r#"issuer "https://acme.okta.com/oauth2/default/.well-known/openid-configuration": a custom authorization server has the issuer https://{domain}/oauth2/{id}, without a slash or a path behind it; write https://acme.okta.com/oauth2/default"#;
const TOKEN_ENDPOINT: &str = r#"issuer "https://acme.okta.com/oauth2/default/v1/token": a custom authorization server has the issuer https://{domain}/oauth2/{id}, without a slash or a path behind it; write https://acme.okta.com/oauth2/default"#;
const HTTP: &str = r#"issuer "http://acme.okta.com/oauth2/default": the scheme is not https; write https://acme.okta.com/oauth2/default; http is supported for issuers on 127.0.0.0/8, [::1] and localhost"#;
const BARE_DOMAIN: &str = r#"issuer "acme.okta.com": the scheme or the host is missing or malformed; write an absolute URL, such as https://acme.okta.com/oauth2/default"#;
const LINE_BREAK: &str = r#"issuer "https://acme.okta.com/oauth2/default\n": the URL must be ASCII without whitespace; remove the other characters"#;
const PLACEHOLDER: &str = r#"issuer "https://{yourOktaDomain}/oauth2/default": replace the placeholder with your Okta domain, such as acme.okta.com"#;
const ADMIN: &str = r#"issuer "https://acme-admin.okta.com/oauth2/default": this is the host of Okta's admin console; write https://acme.okta.com/oauth2/default"#;
const ORG_SERVER: &str = r#"issuer "https://acme.okta.com" is an Okta org authorization server: its access tokens are for Okta's own APIs and may change without notice; write the issuer of a custom authorization server, such as https://acme.okta.com/oauth2/default"#;
const ORG_SERVER_CUSTOM_DOMAIN: &str = r#"issuer "https://login.acme.com": for a custom domain of Okta this is the org authorization server, whose tokens are for Okta's own APIs; write the issuer of a custom authorization server, such as https://login.acme.com/oauth2/default; for another product, use its constructor, such as Issuer::keycloak, entra_v2, auth0 or cognito, or else Issuer::rfc9068"#;
const KEYCLOAK: &str = r#"issuer "https://sso.acme.com/realms/acme": an Okta custom authorization server has the path /oauth2/{id}; for another product, use its constructor, such as Issuer::keycloak, entra_v2, auth0 or cognito, or else Issuer::rfc9068"#;
const ENTRA: &str = r#"issuer "https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0": this host is not Okta's; for another product, use its constructor, such as Issuer::keycloak, entra_v2, auth0 or cognito, or else Issuer::rfc9068"#;
const OTHER_METADATA: &str = r#"issuer "https://sso.acme.com/realms/acme/.well-known/openid-configuration": this is the URL of the issuer's metadata; write https://sso.acme.com/realms/acme, or the `issuer` of the metadata if it differs"#;
const NO_SLASH: &str = r#"issuer "https://acme.eu.auth0.com": the issuer of an Auth0 tenant ends with a slash; write https://acme.eu.auth0.com/"#;
const NO_INTROSPECTION: &str = r#"issuer "https://sso.acme.com/realms/acme": lightweight tokens leave their audience to the introspection response; add .introspection(..)"#;
const NO_AUDIENCES: &str = r#"issuers[0].audiences: no audience is accepted; write a list with the `aud` of the access tokens, such as ["https://orders.example"]"#;
const NO_AUDIENCE: &str = r#"issuer "https://acme.okta.com/oauth2/default": the audience is empty; write the `aud` of its access tokens, such as "api://default""#;
const AUDIENCE_WARNING: &str = r#"the audience looks like a client ID; write the audience of the authorization server, such as "api://default" issuer="https://acme.okta.com/oauth2/default""#;
const CLIENT_WARNING: &str = r#"a client ID looks like an audience; write the ID of the client, such as "0oa…" issuer="https://acme.okta.com/oauth2/default""#;
const NO_CLIENT: &str = r#"issuer "https://acme.okta.com/oauth2/default": no client is accepted; call .client_id(..) with the ID of each client, or .any_client_id()"#;
const BOTH_CLIENTS: &str = r#"issuer "https://acme.okta.com/oauth2/default": both .client_id(..) and .any_client_id() are called; remove one of them"#;
const OTHER_SPELLING: &str = r#"the metadata's issuer "https://sso.acme.com/realms/acme" does not exactly match the configured issuer; write the issuer exactly as in the metadata, if it is yours"#;
const NO_RUNTIME: &str = r#"there is no tokio runtime to send a request on; call it on a tokio runtime with enable_all(), such as that of #[tokio::main]"#;
const NO_TIMERS: &str = r#"A Tokio 1.x context was found, but timers are disabled. Call `enable_time` on the runtime builder to enable timers."#;
const NO_IO: &str = r#"the verification was interrupted; the request can be repeated at once; if every request fails, build the tokio runtime with enable_all()"#;
const NO_FIELD: &str = r#"code="no_credentials" … reason=the request has no Authorization field; the client must send `Authorization: Bearer <token>`"#;
const OTHER_SCHEME: &str = r#"code="no_credentials" … reason=the scheme of Authorization is missing or not accepted; the client must send `Authorization: Bearer <token>`; for the scheme DPoP, set VerifierBuilder::dpop"#;
const NO_SCHEME: &str = r#"code="invalid_request" … reason=Authorization does not begin with a scheme and a space; the client must send `Authorization: Bearer <token>`"#;
const EMPTY_TOKEN: &str = r#"code="invalid_request" … reason=Authorization has no token after the scheme and a space; the client must send `Authorization: Bearer <token>`"#;
const NOT_ONE_TOKEN: &str = r#"code="invalid_request" … reason=the token has a character that is not allowed, such as a quote, a comma or a space; the client must send `Authorization: Bearer <token>` with one scheme and one token, without quotes"#;
const WRONG_AUDIENCE: &str = r#"code="wrong_audience" … reason=the token is for another audience; the client must send the access token for this API, not an ID token; if every token is rejected, write the `aud` of the access tokens in the constructor of the issuer, in OKTA_AUDIENCE or in `audiences` of the settings file, and in .audience(..) of the layer and of the resource, if there is one; do not write the ID of the client that requests them"#;
const OTHER_TYPE: &str = r#"code="type_not_allowed" … reason=the token's typ is not that of an access token of this issuer; the client must send its access token; if every token is rejected, use the constructor of the provider, such as Issuer::okta, keycloak or auth0, because Issuer::rfc9068 requires the typ at+jwt"#;
const MISSING_AUDIENCE: &str = r#"code="missing_claim" … reason=the claim `aud` is missing"#;
const ID_TOKEN: &str = r#"code="not_an_access_token" … reason=the token is not an access token; the client must send its access token, not its ID token"#;
const WRONG_CLIENT: &str = r#"code="client_not_allowed" … reason=the token's client is not allowed; if the client may call this API, add its ID with .client_id(..), in OKTA_CLIENT_IDS or in `client_ids` of the settings file"#;
const ORG_TOKEN: &str = r#"code="org_authorization_server" … reason=the token names the org authorization server as its issuer, whose tokens are for Okta's own APIs; the client must request its token from a custom authorization server, whose URL has the path /oauth2/{id}"#;
const OTHER_ISSUER: &str = r#"code="unknown_issuer" … reason=the token names an issuer that is not configured; if the issuer is yours, write it exactly as in `iss`, with the constructor of its provider, such as Issuer::okta, keycloak or auth0, or with .also_known_as(..) if it is another name of a configured issuer"#;
const BINDING_UNCHECKED: &str = r#"code="binding_unchecked" … reason=the binding of the token could not be checked: no setting accepts it (VerifierBuilder::dpop, client_certificates or client_cert_header), its `cnf` is not supported, the introspection response has no `cnf`, or the token was verified without its request (use a layer or Verifier::authenticate)"#;
const NESTED: &str = r#"code="invalid_dpop_proof" … reason=invalid DPoP proof: the proof's htu does not match the request's URL; set DpopSettings::base_url to the URL that clients use; under a nested path of axum or tower, use the VerifyLayer of okta-verifier-axum, or set VerifyLayer::original_uri"#;
const USED_TWICE: &str = r#"code="invalid_dpop_proof" … reason=invalid DPoP proof: the proof was used before; the client must make a new proof for each request; if every proof is rejected, the request passes two layers or middlewares that verify it: remove one"#;
const NO_LAYER: &str = r#"no token was verified before the handler, RequireLayer, McpLayer or RequireMiddleware that needs one; with axum, call .route_layer(VerifyLayer::new(verifier)) last, after the routes; with actix-web, call .wrap(VerifyMiddleware::new(verifier)) last; with tower's ServiceBuilder, call .layer(VerifyLayer::new(verifier)) first"#;
const NO_ROUTE_YET: &str = r#"Adding a route_layer before any routes is a no-op. Add the routes you want the layer to apply to first."#;
