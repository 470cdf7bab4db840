//! `Verified<R>`: any token, a scope, a group, two at once, and no layer.

use axum::{Router, extract::FromRequestParts, routing};
use okta_verifier::VerifiedToken;
use okta_verifier_axum::{Claims, MaybeVerified, Verified, VerifyLayer};

use crate::support::{Admin, INVALID, LACKS_SCOPE, PLAIN, ReadOrders, get, okta, strict};

fn routes() -> Router {
    Router::new()
        .route(
            "/me",
            routing::get(async |token: Verified| token.subject().to_owned()),
        )
        .route(
            "/orders",
            routing::get(async |token: Verified<ReadOrders>| token.subject().to_owned()),
        )
        .route(
            "/admin",
            routing::get(async |token: Verified<Admin>| token.subject().to_owned()),
        )
        .route("/both", routing::get(both))
        .route("/kept", routing::get(kept))
}

async fn both(reader: Verified<ReadOrders>, admin: Verified<Admin>) -> String {
    format!("{} {}", reader.subject(), admin.clone().subject())
}

async fn kept(token: Verified) -> String {
    let token: VerifiedToken = token.into_token();
    token.subject().to_owned()
}

fn app(layer: VerifyLayer) -> Router {
    routes().route_layer(layer)
}

#[tokio::test]
async fn any_valid_token_is_accepted() {
    let app = app(strict());
    let jwt = okta().token("ada").sign();
    get(&app, "/me", Some(&jwt)).await.assert_served("ada");
    get(&app, "/kept", Some(&jwt)).await.assert_served("ada");
    get(&app, "/me", Some("a.b.c"))
        .await
        .assert_rejected(401, Some(INVALID));
    get(&app, "/me", None)
        .await
        .assert_rejected(401, Some(PLAIN));
}

#[tokio::test]
async fn scope_requirement_is_enforced() {
    let app = app(strict());
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/orders", Some(&reader))
        .await
        .assert_served("ada");
    let other = okta().token("ada").scope("orders").sign();
    get(&app, "/orders", Some(&other))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn group_requirement_is_enforced() {
    let app = app(strict());
    let admin = okta().token("ada").group("Admins").sign();
    get(&app, "/admin", Some(&admin)).await.assert_served("ada");
    let other = okta().token("ada").group("admins").sign();
    get(&app, "/admin", Some(&other))
        .await
        .assert_rejected(403, None);
}

#[tokio::test]
async fn several_requirements_in_one_handler_are_all_checked() {
    let app = app(strict());
    let both = okta()
        .token("ada")
        .scope("orders:read")
        .group("Admins")
        .sign();
    get(&app, "/both", Some(&both))
        .await
        .assert_served("ada ada");
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/both", Some(&reader))
        .await
        .assert_rejected(403, None);
    let admin = okta().token("ada").group("Admins").sign();
    get(&app, "/both", Some(&admin))
        .await
        .assert_rejected(403, Some(LACKS_SCOPE));
}

/// An anonymous request gets a challenge, never 403.
#[tokio::test]
async fn anonymous_request_is_401_without_an_error() {
    let app = app(strict().optional());
    for path in ["/me", "/orders", "/admin", "/both"] {
        get(&app, path, None)
            .await
            .assert_rejected(401, Some(PLAIN));
    }
}

// conformance 224
/// Fails closed: a route without its layer serves no request.
#[tokio::test]
async fn missing_layer_is_500() {
    let jwt = okta().token("ada").scope("orders:read").sign();
    for path in ["/me", "/orders", "/admin", "/kept"] {
        get(&routes(), path, Some(&jwt))
            .await
            .assert_rejected(500, None);
        get(&routes(), path, None).await.assert_rejected(500, None);
    }
}

#[tokio::test]
async fn debug_output_shows_no_token() {
    async fn debug(token: Verified<ReadOrders>) -> String {
        format!("{token:?}")
    }
    let app = Router::new()
        .route("/", routing::get(debug))
        .route_layer(strict());
    let jwt = okta().token("ada").scope("orders:read").sign();
    let text = get(&app, "/", Some(&jwt)).await.body;
    assert!(text.starts_with("Verified("), "{text}");
    assert!(jwt.split('.').all(|part| !text.contains(part)), "{text}");
}

/// Tests at compile time whether `T` is an extractor: the inherent constant hides the trait's.
struct Probe<T>(std::marker::PhantomData<T>);

impl<T: FromRequestParts<()>> Probe<T> {
    const IS_EXTRACTOR: bool = true;
}

trait NotAnExtractor {
    const IS_EXTRACTOR: bool = false;
}

impl<T> NotAnExtractor for Probe<T> {}

// finding 8
/// `Option<Verified>` would turn a rejected token into "no token". axum implements optional extraction
/// for some of its types; this crate must not.
#[test]
fn option_of_an_extractor_is_not_an_extractor() {
    const {
        assert!(Probe::<Verified>::IS_EXTRACTOR);
        assert!(Probe::<Verified<ReadOrders>>::IS_EXTRACTOR);
        assert!(Probe::<MaybeVerified>::IS_EXTRACTOR);
        assert!(Probe::<Claims<String>>::IS_EXTRACTOR);
        assert!(!Probe::<Option<Verified>>::IS_EXTRACTOR);
        assert!(!Probe::<Option<Verified<ReadOrders>>>::IS_EXTRACTOR);
        assert!(!Probe::<Option<MaybeVerified>>::IS_EXTRACTOR);
        assert!(!Probe::<Option<Claims<String>>>::IS_EXTRACTOR);
    }
}
