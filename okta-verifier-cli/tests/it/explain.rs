//! `okta-verifier explain`: output and exit code for each kind of token.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use okta_verifier::{VerifyError, adapter::RequestCredentials, settings::Settings};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Client, Endpoint, Fault, MockOkta, TestIssuer,
};
use serde_json::Value;

/// A file that is removed at the end of the test.
struct File(PathBuf);

impl File {
    fn new(text: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("okta-verifier-explain-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The settings of a service that pins the keys of an issuer.
struct Pinned {
    okta: TestIssuer,
    settings: File,
    _keys: File,
}

impl Pinned {
    fn new(more: &str) -> Self {
        let okta = TestIssuer::new("api://orders");
        let keys = File::new(&okta.jwks());
        let (url, file) = (okta.issuer_url(), keys.path());
        let settings = File::new(&format!(
            "{more}\n[[issuers]]\nprovider = \"okta\"\nurl = \"{url}\"\naudiences = [\"api://orders\"]\nclient_ids = [\"{CLIENT_ID}\"]\nkeys_file = \"{file}\"\n"
        ));
        Self {
            okta,
            settings,
            _keys: keys,
        }
    }

    fn explain(&self, token: &str, arguments: &[&str]) -> Run {
        explain(
            token,
            &[&["--settings", self.settings.path()], arguments].concat(),
            &[],
        )
    }
}

/// The settings of a service whose issuer is a mock that introspects every token.
fn introspecting(okta: &MockOkta) -> String {
    let url = okta.issuer_url();
    format!(
        "[[issuers]]\nprovider = \"okta\"\nurl = \"{url}\"\naudiences = [\"api://default\"]\nclient_ids = [\"{CLIENT_ID}\"]\n[issuers.introspection]\ntokens = \"every\"\nauthentication = \"client_secret_basic\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\"\n"
    )
}

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|_| panic!("{}{}", self.stdout, self.stderr))
    }

    fn line(&self, name: &str) -> &str {
        let mut lines = self.stdout.lines();
        let found = lines.find(|line| line.split_whitespace().nth(1) == Some(name));
        found.unwrap_or_else(|| panic!("no line {name}: {}", self.stdout))
    }
}

/// Runs the command with this standard input. Ends the test if its output has a part of the token.
fn explain(input: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-verifier"));
    command.arg("explain").args(arguments).env_clear();
    command.envs(variables.iter().copied());
    let pipes = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // The command may end before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let run = Run {
        code: output.status.code().expect("the command ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    let shown = [run.stdout.as_bytes(), run.stderr.as_bytes()].concat();
    let shown: BTreeSet<&[u8]> = shown.windows(16).collect();
    let token = input.split_whitespace().next_back().unwrap_or_default();
    let part = token
        .as_bytes()
        .windows(16)
        .any(|part| shown.contains(part));
    assert!(!part, "a part of the token is shown");
    assert!(!run.stdout.contains('\u{1b}'), "colours are for terminals");
    run
}

fn codes(run: &Run) -> Vec<String> {
    let json = run.json();
    let codes = json["codes"].as_array().unwrap().iter();
    codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn explain_of_a_valid_token_exits_with_0() {
    let pinned = Pinned::new("");
    let run = pinned.explain(&pinned.okta.token("ada").sign(), &[]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.line("signature").starts_with("ok    signature"));
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(last, "verdict: accepted     (claims hidden; --show-claims)");
    assert!(!run.stdout.contains("ada"), "{}", run.stdout);
}

#[test]
fn explain_of_a_rejected_token_shows_each_failure_and_exits_with_1() {
    let pinned = Pinned::new("");
    let token = pinned
        .okta
        .token("ada")
        .audience("api://order")
        .expired()
        .sign();
    let run = pinned.explain(&token, &[]);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.line("dates").starts_with("FAIL  dates       expired "),
        "{}",
        run.stdout
    );
    assert!(
        run.line("audience")
            .contains("api://order; expected: api://orders")
    );
    assert!(run.stdout.contains("-> is the audience misspelt?"));
    let last = run.stdout.lines().last().unwrap();
    assert!(
        last.starts_with("verdict: 401 expired, next wrong_audience "),
        "{last}"
    );
}

#[test]
fn explain_shows_claims_only_if_it_is_told_to() {
    let pinned = Pinned::new("");
    let token = || pinned.okta.token("ada").claim("salary", 90_000).sign();
    let run = pinned.explain(&token(), &["--show-claims"]);
    assert!(run.stdout.contains("sub: ada\n") && run.stdout.contains("salary: 90000\n"));
    let run = pinned.explain(&token(), &["--json"]);
    let json = run.json();
    let claims = json["unverified_claims"].as_array().unwrap();
    let claim = |name: &str| &claims.iter().find(|it| it["name"] == name).unwrap()["value"];
    assert_eq!(
        (claim("sub"), claim("salary")),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(claim("aud"), "api://orders");
}

#[test]
fn explain_as_json_has_stable_keys() {
    let pinned = Pinned::new("");
    let run = pinned.explain(&pinned.okta.token("ada").foreign_key().sign(), &["--json"]);
    let json = run.json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "accepted",
            "checks",
            "codes",
            "reason_code",
            "status",
            "unverified_claims",
            "unverified_claims_left_out"
        ]
    );
    let checks = json["checks"].as_array().unwrap();
    let keys: Vec<&String> = checks[0].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "code",
            "expected",
            "found",
            "hint",
            "name",
            "state",
            "unverified"
        ]
    );
    let names: Vec<&str> = checks
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names[..5],
        ["form", "header", "encoding", "claims", "issuer"]
    );
    let audience = checks.iter().find(|it| it["name"] == "audience").unwrap();
    assert_eq!(
        (&audience["state"], &audience["unverified"]),
        (&"ok".into(), &true.into())
    );
    assert_eq!(
        (&json["accepted"], &json["status"]),
        (&false.into(), &401.into())
    );
}

#[test]
fn explain_reads_the_scheme_and_white_space_around_the_token() {
    let pinned = Pinned::new("");
    let token = pinned.okta.token("ada").sign();
    let run = pinned.explain(&format!("  Bearer {token}\n"), &[]);
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stderr,
        "okta-verifier: the scheme before the token is ignored\n"
    );
}

#[test]
fn explain_of_an_empty_pipe_is_wrong_use() {
    let pinned = Pinned::new("");
    for input in ["", " \n", "Bearer\n"] {
        let run = pinned.explain(input, &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(
            run.stderr.contains("standard input is empty"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn explain_never_takes_the_token_as_an_argument() {
    let pinned = Pinned::new("");
    let run = pinned.explain("", &["surplus"]);
    assert_eq!(run.code, 2);
}

#[test]
fn explain_without_settings_is_wrong_use() {
    let token = TestIssuer::new("api://orders").token("ada").sign();
    let run = explain(&token, &[], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("OKTA_ISSUER"), "{}", run.stderr);
    let run = explain(&token, &["--settings", "/nowhere/okta.toml"], &[]);
    assert_eq!(run.code, 2);
}

#[test]
fn explain_of_garbage_exits_with_1() {
    let pinned = Pinned::new("");
    for (input, verdict) in [
        ("undefined", "verdict: 401 malformed (parts) "),
        ("a.b.c", "verdict: 401 malformed (base64) "),
        (
            "e30.e30.e30",
            "verdict: 401 malformed (header), next missing_claim ",
        ),
        ("a+b.c.d", "verdict: 401 malformed (alphabet) "),
        // A request with such a text is rejected before the token is looked at.
        (
            "\u{1b}[2J\u{202e}x",
            "verdict: 400 invalid_request, next malformed ",
        ),
        (
            "{\"access_token\":1}",
            "verdict: 400 invalid_request, next malformed ",
        ),
    ] {
        let run = pinned.explain(input, &[]);
        assert_eq!(run.code, 1, "{input:?}");
        assert!(run.stdout.contains(verdict), "{input:?}: {}", run.stdout);
        assert!(!run.stdout.contains(['\u{202e}', '\u{1b}']), "{input:?}");
    }
}

#[test]
fn explain_of_a_megabyte_is_short() {
    let pinned = Pinned::new("");
    let token = pinned
        .okta
        .token("ada")
        .claim("x", "y".repeat(1_000_000))
        .sign();
    let run = pinned.explain(&token, &["--show-claims"]);
    assert_eq!(run.code, 1);
    assert!(run.stdout.len() < 4_096, "{}", run.stdout);
    let last = run.stdout.lines().last().unwrap();
    assert_eq!(last, "verdict: 400 malformed (too_large)");
    let object: Value = serde_json::from_str(&pinned.explain(&token, &["--json"]).stdout).unwrap();
    assert_eq!(object["status"], 400);
    assert_eq!(object["reason_code"], "too_large");
    assert_eq!(object["codes"], serde_json::json!(["malformed"]));
    let larger = Pinned::new("max_token_size = 65536");
    let token = larger
        .okta
        .token("ada")
        .claim("x", "y".repeat(45_000))
        .sign();
    let run = larger.explain(&token, &["--show-claims"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(run.stdout.len() < 8_192);
    let run = pinned.explain(&"a".repeat(5_000_000), &[]);
    assert_eq!(run.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_reads_the_environment() {
    let okta = MockOkta::start().await;
    let token = okta.token("ada").sign();
    let variables = [
        ("OKTA_ISSUER", okta.issuer_url()),
        ("OKTA_AUDIENCE", "api://defualt"),
        ("OKTA_CLIENT_IDS", "*"),
    ];
    let run = explain(&token, &["--json"], &variables);
    assert_eq!(
        (run.code, codes(&run)),
        (1, vec!["wrong_audience".to_owned()])
    );
    // Without a request, the signature is not known, but the audience is.
    let hits = okta.hits().keys;
    let run = explain(&token, &["--json", "--offline"], &variables);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert_eq!(codes(&run), ["unavailable", "wrong_audience"]);
    assert_eq!(okta.hits().keys, hits);
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_with_a_dead_or_hostile_issuer_exits_with_3() {
    let okta = MockOkta::start().await;
    let settings = File::new(&introspecting(&okta));
    let token = okta.token("ada").sign();
    let target = format!("https://evil.example/{token}");
    for fault in [
        Fault::Drop,
        Fault::Html,
        Fault::Huge(10_000_000),
        Fault::Redirect(target),
    ] {
        okta.fault(Endpoint::Keys, fault);
        let run = explain(&token, &["--settings", settings.path()], &[]);
        assert_eq!(run.code, 3, "{}", run.stdout);
        assert!(
            run.stdout.contains("verdict: 503 unavailable"),
            "{}",
            run.stdout
        );
        assert!(run.line("key").starts_with("FAIL"), "{}", run.stdout);
    }
    okta.clear_faults();
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    let run = explain(&token, &["--settings", settings.path()], &[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(
        run.line("introspection").starts_with("FAIL"),
        "{}",
        run.stdout
    );
}

/// Returns the codes in the first table of `why-401.md` with this heading.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../okta-verifier/docs/why-401.md");
    let page = fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("\n## 401 `invalid_token`\n").unwrap();
    let (section, _) = section.split_once("\n#").unwrap();
    let code = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    section.lines().filter_map(code).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_agrees_with_a_request_for_each_documented_code() {
    let okta = MockOkta::start().await;
    let text = introspecting(&okta);
    let settings = File::new(&text);
    let verifier = Settings::read(toml::Deserializer::parse(&text).unwrap()).unwrap();
    let verifier = verifier.verifier().unwrap();
    let token = || okta.token("ada");
    let org = okta.issuer_url().split("/oauth2/").next().unwrap();
    let in_an_hour = u64::MAX >> 32;
    let tokens = [
        ("malformed", "a.b.c".to_owned()),
        ("encrypted", token().encrypted().sign()),
        ("algorithm_not_allowed", token().unsigned().sign()),
        ("algorithm_mismatch", token().header("alg", "RS512").sign()),
        ("type_not_allowed", token().typ("logout+jwt").sign()),
        ("missing_key_id", token().without_header("kid").sign()),
        ("unknown_key_id", token().unpublished_key().sign()),
        ("bad_signature", token().tampered().sign()),
        (
            "unknown_issuer",
            token().claim("iss", "https://other.example").sign(),
        ),
        ("org_authorization_server", token().claim("iss", org).sign()),
        ("missing_claim", token().without("aud").sign()),
        ("invalid_claim", token().claim("exp", "tomorrow").sign()),
        ("expired", token().expired().sign()),
        ("not_yet_valid", token().not_before(in_an_hour).sign()),
        (
            "issued_in_future",
            token()
                .expires_at(in_an_hour + 1)
                .issued_at(in_an_hour)
                .sign(),
        ),
        ("wrong_audience", token().audience("api://other").sign()),
        ("not_an_access_token", token().claim("at_hash", "x").sign()),
        ("client_not_allowed", token().client_id("0oaother").sign()),
        ("inactive", token().revoked().sign()),
        ("binding_unchecked", Client::new().bind(token()).sign()),
    ];
    for (code, token) in &tokens {
        let authorization = format!("Bearer {token}");
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let rejection = verifier.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.error().map(VerifyError::code), Some(*code));
        let run = explain(token, &["--settings", settings.path(), "--json"], &[]);
        assert_eq!(
            codes(&run).first().map(String::as_str),
            Some(*code),
            "{}",
            run.stdout
        );
        assert_eq!(run.code, 1, "{code}");
        assert_eq!(run.json()["status"], rejection.status().as_u16(), "{code}");
    }
    // A token that is not bound, under settings that require DPoP.
    let text = text.replace(
        "[[issuers]]\n",
        "[dpop]\nbase_url = \"https://api.example.com\"\n[[issuers]]\nrequire_dpop = true\n",
    );
    let settings = File::new(&text);
    let run = explain(&token().sign(), &["--settings", settings.path()], &[]);
    assert!(
        run.stdout.contains("verdict: 401 binding_required "),
        "{}",
        run.stdout
    );
    assert!(run.line("sender").starts_with("FAIL"), "{}", run.stdout);
    // These depend on the request that brings the token.
    let of_requests = [
        "bound_token_as_bearer",
        "not_bound",
        "binding_mismatch",
        "no_certificate",
    ];
    let walked = tokens.iter().map(|(code, _)| *code);
    let walked = walked.chain(["binding_required"]).chain(of_requests);
    let walked: BTreeSet<String> = walked.map(str::to_owned).collect();
    assert_eq!(walked, documented());
}
