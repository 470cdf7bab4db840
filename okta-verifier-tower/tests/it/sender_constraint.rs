//! The parts of a request that sender-constrained tokens need, and the headers added to responses.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{convert::Infallible, net::IpAddr};

use http::{Request, Response, Uri};
use okta_verifier::{
    Verifier,
    dpop::{DpopNonces, DpopSettings},
    mtls::ClientCertificate,
};
use okta_verifier_testing::{Certificate, Client, MockOkta};
use okta_verifier_tower::VerifyLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{AUDIENCE, mock_issuer, okta, whoami};

const BASE: &str = "https://api.example.com";

fn verifier(settings: DpopSettings) -> Verifier {
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    builder.dpop(settings).build().expect("valid settings")
}

fn dpop(target: &str, jwt: &str, proof: &str) -> Request<()> {
    Request::get(target)
        .header("authorization", format!("DPoP {jwt}"))
        .header("dpop", proof)
        .body(())
        .expect("a request")
}

async fn respond_to(layer: &VerifyLayer, request: Request<()>) -> Response<String> {
    let service = layer.layer(service_fn(whoami));
    let answered: Result<_, Infallible> = service.oneshot(request).await;
    answered.unwrap()
}

// conformance 152, 153, 160, 161, 170
#[tokio::test]
async fn dpop_proof_must_match_its_request() {
    let layer = VerifyLayer::new(verifier(DpopSettings::base_url(BASE)));
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let proof = |url: &str| client.proof("GET", url).token(&jwt).sign();
    let valid = proof("https://api.example.com/orders");
    let twice = {
        let mut request = dpop("/orders", &jwt, &valid);
        let value = request.headers()["dpop"].clone();
        request.headers_mut().append("dpop", value);
        request
    };
    let post = {
        let mut request = dpop("/orders", &jwt, &valid);
        *request.method_mut() = http::Method::POST;
        request
    };
    for rejected in [dpop("/other", &jwt, &valid), twice, post] {
        assert_eq!(respond_to(&layer, rejected).await.status(), 401);
    }
    let request = dpop("/orders?page=2", &jwt, &valid);
    assert_eq!(respond_to(&layer, request).await.body(), "ada");
    let again = dpop("/orders?page=2", &jwt, &valid);
    let replayed = respond_to(&layer, again).await;
    let challenges: Vec<_> = replayed
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges.len(), 2);
    assert!(
        challenges[1]
            .to_str()
            .unwrap()
            .contains("invalid_dpop_proof")
    );
}

// conformance 161
#[tokio::test]
async fn shortened_uri_is_replaced_by_the_original_uri() {
    #[derive(Clone)]
    struct Original(Uri);
    let layer = VerifyLayer::new(verifier(DpopSettings::base_url(BASE)));
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let nested = || {
        let url = "https://api.example.com/v1/orders";
        let proof = client.proof("GET", url).token(&jwt).sign();
        let mut request = dpop("/orders", &jwt, &proof);
        let original = Original(Uri::from_static("/v1/orders?page=2"));
        request.extensions_mut().insert(original);
        request
    };
    assert_eq!(respond_to(&layer, nested()).await.status(), 401);
    let layer = layer.original_uri(|extensions| extensions.get::<Original>().map(|uri| &uri.0));
    assert_eq!(respond_to(&layer, nested()).await.status(), 200);
}

// finding 8
/// Documents the behaviour without `original_uri`, which is why that setting is required.
#[tokio::test]
async fn dpop_proof_for_a_shortened_path_is_accepted_without_original_uri_only() {
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let shortened = || {
        let url = "https://api.example.com/orders";
        let proof = client.proof("GET", url).token(&jwt).sign();
        let mut request = dpop("/orders", &jwt, &proof);
        let whole = Uri::from_static("/v1/orders");
        request.extensions_mut().insert(whole);
        request
    };
    let layer = VerifyLayer::new(verifier(DpopSettings::base_url(BASE)));
    assert_eq!(respond_to(&layer, shortened()).await.status(), 200);
    let layer = layer.original_uri(|extensions| extensions.get());
    assert_eq!(respond_to(&layer, shortened()).await.status(), 401);
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
    let layer = VerifyLayer::new(verifier.unwrap());
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let from = |peer: &str| {
        let url = "https://api.example.com/orders";
        let proof = client.proof("GET", url).token(&jwt).sign();
        let mut request = dpop("/orders", &jwt, &proof);
        let host = "api.example.com".parse().unwrap();
        request.headers_mut().insert("x-forwarded-host", host);
        let peer: IpAddr = peer.parse().unwrap();
        request.extensions_mut().insert(peer);
        request
    };
    // The layer has no `peer` setting, so it does not know the address.
    assert_eq!(respond_to(&layer, from("10.0.0.1")).await.status(), 401);
    let layer = layer.peer(|extensions| extensions.get().copied());
    assert_eq!(respond_to(&layer, from("192.0.2.1")).await.status(), 401);
    assert_eq!(respond_to(&layer, from("10.0.0.1")).await.status(), 200);
}

// conformance 182, 184, 185
#[tokio::test]
async fn certificate_is_read_from_the_extensions_not_from_a_header() {
    let mine = Certificate::new("mine");
    let builder = Verifier::builder().issuer(okta().issuer().any_client_id());
    let layer = VerifyLayer::new(builder.client_certificates().build().unwrap());
    let jwt = okta().token("ada").bound_to_certificate(mine.der()).sign();
    let bearer = || crate::support::bearer(&jwt);
    assert_eq!(respond_to(&layer, bearer()).await.status(), 401);
    let mut said = bearer();
    said.headers_mut()
        .insert("client-cert", ":AAAA:".parse().unwrap());
    assert_eq!(respond_to(&layer, said).await.status(), 401);
    let mut shown = bearer();
    shown
        .extensions_mut()
        .insert(ClientCertificate::new(mine.der()));
    assert_eq!(respond_to(&layer, shown).await.status(), 200);
}

// conformance 173, 174
#[tokio::test]
async fn every_response_has_one_dpop_nonce() {
    let settings = DpopSettings::base_url(BASE).nonces(DpopNonces::random());
    let layer = VerifyLayer::new(verifier(settings)).optional();
    let client = Client::new();
    let jwt = client.bind(okta().token("ada")).sign();
    let proof = || {
        client
            .proof("GET", "https://api.example.com/orders")
            .token(&jwt)
    };
    let nonce = |response: &Response<String>| {
        let values: Vec<_> = response.headers().get_all("dpop-nonce").iter().collect();
        assert_eq!(values.len(), 1);
        assert_eq!(response.headers()["cache-control"], "no-store");
        values[0].to_str().unwrap().to_owned()
    };
    let without = respond_to(&layer, dpop("/orders", &jwt, &proof().sign())).await;
    assert_eq!(without.status(), 401);
    let first = nonce(&without);
    let valid = respond_to(&layer, dpop("/orders", &jwt, &proof().nonce(&first).sign())).await;
    assert_eq!(valid.status(), 200);
    nonce(&valid);
    nonce(&respond_to(&layer, Request::get("/").body(()).unwrap()).await); // anonymous
    nonce(&respond_to(&layer, crate::support::bearer("a.b.c")).await);
}

// conformance 152, 171
#[tokio::test]
async fn cold_verifier_gives_the_same_results() {
    let mock: MockOkta = mock_issuer::mock().await;
    let client = Client::new();
    let issuer = mock.issuer(AUDIENCE).any_client_id();
    let builder = Verifier::builder()
        .issuer(issuer)
        .dpop(DpopSettings::base_url(BASE));
    let layer = VerifyLayer::new(builder.build().unwrap());
    let jwt = client.bind(mock.token("ada")).sign();
    let proof = client
        .proof("GET", "https://api.example.com/orders")
        .token(&jwt)
        .sign();
    assert_eq!(
        respond_to(&layer, dpop("/orders", &jwt, &proof))
            .await
            .body(),
        "ada"
    );
    assert_eq!(
        respond_to(&layer, dpop("/orders", &jwt, &proof))
            .await
            .status(),
        401
    );
}
