//! Introspection: what a service learns only from the server.

use std::time::{Duration, SystemTime};

use live::keycloak::{CLIENT_SECRET, Realm, SCOPE};
use live::service::{Service, accepted, assert_rejected};
use okta_verifier::SubjectKind;
use okta_verifier::introspection::{ClientAuthentication, Introspection};
use serde_json::json;

use crate::{api_client, issuer, issuer_on_demand, own_realm, shop};

fn on_demand(realm: Realm<'_>) -> Service {
    Service::new(issuer_on_demand(realm))
}

#[test]
fn introspected_token_has_the_same_subject_kind_and_scopes() {
    let introspection = Introspection::every_token(api_client());
    let introspecting = Service::new(issuer(shop()).introspection(introspection));
    let local = Service::new(issuer(shop()));
    let scope = format!("openid {SCOPE}");
    for (tokens, kind) in [
        (
            shop().grant("web").with("scope", &scope).user("ada"),
            SubjectKind::User,
        ),
        (
            shop().grant("web").with("scope", SCOPE).machine(),
            SubjectKind::Service,
        ),
        // The token has an empty `scope`, and the response has none.
        (
            shop().grant("without-scopes").machine(),
            SubjectKind::Service,
        ),
        (shop().grant("at-jwt").user("ada"), SubjectKind::User),
        (
            shop().grant("without-basic").machine(),
            SubjectKind::Service,
        ),
    ] {
        let (asked, unasked) = (
            introspecting.bearer(&tokens.access),
            local.bearer(&tokens.access),
        );
        let (asked, unasked) = (accepted(asked), accepted(unasked));
        assert_eq!(asked.subject_kind(), kind);
        assert_eq!(unasked.subject_kind(), kind);
        assert_eq!(asked.subject(), unasked.subject());
        let scopes = [&asked, &unasked].map(|token| {
            let mut scopes: Vec<_> = token.scopes().map(str::to_owned).collect();
            scopes.sort();
            scopes
        });
        assert_eq!(scopes[0], scopes[1]);
    }
}

#[test]
fn introspection_response_does_not_extend_the_audience_of_a_token() {
    // Keycloak computes the `aud` of the response from the mappers of the client.
    let source = shop()
        .grant("agent")
        .with("resource", live::keycloak::RESOURCE)
        .user("ada")
        .access;
    let introspection = Introspection::every_token(api_client());
    let service = Service::new(issuer(shop()).introspection(introspection));
    assert_rejected(service.bearer(&source), 401, "wrong_audience");
}

#[test]
fn asking_client_outside_the_audience_gets_every_token_rejected() {
    let outside = ClientAuthentication::client_secret_basic("gateway", CLIENT_SECRET);
    let service = Service::new(issuer(shop()).introspection(Introspection::every_token(outside)));
    let token = shop().grant("web").user("ada").access;
    assert_rejected(service.bearer(&token), 401, "inactive");
}

#[test]
fn logout_ends_a_token_on_routes_that_introspect_every_request() {
    let user = shop().add_user("leaves");
    let service = on_demand(shop());
    let tokens = shop().grant("web").user("leaves");
    accepted(service.introspected(&tokens.access));
    shop().log_out(&user);
    assert_eq!(shop().introspect(&tokens.access)["active"], false);
    assert_rejected(service.introspected(&tokens.access), 401, "inactive");
    // The next login is another session.
    accepted(service.introspected(&shop().grant("web").user("leaves").access));
}

#[test]
fn local_verification_does_not_notice_a_logout() {
    let user = shop().add_user("unnoticed");
    let service = Service::new(issuer(shop()));
    let token = shop().grant("web").user("unnoticed").access;
    shop().log_out(&user);
    accepted(service.bearer(&token));
}

#[test]
fn exchanged_token_ends_with_the_session_of_its_user() {
    let user = shop().add_user("exchanges");
    let service = on_demand(shop());
    let source = shop().grant("front").user("exchanges").access;
    let token = shop()
        .grant("gateway")
        .exchange(&source, live::keycloak::API)
        .access;
    accepted(service.introspected(&token));
    shop().log_out(&user);
    assert_rejected(service.introspected(&token), 401, "inactive");
}

#[test]
fn disabled_user_ends_a_token() {
    let user = shop().add_user("disabled");
    let service = on_demand(shop());
    let token = shop().grant("web").user("disabled").access;
    accepted(service.introspected(&token));
    shop().change_user(&user, &json!({ "enabled": false }));
    assert_rejected(service.introspected(&token), 401, "inactive");
}

#[test]
fn revoked_token_is_rejected() {
    let service = on_demand(shop());
    for token in [
        shop().grant("web").user("ada").access,
        shop().grant("web").machine().access,
    ] {
        accepted(service.introspected(&token));
        shop().revoke("web", &token);
        assert_rejected(service.introspected(&token), 401, "inactive");
    }
}

#[test]
fn not_before_of_the_realm_ends_older_tokens() {
    let realm = own_realm("not-before");
    let service = on_demand(realm);
    let tokens = [
        realm.grant("web").user("ada").access,
        realm.grant("web").machine().access,
    ];
    for token in &tokens {
        accepted(service.introspected(token));
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let later = now.expect("after 1970") + Duration::from_secs(60);
    realm.change(&json!({ "notBefore": later.as_secs() }));
    for token in &tokens {
        assert_rejected(service.introspected(token), 401, "inactive");
        // Neither the signature nor `exp` shows it.
        accepted(Service::new(issuer(realm)).bearer(token));
    }
}
