//! Security events through routers: a token is accepted, an event is pushed over a socket, and the token is rejected.

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::get};
use okta_verifier::{
    Issuer, Verifier,
    revocation::{
        BackChannelLogout, EventHook, Revocations, RevocationsBuilder, Transmitter, UniversalLogout,
    },
};
use okta_verifier_axum::{Verified, VerifyLayer, revocation_routes};
use okta_verifier_testing::{EVENT_AUDIENCE, MockOkta, TestIssuer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tower::ServiceExt;

use crate::conformance::serve;

const SECRET: &str = "Bearer the-secret-of-the-stream";
const PATH: &str = "/events/ssf";
const HOOK_SECRET: &str = "the-secret-of-the-event-hook-of-acme";
const ENDPOINT: &str = "https://api.acme.test/events/universal-logout";
const CLIENT: &str = "0oa1universal";

/// A service that receives each signal of an org.
fn app(okta: &MockOkta) -> Router {
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    let builder = Revocations::builder()
        .transmitter(transmitter.authorization(SECRET))
        .event_hook(EventHook::okta(okta.org_url(), HOOK_SECRET))
        .universal_logout(UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT));
    app_with(okta.issuer("api://default"), builder)
}

fn app_with(issuer: Issuer, builder: RevocationsBuilder) -> Router {
    let revocations = builder.forgets_at_restart().build();
    let revocations = revocations.expect("valid settings");
    let verifier = Verifier::builder()
        .issuer(issuer.any_client_id())
        .revocations(revocations.clone())
        .build()
        .expect("valid settings");
    Router::new()
        .route("/orders", get(async |_: Verified| "orders"))
        .route_layer(VerifyLayer::new(verifier))
        .merge(revocation_routes(&revocations))
}

async fn status(app: &Router, jwt: &str) -> u16 {
    let request = Request::get("/orders").header("authorization", format!("Bearer {jwt}"));
    let request = request.body(Body::empty()).expect("a valid request");
    let response = app.clone().oneshot(request).await.expect("a response");
    response.status().as_u16()
}

// conformance 217
#[tokio::test]
async fn event_that_is_not_genuine_is_rejected_and_tokens_stay_valid() {
    let okta = MockOkta::start().await;
    let app = app(&okta);
    let ada = okta.token("ada").sign();
    let address = serve(app.clone()).await;
    let event = okta.session_revoked("ada").sign();
    let forged = okta.session_revoked("ada").foreign_key().sign();
    let large = "a".repeat(Revocations::MAX_EVENT + 1);
    for (secret, event, expected, err) in [
        (None, &event, 400, "authentication_failed"),
        (Some("Bearer wrong"), &event, 400, "authentication_failed"),
        (Some(SECRET), &forged, 400, "invalid_key"),
        (Some(SECRET), &ada, 400, "invalid_request"),
        (Some(SECRET), &large, 413, ""),
    ] {
        let response = okta.push(address, PATH, secret, event).await;
        let (status, body) = response.expect("a response");
        assert_eq!(status, expected);
        assert!(
            body.contains(err) && body.is_empty() == err.is_empty(),
            "{body}"
        );
    }
    let request = Request::get(PATH)
        .body(Body::empty())
        .expect("a valid request");
    let response = app.clone().oneshot(request).await.expect("a response");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"POST".parse().expect("a value"))
    );
    assert_eq!(status(&app, &ada).await, 200);
}

// conformance 217
// conformance 219
#[tokio::test]
async fn event_that_is_genuine_rejects_the_tokens_of_its_user() {
    let okta = MockOkta::start().await;
    let app = app(&okta);
    let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
    assert_eq!(status(&app, &ada).await, 200);
    let address = serve(app.clone()).await;
    let event = okta.session_revoked("ada").sign();
    for _ in 0..2 {
        let response = okta.push(address, PATH, Some(SECRET), &event).await;
        assert_eq!(response.expect("a response"), (202, String::new()));
    }
    assert_eq!(status(&app, &ada).await, 401);
    assert_eq!(status(&app, &bob).await, 200);
}

// conformance 292, 294
#[tokio::test]
async fn event_hook_has_a_route() {
    let okta = MockOkta::start().await;
    let app = app(&okta);
    let address = serve(app.clone()).await;
    let path = "/events/hook";
    assert!(
        okta.verify_hook(address, path, HOOK_SECRET)
            .await
            .expect("a response")
    );
    assert!(
        !okta
            .verify_hook(address, path, "wrong")
            .await
            .expect("a response")
    );

    let ada = okta.token("ada").sign();
    let send = async |secret, body: &str| {
        let sent = okta.send_hook(address, path, secret, body);
        sent.await.expect("a response")
    };
    let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
    assert_eq!(send("wrong", &suspended).await, 401);
    assert_eq!(send(HOOK_SECRET, "not JSON").await, 204);
    let too_large = " ".repeat(Revocations::MAX_HOOK + 1);
    assert_eq!(send(HOOK_SECRET, &too_large).await, 503);
    assert_eq!(status(&app, &ada).await, 200);
    // A delivery is larger than a security event may be.
    let padded = format!("{}{suspended}", " ".repeat(Revocations::MAX_EVENT + 1));
    assert_eq!(send(HOOK_SECRET, &padded).await, 204);
    assert_eq!(status(&app, &ada).await, 401);
}

// conformance 297
// conformance 298
#[tokio::test]
async fn universal_logout_has_a_route() {
    let okta = MockOkta::start().await;
    let app = app(&okta);
    let address = serve(app.clone()).await;
    let ada = okta.token("ada").sign();
    let send = async |jwt: String| {
        let sent = okta.send_universal_logout(address, "/events/universal-logout", &jwt, "ada");
        sent.await.expect("a response")
    };
    let logout = || okta.universal_logout(ENDPOINT, CLIENT);
    assert_eq!(send(logout().foreign_key().sign()).await, 401);
    assert_eq!(send(logout().claim("sub", "0oa2other").sign()).await, 403);
    assert_eq!(status(&app, &ada).await, 200);
    assert_eq!(send(logout().sign()).await, 204);
    assert_eq!(status(&app, &ada).await, 401);
}

// conformance 290
#[tokio::test]
async fn back_channel_logout_has_a_route() {
    let (realm, sender) = (TestIssuer::keycloak("orders"), MockOkta::start().await);
    let logout = BackChannelLogout::new(realm.issuer_url(), "web-shop").keys(realm.jwks());
    let builder = Revocations::builder().session_claim("sid");
    let builder = builder.back_channel_logout(logout);
    let app = app_with(realm.issuer(), builder);
    let address = serve(app.clone()).await;
    let ada = realm.token("ada").claim("sid", "session-1").sign();
    let send = async |client_id: &str| {
        let logout = realm.logout_token("ada", client_id, "session-1").sign();
        let form = format!("logout_token={logout}");
        let sent = sender.push(address, "/events/logout", None, &form).await;
        sent.expect("a response")
    };
    assert_eq!(send("another-client").await, (400, String::new()));
    assert_eq!(status(&app, &ada).await, 200);
    assert_eq!(send("web-shop").await, (200, String::new()));
    assert_eq!(status(&app, &ada).await, 401);
}

// conformance 308
#[tokio::test]
async fn request_with_a_wrong_secret_is_answered_although_its_body_never_ends() {
    let okta = MockOkta::start().await;
    let address = serve(app(&okta)).await;
    let forged = okta.universal_logout(ENDPOINT, CLIENT).foreign_key().sign();
    let forged = format!("Bearer {forged}");
    for (path, wrong, status) in [
        (PATH, "Bearer wrong", 400),
        ("/events/hook", "wrong", 401),
        ("/events/universal-logout", "Bearer wrong", 401),
        ("/events/universal-logout", &forged, 401),
    ] {
        // The body is announced, and nothing of it is sent.
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {wrong}\r\ncontent-length: 60000\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).await.expect("a listener");
        stream
            .write_all(head.as_bytes())
            .await
            .expect("an open connection");
        let mut response = [0; 1_024];
        let read = timeout(Duration::from_secs(10), stream.read(&mut response)).await;
        let length = read
            .expect("a response before the body")
            .expect("a response");
        let response = String::from_utf8_lossy(&response[..length]).to_lowercase();
        assert!(
            response.starts_with(&format!("http/1.1 {status} ")),
            "{response}"
        );
        assert_eq!(response.contains("www-authenticate: "), status == 401);
    }
}
