//! Tokens that a service rejects, and why.

use live::jwt;
use live::keycloak::{API, CLIENT_SECRET};
use live::service::{Service, accepted, assert_rejected};
use okta_verifier::introspection::{ClientAuthentication, Introspection};
use okta_verifier::{Algorithm, Issuer};

use crate::{api_client, issuer, own_realm, shop};

#[test]
fn id_token_is_rejected() {
    let tokens = shop().grant("web").user("ada");
    let id_token = tokens.token("id_token");
    // Its audience is the client.
    assert_eq!(jwt::claims(id_token)["aud"], "web");
    assert_rejected(
        Service::new(issuer(shop())).bearer(id_token),
        401,
        "wrong_audience",
    );
    // A service with the name of the client recognizes the kind of token.
    let same_name = Issuer::keycloak(shop().issuer(), "web").any_client_id();
    assert_rejected(
        Service::new(same_name).bearer(id_token),
        401,
        "not_an_access_token",
    );
}

#[test]
fn refresh_token_is_rejected() {
    let tokens = shop().grant("web").user("ada");
    let refresh_token = tokens.token("refresh_token");
    // It is signed with a secret of the server.
    assert_eq!(jwt::header(refresh_token)["alg"], "HS512");
    let service = Service::new(issuer(shop()));
    assert_rejected(service.bearer(refresh_token), 401, "algorithm_not_allowed");
    let every_token = issuer(shop()).introspection(Introspection::every_token(api_client()));
    assert_rejected(
        Service::new(every_token).bearer(refresh_token),
        401,
        "algorithm_not_allowed",
    );
}

#[test]
fn token_of_another_realm_is_rejected() {
    let other = own_realm("other-realm");
    let token = other.grant("web").user("ada").access;
    assert_rejected(
        Service::new(issuer(shop())).bearer(&token),
        401,
        "unknown_issuer",
    );
    accepted(Service::new(issuer(other)).bearer(&token));
}

#[test]
fn token_of_another_origin_of_the_server_is_rejected() {
    let token = shop().grant("web").tls(None).machine().access;
    assert_rejected(
        Service::new(issuer(shop())).bearer(&token),
        401,
        "unknown_issuer",
    );
}

#[test]
fn token_for_another_audience_or_for_none_is_rejected() {
    let token = shop().grant("web").user("ada").access;
    let other = Service::new(Issuer::keycloak(shop().issuer(), "invoices-api").any_client_id());
    assert_rejected(other.bearer(&token), 401, "wrong_audience");
    let without = shop().grant("without-audience").user("ada").access;
    assert!(jwt::claims(&without)["aud"].is_null());
    let outcome = Service::new(issuer(shop())).bearer(&without);
    assert_eq!(outcome.expect_err("rejected").status(), 401);
}

#[test]
fn token_of_another_client_is_rejected() {
    let token = shop().grant("web").user("ada").access;
    let listed = |client| Issuer::keycloak(shop().issuer(), API).client_id(client);
    assert_rejected(
        Service::new(listed("mobile")).bearer(&token),
        401,
        "client_not_allowed",
    );
    accepted(Service::new(listed("web")).bearer(&token));
}

#[test]
fn token_of_a_user_without_sub_is_rejected_and_that_of_a_machine_is_accepted() {
    let service = Service::new(issuer(shop()));
    let user = shop().grant("without-basic").user("ada").access;
    assert!(jwt::claims(&user)["sub"].is_null());
    assert_rejected(service.bearer(&user), 401, "missing_claim");
    let machine = shop().grant("without-basic").machine().access;
    accepted(service.bearer(&machine));
}

#[test]
fn token_with_an_algorithm_that_is_not_allowed_is_rejected() {
    let only = issuer(shop()).algorithms([Algorithm::RS256]);
    let token = shop().grant("es256").machine().access;
    assert_rejected(
        Service::new(only).bearer(&token),
        401,
        "algorithm_not_allowed",
    );
}

#[test]
fn altered_token_is_rejected() {
    let token = shop().grant("web").user("ada").access;
    let other = shop().grant("web").user("ada").access;
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    let (_, signature) = other.rsplit_once('.').expect("a signature");
    let service = Service::new(issuer(shop()));
    assert_rejected(
        service.bearer(&format!("{signed}.{signature}")),
        401,
        "bad_signature",
    );
}

#[test]
fn opaque_text_is_rejected_after_introspection() {
    let introspection = Introspection::opaque_tokens(api_client());
    let service = Service::new(issuer(shop()).introspection(introspection));
    assert_rejected(
        service.bearer("opaque-token-that-nothing-issued"),
        401,
        "inactive",
    );
}

#[test]
fn wrong_secret_of_the_asking_client_is_503() {
    let token = shop().grant("web").user("ada").access;
    for client in [
        ClientAuthentication::client_secret_basic(API, "another secret"),
        ClientAuthentication::client_secret_basic("no-client", CLIENT_SECRET),
    ] {
        let introspection = Introspection::every_token(client);
        let service = Service::new(issuer(shop()).introspection(introspection));
        assert_rejected(service.bearer(&token), 503, "unavailable");
    }
}
