//! `okta-verifier doctor`.

use std::{
    io::Read,
    net::TcpListener,
    sync::Arc,
    thread,
    time::{Duration, SystemTime},
};

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, Endpoint, Fault, MockOkta};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use serde_json::Value;

use crate::process::{self, File, Run};

/// Runs the command with these variables, and no other settings.
async fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let arguments = [&["doctor"], arguments].concat();
    let run = tokio::task::block_in_place(|| process::run(&arguments, variables, ""));
    secret_scan::shown(&run.stdout);
    secret_scan::shown(&run.stderr);
    run
}

async fn by_environment(issuer: &str) -> Run {
    secret_scan::public(issuer);
    let variables = [
        ("OKTA_ISSUER", issuer),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    doctor(&[], &variables).await
}

/// Returns the settings of one issuer, with further keys of the verifier and of the issuer.
fn settings(issuer: &str, verifier: &str, further: &str) -> String {
    format!(
        "{verifier}\n[[issuers]]\nprovider = \"rfc9068\"\nurl = \"{issuer}\"\naudiences = [\"api://default\"]\nclient_ids = \"*\"\n{further}"
    )
}

async fn by_file(text: &str) -> Run {
    let file = File::new(text);
    doctor(&["--settings", file.path()], &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_each_fault_of_the_issuer() {
    let other_issuer = Fault::Member("issuer", "\"http://sso.acme.example/oauth2/default\"");
    let slash = Fault::Member("issuer", "\"SLASH\"");
    for (endpoint, fault, name, text, hint) in [
        (
            Endpoint::Discovery,
            Fault::Drop,
            "connection",
            "broke",
            "proxy or a firewall",
        ),
        (
            Endpoint::Discovery,
            Fault::Status(404),
            "discovery",
            "status 404",
            "path of OKTA_ISSUER",
        ),
        (
            Endpoint::Discovery,
            Fault::Status(503),
            "discovery",
            "status 503",
            "status page",
        ),
        (
            Endpoint::Discovery,
            Fault::Html,
            "discovery",
            "text/html",
            "login page",
        ),
        (
            Endpoint::Discovery,
            Fault::Body(b"\x1b[2J{".to_vec()),
            "discovery",
            "metadata is malformed",
            "login page",
        ),
        (
            Endpoint::Discovery,
            Fault::Huge(10),
            "discovery",
            "larger than",
            "no known issuer",
        ),
        (
            Endpoint::Discovery,
            Fault::Redirect("https://login.acme.example/?token=hidden".to_owned()),
            "discovery",
            "redirect",
            "never followed",
        ),
        (
            Endpoint::Discovery,
            other_issuer,
            "issuer",
            "sso.acme.example",
            "KC_HOSTNAME",
        ),
        (
            Endpoint::Discovery,
            slash,
            "issuer",
            "SLASH",
            "set OKTA_ISSUER to SLASH",
        ),
        (
            Endpoint::Discovery,
            Fault::JwksUri("https://keys.acme.example/".to_owned()),
            "discovery",
            "keys.acme.example",
            "allow_origins",
        ),
        (
            Endpoint::Keys,
            Fault::EmptyKeys,
            "keys",
            "no usable key",
            "with kid",
        ),
        (
            Endpoint::Keys,
            Fault::Status(500),
            "keys",
            "status 500",
            "status page",
        ),
        (
            Endpoint::Keys,
            Fault::Huge(10),
            "keys",
            "larger than",
            "no known issuer",
        ),
        (
            Endpoint::Keys,
            Fault::Truncate,
            "connection",
            "broke",
            "curl",
        ),
    ] {
        let okta = MockOkta::start().await;
        okta.fault(endpoint, fault.clone());
        let outcome = by_environment(okta.issuer_url()).await;
        let (line, advice) = outcome.check(name);
        assert!(
            line.starts_with("FAIL") && line.contains(text),
            "{fault:?}: {outcome:?}"
        );
        assert!(advice.contains(hint), "{fault:?}: {outcome:?}");
        assert_eq!(outcome.code, 1, "{fault:?}");
        assert!(!outcome.stdout.contains("hidden"), "{outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_tells_failed_connections_apart() {
    let refused = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/oauth2/default", listener.local_addr().unwrap())
    };
    let outcome = by_environment(&refused).await;
    let (line, hint) = outcome.check("connection");
    assert!(
        line.starts_with("FAIL") && line.contains("refused"),
        "{outcome:?}"
    );
    assert!(hint.contains("nothing listens there"), "{outcome:?}");
    assert_eq!(outcome.code, 1);

    let (authority, server) = Certificate::with_authority(["127.0.0.1"]);
    let (file, other) = (
        File::new(&authority),
        File::new(Certificate::new("127.0.0.1").pem()),
    );
    let okta = MockOkta::builder().tls(server).start().await.unwrap();
    let trusting = |file: &File| {
        settings(
            okta.issuer_url(),
            &format!("ca_file = \"{}\"", file.path()),
            "",
        )
    };
    let untrusted = by_file(&trusting(&other)).await;
    let (line, hint) = untrusted.check("connection");
    assert!(
        line.contains("UnknownIssuer") && hint.contains("ca_file"),
        "{untrusted:?}"
    );
    assert_eq!(untrusted.code, 1);
    let trusted = by_file(&trusting(&file)).await;
    assert_eq!(trusted.code, 0, "{trusted:?}");

    let (url, certificate) = expired();
    let file = File::new(&certificate);
    let ca = format!("ca_file = \"{}\"", file.path());
    let outcome = by_file(&settings(&url, &ca, "")).await;
    let (line, hint) = outcome.check("connection");
    assert!(
        line.contains("xpired") && hint.contains("date of the certificate"),
        "{outcome:?}"
    );
    assert_eq!(outcome.code, 1);

    let unresolved = by_file(&settings("https://issuer.invalid/realms/acme", &ca, "")).await;
    let (line, hint) = unresolved.check("connection");
    assert!(
        line.starts_with("FAIL") && hint.contains("issuers[0].url"),
        "{unresolved:?}"
    );
}

/// Starts a server with an expired certificate. Returns the issuer's URL and the certificate.
pub(crate) fn expired() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut certificate = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    certificate.not_before = rcgen::date_time_ymd(2020, 1, 1);
    certificate.not_after = rcgen::date_time_ymd(2021, 1, 1);
    let certificate = certificate.self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/oauth2/default", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            // The handshake fails, because the client rejects the certificate.
            let _ = StreamOwned::new(connection, stream.unwrap()).read(&mut [0]);
        }
    });
    (url, certificate.pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_a_slow_issuer_in_time() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Slow(Duration::from_secs(60)));
    let text = settings(okta.issuer_url(), "fetch_timeout = \"500ms\"", "");
    let outcome = by_file(&text).await;
    let (line, hint) = outcome.check("connection");
    assert!(line.contains("did not respond in time"), "{outcome:?}");
    assert!(hint.contains("fetch_timeout"), "{outcome:?}");
    assert_eq!(outcome.code, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_of_a_clock_and_of_skipped_keys() {
    let okta = MockOkta::start().await;
    for (ahead, expected) in [
        (true, "s behind the issuer"),
        (false, "s ahead of the issuer"),
    ] {
        let (now, distance) = (SystemTime::now(), Duration::from_secs(90));
        let date = httpdate::fmt_http_date(match ahead {
            true => now + distance,
            false => now - distance,
        });
        okta.set_header(Endpoint::Keys, "date", Some(&date));
        let outcome = by_environment(okta.issuer_url()).await;
        let (line, hint) = outcome.check("clock");
        assert!(
            line.starts_with("warn") && line.contains(expected),
            "{outcome:?}"
        );
        assert!(
            line.contains("leeway is 60 s") && hint.contains("NTP"),
            "{outcome:?}"
        );
        assert_eq!(outcome.code, 0, "a warning does not fail the command");
    }
    okta.fault(Endpoint::Keys, Fault::Mixed);
    let outcome = by_environment(okta.issuer_url()).await;
    let (line, hint) = outcome.check("keys");
    assert!(
        line.starts_with("warn") && line.contains("skipped"),
        "{outcome:?}"
    );
    assert!(
        hint.contains("entry ") && hint.contains("unknown_key_id"),
        "{outcome:?}"
    );
    assert_eq!(outcome.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_shows_key_ids_of_a_hostile_issuer_short_and_escaped() {
    let okta = MockOkta::start().await;
    let mut keys: Value = serde_json::from_str(&okta.jwks()).unwrap();
    let hostile = format!("\u{1b}[2J\u{9b}\u{202e}{}", "k".repeat(100_000));
    keys["keys"][0]["kid"] = hostile.into();
    okta.fault(Endpoint::Keys, Fault::Body(keys.to_string().into_bytes()));
    let issuer = okta.issuer_url();
    let variables = [
        ("OKTA_ISSUER", issuer),
        ("OKTA_AUDIENCE", "api://default"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    for arguments in [&[][..], &["--json"]] {
        let outcome = doctor(arguments, &variables).await;
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(outcome.stdout.len() < 5_000, "{}", outcome.stdout.len());
        assert!(!outcome.stdout.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
        assert!(outcome.stdout.contains("kkk…"), "{}", outcome.stdout);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_checks_the_credentials_for_introspection_and_never_shows_them() {
    let okta = MockOkta::start().await;
    let introspecting = |secret: &str| {
        let table = format!(
            "[issuers.introspection]\ntokens = \"opaque\"\nauthentication = \"client_secret_basic\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{secret}\"\n"
        );
        settings(okta.issuer_url(), "", &table)
    };
    secret_scan::secret("a wrong secret of a client");
    let wrong = by_file(&introspecting("a wrong secret of a client")).await;
    let (line, hint) = wrong.check("introspection");
    assert!(
        line.starts_with("FAIL") && hint.contains("client_secret_post"),
        "{wrong:?}"
    );
    assert_eq!(wrong.code, 1);

    for (fault, part) in [
        (Fault::Status(403), "may not introspect"),
        (Fault::Status(400), "RFC 7662"),
        (Fault::Status(404), "correct introspection.endpoint"),
        (
            Fault::Body(br#"{"active":true}"#.to_vec()),
            "calls every token active",
        ),
    ] {
        okta.fault(Endpoint::Introspection, fault.clone());
        let outcome = by_file(&introspecting(CLIENT_SECRET)).await;
        let (line, hint) = outcome.check("introspection");
        assert!(
            line.starts_with("FAIL") && hint.contains(part),
            "{fault:?}: {outcome:?}"
        );
        assert_eq!(outcome.code, 1);
        okta.clear_faults();
    }
    let right = by_file(&introspecting(CLIENT_SECRET)).await;
    assert!(
        right.check("introspection").0.starts_with("ok"),
        "{right:?}"
    );
    assert_eq!(right.code, 0, "{right:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_passes_and_shows_url_time_keys_and_proofs() {
    let okta = MockOkta::start().await;
    let dpop = "[dpop]\nbase_url = \"https://api.acme.example\"";
    let outcome = by_file(&settings(okta.issuer_url(), dpop, "")).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
    let (discovery, _) = outcome.check("discovery");
    assert!(
        discovery.contains("/.well-known/openid-configuration"),
        "{discovery}"
    );
    assert!(discovery.ends_with(" ms"), "{discovery}");
    let (keys, _) = outcome.check("keys");
    for kid in okta.key_ids() {
        assert!(keys.contains(&kid), "{keys}");
    }
    let (dpop, hint) = outcome.check("dpop");
    assert!(
        dpop.contains("https://api.acme.example") && hint.contains("reason_code url"),
        "{outcome:?}"
    );
    assert!(outcome.check("clock").0.starts_with("skip"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_json_is_one_object_with_stable_keys() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::EmptyKeys);
    let file = File::new(&settings(okta.issuer_url(), "", ""));
    let outcome = doctor(&["--json", "--settings", file.path()], &[]).await;
    assert_eq!(outcome.code, 1);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["ok"], false);
    let checks = report["checks"].as_array().unwrap();
    let names: Vec<_> = checks
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "settings",
            "settings",
            "connection",
            "discovery",
            "issuer",
            "keys",
            "clock"
        ]
    );
    // The library warns of plain HTTP.
    assert_eq!(checks[1]["state"], "warn");
    assert_eq!(checks[1]["issuer"], okta.issuer_url());
    let keys = &checks[5];
    assert_eq!(
        (&keys["state"], &keys["code"]),
        (&"fail".into(), &"no_usable_key".into())
    );
    assert_eq!(keys["issuer"], okta.issuer_url());
    for check in checks {
        let mut names: Vec<_> = check.as_object().unwrap().keys().cloned().collect();
        names.sort();
        assert_eq!(
            names,
            [
                "code",
                "hint",
                "issuer",
                "milliseconds",
                "name",
                "state",
                "text"
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_warns_of_settings_that_are_probably_wrong() {
    let okta = MockOkta::start().await;
    let issuer = okta.issuer_url();
    let text = settings(issuer, "", "").replace("rfc9068", "okta");
    let swapped = text
        .replace("\"api://default\"", "\"0oab8om4bars6Y80Z0h7\"")
        .replace("\"*\"", "[\"api://default\"]");
    secret_scan::public(&swapped);
    let outcome = by_file(&swapped).await;
    assert_eq!(outcome.code, 0, "{outcome:?}");
    for part in [
        "the audience looks like a client ID",
        "a client ID looks like an audience",
    ] {
        let line = format!("warn  settings    {issuer}: {part}");
        assert!(outcome.stdout.contains(&line), "{outcome:?}");
    }
    let outcome = by_file(&text).await;
    assert!(!outcome.stdout.contains("looks like"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_reports_every_wrong_setting_at_once() {
    let text = settings(
        "https://a.example/x",
        "fetch_timeout = \"1h\"",
        "leeway = \"10m\"",
    );
    let outcome = by_file(&text).await;
    assert_eq!(outcome.code, 1, "{outcome:?}");
    for part in ["fetch_timeout: ", "issuers[0]: "] {
        assert!(outcome.stdout.contains(part), "{outcome:?}");
    }
    let organization = doctor(
        &[],
        &[
            ("OKTA_ISSUER", "https://acme.okta.com"),
            ("OKTA_AUDIENCE", "api://default"),
            ("OKTA_CLIENT_IDS", "*"),
        ],
    )
    .await;
    assert_eq!(organization.code, 1, "{organization:?}");
    assert!(
        organization.stdout.contains("org authorization server"),
        "{organization:?}"
    );
    let none = doctor(&[], &[]).await;
    assert!(none.stdout.contains("OKTA_ISSUER"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_ends_with_2_if_the_settings_cannot_be_read_or_an_argument_is_unknown() {
    let missing = doctor(&["--settings", "/nowhere/okta.toml"], &[]).await;
    assert_eq!(missing.code, 2, "{missing:?}");
    assert!(missing.stdout.contains("/nowhere/okta.toml"), "{missing:?}");
    secret_scan::secret("a secret in a broken line");
    for text in [
        "client_secret = \"a secret in a broken line",
        "client_secret = \"a secret in a broken line\"\nissuers = []",
        "\u{0}",
    ] {
        let outcome = by_file(text).await;
        assert_eq!(outcome.code, 2, "{outcome:?}");
        assert!(outcome.stdout.starts_with("FAIL  settings"), "{outcome:?}");
    }
    let unknown = doctor(&["--unknown"], &[]).await;
    assert_eq!(unknown.code, 2);
}
