//! What an operator reads when an issuer cannot be reached: whose keys, and why.

use std::{
    error::Error,
    io::{Read, Write},
    net::TcpListener,
    thread,
    time::Duration,
};

use okta_verifier::{ClientAuthentication, ConfigError, Introspection, Issuer, Verifier};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Certificate, Endpoint, Fault, MockOkta, TestIssuer,
};
use tracing::Level;

use crate::{
    logs::logged,
    mock::{AUDIENCE, issuer, verdict},
    server::{Server, document, ok},
};

/// What is logged at `info` and above by this crate.
fn events(act: impl Future<Output = ()>) -> Vec<(Level, String)> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let mut lines = logged(|| runtime.block_on(act));
    lines.retain(|(level, _)| *level <= Level::INFO);
    lines.retain(|(_, line)| !line.contains("plain HTTP") && !line.contains("over http"));
    lines
}

fn build(url: &str, client: Option<reqwest::ClientBuilder>) -> Verifier {
    let builder = Verifier::builder()
        .issuer(Issuer::okta(url, AUDIENCE).any_client_id())
        .fetch_timeout(Duration::from_secs(10));
    let builder = match client {
        Some(client) => builder.http_client_builder(client),
        None => builder,
    };
    builder.build().unwrap()
}

/// The URL of an issuer where connections are refused.
fn refusing() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/oauth2/default", listener.local_addr().unwrap())
}

/// The `https` URL of an issuer that speaks plain HTTP.
fn plain() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/oauth2/default", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream?;
            stream.read(&mut [0; 1024]).map(drop)?;
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?;
        }
        Ok::<_, std::io::Error>(())
    });
    url
}

// field kind I
#[test]
fn key_fetch_failure_is_logged_with_issuer_and_cause() {
    let certificate = Certificate::new("127.0.0.1");
    let untrusted = Server::https(&certificate, || {}, |url, path| ok("", document(url, path)));
    let no_roots = || reqwest::Client::builder().no_proxy().tls_certs_only([]);
    for (url, client, cause) in [
        (refusing(), None, "Connection refused"),
        (plain(), Some(no_roots()), "InvalidContentType"),
        (
            untrusted.issuer_url().to_owned(),
            Some(no_roots()),
            "invalid peer certificate: UnknownIssuer",
        ),
        (
            "https://issuer.invalid/oauth2/default".to_owned(),
            Some(no_roots()),
            "failed to lookup address information",
        ),
    ] {
        let verifier = build(&url, client);
        let lines = events(async {
            for _ in 0..2 {
                verifier.refresh().await.unwrap_err();
            }
        });
        let [(Level::WARN, line)] = &lines[..] else {
            panic!("one warning: {lines:?}");
        };
        assert!(line.contains(&format!("issuer={url:?}")), "{line}");
        let (_, logged) = line.split_once("cause=").expect("a cause");
        assert!(logged.contains(cause), "{line}");
    }
}

// field kind I
#[test]
fn key_fetch_recovery_and_skipped_keys_are_logged_with_the_issuer() {
    let mut url = String::new();
    let lines = events(async {
        let okta = MockOkta::start().await;
        okta.issuer_url().clone_into(&mut url);
        let verifier = crate::mock::verifier(&okta);
        okta.fault(Endpoint::Keys, Fault::Status(500));
        verifier.refresh().await.unwrap_err();
        okta.fault(Endpoint::Keys, Fault::Mixed);
        verifier.refresh().await.unwrap();
    });
    assert_eq!(lines.len(), 3, "{lines:?}");
    for (_, line) in &lines {
        assert!(line.contains(&format!("issuer={url:?}")), "{line}");
    }
    assert!(
        lines[0]
            .1
            .contains("cause=\"the issuer responded with status 500"),
        "{lines:?}"
    );
}

// field kind I
#[test]
fn introspection_failure_is_logged_with_issuer_and_cause() {
    let mut url = String::new();
    let lines = events(async {
        let okta = MockOkta::start().await;
        okta.issuer_url().clone_into(&mut url);
        let nowhere = refusing();
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        let asking = Introspection::opaque_tokens(client).endpoint(nowhere);
        let verifier =
            crate::mock::within(Duration::from_secs(10), issuer(&okta).introspection(asking));
        let opaque = okta.opaque_token("ada").sign();
        assert_eq!(verdict(&verifier, &opaque).await, "unavailable");
    });
    let [(Level::WARN, line)] = &lines[..] else {
        panic!("one warning: {lines:?}");
    };
    assert!(line.contains(&format!("issuer={url:?}")), "{line}");
    assert!(line.contains("cause=\"Connection refused"), "{line}");
}

// field kind I
#[tokio::test]
async fn warm_up_and_refresh_name_the_issuer_and_its_reason() {
    let url = refusing();
    let verifier = build(&url, None);
    let warm_up = verifier.warm_up().await.unwrap_err();
    let refresh = verifier.refresh().await.unwrap_err();
    for error in [warm_up, refresh] {
        let text = error.to_string();
        assert!(text.contains(&url) && !text.contains("token"), "{text}");
        let reason = error.source().expect("the reason").to_string();
        assert!(!text.contains(&reason), "{text}: {reason}");
        // `main` prints `Debug`.
        let shown = format!("{error:?}");
        assert!(
            shown.starts_with(&text) && shown.contains(&reason),
            "{shown}"
        );
        assert!(shown.contains("Connection refused"), "{shown}");
        assert!(!shown.contains('\n'), "{shown}");
    }
}

// field kind I
#[test]
fn config_error_shows_its_advice_in_debug() {
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
fn okta_issuer_with_another_products_url_is_told_of_rfc9068() {
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
        // The advice leads to settings that build.
        let advised = Verifier::builder().issuer(issuer(Issuer::rfc9068)).build();
        assert!(advised.is_ok(), "{url}: {advised:?}");
    }
    // A host that may be an Okta custom domain is told both.
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
    // Okta's own hosts are told Okta's path alone.
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
fn groups_claim_that_is_a_path_is_refused() {
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
        assert!(text.contains("not supported yet"), "{text}");
        assert!(text.contains("top-level claim"), "{text}");
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
