//! Verifiers accept and reject tokens of an Ory Hydra server, which `ci/live hydra` fetches and builds.

use std::time::Duration;

use live::hydra::{Format, Hydra, SCOPE};
use live::jwt;
use live::service::{Service, accepted, assert_rejected};
use okta_verifier::introspection::{ClientAuthentication, Introspection};
use okta_verifier::{Issuer, Policy, SubjectKind, Verifier};
use serde_json::json;

const AUDIENCE: &str = "api://orders";
const FOR_US: [(&str, &str); 1] = [("audience", AUDIENCE)];

/// Returns the shared server with a new client.
fn server(client_id: &str, format: Format) -> &'static Hydra {
    let server = Hydra::shared();
    server.add_client(client_id, AUDIENCE, format);
    server
}

fn issuer(server: &Hydra) -> Issuer {
    Issuer::hydra(server.issuer(), AUDIENCE).any_client_id()
}

/// The admin interface needs no credentials, and its introspection endpoint is not in the metadata.
fn introspection(server: &Hydra, of: fn(ClientAuthentication) -> Introspection) -> Issuer {
    let settings = of(ClientAuthentication::anonymous()).endpoint(server.introspection_endpoint());
    issuer(server).introspection(settings)
}

#[test]
fn machine_token_is_accepted_and_stands_for_a_service() {
    let server = server("machine", Format::Jwt);
    let jwt = server.token("machine", &FOR_US);
    let every_token = introspection(server, Introspection::every_token);
    for issuer in [issuer(server), every_token] {
        let token = accepted(Service::new(issuer).bearer(&jwt));
        assert_eq!(token.subject(), "machine");
        assert_eq!(token.client_id(), Some("machine"));
        assert_eq!(token.subject_kind(), SubjectKind::Service);
        assert!(Policy::scope(SCOPE).admit(Some(&token), None).is_ok());
        assert!(
            Policy::scope("orders.write")
                .admit(Some(&token), None)
                .is_err()
        );
        assert!(Policy::user().admit(Some(&token), None).is_err());
    }
}

#[test]
fn token_without_audience_is_rejected() {
    let server = server("no-audience", Format::Jwt);
    let token = server.token("no-audience", &[]);
    assert_eq!(jwt::claims(&token)["aud"], json!([]));
    let outcome = Service::new(issuer(server)).bearer(&token);
    assert_eq!(outcome.expect_err("rejected").status(), 401);
}

#[test]
fn token_for_another_audience_is_rejected() {
    let server = server("other-audience", Format::Jwt);
    let token = server.token("other-audience", &FOR_US);
    let other = Issuer::hydra(server.issuer(), "api://invoices").any_client_id();
    assert_rejected(Service::new(other).bearer(&token), 401, "wrong_audience");
}

#[test]
fn opaque_token_is_accepted_after_introspection() {
    let server = server("opaque", Format::Opaque);
    let token = server.token("opaque", &FOR_US);
    assert!(!token.contains("eyJ"));
    let service = Service::new(introspection(server, Introspection::opaque_tokens));
    let verified = accepted(service.bearer(&token));
    assert_eq!(verified.subject(), "opaque");
    assert_eq!(verified.subject_kind(), SubjectKind::Service);
    assert!(verified.has_scope(SCOPE));

    // Without introspection nothing is known about it.
    assert_rejected(
        Service::new(issuer(server)).bearer(&token),
        401,
        "malformed",
    );
    let without_audience = server.token("opaque", &[]);
    let outcome = service.bearer(&without_audience);
    assert_eq!(outcome.expect_err("rejected").status(), 401);
    assert_rejected(
        service.bearer("ory_at_invented.by-a-stranger"),
        401,
        "inactive",
    );
}

#[test]
fn revoked_token_is_rejected_on_routes_that_introspect_every_request() {
    let server = server("revoked", Format::Jwt);
    let service = Service::new(introspection(server, Introspection::on_demand));
    let token = server.token("revoked", &FOR_US);
    accepted(service.introspected(&token));
    server.revoke("revoked", &token);
    assert_eq!(server.introspect(&token)["active"], false);
    assert_rejected(service.introspected(&token), 401, "inactive");
}

#[test]
fn revoked_opaque_token_is_rejected() {
    let server = server("revoked-opaque", Format::Opaque);
    let service = Service::new(introspection(server, Introspection::opaque_tokens));
    let token = server.token("revoked-opaque", &FOR_US);
    accepted(service.introspected(&token));
    server.revoke("revoked-opaque", &token);
    assert_rejected(service.introspected(&token), 401, "inactive");
}

#[test]
fn key_rotation_to_es256_rejects_no_token() {
    // A server of its own, because the new key signs every later token.
    let server = Hydra::start(Duration::from_secs(300));
    server.add_client("rotation", AUDIENCE, Format::Jwt);
    let service = Service::new(issuer(&server));
    let old = server.token("rotation", &FOR_US);
    assert_eq!(jwt::header(&old)["alg"], "RS256");
    accepted(service.bearer(&old));
    server.add_key("ES256");
    let new = server.token("rotation", &FOR_US);
    assert_eq!(jwt::header(&new)["alg"], "ES256");
    accepted(service.bearer(&new));
    accepted(service.bearer(&old));
}

#[test]
fn introspection_without_credentials_requires_an_endpoint() {
    let settings = Introspection::every_token(ClientAuthentication::anonymous());
    let issuer = issuer(Hydra::shared()).introspection(settings);
    assert!(Verifier::builder().issuer(issuer).build().is_err());
}
