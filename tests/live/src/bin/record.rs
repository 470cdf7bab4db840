//! Records tokens and responses of Keycloak and Ory Hydra for tests of the core that need no server: `ci/live record`.
//!
//! The tokens are valid for 20 years, because these tests cannot set the clock. The private keys exist only in the memory of
//! servers that end with this program, and no client secret is recorded.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use live::hydra::{Format, Hydra};
use live::keycloak::{API, Keycloak, RESOURCE, Realm, Tokens};
use live::{certificates, jwt};
use okta_verifier_testing::Client;
use serde_json::{Value, json};

const LIFETIME: Duration = Duration::from_secs(20 * 365 * 24 * 60 * 60);

fn main() {
    write("keycloak-26.7.json", &keycloak());
    write("hydra-2.3.json", &hydra());
}

fn write(name: &str, recorded: &Value) {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../okta-verifier/tests/it/fixtures");
    fs::create_dir_all(&directory).expect("the directory is created");
    let text = serde_json::to_string_pretty(recorded).expect("JSON") + "\n";
    fs::write(directory.join(name), &text).expect("the file is written");
    println!("{name}: {} KB", text.len() / 1024);
}

fn keycloak() -> Value {
    let server = Keycloak::start();
    let shop = server.create_shop("shop", LIFETIME);
    let other = server.create_realm("other", LIFETIME);
    let mut tokens = serde_json::Map::new();
    let mut add = |name: &str, realm: Realm<'_>, response: &Tokens| {
        let mut token = recorded(&response.access);
        token["introspection"] = realm.introspect(&response.access);
        for further in ["id_token", "refresh_token"] {
            // The other clients' tokens of these kinds are the same.
            if name == "user" {
                token[further] = response.response[further].clone();
            }
        }
        tokens.insert(name.to_owned(), token);
    };
    let client = Client::new();

    add(
        "user",
        shop,
        &shop
            .grant("web")
            .with("scope", "openid orders.read")
            .user("ada"),
    );
    add(
        "machine",
        shop,
        &shop.grant("web").with("scope", "orders.read").machine(),
    );
    for (client, name) in [
        ("at-jwt", "at+jwt"),
        ("lightweight", "lightweight"),
        ("lightweight-with-audience", "lightweight with audience"),
        ("without-basic", "without basic scope"),
        ("without-audience", "without audience"),
    ] {
        add(
            &format!("user {name}"),
            shop,
            &shop.grant(client).user("ada"),
        );
        add(
            &format!("machine {name}"),
            shop,
            &shop.grant(client).machine(),
        );
    }
    add(
        "machine without scopes",
        shop,
        &shop.grant("without-scopes").machine(),
    );
    for (client, name) in [("es256", "ES256"), ("ps256", "PS256"), ("eddsa", "EdDSA")] {
        add(
            &format!("machine {name}"),
            shop,
            &shop.grant(client).machine(),
        );
    }
    add(
        "user DPoP",
        shop,
        &shop.grant("dpop").dpop(&client).user("ada"),
    );
    add(
        "machine DPoP",
        shop,
        &shop.grant("dpop").dpop(&client).machine(),
    );
    let source = shop.grant("front").user("ada");
    add("user before exchange", shop, &source);
    add(
        "user exchanged",
        shop,
        &shop.grant("gateway").exchange(&source.access, API),
    );
    add(
        "user resource",
        shop,
        &shop.grant("agent").with("resource", RESOURCE).user("ada"),
    );
    add(
        "machine resource",
        shop,
        &shop.grant("agent").with("resource", RESOURCE).machine(),
    );
    add(
        "user of another realm",
        other,
        &other.grant("web").user("ada"),
    );
    // The server finds it inactive at the URL without TLS, so its response is not recorded.
    let bound = shop.grant("mtls").tls(Some("client")).machine();
    tokens.insert("machine mutual TLS".to_owned(), recorded(&bound.access));

    json!({
        "about": about("Keycloak 26.7.3"),
        "recorded_at": now(),
        "issuer": shop.issuer(),
        "https_issuer": shop.https_issuer(),
        "audience": API,
        "resource": RESOURCE,
        "metadata": parse(&shop.metadata()),
        "key_set": parse(&shop.key_set()),
        "client_certificate": STANDARD.encode(certificates::der("client.crt")),
        "tokens": tokens,
    })
}

fn hydra() -> Value {
    const AUDIENCE: &str = "api://orders";
    let server = Hydra::start(LIFETIME);
    server.add_client("machine", AUDIENCE, Format::Jwt);
    server.add_client("opaque", AUDIENCE, Format::Opaque);
    let introspected = |access: &str| {
        let mut token = recorded(access);
        token["introspection"] = server.introspect(access);
        token
    };
    let for_us = [("audience", AUDIENCE)];
    let rsa = introspected(&server.token("machine", &for_us));
    server.add_key("ES256");
    let tokens = json!({
        "machine": rsa,
        "machine ES256": introspected(&server.token("machine", &for_us)),
        "machine without audience": introspected(&server.token("machine", &[])),
        "opaque": introspected(&server.token("opaque", &for_us)),
        "opaque without audience": introspected(&server.token("opaque", &[])),
    });
    json!({
        "about": about("Ory Hydra 2.3.0"),
        "recorded_at": now(),
        "issuer": server.issuer(),
        "audience": AUDIENCE,
        "metadata": parse(&server.metadata()),
        "key_set": parse(&server.key_set()),
        "tokens": tokens,
    })
}

/// Returns a token with the time of its issue, if it shows that.
fn recorded(access: &str) -> Value {
    let issued_at = access
        .starts_with("eyJ")
        .then(|| jwt::claims(access)["iat"].clone());
    json!({ "access_token": access, "issued_at": issued_at })
}

fn about(server: &str) -> String {
    format!(
        "Written by `ci/live record` from {server}, which ran for the recording only: the private keys were in its memory, \
         and its users and clients are made up. Do not edit this file by hand."
    )
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.expect("after 1970").as_secs()
}
