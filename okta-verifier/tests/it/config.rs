//! Configuration: an invalid setting is an error at start-up that says what to write instead.

use std::{error::Error, time::Duration};

use okta_verifier::{Algorithm, ConfigError, Issuer, Verifier, VerifierBuilder};
use okta_verifier_testing::TestIssuer;

const AUDIENCE: &str = "api://default";
const CUSTOM: &str = "https://acme.okta.com/oauth2/default";

fn build(issuer: Issuer) -> Result<Verifier, ConfigError> {
    Verifier::builder().issuer(issuer).build()
}

fn okta(url: &str) -> Result<Verifier, ConfigError> {
    build(Issuer::okta(url, "api://default").any_client_id())
}

fn rfc9068(url: &str) -> Result<Verifier, ConfigError> {
    build(Issuer::rfc9068(url, "api://default").any_client_id())
}

// conformance 123
#[test]
fn config_error_for_an_issuer_that_is_not_a_custom_authorization_server() {
    for (url, expected) in [
        ("https://acme.okta.com", "org authorization server"),
        ("https://acme.okta.com/", "org authorization server"),
        ("https://login.acme.com", "org authorization server"),
        ("https://acme.okta.com/oauth2", "org authorization server"),
        (
            "https://acme.okta.com/oauth2/v1",
            "org authorization server",
        ),
        (
            "https://acme.okta.com/oauth2/v1/token",
            "org authorization server",
        ),
        (
            "https://acme.okta.com/oauth2/default/",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://acme.okta.com/oauth2/default/v1/keys",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://acme.okta.com/oauth2/aus1/.well-known/openid-configuration",
            "write https://acme.okta.com/oauth2/aus1",
        ),
        ("https://acme.okta.com/oauth2/a%2fb", "write "),
        (
            "https://acme.okta.com/other/default",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://ACME.okta.com/oauth2/default",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://acme.okta.com:443/oauth2/default",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://acme-admin.okta.com/oauth2/default",
            "write https://acme.okta.com/oauth2/default",
        ),
        (
            "https://acme-admin.oktapreview.com/oauth2/default",
            "admin console",
        ),
        ("http://acme.okta.com/oauth2/default", "write https"),
        ("http://127.0.0.1.acme.com/oauth2/default", "write https"),
        ("http://localhost.acme.com/oauth2/default", "write https"),
        (
            "https://user@acme.okta.com/oauth2/default",
            "without user name",
        ),
        ("https://acme.okta.com/oauth2/default?x=1", "query"),
        ("https://acme.okta.com/oauth2/default#x", "fragment"),
        (
            "https://acme.okta.com/oauth2/default\n",
            "ASCII without whitespace",
        ),
        (
            " https://acme.okta.com/oauth2/default",
            "ASCII without whitespace",
        ),
        (
            "https://{yourOktaDomain}/oauth2/default",
            "replace the placeholder",
        ),
        ("acme.okta.com/oauth2/default", "write an absolute URL"),
        ("ftp://acme.okta.com/oauth2/default", "write https"),
        ("", "write an absolute URL"),
    ] {
        let error = okta(url).unwrap_err().to_string();
        assert!(error.contains(expected), "{url:?}: {error}");
    }
    for url in [
        CUSTOM,
        "https://login.acme.com/oauth2/aus9o8wzkhckw9TLa0h7z",
        "https://acme.okta.com/oauth2/a_b-c",
    ] {
        assert!(okta(url).is_ok(), "{url}");
    }
}

#[test]
fn config_error_shows_no_password() {
    for url in [
        "https://svc:hunter2@acme.okta.com/oauth2/default",
        "https://svc:hunter2 @acme.okta.com/oauth2/default",
        "https://svc:{hunter2}@acme.okta.com/oauth2/default",
        "https://svc:hunter2@acme.okta.com:x/oauth2/default",
        "svc:hunter2@acme.okta.com",
    ] {
        for error in [okta(url).unwrap_err(), rfc9068(url).unwrap_err()] {
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
        }
        let issuer = Issuer::okta(CUSTOM, "api://default").any_client_id();
        let error = build(issuer.allow_origin(url)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{url}");
    }
}

// conformance 21, 123
#[test]
fn config_error_for_http_outside_loopback() {
    for url in [
        "http://127.0.0.1:4011",
        "http://127.8.9.10",
        "http://[::1]:4011",
        "http://localhost:4011",
    ] {
        assert!(okta(&format!("{url}/oauth2/default")).is_ok(), "{url}");
        assert!(rfc9068(url).is_ok(), "{url}");
    }
    for url in [
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://192.168.1.1",
        "http://issuer.example",
    ] {
        assert!(rfc9068(url).is_err(), "{url}");
    }
}

#[test]
fn config_rfc9068_profile_keeps_the_checks_of_okta_urls() {
    for url in [
        "https://acme.okta.com",
        "https://acme.oktapreview.com/",
        "https://acme.okta.mil/oauth2/v1",
    ] {
        assert!(
            matches!(
                rfc9068(url),
                Err(ConfigError::OrgAuthorizationServer { .. })
            ),
            "{url}"
        );
    }
    for url in [
        CUSTOM,
        "https://issuer.example",
        "https://issuer.example/tenant/1",
        "https://notokta.com",
    ] {
        assert!(rfc9068(url).is_ok(), "{url}");
    }
}

#[test]
fn config_auth0_issuer_without_its_slash_is_rejected_with_the_issuer_to_write() {
    let auth0 = |url: &str| build(Issuer::auth0(url, "https://orders.example").any_client_id());
    for url in ["https://acme.eu.auth0.com", "https://login.acme.example"] {
        let error = auth0(url).unwrap_err();
        assert!(
            matches!(error, ConfigError::Profile { .. }),
            "{url}: {error}"
        );
        assert!(
            error.to_string().ends_with(&format!("write {url}/")),
            "{error}"
        );
        assert!(auth0(&format!("{url}/")).is_ok());
    }
}

#[test]
fn config_error_without_a_choice_of_clients() {
    let issuer = Issuer::okta(CUSTOM, "api://default");
    for (issuer, expected) in [
        (issuer.clone(), "no client is accepted"),
        (issuer.clone().client_id(""), "empty"),
        (
            issuer.clone().client_id("0oa1").any_client_id(),
            "remove one of them",
        ),
    ] {
        let error = build(issuer).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert!(build(issuer.client_id("0oa1").client_id("0oa2")).is_ok());
}

#[test]
fn config_error_of_each_invalid_setting_is_its_own() {
    let issuer = || Issuer::okta(CUSTOM, "api://default").any_client_id();
    let with = |setting: fn(VerifierBuilder) -> VerifierBuilder| {
        setting(Verifier::builder().issuer(issuer())).build()
    };
    assert!(matches!(
        Verifier::builder().build(),
        Err(ConfigError::NoIssuer)
    ));
    assert!(matches!(
        build(Issuer::okta(CUSTOM, "").any_client_id()),
        Err(ConfigError::Audience { .. })
    ));
    assert!(matches!(
        build(issuer().algorithms([])),
        Err(ConfigError::NoAlgorithm { .. })
    ));
    assert!(matches!(
        build(issuer().leeway(Duration::from_secs(301))),
        Err(ConfigError::Leeway { seconds: 301, .. })
    ));
    assert!(matches!(
        build(issuer().leeway(Duration::from_millis(300_001))),
        Err(ConfigError::Leeway { .. })
    ));
    assert!(matches!(
        build(issuer().groups_claim("")),
        Err(ConfigError::GroupsClaim { .. })
    ));
    assert!(matches!(
        build(issuer().keys("{}")),
        Err(ConfigError::Keys { .. })
    ));
    assert!(matches!(
        build(issuer().keys(r#"{"keys":[]}"#)),
        Err(ConfigError::Keys { .. })
    ));
    assert!(matches!(
        with(|builder| builder.realm("")),
        Err(ConfigError::Realm)
    ));
    assert!(matches!(
        with(|builder| builder.realm("a\r\nb")),
        Err(ConfigError::Realm)
    ));
    assert!(matches!(
        with(|builder| builder.realm("é")),
        Err(ConfigError::Realm)
    ));
    assert!(matches!(
        with(|builder| builder.fetch_timeout(Duration::ZERO)),
        Err(ConfigError::FetchTimeout)
    ));
    assert!(matches!(
        with(|builder| builder.fetch_timeout(Duration::from_secs(31))),
        Err(ConfigError::FetchTimeout)
    ));
    let twice = Verifier::builder()
        .issuer(issuer())
        .issuer(issuer())
        .build();
    assert!(matches!(twice, Err(ConfigError::DuplicateIssuer { .. })));
}

#[test]
fn config_error_for_an_allowed_origin_that_is_not_one() {
    let issuer = || Issuer::okta(CUSTOM, "api://default").any_client_id();
    for origin in [
        "keys.example.com",
        "http://keys.example.com",
        "http://127.0.0.1",
        "https://keys.example.com/path",
        "https://keys.example.com?x",
        "",
    ] {
        let built = build(issuer().allow_origin(origin));
        assert!(matches!(built, Err(ConfigError::Origin { .. })), "{origin}");
    }
    assert!(build(issuer().allow_origin("https://keys.example.com:8443")).is_ok());
}

#[test]
fn config_error_for_a_metadata_url_or_jwks_uri_that_cannot_be_requested() {
    let issuer = || Issuer::okta(CUSTOM, AUDIENCE).any_client_id();
    for (url, advice) in [
        ("", "absolute URL"),
        ("keys.example.com/keys", "absolute URL"),
        ("//keys.example.com/keys", "absolute URL"),
        ("https://", "absolute URL"),
        (" https://keys.example.com/keys", "absolute URL"),
        ("https://keys.example.com/ke\nys", "absolute URL"),
        ("https://kéys.example.com/keys", "absolute URL"),
        ("http://keys.example.com/keys", "write https"),
        ("http://127.0.0.1:4011/keys", "write https"),
        ("file:///etc/keys.json", "write https"),
        ("data:application/json,{}", "write https"),
        ("ftp://keys.example.com/keys", "write https"),
        ("https://hunter2@keys.example.com/keys", "without user name"),
        ("https://svc:hunter2@keys.example.com/", "without user name"),
        ("https://keys.example.com/keys#hunter2", "fragment"),
    ] {
        let error = build(issuer().metadata_url(url)).unwrap_err();
        assert!(matches!(error, ConfigError::MetadataUrl { .. }), "{url}");
        let other = build(issuer().jwks_uri(url)).unwrap_err();
        assert!(matches!(other, ConfigError::JwksUri { .. }), "{url}");
        for text in [error.to_string(), other.to_string()] {
            assert!(text.contains(advice), "{url}: {text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
    let url = "https://keys.example.com:8443/keys?p=hunter2";
    let both = issuer().metadata_url(url).jwks_uri(url);
    let shown = format!("{both:?} {:?}", build(both.clone()).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn config_error_for_a_jwks_uri_with_pinned_keys() {
    let okta = TestIssuer::new(AUDIENCE);
    let pinned = || {
        Issuer::okta(CUSTOM, AUDIENCE)
            .any_client_id()
            .keys(okta.jwks())
    };
    let error = build(pinned().jwks_uri("https://keys.example.com/keys")).unwrap_err();
    assert!(matches!(error, ConfigError::JwksUri { .. }));
    let text = error.to_string();
    assert!(text.contains("remove .jwks_uri(..) or .keys(..)"), "{text}");
    // Metadata may still be needed for the introspection endpoint.
    assert!(build(pinned().metadata_url("https://keys.example.com/metadata")).is_ok());
}

#[test]
fn algorithm_names_are_those_of_tokens() {
    for name in ["none", "HS256", "rs256", "ES521", "RSA-OAEP", ""] {
        assert!(name.parse::<Algorithm>().is_err(), "{name}");
    }
    assert_eq!("Ed25519".parse::<Algorithm>().unwrap(), Algorithm::EdDSA);
    assert_eq!(
        Algorithm::PS384.to_string().parse::<Algorithm>().unwrap(),
        Algorithm::PS384
    );
}

#[tokio::test]
async fn pinned_keys_verify_without_network_or_warm_up() {
    let okta = TestIssuer::new("api://orders");
    let verifier = build(okta.issuer().any_client_id()).unwrap();
    verifier.warm_up().await.unwrap();
    assert!(verifier.verify(&okta.token("ada").sign()).await.is_ok());
    let unknown = verifier
        .verify(&okta.token("ada").unpublished_key().sign())
        .await;
    assert_eq!(unknown.unwrap_err().code(), "unknown_key_id");
}

// field kind I
#[test]
fn config_error_debug_output_has_its_advice() {
    let error = Verifier::builder().build().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());

    let okta = Issuer::okta("https://acme.okta.com", AUDIENCE).any_client_id();
    let error = Verifier::builder().issuer(okta).build().unwrap_err();
    assert_eq!(format!("{error:?}"), error.to_string());

    let client = reqwest::Client::builder().user_agent("orders\n");
    let okta = Issuer::okta("https://acme.okta.com/oauth2/default", AUDIENCE);
    let error = Verifier::builder()
        .issuer(okta.any_client_id())
        .http_client_builder(client)
        .build()
        .unwrap_err();
    assert!(matches!(error, ConfigError::HttpClient { .. }));
    let shown = format!("{error:?}");
    assert!(shown.starts_with(&error.to_string()), "{shown}");
    let reason = error.source().unwrap().to_string();
    assert!(
        !error.to_string().contains(&reason) && shown.contains(&reason),
        "{shown}"
    );
}

// field kind I
#[test]
fn config_error_for_another_products_url_suggests_rfc9068() {
    for url in [
        "https://sso.acme.example/realms/acme",
        "https://sso.acme.example/auth/realms/acme",
        "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://sts.windows.net/9188040d-6c67-4c5b-b112-36a304b66dad/",
        "https://acme.ciamlogin.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0",
        "https://acme.b2clogin.com/tfp/9188040d/b2c_1_signin/v2.0/",
        "https://acme.eu.auth0.com/",
        "https://acme.auth0.com",
        "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
        "https://accounts.google.com",
        "https://auth.acme.example/application/o/orders/",
        "https://am.acme.example/am/oauth2/realms/root",
        "https://login.microsoftonline.com/oauth2/default",
    ] {
        let issuer = |build: fn(String, String) -> Issuer| {
            build(url.to_owned(), AUDIENCE.to_owned()).any_client_id()
        };
        let error = Verifier::builder()
            .issuer(issuer(Issuer::okta))
            .build()
            .unwrap_err();
        let text = error.to_string();
        assert!(text.contains("Issuer::rfc9068"), "{url}: {text}");
        assert!(!text.contains("write https://"), "{url}: {text}");
        assert!(!text.contains("org authorization server"), "{url}: {text}");
        // The suggested settings are valid.
        let advised = Verifier::builder().issuer(issuer(Issuer::rfc9068)).build();
        assert!(advised.is_ok(), "{url}: {advised:?}");
    }
    // For a host that may be an Okta custom domain, the error suggests both.
    let okta = Issuer::okta("https://login.acme.example", AUDIENCE).any_client_id();
    let text = Verifier::builder()
        .issuer(okta)
        .build()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("https://login.acme.example/oauth2/default"),
        "{text}"
    );
    assert!(text.contains("Issuer::rfc9068"), "{text}");
    // For Okta's own hosts, it suggests Okta's path only.
    for url in [
        "https://acme.okta.com/realms/acme",
        "https://acme.okta.com/",
    ] {
        let okta = Issuer::okta(url, AUDIENCE).any_client_id();
        let text = Verifier::builder()
            .issuer(okta)
            .build()
            .unwrap_err()
            .to_string();
        assert!(!text.contains("rfc9068"), "{text}");
    }
}

// field kind I
#[test]
fn config_error_for_a_groups_claim_that_is_a_path() {
    let build = |name: &str| {
        let issuer = TestIssuer::new(AUDIENCE).issuer().any_client_id();
        Verifier::builder()
            .issuer(issuer.groups_claim(name))
            .build()
    };
    for path in [
        "realm_access.roles",
        "resource_access.orders.roles",
        "resource_access.my-api.roles",
        "resource_access.${client_id}.roles",
        "user.groups",
        "a.b",
        "groups.",
        ".groups",
        "$.realm_access.roles",
        "$['realm_access']['roles']",
        "realm_access[roles]",
        "realm_access[\"roles\"]",
        "groups[0]",
        "/realm_access/roles",
        "realm_access/roles",
        "realm_access->roles",
    ] {
        let error = build(path).unwrap_err();
        assert!(matches!(error, ConfigError::GroupsClaim { .. }), "{path}");
        let text = error.to_string();
        assert!(text.contains("a name is not a path"), "{text}");
        assert!(
            text.contains(r#".groups_claim_path(["realm_access", "roles"])"#),
            "{text}"
        );
    }
    for name in [
        "groups",
        "cognito:groups",
        "https://acme.example/groups",
        "https://acme.example/claims/groups.v2",
        "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
        "urn:acme:groups.all",
        "acme.example/groups",
        "com.acme.groups",
        "de.acme.groups",
        "1.3.6.1.4.1.99999.1",
        "urn:zitadel:iam:org:project:roles",
        "Gruppen der Firma",
        "grp_names-2",
    ] {
        assert!(build(name).is_ok(), "{name}");
    }
}

// conformance 140
#[test]
fn config_error_for_stale_if_error_over_24_hours() {
    let build = |seconds| {
        let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", AUDIENCE);
        Verifier::builder()
            .issuer(
                issuer
                    .any_client_id()
                    .keys(r#"{"keys":[{"kty":"OKP","kid":"a","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#)
                    .stale_if_error(Duration::from_secs(seconds)),
            )
            .build()
    };
    for accepted in [0, 1, 24 * 3600] {
        build(accepted).unwrap();
    }
    for rejected in [24 * 3600 + 1, u64::MAX] {
        let error = build(rejected).unwrap_err();
        assert!(matches!(error, ConfigError::StaleIfError { seconds, .. } if seconds == rejected));
        assert!(error.to_string().contains("at most 24 h"), "{error}");
    }
}

#[test]
fn config_keycloak_issuer_with_a_slash_at_its_end_is_rejected_with_the_issuer_to_write() {
    let realm = "https://sso.acme.example/realms/acme";
    let keycloak = |url: &str| build(Issuer::keycloak(url, "orders-api").any_client_id());
    let error = keycloak(&format!("{realm}/")).unwrap_err();
    assert!(
        error.to_string().ends_with(&format!("write {realm}")),
        "{error}"
    );
    assert!(keycloak(realm).is_ok());
}
