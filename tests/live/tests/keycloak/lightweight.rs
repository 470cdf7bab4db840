//! Lightweight access tokens: most claims are in the introspection response only.

use live::jwt;
use live::keycloak::{API, REALM_ROLE};
use live::service::{Service, accepted, assert_rejected};
use okta_verifier::introspection::Introspection;
use okta_verifier::{Issuer, SubjectKind, Verifier};

use crate::{api_client, issuer, own_realm, shop};

const CLIENTS: [&str; 2] = ["lightweight", "lightweight-with-audience"];

fn switched_on() -> Issuer {
    let introspection = Introspection::on_demand(api_client());
    issuer(shop())
        .introspection(introspection)
        .lightweight_tokens()
}

#[test]
fn lightweight_token_is_rejected_without_the_setting() {
    let local = Service::new(issuer(shop()));
    let introspecting = issuer(shop()).introspection(Introspection::every_token(api_client()));
    let introspecting = Service::new(introspecting);
    for client in CLIENTS {
        let token = shop().grant(client).user("ada").access;
        for service in [&local, &introspecting] {
            let outcome = service.bearer(&token);
            assert_eq!(outcome.expect_err("rejected").status(), 401, "{client}");
        }
    }
}

#[test]
fn lightweight_setting_requires_introspection() {
    let without = issuer(shop()).lightweight_tokens();
    assert!(Verifier::builder().issuer(without).build().is_err());
}

#[test]
fn lightweight_token_is_accepted_with_the_claims_of_the_response() {
    let service = Service::new(switched_on().groups_claim_path(["realm_access", "roles"]));
    let plain = jwt::claims(&shop().grant("web").user("ada").access);
    for client in CLIENTS {
        let user = shop().grant(client).user("ada").access;
        assert!(jwt::claims(&user)["sub"].is_null());
        for _ in 0..2 {
            let token = accepted(service.bearer(&user));
            assert_eq!(token.subject(), plain["sub"]);
            assert_eq!(token.subject_kind(), SubjectKind::User);
            assert_eq!(token.client_id(), Some(client));
            assert!(token.has_group(REALM_ROLE));
        }
        let machine = shop().grant(client).machine().access;
        let token = accepted(service.bearer(&machine));
        assert_eq!(token.subject_kind(), SubjectKind::Service);
    }
}

#[test]
fn lightweight_token_of_a_user_is_rejected_if_the_response_has_no_sub() {
    let service = Service::new(switched_on());
    let user = shop().grant("lightweight-without-basic").user("ada").access;
    let response = shop().introspect(&user);
    assert_eq!(response["active"], true);
    assert!(response["sub"].is_null());
    let outcome = service.bearer(&user);
    assert_eq!(outcome.expect_err("rejected").status(), 401);
    let machine = shop().grant("lightweight-without-basic").machine().access;
    assert_eq!(
        accepted(service.bearer(&machine)).subject_kind(),
        SubjectKind::Service
    );
}

#[test]
fn lightweight_token_for_another_audience_is_rejected() {
    // Its own `aud` names the API, so the response cannot extend it to the client that introspects.
    let client = okta_verifier::introspection::ClientAuthentication::client_secret_basic(
        "gateway",
        live::keycloak::CLIENT_SECRET,
    );
    let other = Issuer::keycloak(shop().issuer(), "gateway").any_client_id();
    let other = other
        .introspection(Introspection::on_demand(client))
        .lightweight_tokens();
    let token = shop().grant("lightweight-with-audience").user("ada").access;
    assert_eq!(jwt::claims(&token)["aud"], API);
    assert_rejected(Service::new(other).bearer(&token), 401, "wrong_audience");
}

#[test]
fn lightweight_token_is_rejected_after_logout() {
    let realm = own_realm("lightweight-logout");
    let settings = [("client.use.lightweight.access.token.enabled", "true")];
    realm.add_client(&live::keycloak::with_attributes("lightweight", &settings));
    let user = realm.add_user("grace");
    let introspection = Introspection::on_demand(api_client());
    let service = Service::new(
        issuer(realm)
            .introspection(introspection)
            .lightweight_tokens(),
    );
    let token = realm.grant("lightweight").user("grace").access;
    accepted(service.introspected(&token));
    realm.log_out(&user);
    assert_rejected(service.introspected(&token), 401, "inactive");
}
