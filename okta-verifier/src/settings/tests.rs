//! Settings that are data: the errors of their structure and of their meaning, and what they build.

use std::{fs, time::Duration};

use super::*;
use crate::{
    crypto::Algorithm,
    http::RequestCredentials,
    introspection::{ClientAuthentication, Introspection},
    resource::Resource,
    token::TokenProfile,
};

const OKTA: &str = r#"
[[issuers]]
provider = "okta"
url = "https://acme.okta.com/oauth2/default"
audiences = ["api://default"]
client_ids = ["0oa1web"]
"#;

fn read(text: &str) -> Result<Settings, StructureError> {
    Settings::read(toml::Deserializer::parse(text).expect("TOML"))
}

fn paths(text: &str) -> Vec<String> {
    let error = read(text).expect(text).verifier().expect_err(text);
    error.problems().map(|(path, _)| path.to_owned()).collect()
}

fn problem(text: &str) -> String {
    let settings = read(text).expect(text);
    settings.verifier().expect_err(text).to_string()
}

/// Returns one issuer with these lines in its table.
fn issuer(lines: &str) -> String {
    format!("{OKTA}\n{lines}")
}

fn provider(provider: &str, lines: &str) -> String {
    format!("[[issuers]]\nprovider = \"{provider}\"\nclient_ids = \"*\"\n{lines}")
}

#[test]
fn settings_with_a_hostile_key_are_an_error_without_control_characters() {
    let key = r"\u001b[2J\u202e\nERROR";
    let is_hostile = |it: char| it.is_control() || it == '\u{202e}';
    for text in [
        format!("\"{key}\" = 1\n{OKTA}"),
        format!("[policies.\"{key}\"]\nscopes = 7\n{OKTA}"),
        issuer(&format!("leeway = \"{key}\"")),
    ] {
        let error = read(&text).unwrap_err();
        assert!(!error.path().contains(is_hostile), "{error:?}");
        assert!(!error.to_string().contains(is_hostile), "{error:?}");
    }
    let twice = format!("{{\"{key}\":1,\"{key}\":2}}");
    let error = Settings::read(&mut serde_json::Deserializer::from_str(&twice)).unwrap_err();
    assert!(!error.to_string().contains(is_hostile), "{error:?}");
    let policies = format!("{OKTA}\n[policies.\"{key}\"]\nscope = \"a\"");
    let error = read(&policies).unwrap().required_policies([]).unwrap_err();
    assert!(!error.to_string().contains(is_hostile), "{error:?}");
    assert!(
        error.to_string().contains(r"\u{1b}[2J\u{202e}\nERROR"),
        "{error:?}"
    );
}

#[test]
fn settings_with_an_unknown_key_are_an_error_that_names_its_path() {
    for (text, path) in [
        (format!("relam = \"x\"\n{OKTA}"), "relam"),
        (issuer("client_id = \"x\""), "issuers[0].client_id"),
        (
            issuer("[issuers.introspection]\nmax_ages = \"1s\""),
            "issuers[0].introspection.max_ages",
        ),
        (format!("{OKTA}\n[dpop]\nbase = \"x\""), "dpop.base"),
        (
            format!("{OKTA}\n[dpop.nonces.shared]\nsecret = \"x\""),
            "dpop.nonces.shared.secret",
        ),
        (
            provider("custom", "[issuers.profile]\naccept_typ = [\"JWT\"]"),
            "issuers[0].profile.accept_typ",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert_eq!(error.path(), path, "{error}");
        assert!(error.to_string().contains("unknown field"), "{error}");
        assert_eq!(format!("{error:?}"), error.to_string());
    }
}

#[test]
fn settings_with_a_missing_key_or_a_wrong_type_are_an_error_that_names_its_path() {
    for (text, path) in [
        (String::new(), "settings"),
        ("issuers = 1".to_owned(), "issuers"),
        ("[[issuers]]\nprovider = \"okta\"".to_owned(), "issuers[0]"),
        (provider("oktaa", ""), "issuers[0].provider"),
        (issuer("leeway = 60"), "issuers[0].leeway"),
        (issuer("leeway = \"1 minute\""), "issuers[0].leeway"),
        (
            OKTA.replace("[\"0oa1web\"]", "\"0oa1web\""),
            "issuers[0].client_ids",
        ),
        (
            OKTA.replace("[\"0oa1web\"]", "[\"0oa1web\", \"*\"]"),
            "issuers[0].client_ids",
        ),
        (
            OKTA.replace("[\"0oa1web\"]", "[1]"),
            "issuers[0].client_ids[0]",
        ),
        (format!("max_token_size = -1\n{OKTA}"), "max_token_size"),
        (
            format!("{OKTA}\n[policies]\nread = {{ scope = \"a b\" }}"),
            "policies.read",
        ),
    ] {
        let error = read(&text).unwrap_err();
        assert!(error.path().starts_with(path), "{path}: {error}");
    }
}

#[test]
fn settings_with_a_key_that_is_written_twice_are_an_error_that_names_its_path() {
    let json = |more: &str| {
        let text = format!(
            r#"{{ "issuers": [{{ "provider": "okta", "url": "https://acme.okta.com/oauth2/default",
            "audiences": ["api://default"], "client_ids": ["web"], {more} }}], "policies": {{
            "read": {{ "scope": "a" }} }} }}"#
        );
        Settings::read(&mut serde_json::Deserializer::from_str(&text))
    };
    assert!(json(r#""leeway": "5s""#).is_ok());
    for (more, path) in [
        (r#""client_ids": "*""#, "issuers[0].client_ids"),
        (r#""leeway": "5s", "leeway": "6s""#, "issuers[0].leeway"),
        (
            r#""introspection": { "tokens": "every", "max_age": "1s", "max_age": "60m" }"#,
            "issuers[0].introspection.max_age",
        ),
        (
            r#""leeway": "5s" }], "policies": { "p": { "scope": "a", "scope": "b" } }, "x": [{"#,
            "policies.p.scope",
        ),
        (
            r#""leeway": "5s" }], "policies": { "p": { "scope": "a" }, "p": { "user": true } }, "x": [{"#,
            "policies.p",
        ),
    ] {
        let error = json(more).expect_err(more);
        assert_eq!(error.path(), path);
        assert!(
            error
                .to_string()
                .ends_with("the key is written twice; remove one of them")
        );
    }
    let yaml = "issuers:\n- provider: okta\n  client_ids: [web]\n  client_ids: \"*\"\n";
    let read = |text| Settings::read(yaml_serde::Deserializer::from_str(text));
    assert_eq!(read(yaml).unwrap_err().path(), "issuers[0].client_ids");
}

#[test]
fn settings_with_a_number_that_is_not_finite_are_an_error() {
    for number in ["nan", "inf", "-inf"] {
        for (text, path) in [
            (
                format!("max_token_size = {number}\n{OKTA}"),
                "max_token_size",
            ),
            (issuer(&format!("leeway = {number}")), "issuers[0].leeway"),
        ] {
            let error = read(&text).expect_err(&text);
            assert_eq!(error.path(), path);
        }
    }
}

#[test]
fn settings_that_are_wrong_are_all_reported_at_once() {
    let text = format!(
        "realm = \"\"\nfetch_timeout = \"1ms\"\nmax_token_size = 1\nca_file = \"/nowhere\"\n\
         trusted_proxies = [\"10.0.0.0/8\"]\n{}\n{}",
        issuer("leeway = \"10m\""),
        provider(
            "keycloak",
            "url = \"http://keycloak.example/realms/x\"\naudiences = [\"a\"]"
        ),
    );
    let expected = [
        "realm",
        "fetch_timeout",
        "max_token_size",
        "ca_file",
        "trusted_proxies",
        "issuers[0]",
        "issuers[1]",
    ];
    assert_eq!(paths(&text), expected);
    assert_eq!(problem(&text).lines().count(), expected.len());
}

#[test]
fn settings_of_proxies_that_are_wrong_are_reported_at_their_own_path() {
    for (lines, path) in [
        ("trusted_proxies = [\"proxy.internal\"]", "trusted_proxies"),
        ("client_cert_header = \"Client-Cert\"", "trusted_proxies"), // which proxy sends it?
        (
            "trusted_proxies = [\"10.0.0.0/8\"]\nclient_cert_header = \"a b\"",
            "client_cert_header",
        ),
        (
            "trusted_proxies = [\"10.0.0.0/8\"]\ndpop = { forwarded_host = true }\n\
             forwarded_host = { header = \"a b\", hosts = [\"api.example.com\"] }",
            "forwarded_host",
        ),
        (
            "trusted_proxies = [\"10.0.0.0/8\"]\ndpop = { forwarded_host = true }\n\
             forwarded_host = { header = \"Forwarded\", hosts = [\"*.example.com\"] }",
            "forwarded_host",
        ),
        ("dpop = { base_url = \"http://api.example.com\" }", "dpop"),
    ] {
        assert_eq!(paths(&format!("{lines}\n{OKTA}")), [path], "{lines}");
    }
}

#[test]
fn settings_of_issuers_that_contradict_each_other_are_an_error() {
    let twice = format!("{OKTA}\n{OKTA}");
    assert_eq!(paths(&twice), ["issuers"]);
    assert!(problem(&twice).contains("two entries have the audience"));
    assert_eq!(paths("issuers = []"), ["issuers"]);
}

#[test]
fn settings_that_a_provider_does_not_have_are_an_error() {
    for (text, path) in [
        (issuer("tenant = \"x\""), "issuers[0].tenant"),
        (issuer("tenants = \"*\""), "issuers[0].tenants"),
        (issuer("callers = [\"x\"]"), "issuers[0].callers"),
        (issuer("[issuers.profile]"), "issuers[0].profile"),
        (
            issuer("groups_claim = \"a\"\ngroups_claim_path = [\"a\"]"),
            "issuers[0].groups_claim_path",
        ),
        (
            issuer("algorithms = [\"RS256\", \"HS256\"]"),
            "issuers[0].algorithms[1]",
        ),
        (issuer("keys_file = \"/nowhere\""), "issuers[0].keys_file"),
        (
            issuer("key_snapshot_file = \"/nowhere\""),
            "issuers[0].key_snapshot_file",
        ),
        (OKTA.replace("[\"0oa1web\"]", "[]"), "issuers[0].client_ids"),
        (provider("keycloak", "audiences = [\"a\"]"), "issuers[0]"),
        (provider("entra_v2", "audiences = [\"a\"]"), "issuers[0]"),
        (
            provider("entra_tenants", "audiences = [\"a\"]"),
            "issuers[0]",
        ),
        (
            provider("google_identity_tokens", "audiences = [\"a\"]"),
            "issuers[0]",
        ),
        (
            provider("okta", "url = \"https://acme.okta.com/oauth2/default\""),
            "issuers[0].audiences",
        ),
        (
            provider("cognito", "audiences = []"),
            "issuers[0]", // the URL is missing, the audience may be
        ),
        (issuer("lightweight_tokens = true"), "issuers[0]"),
        // Without the table `dpop` no token could be accepted.
        (issuer("require_dpop = true"), "issuers"),
    ] {
        assert_eq!(paths(&text), [path], "{text}");
    }
}

#[test]
fn settings_of_introspection_need_the_credentials_of_their_method() {
    let with = |lines: &str| {
        issuer(&format!(
            "[issuers.introspection]\ntokens = \"every\"\n{lines}"
        ))
    };
    let table = "issuers[0].introspection";
    for (lines, expected) in [
        (
            "authentication = \"client_secret_basic\"",
            vec![table, table],
        ),
        (
            "authentication = \"client_secret_basic\"\nclient_id = \"x\"",
            vec![table],
        ),
        (
            "authentication = \"private_key_jwt\"\nclient_id = \"x\"",
            vec![table],
        ),
        (
            "authentication = \"none\"\nclient_id = \"x\"\nclient_secret = \"hunter2hunter2\"",
            vec!["issuers[0].introspection.client_secret_file"],
        ),
        ("authentication = \"anonymous\"", vec!["issuers[0]"]), // which endpoint?
        (
            "authentication = \"client_secret_post\"\nclient_id = \"x\"\nclient_secret_file = \"/nowhere\"",
            vec!["issuers[0].introspection.client_secret_file"],
        ),
    ] {
        assert_eq!(paths(&with(lines)), expected, "{lines}");
    }
}

#[test]
fn secrets_in_settings_are_not_shown() {
    let secret = "hunter2hunter2hunter2";
    secret_scan::secret(secret);
    let text = issuer(&format!(
        "[issuers.introspection]\ntokens = \"every\"\nauthentication = \"client_secret_basic\"\n\
         client_id = \"x\"\nclient_secret = \"{secret}\""
    ));
    let settings = read(&text).unwrap();
    secret_scan::shown(format!("{settings:?} {settings:#?}"));
    assert!(settings.verifier().is_ok());
    // The query of a URL may have a secret.
    let [metadata_url, jwks_uri] = ["metadata_url", "jwks_uri"]
        .map(|key| format!("{key} = \"https://inside.example/x?key={secret}\""));
    let urls = issuer(&format!(
        "{metadata_url}\n{jwks_uri}\n[issuers.introspection]\ntokens = \"every\"\n\
         authentication = \"anonymous\"\nendpoint = \"https://inside.example/x?key={secret}\""
    ));
    let settings = read(&urls).unwrap();
    secret_scan::shown(format!("{settings:?} {settings:#?}"));
    assert!(format!("{settings:?}").contains("https://inside.example"));
    assert!(settings.verifier().is_ok());
    // The error of a wrong type does not show the value.
    let wrong = text.replace(&format!("\"{secret}\""), &format!("[\"{secret}\"]"));
    let error = read(&wrong).unwrap_err();
    secret_scan::shown(error.to_string());
    assert_eq!(error.path(), "issuers[0].introspection.client_secret");
}

#[test]
fn settings_of_each_provider_build_its_issuer() {
    let tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    let url = "url = \"https://issuer.example/x\"\naudiences = [\"a\", \"b\"]";
    let audience = "audiences = [\"a\"]";
    for (name, lines, expected) in [
        (
            "rfc9068",
            url,
            Issuer::rfc9068("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "auth0",
            "url = \"https://acme.eu.auth0.com/\"\naudiences = [\"a\", \"b\"]",
            Issuer::auth0("https://acme.eu.auth0.com/", "a").audience("b"),
        ),
        (
            "keycloak",
            url,
            Issuer::keycloak("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "hydra",
            url,
            Issuer::hydra("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "duende",
            url,
            Issuer::duende("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "wso2",
            url,
            Issuer::wso2("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "pingone",
            url,
            Issuer::pingone("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "zitadel",
            url,
            Issuer::zitadel("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "kubernetes_identity_tokens",
            url,
            Issuer::kubernetes_identity_tokens("https://issuer.example/x", "a").audience("b"),
        ),
        (
            "cloudflare_access_identity_tokens",
            url,
            Issuer::cloudflare_access_identity_tokens("https://issuer.example/x", "a")
                .audience("b"),
        ),
        (
            "custom",
            &format!(
                "{url}\nprofile = {{ accept_types = [\"JWT\"], accept_missing_type = true, \
                 client_claims = [\"azp\"], scope_claims = [\"permissions\"], \
                 allow_missing_token_id = true, allow_missing_client_id = true, \
                 allow_missing_subject = true, require_claims = [{{ claim = \"ver\", values = [\"1\"] }}] }}"
            ),
            Issuer::custom(
                "https://issuer.example/x",
                "a",
                TokenProfile::new()
                    .accept_type("JWT")
                    .accept_missing_type()
                    .client_claims(["azp"])
                    .scope_claims(["permissions"])
                    .allow_missing_token_id()
                    .allow_missing_client_id()
                    .allow_missing_subject()
                    .require_claim("ver", ["1"]),
            )
            .audience("b"),
        ),
        (
            "entra_v1",
            &format!("{audience}\ntenant = \"{tenant}\""),
            Issuer::entra_v1(tenant, "a"),
        ),
        (
            "entra_v2",
            &format!("{audience}\ntenant = \"{tenant}\""),
            Issuer::entra_v2(tenant, "a"),
        ),
        (
            "entra_tenants",
            &format!("{audience}\ntenants = [\"{tenant}\"]"),
            Issuer::entra_tenants([tenant], "a"),
        ),
        (
            "entra_tenants",
            &format!("{audience}\ntenants = \"*\""),
            Issuer::entra_any_tenant("a"),
        ),
        (
            "google_identity_tokens",
            &format!("{audience}\ncallers = [\"robot@acme.example\"]"),
            Issuer::google_identity_tokens("a", ["robot@acme.example"]),
        ),
        (
            "github_actions_identity_tokens",
            &format!("{audience}\nowners_and_repositories = [\"acme\"]"),
            Issuer::github_actions_identity_tokens("a", ["acme"]),
        ),
    ] {
        let settings = read(&provider(name, lines)).expect(name);
        let issuers = settings.issuers().expect(name);
        assert!(issuers == [expected.any_client_id()], "{name}");
        assert!(settings.verifier().is_ok(), "{name}");
    }
    let cognito = provider(
        "cognito",
        "url = \"https://cognito.example/x\"\naudiences = [\"a\"]",
    );
    let cognito = cognito.replace("\"*\"", "[\"web\"]");
    let issuers = read(&cognito).unwrap().issuers().unwrap();
    let expected = Issuer::cognito("https://cognito.example/x")
        .audience("a")
        .client_id("web");
    assert!(issuers == [expected]);
}

#[test]
fn settings_of_every_key_reach_the_verifier() {
    let directory = std::env::temp_dir().join(format!("okta-verifier-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, content: &str| {
        let path = directory.join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let ca = file(
        "ca.pem",
        okta_verifier_testing::Certificate::new("CA").pem(),
    );
    let nonces = file("nonces", &"n".repeat(32));
    let secret = file("secret", "a secret of the client\n");
    let text = format!(
        r#"
        realm = "orders"
        fetch_timeout = "5s"
        token_cache_capacity = 5
        token_cache_ttl = "1m"
        max_token_size = 2048
        ca_file = "{ca}"
        client_certificates = true
        trusted_proxies = ["10.0.0.0/8"]
        client_cert_header = "Client-Cert"
        log_claims = ["department"]
        forwarded_host = {{ header = "X-Forwarded-Host", hosts = ["api.example.com"] }}

        [dpop]
        forwarded_host = true
        window = {{ past = "60s", future = "30s" }}
        replay_capacity = 1000
        replay_capacity_per_caller = 100
        nonces = {{ shared = {{ secret_file = "{nonces}", previous_secret_file = "{nonces}" }} }}

        [[issuers]]
        provider = "okta"
        url = "https://acme.okta.com/oauth2/default"
        audiences = ["api://default", "api://billing"]
        client_ids = ["0oa1web", "0oa2job"]
        also_known_as = ["https://login.acme.example/oauth2/default"]
        algorithms = ["RS256", "ES256"]
        leeway = "30s"
        groups_claim = "roles"
        metadata_url = "https://inside.example/metadata"
        jwks_uri = "https://inside.example/keys"
        allow_origins = ["https://keys.example.com"]
        allow_missing_key_id = true
        stale_if_error = "2h"
        require_dpop = true

        [issuers.introspection]
        tokens = "on_demand"
        authentication = "client_secret_basic"
        client_id = "orders"
        client_secret_file = "{secret}"
        endpoint = "https://inside.example/introspect"
        max_age = "10s"
        max_in_flight = 4
        rate_limit = {{ per_second = 1, burst = 4 }}
        unverified_rate_limit = {{ per_second = 1, burst = 4 }}
        encrypted_tokens = true
        tokens_with_unknown_keys = true
        "#
    );
    let settings = read(&text).unwrap();
    let introspection = |secret: &str| {
        let client = ClientAuthentication::client_secret_basic("orders", secret);
        Introspection::on_demand(client)
            .endpoint("https://inside.example/introspect")
            .max_age(Duration::from_secs(10))
            .max_in_flight(4)
            .rate_limit(1, 4)
            .unverified_rate_limit(1, 4)
            .encrypted_tokens()
            .tokens_with_unknown_keys()
    };
    let issuer = |secret: &str| {
        Issuer::okta("https://acme.okta.com/oauth2/default", "api://default")
            .audience("api://billing")
            .client_id("0oa1web")
            .client_id("0oa2job")
            .also_known_as("https://login.acme.example/oauth2/default")
            .algorithms([Algorithm::RS256, Algorithm::ES256])
            .leeway(Duration::from_secs(30))
            .groups_claim("roles")
            .metadata_url("https://inside.example/metadata")
            .jwks_uri("https://inside.example/keys")
            .allow_origin("https://keys.example.com")
            .allow_missing_key_id()
            .stale_if_error(Duration::from_secs(7200))
            .require_dpop()
            .introspection(introspection(secret))
    };
    // The line break at the end of the file is not a part of the secret.
    let issuers = settings.issuers().unwrap();
    assert!(issuers == [issuer("a secret of the client")]);
    assert!(issuers != [issuer("a secret of the client\n")]);
    let verifier = settings.verifier().unwrap();
    assert!(verifier.accepts_bound_tokens());
    let rejection = verifier
        .authenticate(&RequestCredentials::new([]))
        .into_ready()
        .unwrap();
    let challenges: Vec<_> = rejection
        .unwrap_err()
        .headers()
        .map(|(_, value)| value)
        .collect();
    assert!(challenges[0].to_str().unwrap().contains("realm=\"orders\""));
    // A reload reads the files again.
    let mut current = settings.clone();
    fs::write(&secret, "another secret").unwrap();
    current.reload(settings, &verifier).unwrap();
    assert!(current.issuers().unwrap() == [issuer("another secret")]);
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn reload_that_changes_more_than_issuers_and_policies_is_an_error() {
    let mut settings = read(OKTA).unwrap();
    let verifier = settings.verifier().unwrap();
    let next = format!("{OKTA}\n[policies]\nread = {{ scope = \"orders:read\" }}");
    settings.reload(read(&next).unwrap(), &verifier).unwrap();
    assert!(settings.policy("read").is_some());
    assert_eq!(settings.policies().count(), 1);
    for (line, path) in [
        ("realm = \"x\"", "realm"),
        ("fetch_timeout = \"5s\"", "fetch_timeout"),
        ("token_cache_capacity = 1", "token_cache_capacity"),
        ("token_cache_ttl = \"1s\"", "token_cache_ttl"),
        ("max_token_size = 2048", "max_token_size"),
        ("ca_file = \"x\"", "ca_file"),
        ("dpop = { base_url = \"https://api.example.com\" }", "dpop"),
        ("client_certificates = true", "client_certificates"),
        ("trusted_proxies = []", "trusted_proxies"),
        (
            "forwarded_host = { header = \"x\", hosts = [] }",
            "forwarded_host",
        ),
        ("client_cert_header = \"x\"", "client_cert_header"),
        ("log_claims = [\"department\"]", "log_claims"),
    ] {
        let next = read(&format!("{line}\n{OKTA}")).unwrap();
        let error = settings.reload(next, &verifier).unwrap_err();
        let paths: Vec<_> = error.problems().map(|(path, _)| path).collect();
        assert_eq!(paths, [path]);
        assert!(settings.policy("read").is_some(), "nothing has changed");
    }
    let wrong = OKTA.replace(
        "https://acme.okta.com/oauth2/default",
        "https://acme.okta.com",
    );
    assert!(settings.reload(read(&wrong).unwrap(), &verifier).is_err());
    assert!(settings.policy("read").is_some());
}

#[test]
fn settings_are_read_from_json_and_yaml_too() {
    let json = r#"{ "issuers": [{ "provider": "okta", "url": "https://acme.okta.com/oauth2/default",
        "audiences": ["api://default"], "client_ids": "*", "leeway": "5s" }] }"#;
    let settings = Settings::read(&mut serde_json::Deserializer::from_str(json)).unwrap();
    assert!(settings.verifier().is_ok());
    let yaml = "issuers:\n- provider: okta\n  url: https://acme.okta.com/oauth2/default\n  \
        audiences: [\"api://default\"]\n  client_ids: [web]\n  leeway: 5s\n";
    let settings: Settings = yaml_serde::from_str(yaml).unwrap();
    assert!(settings.verifier().is_ok());
}

const RESOURCE: &str = r#"
[[resources]]
url = "https://mcp.example.com/mcp"
audience = "api://default"
name = "Files"
names = { fr = "Fichiers" }
scopes = ["files:read"]
documentation = "https://docs.example.com/files"
policy_uri = "https://example.com/policy"
tos_uri = "https://example.com/terms"
authorization_details_types = ["file_access"]
at_root_too = true
"#;

#[test]
fn settings_of_resources_that_are_wrong_are_reported_at_their_own_path() {
    let with = |from: &str, to: &str| format!("{OKTA}{}", RESOURCE.replace(from, to));
    let wrong_url = with("https://mcp", "http://mcp");
    assert_eq!(paths(&wrong_url), ["resources[0]"]);
    assert_eq!(
        paths(&with("files:read", "offline_access")),
        ["resources[0]"]
    );
    // The resources and the issuers do not fit.
    assert_eq!(paths(&with("api://default", "api://other")), ["resources"]);
    assert_eq!(paths(&format!("{OKTA}{RESOURCE}{RESOURCE}")), ["resources"]);
    let unknown = read(&with("at_root_too", "at_root"))
        .unwrap_err()
        .to_string();
    assert!(unknown.starts_with("resources[0].at_root: "), "{unknown}");

    let mut settings = read(&format!("{OKTA}{RESOURCE}")).expect("good settings");
    let verifier = settings.verifier().expect("good settings");
    let next = read(&with("Files", "Data")).expect("good settings");
    let error = settings.reload(next, &verifier).unwrap_err().to_string();
    assert!(error.starts_with("resources: only issuers"), "{error}");
}

#[test]
fn settings_of_resources_are_those_of_the_code() {
    let settings = read(&format!("{OKTA}{RESOURCE}")).expect("good settings");
    let resource = Resource::new("https://mcp.example.com/mcp")
        .audience("api://default")
        .name("Files")
        .name_in("fr", "Fichiers")
        .scopes(["files:read"])
        .documentation("https://docs.example.com/files")
        .policy_uri("https://example.com/policy")
        .tos_uri("https://example.com/terms")
        .authorization_details_types(["file_access"])
        .at_root_too();
    let issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default");
    let code = Verifier::builder()
        .issuer(issuer.client_id("0oa1web"))
        .resource(resource);
    let [from_file, from_code] = [
        settings.verifier().expect("settings"),
        code.build().expect("settings"),
    ];
    let paths: Vec<_> = from_file.resource_metadata_paths().collect();
    assert_eq!(paths.len(), 2);
    assert_eq!(
        paths,
        from_code.resource_metadata_paths().collect::<Vec<_>>()
    );
    let [one, other] = [&from_file, &from_code].map(|verifier| {
        let metadata = verifier.resource_metadata("GET", paths[0], None);
        metadata.expect("its path").into_body()
    });
    assert_eq!(one, other);
}
