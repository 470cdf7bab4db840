//! Security events over a socket: a token is accepted, an event is pushed, and the token is rejected.

use std::time::Duration;

use actix_web::web;
use okta_verifier::{
    Issuer, Verifier,
    revocation::{
        BackChannelLogout, EventHook, Revocations, RevocationsBuilder, Transmitter, UniversalLogout,
    },
};
use okta_verifier_actix::{VerifyMiddleware, revocation_routes};
use okta_verifier_testing::{EVENT_AUDIENCE, MockOkta, TestIssuer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{server::Server, whoami};

const SECRET: &str = "Bearer the-secret-of-the-stream";
const PATH: &str = "/events/ssf";
const HOOK_SECRET: &str = "the-secret-of-the-event-hook-of-acme";
const ENDPOINT: &str = "https://api.acme.test/events/universal-logout";
const CLIENT: &str = "0oa1universal";

/// A service that receives each signal of an org.
fn server(okta: &MockOkta) -> Server {
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    let builder = Revocations::builder()
        .transmitter(transmitter.authorization(SECRET))
        .event_hook(EventHook::okta(okta.org_url(), HOOK_SECRET))
        .universal_logout(UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT));
    server_with(okta.issuer("api://default"), builder)
}

fn server_with(issuer: Issuer, builder: RevocationsBuilder) -> Server {
    let revocations = builder.forgets_at_restart().build();
    let revocations = revocations.expect("valid settings");
    let verifier = Verifier::builder()
        .issuer(issuer.any_client_id())
        .revocations(revocations.clone())
        .build()
        .expect("valid settings");
    let verify = VerifyMiddleware::new(verifier);
    Server::start(1, move |routes| {
        routes
            .service(web::resource("/me").wrap(verify.clone()).get(whoami))
            .service(revocation_routes(&revocations))
            .service(revocation_routes(&revocations).at("/hooks/okta"));
    })
}

async fn status(server: &Server, jwt: &str) -> u16 {
    let authorization = format!("authorization: Bearer {jwt}");
    let response = server.get("/me", &[authorization.as_bytes()]).await;
    response.status
}

#[tokio::test]
async fn event_that_is_not_genuine_is_rejected_and_tokens_stay_valid() {
    let okta = MockOkta::start().await;
    let server = server(&okta);
    let ada = okta.token("ada").sign();
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
        let response = okta.push(server.address, PATH, secret, event).await;
        let (status, body) = response.expect("a response");
        assert_eq!(status, expected);
        assert!(body.contains(err), "{body}");
        assert_eq!(body.is_empty(), err.is_empty());
    }
    let response = server.get(PATH, &[]).await;
    assert_eq!(response.status, 405);
    assert!(response.headers.contains(&"allow: POST".to_owned()));
    assert_eq!(status(&server, &ada).await, 200);
}

// conformance 217
// conformance 219
#[tokio::test]
async fn event_that_is_genuine_rejects_the_tokens_of_its_user() {
    let okta = MockOkta::start().await;
    let server = server(&okta);
    let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
    assert_eq!(status(&server, &ada).await, 200);
    let event = okta.session_revoked("ada").sign();
    for path in [PATH, "/hooks/okta"] {
        let response = okta.push(server.address, path, Some(SECRET), &event).await;
        assert_eq!(response.expect("a response"), (202, String::new()));
    }
    assert_eq!(status(&server, &ada).await, 401);
    assert_eq!(status(&server, &bob).await, 200);
}

// conformance 292, 294
#[tokio::test]
async fn event_hook_has_a_route() {
    let okta = MockOkta::start().await;
    let server = server(&okta);
    let address = server.address;
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
    assert_eq!(status(&server, &ada).await, 200);
    // A delivery is larger than a security event may be.
    let padded = format!("{}{suspended}", " ".repeat(Revocations::MAX_EVENT + 1));
    assert_eq!(send(HOOK_SECRET, &padded).await, 204);
    assert_eq!(status(&server, &ada).await, 401);
}

// conformance 297
// conformance 298
#[tokio::test]
async fn universal_logout_has_a_route() {
    let okta = MockOkta::start().await;
    let server = server(&okta);
    let address = server.address;
    let ada = okta.token("ada").sign();
    let send = async |jwt: String| {
        let sent = okta.send_universal_logout(address, "/events/universal-logout", &jwt, "ada");
        sent.await.expect("a response")
    };
    let logout = || okta.universal_logout(ENDPOINT, CLIENT);
    assert_eq!(send(logout().foreign_key().sign()).await, 401);
    assert_eq!(send(logout().claim("sub", "0oa2other").sign()).await, 403);
    assert_eq!(status(&server, &ada).await, 200);
    assert_eq!(send(logout().sign()).await, 204);
    assert_eq!(status(&server, &ada).await, 401);
}

// conformance 290
#[tokio::test]
async fn back_channel_logout_has_a_route() {
    let (realm, sender) = (TestIssuer::keycloak("orders"), MockOkta::start().await);
    let logout = BackChannelLogout::new(realm.issuer_url(), "web-shop").keys(realm.jwks());
    let builder = Revocations::builder().session_claim("sid");
    let builder = builder.back_channel_logout(logout);
    let server = server_with(realm.issuer(), builder);
    let address = server.address;
    let ada = realm.token("ada").claim("sid", "session-1").sign();
    let send = async |client_id: &str| {
        let logout = realm.logout_token("ada", client_id, "session-1").sign();
        let form = format!("logout_token={logout}");
        let sent = sender.push(address, "/events/logout", None, &form).await;
        sent.expect("a response")
    };
    assert_eq!(send("another-client").await, (400, String::new()));
    assert_eq!(status(&server, &ada).await, 200);
    assert_eq!(send("web-shop").await, (200, String::new()));
    assert_eq!(status(&server, &ada).await, 401);
}

// conformance 308
#[tokio::test]
async fn request_with_a_wrong_secret_is_answered_although_its_body_never_ends() {
    let okta = MockOkta::start().await;
    let server = server(&okta);
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
        let mut stream = TcpStream::connect(server.address)
            .await
            .expect("a listener");
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
