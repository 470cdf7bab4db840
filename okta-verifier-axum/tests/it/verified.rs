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
async fn any_token() {
    let app = app(strict());
    let jwt = okta().token("ada").sign();
    get(&app, "/me", Some(&jwt)).await.served("ada");
    get(&app, "/kept", Some(&jwt)).await.served("ada");
    get(&app, "/me", Some("a.b.c"))
        .await
        .refused(401, Some(INVALID));
    get(&app, "/me", None).await.refused(401, Some(PLAIN));
}

#[tokio::test]
async fn a_scope() {
    let app = app(strict());
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/orders", Some(&reader)).await.served("ada");
    let other = okta().token("ada").scope("orders").sign();
    get(&app, "/orders", Some(&other))
        .await
        .refused(403, Some(LACKS_SCOPE));
}

#[tokio::test]
async fn a_group() {
    let app = app(strict());
    let admin = okta().token("ada").group("Admins").sign();
    get(&app, "/admin", Some(&admin)).await.served("ada");
    let other = okta().token("ada").group("admins").sign();
    get(&app, "/admin", Some(&other)).await.refused(403, None);
}

#[tokio::test]
async fn several_in_one_handler_are_all_checked() {
    let app = app(strict());
    let both = okta()
        .token("ada")
        .scope("orders:read")
        .group("Admins")
        .sign();
    get(&app, "/both", Some(&both)).await.served("ada ada");
    let reader = okta().token("ada").scope("orders:read").sign();
    get(&app, "/both", Some(&reader)).await.refused(403, None);
    let admin = okta().token("ada").group("Admins").sign();
    get(&app, "/both", Some(&admin))
        .await
        .refused(403, Some(LACKS_SCOPE));
}

/// An anonymous caller is asked for credentials, never told 403.
#[tokio::test]
async fn anonymous_is_the_plain_401() {
    let app = app(strict().optional());
    for path in ["/me", "/orders", "/admin", "/both"] {
        get(&app, path, None).await.refused(401, Some(PLAIN));
    }
}

// conformance 224
/// Closed, not open: a forgotten layer serves nobody.
#[tokio::test]
async fn a_missing_layer_is_500() {
    let jwt = okta().token("ada").scope("orders:read").sign();
    for path in ["/me", "/orders", "/admin", "/kept"] {
        get(&routes(), path, Some(&jwt)).await.refused(500, None);
        get(&routes(), path, None).await.refused(500, None);
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

/// `Option<T>` is an extractor only where `T` says how; were `Verified` to say so, a refusal could
/// pass for no token. The call below would be ambiguous then, and this file would not compile.
#[test]
fn an_option_of_it_is_no_extractor() {
    trait AmbiguousForExtractors<Which> {
        fn checked() {}
    }
    impl<T> AmbiguousForExtractors<()> for T {}
    impl<T: FromRequestParts<()>> AmbiguousForExtractors<u8> for T {}
    <Option<Verified> as AmbiguousForExtractors<_>>::checked();
}

/// Tells at compile time whether `T` is an extractor: the inherent constant hides the trait's.
struct Probe<T>(std::marker::PhantomData<T>);

impl<T: axum::extract::FromRequestParts<()>> Probe<T> {
    const IS_EXTRACTOR: bool = true;
}

trait NotAnExtractor {
    const IS_EXTRACTOR: bool = false;
}

impl<T> NotAnExtractor for Probe<T> {}

// finding 8
/// `Option<Verified>` would turn a rejected token into "no token". axum itself implements optional
/// extraction for some of its types; none of ours may get it.
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
