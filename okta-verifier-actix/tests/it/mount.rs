//! `VerifyMiddleware::require` and `strip_credentials`. The conformance table has the challenges.

use actix_web::{
    App, HttpRequest,
    test::{self, TestRequest},
    web,
};
use okta_verifier::{Policy, Verifier};
use okta_verifier_actix::VerifyMiddleware;
use okta_verifier_testing::MockOkta;

use crate::support::{get, okta, verifier};

const READ: Policy = Policy::scope("files:read");

/// A handler that responds with the names of the credentials that it sees.
async fn credentials(request: HttpRequest) -> String {
    let names = ["authorization", "dpop"];
    let seen = names
        .into_iter()
        .filter(|name| request.headers().contains_key(*name));
    seen.collect::<Vec<_>>().join(" ")
}

fn bearer(jwt: &str) -> TestRequest {
    get("/", &[format!("Bearer {jwt}").as_bytes()])
}

async fn send(verify: VerifyMiddleware, request: TestRequest) -> (u16, String) {
    let resource = web::resource("/").wrap(verify).to(credentials);
    let app = test::init_service(App::new().service(resource)).await;
    let response = test::call_service(&app, request.to_request()).await;
    let status = response.status().as_u16();
    let body = test::read_body(response).await;
    (status, String::from_utf8(body.to_vec()).expect("UTF-8"))
}

// conformance 256
#[tokio::test]
async fn token_that_does_not_meet_the_policy_of_the_middleware_is_rejected_and_counted_once() {
    let verifier = verifier(okta());
    let verify = VerifyMiddleware::new(verifier.clone()).require(READ);
    let other = bearer(&okta().token("ada").sign());
    assert_eq!(send(verify.clone(), other).await.0, 403);
    let reader = bearer(&okta().token("ada").scope("files:read").sign());
    assert_eq!(send(verify, reader).await.0, 200);
    let stats = verifier.stats();
    assert_eq!(stats.issuers[0].accepted, 1);
    assert_eq!(stats.issuers[0].rejected, [("insufficient_scope", 1)]);
    assert_eq!(stats.rejected, []);
}

// conformance 256, 262
#[tokio::test]
async fn request_that_waits_for_the_keys_is_checked_and_stripped_too() {
    let mock = MockOkta::start().await;
    let verify = || {
        let issuer = mock.issuer("api://default").any_client_id();
        let verifier = Verifier::builder()
            .issuer(issuer)
            .build()
            .expect("valid settings");
        VerifyMiddleware::new(verifier)
            .require(READ)
            .strip_credentials()
    };
    assert_eq!(
        send(verify(), bearer(&mock.token("ada").sign())).await.0,
        403
    );
    let reader = mock.token("ada").scope("files:read").sign();
    assert_eq!(send(verify(), bearer(&reader)).await, (200, String::new()));
}

// conformance 262
#[tokio::test]
async fn credentials_reach_the_handler_unless_they_are_stripped() {
    let verify = VerifyMiddleware::new(verifier(okta()));
    let request = || bearer(&okta().token("ada").sign()).insert_header(("dpop", "a.b.c"));
    let kept = (200, "authorization dpop".to_owned());
    assert_eq!(send(verify.clone(), request()).await, kept);
    let stripped = verify.strip_credentials();
    assert_eq!(
        send(stripped.clone(), request()).await,
        (200, String::new())
    );
    let anonymous = get("/", &[]).insert_header(("dpop", "a.b.c"));
    assert_eq!(
        send(stripped.optional(), anonymous).await,
        (200, String::new())
    );
}
