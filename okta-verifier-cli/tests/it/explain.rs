//! `okta-verifier explain`: output and exit code for each kind of token.

use std::process::{Command, Stdio};

use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta, TestIssuer};
use serde_json::Value;

use crate::process::{self, File, Run};

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

/// Runs the command with this standard input. Ends the test if its output has a part of the token.
fn explain(input: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let run = process::run(&[&["explain"], arguments].concat(), variables, input);
    run.assert_shows_no_part_of(input.split_whitespace().next_back().unwrap_or_default());
    run
}

#[track_caller]
fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|_| panic!("{run:?}"))
}

#[track_caller]
fn line(run: &Run, name: &str) -> String {
    let (line, _) = run.check(name);
    assert!(!line.is_empty(), "no line {name}: {run:?}");
    line
}

fn codes(run: &Run) -> Vec<String> {
    let json = json(run);
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
    assert!(line(&run, "signature").starts_with("ok    signature"));
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
        line(&run, "dates").starts_with("FAIL  dates       expired "),
        "{}",
        run.stdout
    );
    assert!(line(&run, "audience").contains("api://order; expected: api://orders"));
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
    let json = json(&run);
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
    let json = json(&run);
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "accepted",
            "checks",
            "codes",
            "policies",
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
fn explain_compares_an_accepted_token_with_each_policy_of_the_file() {
    let pinned = Pinned::new(
        "[policies]\nread = { scope = \"orders:read\" }\nadmin = { group = \"Admins\" }\nbound = { bound = true }\n",
    );
    let token = || pinned.okta.token("ada").scope("orders:read");
    let run = pinned.explain(&token().sign(), &["--json"]);
    let policies = &json(&run)["policies"];
    let result = |name: &str| {
        let mut policies = policies.as_array().unwrap().iter();
        let policy = policies.find(|policy| policy["name"] == name).unwrap();
        (policy["code"].as_str(), policy["status"].as_u64())
    };
    assert_eq!(result("read"), (None, None));
    assert_eq!(result("admin"), (Some("forbidden"), Some(403)));
    assert_eq!(result("bound"), (Some("binding_required"), Some(401)));
    assert_eq!(run.code, 0, "the token is accepted");
    // What a rejected token would be allowed to do is not shown.
    let rejected = pinned.explain(&token().expired().sign(), &["--json"]);
    assert_eq!(json(&rejected)["policies"], serde_json::json!([]));
    assert_eq!(rejected.code, 1);
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
fn token_among_the_arguments_is_not_shown() {
    let token = TestIssuer::new("api://orders").token("ada").sign();
    let (long, with_value) = (format!("--{token}"), format!("--json={token}"));
    for arguments in [
        &["explain", &token][..],
        &["doctor", &token],
        &["mock", &token],
        &["mock", "--port", &token],
        &["mock", "--bind", &token],
        &["mock", "--host", &token],
        &["explain", &long],
        &["explain", &with_value],
        &[&token],
        &["Bearer", &token],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_okta-verifier"));
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2), "{:?}", arguments[0]);
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8(shown).unwrap();
        assert!(
            shown.contains("Usage") || shown.contains("--help"),
            "{shown}"
        );
        let parts = token.as_bytes().windows(16);
        let parts = parts.map(|part| std::str::from_utf8(part).unwrap());
        assert!(!parts.into_iter().any(|part| shown.contains(part)));
    }
    // The name of an option that does not exist helps.
    let mut command = Command::new(env!("CARGO_BIN_EXE_okta-verifier"));
    let output = command.args(["explain", "--setings"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("--setings"));
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
fn explain_shows_no_token_that_is_written_in_place_of_the_settings_file() {
    let token = TestIssuer::new("api://orders").token("ada").sign();
    for path in [
        token.clone(),
        format!("/nowhere/{token}"),
        format!("{token}/x"),
    ] {
        let run = process::run(&["explain", "--settings", &path], &[], "");
        assert_eq!(run.code, 2, "{}", run.stderr.len());
        run.assert_shows_no_part_of(&token);
        let run = process::run(&["doctor", "--settings", &path], &[], "");
        assert_eq!(run.code, 2, "{}", run.stdout.len());
        run.assert_shows_no_part_of(&token);
    }
}

#[test]
fn explain_escapes_control_characters_of_the_settings_file() {
    let token = TestIssuer::new("api://orders").token("ada").sign();
    let hostile = "\"\\u001b[2J\\u202e\\nverdict: accepted\" = 1\nissuers = []\n";
    let settings = File::new(hostile);
    let run = explain(&token, &["--settings", settings.path()], &[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("unknown field"), "{}", run.stderr);
    let is_hostile = |it: char| it.is_control() && it != '\n' || it == '\u{202e}';
    assert!(!run.stderr.contains(is_hostile), "{:?}", run.stderr);
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
        assert!(line(&run, "key").starts_with("FAIL"), "{}", run.stdout);
    }
    okta.clear_faults();
    okta.fault(Endpoint::Introspection, Fault::Status(500));
    let run = explain(&token, &["--settings", settings.path()], &[]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert!(
        line(&run, "introspection").starts_with("FAIL"),
        "{}",
        run.stdout
    );
}
