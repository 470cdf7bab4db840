//! Plain http to an origin that the settings name. The tests use 0.0.0.0, which is not in 127.0.0.0/8 but leads
//! to this machine.

use std::{env, process::Command};

use okta_verifier::{
    ConfigError, Issuer,
    error::UnavailableReason,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, Endpoint, Fault, MockOkta};
use tokio::runtime::Builder;
use tracing::Level;

use crate::support::{
    captured_logs::logged_above_debug,
    mock_issuer::{AUDIENCE, PATIENT, build, result_code, unavailable_reason},
    raw_server::{Server, client, document, ok},
};

/// The issuer as its clients see it. Nothing is sent there.
const OUTSIDE: &str = "https://sso.test/oauth2/default";
const CHILD: &str = "OKTA_VERIFIER_TEST_PLAIN_HTTP";

/// Returns the issuer's URL on an address outside loopback.
fn inside(okta: &MockOkta) -> String {
    let url = okta.issuer_url().replace("127.0.0.1", "0.0.0.0");
    secret_scan::public(&url); // a verified token shows its issuer
    secret_scan::public(OUTSIDE);
    url
}

fn origin(url: &str) -> &str {
    url.trim_end_matches("/oauth2/default")
}

fn metadata_url(inside: &str) -> String {
    format!("{inside}/.well-known/openid-configuration")
}

/// Serves metadata of `issuer` that names `jwks_uri` and an introspection endpoint next to it.
fn serve_metadata(okta: &MockOkta, issuer: &str, jwks_uri: &str) {
    let endpoint = jwks_uri.replace("/keys", "/introspect");
    let document = format!(
        r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}","introspection_endpoint":"{endpoint}"}}"#
    );
    okta.fault(Endpoint::Discovery, Fault::Body(document.into_bytes()));
}

/// Returns the settings of an issuer whose metadata and keys are fetched over http.
fn fetched_inside(inside: &str) -> Issuer {
    Issuer::okta(OUTSIDE, AUDIENCE)
        .any_client_id()
        .metadata_url(metadata_url(inside))
        .allow_insecure_origin(origin(inside))
}

// field kind C
// conformance 21, 87, 123
#[tokio::test]
async fn plain_http_to_an_origin_that_is_not_named_is_a_config_error() {
    let okta = MockOkta::start().await;
    let inside = inside(&okta);
    let other = MockOkta::start().await;
    let at_outside = || Issuer::okta(OUTSIDE, AUDIENCE).any_client_id();
    let introspection = |url: &str| {
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        Introspection::every_token(client).endpoint(format!("{url}/v1/introspect"))
    };
    let ways = |url: &str| {
        [
            Issuer::okta(url, AUDIENCE).any_client_id(),
            at_outside().metadata_url(metadata_url(url)),
            at_outside().jwks_uri(format!("{url}/v1/keys")),
            at_outside().allow_origin(origin(url)),
            at_outside().introspection(introspection(url)),
            Issuer::rfc9068("https://sso.test", AUDIENCE)
                .any_client_id()
                .also_known_as(url),
        ]
    };
    let elsewhere = self::inside(&other);
    for named in [
        None,
        Some("http://0.0.0.0"),
        Some("http://127.0.0.1:4011"),
        Some(origin(&elsewhere)),
    ] {
        for issuer in ways(&inside) {
            let issuer = match named {
                Some(origin) => issuer.allow_insecure_origin(origin),
                None => issuer,
            };
            let built = okta_verifier::Verifier::builder()
                .issuer(issuer.clone())
                .build();
            assert!(built.is_err(), "{named:?}: {issuer:?}");
        }
    }
    for issuer in ways(&inside) {
        build(issuer.allow_insecure_origin(origin(&inside)));
    }
}

// The metadata, keys and tokens of an issuer that is not on loopback go over http on loopback only if the
// origin is named.
#[test]
fn plain_http_on_loopback_must_be_named_if_the_issuer_is_elsewhere() {
    let origin = "http://127.0.0.1:4445";
    let client = || ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = || Issuer::okta(OUTSIDE, AUDIENCE).any_client_id();
    let over_http = Issuer::rfc9068("http://keycloak:8080/realms/acme", AUDIENCE)
        .any_client_id()
        .allow_insecure_origin("http://keycloak:8080");
    for issuer in [
        over_http.jwks_uri(format!("{origin}/keys")),
        issuer().metadata_url(format!("{origin}/metadata")),
        issuer().jwks_uri(format!("{origin}/keys")),
        issuer().allow_origin(origin),
        issuer().introspection(
            Introspection::every_token(client()).endpoint(format!("{origin}/introspect")),
        ),
    ] {
        let refused = okta_verifier::Verifier::builder().issuer(issuer.clone());
        assert!(refused.build().is_err(), "{issuer:?}");
        build(issuer.allow_insecure_origin(origin));
    }
}

// field kind C
// conformance 123
#[test]
fn insecure_origin_that_is_not_one_http_origin_is_a_config_error() {
    for (origin, advice) in [
        ("https://keycloak:8080", "https needs no permission"),
        ("ws://keycloak:8080", "allows http for one origin"),
        ("keycloak:8080", "allows http for one origin"),
        ("keycloak", "absolute URL"),
        ("", "absolute URL"),
        ("http://", "absolute URL"),
        ("http://keycloak:8080/realms", "host and port only"),
        ("http://keycloak:8080?x", "host and port only"),
        ("http://ada@keycloak:8080", "host and port only"),
        ("http://*", "host and port only"),
        ("http://*.internal:8080", "host and port only"),
        (" http://keycloak:8080", "host and port only"),
        ("http://KEYCLOAK:8080", "host and port only"),
        ("http://acme.okta.com", "on the internet"),
        ("http://acme.eu.auth0.com", "on the internet"),
        ("http://login.microsoftonline.com", "on the internet"),
    ] {
        let issuer = Issuer::okta(OUTSIDE, AUDIENCE).any_client_id();
        let built = okta_verifier::Verifier::builder()
            .issuer(issuer.allow_insecure_origin(origin))
            .build();
        let Err(error @ ConfigError::Origin { .. }) = built else {
            panic!("{origin}: {built:?}");
        };
        assert!(error.to_string().contains(advice), "{origin}: {error}");
    }
}

// field kind C
// conformance 87, 129
#[tokio::test]
async fn plain_http_metadata_may_name_urls_of_its_own_and_the_issuers_origin_only() {
    let okta = MockOkta::start().await;
    let inside = inside(&okta);
    let token = okta.token("ada").claim("iss", OUTSIDE).sign();
    for jwks_uri in [
        okta.issuer_url().to_owned() + "/v1/keys",
        inside.replace("0.0.0.0", "localhost") + "/v1/keys",
        "http://0.0.0.0:1/v1/keys".to_owned(),
        "http://sso.test/v1/keys".to_owned(),
        "https://evil.test/v1/keys".to_owned(),
        inside.replace("http", "https") + "/v1/keys",
    ] {
        secret_scan::public(&jwks_uri); // the error names it
        serve_metadata(&okta, OUTSIDE, &jwks_uri);
        let error = unavailable_reason(&build(fetched_inside(&inside)), &token).await;
        assert!(
            matches!(error, UnavailableReason::ForeignUrl { .. }),
            "{jwks_uri}: {error}"
        );
    }
    assert_eq!(okta.hits().keys, 0);
    serve_metadata(&okta, OUTSIDE, &format!("{inside}/v1/keys"));
    let verifier = build(fetched_inside(&inside));
    assert_eq!(result_code(&verifier, &token).await, "ok");
    assert_eq!(okta.hits().keys, 1);
    // The settings name the host that the requests have.
    let request = okta.received(Endpoint::Keys).remove(0);
    assert!(request.header("host").unwrap().starts_with("0.0.0.0:"));
}

// field kind C
// conformance 127
#[tokio::test]
async fn plain_http_metadata_of_another_issuer_is_rejected() {
    let okta = MockOkta::start().await;
    let inside = inside(&okta);
    let token = okta.token("ada").claim("iss", OUTSIDE).sign();
    for issuer in [&inside, okta.issuer_url(), "https://sso.test"] {
        secret_scan::public(issuer); // the error names it
        serve_metadata(&okta, issuer, &format!("{inside}/v1/keys"));
        let error = unavailable_reason(&build(fetched_inside(&inside)), &token).await;
        assert!(
            matches!(error, UnavailableReason::OtherIssuer { .. }),
            "{issuer}: {error}"
        );
    }
    assert_eq!(okta.hits().keys, 0);
}

// field kind C
// conformance 87
#[tokio::test]
async fn plain_http_requests_follow_no_redirect() {
    let (okta, evil) = (MockOkta::start().await, MockOkta::start().await);
    let inside = inside(&okta);
    let token = okta.token("ada").claim("iss", OUTSIDE).sign();
    for (endpoint, path) in [
        (Endpoint::Discovery, "/.well-known/openid-configuration"),
        (Endpoint::Keys, "/v1/keys"),
    ] {
        for target in [evil.issuer_url(), &inside] {
            okta.clear_faults();
            serve_metadata(&okta, OUTSIDE, &format!("{inside}/v1/keys"));
            okta.fault(endpoint, Fault::Redirect(format!("{target}{path}")));
            let error = unavailable_reason(&build(fetched_inside(&inside)), &token).await;
            assert!(
                matches!(error, UnavailableReason::Redirect { .. }),
                "{error}"
            );
        }
    }
    assert_eq!((evil.hits().discovery, evil.hits().keys), (0, 0));
}

// field kind C
#[tokio::test]
async fn plain_http_metadata_may_name_keys_that_are_fetched_over_https() {
    let inner = MockOkta::start().await;
    let inside = inside(&inner);
    for trusted in [true, false] {
        let certificate = Certificate::new("127.0.0.1");
        let outside = Server::https(
            &certificate,
            || {},
            |url, path| ok("content-type: application/json\r\n", document(url, path)),
        );
        let url = outside.issuer_url();
        serve_metadata(&inner, url, &format!("{url}/v1/keys"));
        let issuer = Issuer::okta(url, AUDIENCE)
            .any_client_id()
            .metadata_url(metadata_url(&inside))
            .allow_insecure_origin(origin(&inside));
        let trusts = match trusted {
            true => certificate,
            false => Certificate::new("127.0.0.1"),
        };
        let verifier = okta_verifier::Verifier::builder()
            .issuer(issuer)
            .fetch_timeout(PATIENT)
            .http_client_builder(client(&trusts))
            .build()
            .unwrap();
        // The certificate is verified as for any other https URL.
        assert_eq!(verifier.warm_up().await.is_ok(), trusted);
        let requests = outside.requests();
        assert_eq!(requests.len(), usize::from(trusted), "{requests:?}");
    }
    assert_eq!(inner.hits().discovery, 2);
    assert_eq!(inner.hits().keys, 0);
}

#[tokio::test]
async fn plain_http_issuer_with_introspection_is_used_inside_its_network() {
    let okta = MockOkta::start().await;
    let inside = inside(&okta);
    serve_metadata(&okta, &inside, &format!("{inside}/v1/keys"));
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = Issuer::okta(&inside, AUDIENCE)
        .any_client_id()
        .allow_insecure_origin(origin(&inside))
        .introspection(Introspection::every_token(client));
    let verifier = build(issuer);
    let token = okta.token("ada").claim("iss", &*inside).sign();
    assert_eq!(result_code(&verifier, &token).await, "ok");
    let hits = okta.hits();
    assert_eq!((hits.keys, hits.introspection), (1, 1));
}

#[test]
fn plain_http_to_a_named_origin_is_a_warning_that_names_it() {
    let lines = logged_above_debug(Builder::new_current_thread(), async {
        build(
            Issuer::okta(OUTSIDE, AUDIENCE)
                .any_client_id()
                .jwks_uri("http://keycloak:8080/keys")
                .allow_insecure_origin("http://keycloak:8080")
                .allow_insecure_origin("http://hydra:4445"),
        );
    });
    assert_eq!(lines.len(), 2, "{lines:?}");
    for ((level, line), origin) in lines
        .iter()
        .zip(["http://keycloak:8080", "http://hydra:4445"])
    {
        assert_eq!(*level, Level::WARN);
        assert!(line.contains("plain HTTP is allowed"), "{line}");
        assert!(line.contains(origin) && line.contains(OUTSIDE), "{line}");
    }
}

// Proxies are read from the environment, which a test can set for another process only.
#[test]
fn plain_http_requests_use_no_proxy() {
    if env::var_os(CHILD).is_some() {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let okta = MockOkta::start().await;
            let inside = inside(&okta);
            serve_metadata(&okta, OUTSIDE, &format!("{inside}/v1/keys"));
            build(fetched_inside(&inside)).warm_up().await.unwrap();
            println!("warmed up");
        });
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "net::plain_http::plain_http_requests_use_no_proxy",
        ])
        .arg("--nocapture")
        .envs([
            (CHILD, "1"),
            ("http_proxy", "http://127.0.0.1:1"),
            ("HTTP_PROXY", "http://127.0.0.1:1"),
            ("ALL_PROXY", "http://127.0.0.1:1"),
        ])
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("warmed up"), "{output:?}");
}
