//! The settings of introspection.

use std::time::Duration;

use crate::introspection::{ClientAuthentication, Introspection, IntrospectionReason};

fn client() -> ClientAuthentication {
    ClientAuthentication::client_secret_basic("0oa1service", "hunter2hunter2")
}

fn every_token() -> Introspection {
    Introspection::every_token(client())
}

// conformance 102
#[test]
fn introspection_settings_without_credentials_are_rejected() {
    for client in [
        ClientAuthentication::client_secret_basic("", "secret"),
        ClientAuthentication::client_secret_basic("0oa1", ""),
        ClientAuthentication::client_secret_post("", "secret"),
        ClientAuthentication::client_secret_post("0oa1", ""),
        ClientAuthentication::private_key_jwt("", None, "pem"),
        ClientAuthentication::private_key_jwt("0oa1", None, ""),
        ClientAuthentication::none(""),
    ] {
        let shown = format!("{client:?}");
        let settings = Introspection::every_token(client);
        assert!(settings.prepare().is_err(), "{shown}");
    }
    for client in [
        client(),
        ClientAuthentication::client_secret_post("0oa1", "secret"),
        ClientAuthentication::none("0oa1"),
    ] {
        assert!(Introspection::every_token(client).prepare().is_ok());
    }
}

// conformance 102
#[test]
fn introspection_settings_without_a_client_need_an_endpoint() {
    let anonymous = || Introspection::opaque_tokens(ClientAuthentication::anonymous());
    let Err(problem) = anonymous().prepare() else {
        panic!("accepted without an endpoint");
    };
    assert!(problem.contains("needs .endpoint(..)"), "{problem}");
    let endpoint = "https://hydra.test:4445/admin/oauth2/introspect";
    assert!(anonymous().endpoint(endpoint).prepare().is_ok());
}

#[test]
fn introspection_settings_out_of_bounds_are_rejected() {
    for settings in [
        every_token().max_in_flight(3),
        every_token().max_in_flight(33),
        every_token().max_age(Duration::from_secs(3_601)),
        every_token().rate_limit(0, 32),
        every_token().rate_limit(1_001, 32),
        every_token().rate_limit(16, 3),
        every_token().unverified_rate_limit(16, 1_001),
        every_token().signed_tokens_only().encrypted_tokens(),
        Introspection::opaque_tokens(client()).signed_tokens_only(),
        Introspection::on_demand(client()).signed_tokens_only(),
    ] {
        assert!(settings.clone().prepare().is_err(), "{settings:?}");
    }
    for settings in [
        every_token().max_in_flight(4),
        every_token().max_in_flight(32),
        every_token().max_age(Duration::ZERO),
        every_token().rate_limit(1, 4),
        every_token().unverified_rate_limit(1_000, 1_000),
    ] {
        assert!(settings.clone().prepare().is_ok(), "{settings:?}");
    }
}

// findings 1 and 5
#[test]
fn introspection_settings_say_which_tokens_are_introspected() {
    use IntrospectionReason::{Accepted, Encrypted, Opaque, UnknownKey};
    let introspects = |settings: Introspection| {
        let settings = settings.prepare().unwrap();
        [Accepted, Opaque, Encrypted, UnknownKey].map(|reason| settings.introspects(reason))
    };
    let modes = [
        (every_token(), [true, true]),
        (every_token().signed_tokens_only(), [true, false]),
        (Introspection::opaque_tokens(client()), [false, true]),
        (Introspection::on_demand(client()), [false, false]),
    ];
    for (settings, [accepted, opaque]) in modes {
        assert_eq!(
            introspects(settings.clone()),
            [accepted, opaque, false, false]
        );
        assert_eq!(
            introspects(settings.tokens_with_unknown_keys()),
            [accepted, opaque, false, true]
        );
    }
    assert_eq!(
        introspects(every_token().encrypted_tokens()),
        [true, true, true, false]
    );
}

#[test]
fn introspection_settings_debug_shows_no_secret() {
    let shown = format!("{:?} {:?}", every_token(), client());
    assert!(
        !shown.contains("hunter2") && !shown.contains("0oa1service"),
        "{shown}"
    );
}

#[test]
fn introspection_settings_debug_shows_only_the_origin_of_the_endpoint() {
    let settings = |url: &str| every_token().endpoint(url);
    for url in [
        "https://issuer.test/ask?key=hunter2",
        "https://user:hunter2@issuer.test/hunter2",
        "hunter2",
    ] {
        let prepared = settings(url).prepare().unwrap();
        let shown = format!("{:?} {prepared:?}", settings(url));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let shown = format!("{:?}", settings("https://issuer.test/ask?key=hunter2"));
    assert!(shown.contains("https://issuer.test\""), "{shown}");
}

#[test]
fn introspection_settings_that_differ_in_anything_are_not_equal() {
    let other = [
        Introspection::every_token(ClientAuthentication::client_secret_basic("0oa2", "secret")),
        Introspection::every_token(ClientAuthentication::client_secret_basic(
            "0oa1service",
            "hunter3hunter3",
        )),
        Introspection::every_token(ClientAuthentication::client_secret_post(
            "0oa1service",
            "hunter2hunter2",
        )),
        Introspection::every_token(ClientAuthentication::none("0oa1service")),
        Introspection::every_token(ClientAuthentication::anonymous()),
        Introspection::opaque_tokens(client()),
        every_token().rate_limit(17, 32),
        every_token().encrypted_tokens(),
        every_token().tokens_with_unknown_keys(),
    ];
    assert!(every_token() == every_token());
    for other in other {
        assert!(every_token() != other, "{other:?}");
    }
}
