//! Tokens that a service accepts, and what it learns about their subject, roles and scopes.

use live::jwt;
use live::keycloak::{CLIENT_ROLE, REALM_ROLE, RESOURCE, SCOPE, client};
use live::service::{Service, accepted, assert_rejected};
use okta_verifier::introspection::Introspection;
use okta_verifier::{Issuer, Policy, SubjectKind, VerifiedToken};
use serde_json::json;

use crate::{api_client, issuer, shop};

#[test]
fn user_token_is_accepted_and_stands_for_a_user() {
    let service = Service::new(issuer(shop()));
    let tokens = shop().grant("web").user("ada");
    let token = accepted(service.bearer(&tokens.access));
    assert_eq!(token.subject(), jwt::claims(&tokens.access)["sub"]);
    assert_eq!(token.subject_kind(), SubjectKind::User);
    assert_eq!(token.client_id(), Some("web"));

    let refreshed = shop().grant("web").refresh(tokens.token("refresh_token"));
    let again = accepted(service.bearer(&refreshed.access));
    assert_eq!(again.subject(), token.subject());
    assert_eq!(again.subject_kind(), SubjectKind::User);
}

#[test]
fn machine_token_is_accepted_and_stands_for_a_service() {
    let service = Service::new(issuer(shop()));
    let token = accepted(service.bearer(&shop().grant("web").machine().access));
    assert_eq!(token.subject_kind(), SubjectKind::Service);
    assert_eq!(token.client_id(), Some("web"));
}

#[test]
fn user_with_the_name_of_a_service_account_does_not_stand_for_a_service() {
    // A client without a service account leaves this name free, and a realm may let users choose their names.
    let without_account = json!({ "serviceAccountsEnabled": false });
    shop().add_client(&client("no-account", &without_account));
    shop().add_user("service-account-no-account");
    let token = shop()
        .grant("no-account")
        .user("service-account-no-account")
        .access;
    let every_token = Introspection::every_token(api_client());
    for issuer in [issuer(shop()), issuer(shop()).introspection(every_token)] {
        let token = accepted(Service::new(issuer).bearer(&token));
        assert_ne!(token.subject_kind(), SubjectKind::Service);
    }
}

#[test]
fn rfc_9068_header_is_accepted_for_users_and_machines() {
    let service = Service::new(issuer(shop()));
    let user = shop().grant("at-jwt").user("ada").access;
    assert_eq!(jwt::header(&user)["typ"], "at+jwt");
    assert_eq!(
        accepted(service.bearer(&user)).subject_kind(),
        SubjectKind::User
    );
    let machine = shop().grant("at-jwt").machine().access;
    assert_eq!(
        accepted(service.bearer(&machine)).subject_kind(),
        SubjectKind::Service
    );
}

#[test]
fn every_signature_algorithm_of_the_server_is_accepted() {
    let service = Service::new(issuer(shop()));
    for (client, algorithm) in [("es256", "ES256"), ("ps256", "PS256"), ("eddsa", "EdDSA")] {
        let user = shop().grant(client).user("ada").access;
        assert_eq!(jwt::header(&user)["alg"], algorithm);
        assert_eq!(
            accepted(service.bearer(&user)).subject_kind(),
            SubjectKind::User,
            "{client}"
        );
        let machine = shop().grant(client).machine().access;
        assert_eq!(
            accepted(service.bearer(&machine)).subject_kind(),
            SubjectKind::Service,
            "{client}"
        );
    }
}

#[test]
fn exchanged_token_is_accepted_for_the_user_and_its_source_is_not() {
    let service = Service::new(issuer(shop()));
    let source = shop().grant("front").user("ada").access;
    assert_rejected(service.bearer(&source), 401, "wrong_audience");
    let exchanged = shop()
        .grant("gateway")
        .exchange(&source, live::keycloak::API)
        .access;
    let token = accepted(service.bearer(&exchanged));
    assert_eq!(token.subject(), jwt::claims(&source)["sub"]);
    assert_eq!(token.client_id(), Some("gateway"));
    assert_eq!(token.subject_kind(), SubjectKind::User);
}

#[test]
fn token_with_a_resource_is_accepted_by_the_resource_only() {
    let resource = Service::new(Issuer::keycloak(shop().issuer(), RESOURCE).any_client_id());
    let api = Service::new(issuer(shop()));
    let grant = || shop().grant("agent").with("resource", RESOURCE);
    for (tokens, kind) in [
        (grant().user("ada"), SubjectKind::User),
        (grant().machine(), SubjectKind::Service),
    ] {
        assert_eq!(
            accepted(resource.bearer(&tokens.access)).subject_kind(),
            kind
        );
        assert_rejected(api.bearer(&tokens.access), 401, "wrong_audience");
    }
    let without = shop().grant("agent").user("ada").access;
    assert_rejected(resource.bearer(&without), 401, "wrong_audience");
    // RFC 8707 §2: the URL is compared to the letter.
    let slash = format!("{RESOURCE}/");
    let other = Service::new(Issuer::keycloak(shop().issuer(), slash).any_client_id());
    assert_rejected(
        other.bearer(&grant().user("ada").access),
        401,
        "wrong_audience",
    );
}

#[test]
fn realm_roles_client_roles_and_scopes_decide_in_policies() {
    const SCOPED: Policy = Policy::scope(SCOPE);
    const REALM: Policy = Policy::claim_path(&["realm_access", "roles"], REALM_ROLE);
    const CLIENT: Policy =
        Policy::claim_path(&["resource_access", "orders-api", "roles"], CLIENT_ROLE);
    let service = Service::new(issuer(shop()).groups_claim_path(["realm_access", "roles"]));
    let admits = |token: &VerifiedToken, policy: Policy| policy.admit(Some(token), None).is_ok();

    let plain = accepted(service.bearer(&shop().grant("web").user("ada").access));
    assert!(!admits(&plain, SCOPED));
    assert!(admits(&plain, REALM));
    assert!(admits(&plain, CLIENT));
    assert!(admits(&plain, Policy::group(REALM_ROLE)));
    assert!(plain.has_group(REALM_ROLE));

    let scope = format!("openid {SCOPE}");
    let scoped =
        accepted(service.bearer(&shop().grant("web").with("scope", &scope).user("ada").access));
    assert!(admits(&scoped, SCOPED));

    // A service account has neither role.
    let machine =
        accepted(service.bearer(&shop().grant("web").with("scope", SCOPE).machine().access));
    assert!(admits(&machine, SCOPED));
    assert!(!admits(&machine, REALM));
    assert!(!admits(&machine, CLIENT));
    assert!(!admits(&machine, Policy::group(REALM_ROLE)));
    assert!(admits(&machine, Policy::service()));
    assert!(!admits(&machine, Policy::user()));
    assert!(admits(&plain, Policy::user()));
    assert!(!admits(&plain, Policy::service()));
}

#[test]
fn roles_of_a_claim_of_the_realms_choice_are_groups() {
    let token = shop().grant("role-claims").user("ada").access;
    let nested = issuer(shop()).groups_claim_path(["authz", "roles", "realm"]);
    let nested = accepted(Service::new(nested).bearer(&token));
    assert!(nested.has_group(REALM_ROLE));
    assert!(!nested.has_group(CLIENT_ROLE));
    // A mapper that is not multivalued writes one of the roles as a text.
    let role = jwt::claims(&token)["role"].clone();
    let single = issuer(shop()).groups_claim("role");
    let single = accepted(Service::new(single).bearer(&token));
    let groups: Vec<_> = single.groups().collect();
    assert_eq!(groups, [role.as_str().expect("a text")]);
}

#[test]
fn token_without_scopes_is_accepted_with_none() {
    let token = shop().grant("without-scopes").machine().access;
    assert_eq!(jwt::claims(&token)["scope"], "");
    let service = Service::new(issuer(shop()));
    assert_eq!(accepted(service.bearer(&token)).scopes().count(), 0);
}
