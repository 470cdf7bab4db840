//! Settings: what is wrong is said before the first request, with what to write instead.

use std::time::Duration;

use okta_verifier::{Algorithm, ConfigError, Issuer, Verifier, VerifierBuilder};
use okta_verifier_testing::TestIssuer;

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
fn an_issuer_that_is_no_custom_authorization_server_is_refused() {
    for (url, says) in [
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
        assert!(error.contains(says), "{url:?}: {error}");
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
fn no_password_gets_into_an_error() {
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
fn http_is_for_loopback_only() {
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
fn okta_domains_keep_their_shape_in_the_rfc9068_profile() {
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
fn clients_must_be_named_or_waived() {
    let issuer = Issuer::okta(CUSTOM, "api://default");
    for (issuer, says) in [
        (issuer.clone(), "no client is accepted"),
        (issuer.clone().client_id(""), "empty"),
        (
            issuer.clone().client_id("0oa1").any_client_id(),
            "remove one of them",
        ),
    ] {
        let error = build(issuer).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    assert!(build(issuer.client_id("0oa1").client_id("0oa2")).is_ok());
}

#[test]
fn each_wrong_setting_is_its_own_error() {
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
fn only_origins_can_be_allowed() {
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
fn algorithms_are_named_as_in_tokens() {
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
async fn pinned_keys_need_no_network_and_no_warm_up() {
    let okta = TestIssuer::new("api://orders");
    let verifier = build(okta.issuer().any_client_id()).unwrap();
    verifier.warm_up().await.unwrap();
    assert!(verifier.verify(&okta.token("ada").sign()).await.is_ok());
    let unknown = verifier
        .verify(&okta.token("ada").unpublished_key().sign())
        .await;
    assert_eq!(unknown.unwrap_err().code(), "unknown_key_id");
}
