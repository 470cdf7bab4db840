//! `okta-verifier mock`.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use okta_verifier::{Issuer, Verifier};
use serde_json::Value;

/// A running mock, which ends with the test.
struct Mock {
    child: Child,
    /// The first line of standard output.
    line: String,
}

impl Mock {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // Ends with the line, or with the process.
        let read = BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line);
        assert!(read.unwrap() > 0, "the mock did not start");
        let line = line.trim_end().to_owned();
        secret_scan::public(&line);
        Self { child, line }
    }

    fn issuer(&self) -> &str {
        &self.line
    }

    fn origin(&self) -> &str {
        self.line.strip_suffix("/oauth2/default").unwrap()
    }

    /// Sends a signal, and returns the exit code and standard error.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &id])
                .status()
                .unwrap()
                .success()
        );
        let mut text = String::new();
        self.child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        (self.child.wait().unwrap().code(), text)
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-verifier"));
    command.arg("mock").args(arguments).stdin(Stdio::null());
    command
}

fn output(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A path in a directory of this test, which does not exist yet.
fn path(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    directory.join("ca.pem")
}

fn client() -> reqwest::Client {
    let redirects = reqwest::redirect::Policy::none();
    reqwest::Client::builder()
        .redirect(redirects)
        .no_proxy()
        .build()
        .unwrap()
}

#[test]
fn mock_on_a_public_address_is_rejected() {
    for address in ["0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "169.254.1.1"] {
        let output = output(&["--bind", address, "--port", "0"]);
        assert_eq!(output.status.code(), Some(2), "{address}");
        assert!(output.stdout.is_empty());
        assert!(text(&output.stderr).contains("--allow-remote"));
    }
}

#[test]
fn mock_with_wrong_options_is_rejected() {
    for arguments in [
        &["--bind", "localhost"][..],
        &["--port", "65536"],
        &["--tls"],
        &["--ca-file", "ca.pem"],
        &["--host", "mock:8080"],
        &["--host", "mock", "--port", "0"],
        &["--bind", "0.0.0.0", "--allow-remote"],
        &["--port", "0", "--issuer-url", "https://mock.test/"],
        &["--port", "0", "--redirect-uri", "javascript:alert(1)"],
        &["positional"],
    ] {
        let output = output(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}

#[test]
fn mock_on_a_port_in_use_does_not_start() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let file = path("port-in-use");
    let output = output(&[
        "--port",
        &port,
        "--tls",
        "--ca-file",
        file.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot listen on 127.0.0.1"));
    assert!(
        !file.exists(),
        "the file of the mock that runs there is kept"
    );
}

#[test]
fn mock_does_not_replace_the_file_of_another_program() {
    let file = path("other-file");
    fs::write(&file, "-----BEGIN CERTIFICATE-----").unwrap();
    let output = output(&["--port", "0", "--tls", "--ca-file", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "-----BEGIN CERTIFICATE-----"
    );
}

#[test]
fn mock_ends_with_a_signal_and_says_what_it_is() {
    for signal in ["-INT", "-TERM"] {
        let mock = Mock::start(&["--port", "0"]);
        assert!(mock.issuer().starts_with("http://127.0.0.1:"));
        let (code, banner) = mock.end(signal);
        assert_eq!(code, Some(0), "{signal}");
        assert!(
            banner.contains("mints valid tokens") && banner.contains("Never use it in production")
        );
        assert!(!banner.contains('\u{1b}'), "colours are for a terminal");
    }
}

#[test]
fn mock_with_json_writes_one_object() {
    let mock = Mock::start(&["--json", "--port", "0", "--audience", "api://orders"]);
    let object: Value = serde_json::from_str(&mock.line).unwrap();
    let address = object["address"].as_str().unwrap();
    assert_eq!(object["issuer"], format!("http://{address}/oauth2/default"));
    assert_eq!(
        [&object["audience"], &object["client_id"]],
        ["api://orders", "0oatest"]
    );
    assert!(object.get("client_secret").is_none());
}

#[tokio::test]
async fn mock_on_every_address_starts_if_it_is_allowed() {
    let issuer = "http://mock.test/oauth2/default";
    let arguments = [
        "--json",
        "--bind",
        "0.0.0.0",
        "--allow-remote",
        "--port",
        "0",
        "--issuer-url",
        issuer,
    ];
    let mock = Mock::start(&arguments);
    let object: Value = serde_json::from_str(&mock.line).unwrap();
    let address: SocketAddr = object["address"].as_str().unwrap().parse().unwrap();
    let url = format!(
        "http://127.0.0.1:{}/oauth2/default/.well-known/openid-configuration",
        address.port()
    );
    let metadata = client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    assert_eq!(metadata["issuer"], issuer);
    let (_, banner) = mock.end("-TERM");
    assert!(banner.contains("without --tls"));
}

#[tokio::test]
async fn mock_login_without_a_browser_yields_tokens() {
    let mock = Mock::start(&[
        "--port",
        "0",
        "--public-client",
        "--client-id",
        "orders-web",
        "--user",
        "grace",
    ]);
    let verifier = "a-code-verifier-needs-at-least-43-characters";
    // SHA-256 of the verifier.
    let challenge = "cab1muneiB_JIwP7JpAmKb6mXrewUV5v9OTnSwAzpW8";
    let uri = "http://127.0.0.1:5173/callback";
    let authorize = |changes: &[(&str, &str)]| {
        let mut query: HashMap<&str, &str> = HashMap::from([
            ("response_type", "code"),
            ("client_id", "orders-web"),
            ("redirect_uri", uri),
            ("scope", "openid orders:read"),
            ("state", "xyz"),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256"),
            ("login_hint", "grace"),
            ("prompt", "none"),
        ]);
        query.extend(changes.iter().copied());
        let url = format!("{}/v1/authorize", mock.issuer());
        client().get(url).query(&query).send()
    };
    let location = |reply: &reqwest::Response| {
        let location = reply.headers()["location"].to_str().unwrap();
        reqwest::Url::parse(location)
            .unwrap()
            .query_pairs()
            .into_owned()
            .collect::<HashMap<_, _>>()
    };
    let exchange = |code: String, verifier: &'static str| {
        let form = HashMap::from([
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", "orders-web".to_owned()),
            ("redirect_uri", uri.to_owned()),
            ("code", code),
            ("code_verifier", verifier.to_owned()),
        ]);
        client()
            .post(format!("{}/v1/token", mock.issuer()))
            .form(&form)
            .send()
    };

    let foreign = authorize(&[("redirect_uri", "https://app.example/")])
        .await
        .unwrap();
    assert_eq!(foreign.status(), 400);
    let plain = authorize(&[("code_challenge_method", "plain")])
        .await
        .unwrap();
    assert_eq!(location(&plain)["error"], "invalid_request");
    let stranger = authorize(&[("login_hint", "ada")]).await.unwrap();
    assert_eq!(location(&stranger)["error"], "login_required");

    let code = location(&authorize(&[]).await.unwrap())["code"].clone();
    assert_eq!(
        exchange(code, "another-verifier-with-more-than-43-characters")
            .await
            .unwrap()
            .status(),
        400
    );
    let code = location(&authorize(&[]).await.unwrap())["code"].clone();
    let reply = exchange(code.clone(), verifier).await.unwrap();
    let tokens: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
    assert_eq!(exchange(code, verifier).await.unwrap().status(), 400);

    let issuer = Issuer::okta(mock.issuer(), "api://default").client_id("orders-web");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let token = verifier
        .verify(tokens["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert!(token.subject() == "grace" && token.has_scope("orders:read"));
}

#[tokio::test]
async fn mock_client_credentials_need_the_secret() {
    let mock = Mock::start(&[
        "--port",
        "0",
        "--client-id",
        "batch",
        "--client-secret",
        "an example of a secret",
    ]);
    let request = |secret: &'static str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "orders:read"),
        ];
        let url = format!("{}/v1/token", mock.issuer());
        client()
            .post(url)
            .basic_auth("batch", Some(secret))
            .form(&form)
            .send()
    };
    assert_eq!(request("secret").await.unwrap().status(), 401);
    let reply = request("an+example+of+a+secret")
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let reply: Value = serde_json::from_str(&reply).unwrap();
    let issuer = Issuer::okta(mock.issuer(), "api://default").client_id("batch");
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let token = verifier
        .verify(reply["access_token"].as_str().unwrap())
        .await
        .unwrap();
    assert_eq!(token.subject(), "batch");
}

#[tokio::test]
async fn mock_rejects_a_body_of_a_megabyte() {
    let mock = Mock::start(&["--port", "0"]);
    let request = client()
        .post(format!("{}/v1/token", mock.issuer()))
        .body(vec![b'a'; 1 << 20]);
    // The client may notice the closed connection before it reads the response.
    if let Ok(reply) = request.send().await {
        assert_eq!(reply.status(), 413);
    }
    let keys = client()
        .get(format!("{}/v1/keys", mock.issuer()))
        .send()
        .await
        .unwrap();
    assert_eq!(keys.status(), 200);
}

/// The service is this test in another process, because it reads its settings from the environment.
#[tokio::test]
async fn service_with_the_ca_file_accepts_a_token_of_the_mock() {
    if let Ok(token) = std::env::var("TOKEN") {
        let verifier = Verifier::from_env().unwrap();
        let code = match verifier.verify(&token).await {
            Ok(token) => token.subject().to_owned(),
            Err(error) => error.code().to_owned(),
        };
        // The line after the name of the test.
        assert_eq!(code, std::env::var("EXPECTED").unwrap());
        return;
    }
    let file = path("service");
    let arguments = ["--port", "0", "--tls", "--ca-file", file.to_str().unwrap()];
    let first = Mock::start(&arguments);
    let stale = fs::read(&file).unwrap();
    drop(first);
    let mock = Mock::start(&arguments);
    assert!(mock.issuer().starts_with("https://127.0.0.1:"));
    let authority = reqwest::Certificate::from_pem(&fs::read(&file).unwrap()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .no_proxy()
        .build()
        .unwrap();
    let token = client
        .get(format!("{}/_mock/token?sub=ada", mock.origin()))
        .send()
        .await
        .unwrap();
    let token = token.text().await.unwrap();

    let stale_file = file.with_file_name("stale.pem");
    fs::write(&stale_file, stale).unwrap();
    for (ca_file, expected) in [(&stale_file, "unavailable"), (&file, "ada")] {
        let service = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "mock::service_with_the_ca_file_accepts_a_token_of_the_mock",
            ])
            .env("TOKEN", &token)
            .env("EXPECTED", expected)
            .env("OKTA_ISSUER", mock.issuer())
            .env("OKTA_AUDIENCE", "api://default")
            .env("OKTA_CLIENT_IDS", "0oatest")
            .env("OKTA_CA_FILE", ca_file)
            .output()
            .unwrap();
        assert!(
            service.status.success(),
            "{expected}: {}",
            text(&service.stdout)
        );
        assert!(text(&service.stdout).contains("1 passed"));
    }
}

#[tokio::test]
async fn mock_registers_clients_and_knows_resources_only_if_it_is_told() {
    let resource = "http://127.0.0.1:3000/mcp";
    let register = async |mock: &Mock| {
        let request = client().post(format!("{}/v1/clients", mock.issuer()));
        let request = request.header("content-type", "application/json");
        let body = r#"{"redirect_uris":["http://127.0.0.1/"],"token_endpoint_auth_method":"none"}"#;
        request.body(body).send().await.unwrap().status()
    };
    let audience = async |mock: &Mock, resource: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "files:read"),
            ("resource", resource),
        ];
        let request = client().post(format!("{}/v1/token", mock.issuer()));
        let reply = request.basic_auth("0oatest", Some("secret")).form(&form);
        let reply = reply.send().await.unwrap();
        let body: Value = serde_json::from_str(&reply.text().await.unwrap()).unwrap();
        let Some(token) = body["access_token"].as_str() else {
            return body["error"].as_str().unwrap().to_owned();
        };
        let verifier = |audience: &str| {
            let issuer = Issuer::okta(mock.issuer(), audience).any_client_id();
            Verifier::builder().issuer(issuer).build().unwrap()
        };
        for audience in [resource, "api://default"] {
            if verifier(audience).verify(token).await.is_ok() {
                return audience.to_owned();
            }
        }
        panic!("a token for another audience");
    };

    let mock = Mock::start(&["--port", "0"]);
    assert_eq!(register(&mock).await, 404);
    assert_eq!(audience(&mock, resource).await, "api://default");

    let mock = Mock::start(&["--port", "0", "--registration", "--resource", resource]);
    assert_eq!(register(&mock).await, 201);
    assert_eq!(
        audience(&mock, "http://127.0.0.1:3000/").await,
        "invalid_target"
    );
    assert_eq!(audience(&mock, resource).await, resource);
}
