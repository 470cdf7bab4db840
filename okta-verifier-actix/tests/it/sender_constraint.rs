//! The parts of a request that sender-constrained tokens need, and the headers added to responses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::{
    App,
    body::MessageBody,
    dev::ServiceResponse,
    test::{TestRequest, call_service, init_service},
    web,
};
use okta_verifier::{
    Verifier,
    dpop::{DpopNonces, DpopSettings},
    mtls::ClientCertificate,
};
use okta_verifier_actix::{Verified, VerifyMiddleware};
use okta_verifier_testing::{Certificate, Client, MockOkta};

use crate::support::{AUDIENCE, okta};

const BASE: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/v1/orders";

fn middleware(settings: DpopSettings) -> VerifyMiddleware {
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let builder = builder.dpop(settings).client_certificates();
    VerifyMiddleware::new(builder.build().expect("valid settings"))
}

async fn whoami(token: Verified) -> String {
    token.subject().to_owned()
}

/// Calls the API in a scope, which does not shorten the URI.
async fn respond_to(
    verify: &VerifyMiddleware,
    request: TestRequest,
) -> ServiceResponse<impl MessageBody> {
    let orders = web::resource("/orders").get(whoami);
    let scope = web::scope("/v1").wrap(verify.clone()).service(orders);
    let app = init_service(App::new().service(scope)).await;
    call_service(&app, request.to_request()).await
}

fn dpop(target: &str, jwt: &str, proof: &str) -> TestRequest {
    let request = TestRequest::get().uri(target);
    let request = request.insert_header(("authorization", format!("DPoP {jwt}")));
    request.append_header(("dpop", proof))
}

// conformance 152, 153, 160, 161, 170
#[tokio::test]
async fn dpop_proof_must_match_its_request() {
    let verify = middleware(DpopSettings::base_url(BASE));
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let valid = client.proof("GET", URL).token(&jwt).sign();
    let other = client
        .proof("GET", "https://api.example.com/orders")
        .token(&jwt)
        .sign();
    for rejected in [
        dpop("/v1/orders", &jwt, &other),
        dpop("/v1/orders", &jwt, &valid).append_header(("dpop", &*other)),
    ] {
        assert_eq!(respond_to(&verify, rejected).await.status(), 401);
    }
    let request = dpop("/v1/orders?page=2", &jwt, &valid);
    assert_eq!(respond_to(&verify, request).await.status(), 200);
    let again = dpop("/v1/orders?page=2", &jwt, &valid);
    let replayed = respond_to(&verify, again).await;
    let challenges: Vec<_> = replayed.headers().get_all("www-authenticate").collect();
    assert_eq!(challenges.len(), 2);
    assert!(
        challenges[1]
            .to_str()
            .unwrap()
            .contains("invalid_dpop_proof")
    );
}

// conformance 163
#[tokio::test]
async fn proxy_is_trusted_by_its_address_only() {
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let verifier = builder
        .dpop(DpopSettings::forwarded_host())
        .trusted_proxies(["10.0.0.0/8"])
        .forwarded_host("x-forwarded-host", ["api.example.com"])
        .build();
    let verify = VerifyMiddleware::new(verifier.unwrap());
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let from = |peer: Option<&str>| {
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let request = dpop("/v1/orders", &jwt, &proof);
        let request = request.insert_header(("x-forwarded-host", "api.example.com"));
        match peer {
            Some(peer) => request.peer_addr(peer.parse().unwrap()),
            None => request,
        }
    };
    assert_eq!(respond_to(&verify, from(None)).await.status(), 401);
    assert_eq!(
        respond_to(&verify, from(Some("192.0.2.1:80")))
            .await
            .status(),
        401
    );
    assert_eq!(
        respond_to(&verify, from(Some("10.0.0.1:80")))
            .await
            .status(),
        200
    );
}

// conformance 182, 184, 185
#[tokio::test]
async fn certificate_is_read_from_the_extensions_not_from_a_header() {
    let mine = Certificate::new("mine");
    let verify = middleware(DpopSettings::base_url(BASE));
    let jwt = okta().token("ada").bound_to_certificate(mine.der()).sign();
    let bearer = || {
        let request = TestRequest::get().uri("/v1/orders");
        request.insert_header(("authorization", format!("Bearer {jwt}")))
    };
    assert_eq!(respond_to(&verify, bearer()).await.status(), 401);
    let said = bearer().insert_header(("client-cert", ":AAAA:"));
    assert_eq!(respond_to(&verify, said).await.status(), 401);

    let orders = web::resource("/orders").get(whoami);
    let scope = web::scope("/v1").wrap(verify).service(orders);
    let der = mine.der().to_vec();
    // Stands for the TLS layer: an outer middleware or `HttpServer::on_connect`.
    let app = App::new().service(scope).wrap_fn(move |request, next| {
        use actix_web::{HttpMessage, dev::Service};
        request
            .extensions_mut()
            .insert(ClientCertificate::new(&der));
        next.call(request)
    });
    let app = init_service(app).await;
    let shown = call_service(&app, bearer().to_request()).await;
    assert_eq!(shown.status(), 200);
}

// conformance 173, 174
#[tokio::test]
async fn every_response_has_one_dpop_nonce() {
    let verify = middleware(DpopSettings::base_url(BASE).nonces(DpopNonces::random()));
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let without = client.proof("GET", URL).token(&jwt).sign();
    let rejected = respond_to(&verify, dpop("/v1/orders", &jwt, &without)).await;
    assert_eq!(rejected.status(), 401);
    let values: Vec<_> = rejected.headers().get_all("dpop-nonce").collect();
    assert_eq!(values.len(), 1);
    let nonce = values[0].to_str().unwrap();
    let proof = client.proof("GET", URL).token(&jwt).nonce(nonce).sign();
    let valid = respond_to(&verify, dpop("/v1/orders", &jwt, &proof)).await;
    assert_eq!(valid.status(), 200);
    assert_eq!(valid.headers().get_all("dpop-nonce").count(), 1);
    assert_eq!(valid.headers().get("cache-control").unwrap(), "no-store");
}

// conformance 152, 171
#[tokio::test]
async fn cold_verifier_gives_the_same_results() {
    let mock = MockOkta::start().await;
    mock.set_audience(AUDIENCE);
    let client = Client::new();
    let issuer = mock.issuer(AUDIENCE).any_client_id();
    let builder = Verifier::builder()
        .issuer(issuer)
        .dpop(DpopSettings::base_url(BASE));
    let verify = VerifyMiddleware::new(builder.build().unwrap());
    let jwt = client.bind(mock.token("ada")).sign();
    let proof = client.proof("GET", URL).token(&jwt).sign();
    assert_eq!(
        respond_to(&verify, dpop("/v1/orders", &jwt, &proof))
            .await
            .status(),
        200
    );
    assert_eq!(
        respond_to(&verify, dpop("/v1/orders", &jwt, &proof))
            .await
            .status(),
        401
    );
}
