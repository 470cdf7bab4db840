//! Tokens that are bound to a key of the client (DPoP) or to its certificate (mutual TLS).

use live::certificates;
use live::http;
use live::jwt;
use live::keycloak::API;
use live::service::{Outcome, Service, accepted, assert_rejected};
use okta_verifier::adapter::RequestCredentials;
use okta_verifier::dpop::DpopSettings;
use okta_verifier::introspection::Introspection;
use okta_verifier::{Issuer, SubjectKind, Verifier};
use okta_verifier_testing::Client;

use crate::{api_client, issuer, shop};

const BASE: &str = "https://api.example.com";

fn dpop_service(issuer: Issuer) -> Service {
    Service::with(
        Verifier::builder()
            .issuer(issuer)
            .dpop(DpopSettings::base_url(BASE)),
    )
}

fn send_with_proof(service: &Service, scheme: &str, token: &str, proof: &str) -> Outcome {
    let authorization = format!("{scheme} {token}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]).dpop([proof.as_bytes()]);
    service.send(&credentials.request("GET", "/orders"))
}

#[test]
fn dpop_bound_token_is_accepted_with_a_proof_of_its_key_only() {
    let (client, stranger) = (Client::new(), Client::new());
    let user = shop().grant("dpop").dpop(&client).user("ada");
    assert_eq!(user.response["token_type"], "DPoP");
    assert_eq!(jwt::claims(&user.access)["cnf"]["jkt"], client.thumbprint());
    let machine = shop().grant("dpop").dpop(&client).machine();
    let every_token = Introspection::every_token(api_client());
    for service in [
        dpop_service(issuer(shop())),
        dpop_service(issuer(shop()).introspection(every_token)),
    ] {
        for (tokens, kind) in [(&user, SubjectKind::User), (&machine, SubjectKind::Service)] {
            let token = &tokens.access;
            let proof = |client: &Client| {
                client
                    .proof("GET", "https://api.example.com/orders")
                    .token(token)
                    .sign()
            };
            let stolen = send_with_proof(&service, "DPoP", token, &proof(&stranger));
            assert_rejected(stolen, 401, "binding_mismatch");
            assert_rejected(service.bearer(token), 401, "bound_token_as_bearer");
            let first = proof(&client);
            let outcome = send_with_proof(&service, "DPoP", token, &first);
            assert_eq!(accepted(outcome).subject_kind(), kind);
            let replayed = send_with_proof(&service, "DPoP", token, &first);
            assert_rejected(replayed, 401, "invalid_dpop_proof");
        }
    }
}

#[test]
fn dpop_bound_token_is_rejected_by_a_service_without_dpop() {
    let token = shop().grant("dpop").dpop(&Client::new()).machine().access;
    assert_rejected(
        Service::new(issuer(shop())).bearer(&token),
        401,
        "binding_unchecked",
    );
}

fn with_certificate(service: &Service, token: &str, name: &str) -> Outcome {
    let der = certificates::der(name);
    let authorization = format!("Bearer {token}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    service.send(&credentials.client_certificate(&der))
}

#[test]
fn certificate_bound_token_is_accepted_with_its_certificate_only() {
    let https = || Issuer::keycloak(shop().https_issuer(), API).any_client_id();
    let service = |issuer: Issuer| {
        Verifier::builder()
            .issuer(issuer)
            .http_client_builder(http::builder_with_ca())
    };
    let user = shop().grant("mtls").tls(Some("client")).user("ada").access;
    assert!(jwt::claims(&user)["cnf"]["x5t#S256"].is_string());
    assert_eq!(jwt::claims(&user)["typ"], "Bearer");
    let machine = shop().grant("mtls").tls(Some("client")).machine().access;

    let every_token = Introspection::every_token(api_client());
    for issuer in [https(), https().introspection(every_token)] {
        let unchecked = Service::with(service(issuer.clone()));
        assert_rejected(unchecked.bearer(&user), 401, "binding_unchecked");
        let service = Service::with(service(issuer).client_certificates());
        for (token, kind) in [(&user, SubjectKind::User), (&machine, SubjectKind::Service)] {
            assert_rejected(service.bearer(token), 401, "no_certificate");
            assert_rejected(
                with_certificate(&service, token, "other.crt"),
                401,
                "binding_mismatch",
            );
            let outcome = with_certificate(&service, token, "client.crt");
            assert_eq!(accepted(outcome).subject_kind(), kind);
        }
    }
}

#[test]
fn certificate_bound_token_is_not_issued_without_a_certificate() {
    let grant = || {
        shop()
            .grant("mtls")
            .with("grant_type", "client_credentials")
    };
    for answer in [grant().send(), grant().tls(None).send()] {
        assert_eq!(answer.status, 400, "{}", answer.body);
    }
}
