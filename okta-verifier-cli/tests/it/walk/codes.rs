//! Every code of the page "Why do I get 401?", as a client, the log, the counters and the command show it.
//!
//! `WALK=expired cargo test -p okta-verifier-cli --test it each_code -- --nocapture` shows one code or reason to
//! people, and without `WALK` all of them.

mod mcp;

use std::{collections::BTreeSet, env, fmt::Write, fs, path::Path, time::Duration};

use okta_verifier::revocation::{Measure, Revocations};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Certificate, Client, Endpoint, Fault, ProofBuilder, TokenBuilder,
};

use super::{
    issuer::Issuer,
    service::{BASE, Request, Seen, Service, has, shown},
};
use crate::process::Run;

/// One request, and what is expected of it.
struct Case {
    code: &'static str,
    reason_code: Option<&'static str>,
    status: u16,
    setup: Setup,
    fault: Option<(Endpoint, Fault)>,
    request: Request,
    is_sent_twice: bool,
    /// The token that the operator passes to the command.
    token: Option<String>,
    says: Says,
}

/// What `okta-verifier explain` says about the token of the request.
#[derive(Clone, Copy)]
enum Says {
    /// Code and status of the response, because the token is the cause.
    TheSame,
    /// This verdict. The text is why the command cannot see the cause.
    Instead(&'static str, &'static str),
    /// The command cannot run, because the request has no token. The text gives the reason.
    Nothing(&'static str),
}

/// The settings of the service.
#[derive(Clone, Copy, PartialEq)]
enum Setup {
    /// It accepts DPoP proofs and client certificates.
    Usual,
    WithoutBinding,
    RequiringDpop,
    Nonces,
    BehindProxy,
    Introspecting,
    /// Every token that was issued before the start is revoked.
    Revoking(Measure),
}

impl Setup {
    fn settings(self, issuer: &Issuer) -> String {
        let dpop = format!("client_certificates = true\n[dpop]\nbase_url = \"{BASE}\"");
        let introspection = format!(
            "[issuers.introspection]\ntokens = \"every\"\nauthentication = \"client_secret_basic\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret = \"{CLIENT_SECRET}\""
        );
        match self {
            Self::Usual | Self::Revoking(_) => issuer.settings(&dpop, ""),
            Self::WithoutBinding => issuer.settings("", ""),
            Self::RequiringDpop => issuer.settings(&dpop, "require_dpop = true"),
            Self::Nonces => issuer.settings(&format!("{dpop}\nnonces = \"random\""), ""),
            Self::BehindProxy => issuer.settings(
                "trusted_proxies = [\"127.0.0.1\"]\nforwarded_host = { header = \"x-forwarded-host\", hosts = [\"api.example.com\"] }\n[dpop]\nforwarded_host = true",
                "",
            ),
            Self::Introspecting => issuer.settings("", &introspection),
        }
    }
}

const NO_RULES: Says = Says::Instead(
    "accepted",
    "the rules are in the memory of the service, and the command does not have them",
);
const NO_TOKEN: Says = Says::Nothing("no token arrived that could be given to the command");
const NO_ROUTE: Says = Says::Instead(
    "accepted",
    "the token is valid; the route requires more, and the command knows no route",
);
const NO_REQUEST: Says = Says::Instead(
    "401 binding_unchecked",
    "a bound token is valid only with its request, which the command does not have; the line sender says what the request needs",
);

impl Case {
    fn new(code: &'static str, status: u16, request: Request) -> Self {
        Self {
            code,
            reason_code: None,
            status,
            setup: Setup::Usual,
            fault: None,
            request,
            is_sent_twice: false,
            token: None,
            says: NO_TOKEN,
        }
    }

    /// A token that is rejected in any request.
    fn token(code: &'static str, token: impl Into<String>) -> Self {
        let token = token.into();
        Self {
            token: Some(token.clone()),
            says: Says::TheSame,
            ..Self::new(code, 401, Request::bearer(&token))
        }
    }

    /// A token that a request of another kind, or to another route, may have.
    fn request(code: &'static str, status: u16, request: Request, token: &str, says: Says) -> Self {
        Self {
            token: Some(token.to_owned()),
            says,
            ..Self::new(code, status, request)
        }
    }

    fn reason(mut self, reason_code: &'static str) -> Self {
        self.reason_code = Some(reason_code);
        self
    }

    fn setup(mut self, setup: Setup) -> Self {
        self.setup = setup;
        self
    }

    fn name(&self) -> String {
        match self.reason_code {
            None => self.code.to_owned(),
            Some(reason) => format!("{}, {reason}", self.code),
        }
    }
}

/// Returns the cases of requests, routes and tokens.
fn cases(issuer: &Issuer) -> Vec<Case> {
    let mut cases = requests(issuer);
    cases.extend(tokens(issuer));
    cases.extend(revoked(issuer));
    cases.extend(malformed(issuer));
    cases.extend(bound(issuer));
    cases.extend(proofs(issuer));
    cases.extend(unavailable(issuer));
    cases.extend(mcp::cases(issuer));
    cases
}

fn requests(issuer: &Issuer) -> Vec<Case> {
    let token = issuer.user_token().scope("orders:read").sign();
    let bearer = || Request::bearer(&token);
    let at = |code, status, path| Case::request(code, status, bearer().at(path), &token, NO_ROUTE);
    let old = issuer.user_token().claim("auth_time", 1).sign();
    vec![
        Case::new("no_credentials", 401, Request::to("/orders")),
        Case::request(
            "invalid_request",
            400,
            bearer().authorized(format!("Bearer {token}")),
            &token,
            Says::Instead(
                "accepted",
                "each of the two tokens is valid, but a request must have one",
            ),
        ),
        at("insufficient_scope", 403, "/orders/write"),
        Case::request(
            "insufficient_user_authentication",
            401,
            Request::bearer(&old).at("/payments"),
            &old,
            NO_ROUTE,
        ),
        at("forbidden", 403, "/admin"),
        at("unreadable_claims", 403, "/desk"),
        at("missing_layer", 500, "/forgotten"),
        at("misconfigured_layer", 500, "/files"),
        // The application's own code stands for all of them.
        at("order_closed", 409, "/orders/close"),
    ]
}

fn tokens(issuer: &Issuer) -> Vec<Case> {
    let token = || issuer.user_token();
    let org = issuer.issuer_url().split("/oauth2/").next().unwrap();
    secret_scan::public("https://other.example");
    let far = u64::MAX >> 32;
    vec![
        Case::token("encrypted", token().encrypted().sign()),
        Case::token("algorithm_not_allowed", token().unsigned().sign()),
        Case::token("algorithm_mismatch", token().header("alg", "RS512").sign()),
        Case::token("type_not_allowed", token().typ("logout+jwt").sign()),
        Case::token("missing_key_id", token().without_header("kid").sign()),
        // The command shows `kid`, so it is not the random one.
        Case::token(
            "unknown_key_id",
            token().unpublished_key().key_id("gone").sign(),
        ),
        Case::token("bad_signature", token().tampered().sign()),
        Case::token(
            "unknown_issuer",
            token().claim("iss", "https://other.example").sign(),
        ),
        Case::token("org_authorization_server", token().claim("iss", org).sign()),
        Case::token("missing_claim", token().without("aud").sign()),
        Case::token("invalid_claim", token().claim("exp", "tomorrow").sign()),
        Case::token("expired", token().expired().sign()),
        Case::token("not_yet_valid", token().not_before(far).sign()),
        Case::token(
            "issued_in_future",
            token().expires_at(far + 1).issued_at(far).sign(),
        ),
        Case::token("wrong_audience", token().audience("api://other").sign()),
        Case::token("not_an_access_token", token().claim("at_hash", "x").sign()),
        Case::token("client_not_allowed", token().client_id("0oaother").sign()),
        Case::token("inactive", token().revoked().sign()).setup(Setup::Introspecting),
        Case::token("binding_unchecked", Client::new().bind(token()).sign())
            .setup(Setup::WithoutBinding),
        Case::token("binding_required", token().sign()).setup(Setup::RequiringDpop),
    ]
}

fn revoked(issuer: &Issuer) -> Vec<Case> {
    let case = |token: TokenBuilder, reason, measure| {
        let token = token.sign();
        let request = Request::bearer(&token);
        let case = Case::request("revoked", 401, request, &token, NO_RULES);
        case.reason(reason).setup(Setup::Revoking(measure))
    };
    let token = || issuer.user_token();
    let (issued, day) = (Measure::IssuedAt, Duration::from_secs(24 * 60 * 60));
    let login = Measure::AuthTime { longest_login: day };
    vec![
        case(token(), "rule", issued),
        case(token().issued_at(1_000), "too_old", issued),
        case(token().claim("auth_time", 1_000), "login", login),
    ]
}

fn malformed(issuer: &Issuer) -> Vec<Case> {
    let token = || issuer.user_token();
    let deep = (0..17).fold(serde_json::json!(1), |inner, _| serde_json::json!([inner]));
    let mut plus = token().sign();
    plus.pop();
    let too_large = Case {
        status: 400,
        ..Case::token("malformed", token().claim("x", "y".repeat(20_000)).sign())
    };
    vec![
        too_large.reason("too_large"),
        Case::token("malformed", plus + "+").reason("alphabet"),
        Case::token("malformed", "an-opaque-token").reason("parts"),
        Case::token("malformed", token().sign() + "AAA").reason("base64"),
        Case::token("malformed", token().raw_payload("[]").sign()).reason("json"),
        Case::token("malformed", token().raw_payload(r#"{"a":1,"a":1}"#).sign())
            .reason("duplicate_member"),
        Case::token("malformed", token().claim("x", deep).sign()).reason("too_deep"),
        Case::token("malformed", token().header("kid", 7).sign()).reason("header"),
        Case::token("malformed", token().header("kid", "k".repeat(257)).sign())
            .reason("key_id_too_long"),
        Case::token("malformed", token().header("crit", ["exp"]).sign()).reason("extension"),
        Case::token("malformed", token().header("cty", "JWT").sign()).reason("nested"),
    ]
}

/// Returns cases about the sender of a token.
fn bound(issuer: &Issuer) -> Vec<Case> {
    let (mine, other) = (Certificate::new("client"), Certificate::new("other"));
    let client = Client::new();
    let to_key = client.bind(issuer.user_token()).sign();
    let to_certificate = issuer.user_token().bound_to_certificate(mine.der()).sign();
    let plain = issuer.user_token().sign();
    let foreign = Client::new();
    let by = |holder: &Client, token: &str| Request::dpop(token, &proof(holder, token).sign());
    let unbound = Says::Instead(
        "accepted",
        "the token is valid with the scheme Bearer, and the command knows no scheme",
    );
    let invalid = |code, request, token, says| Case::request(code, 401, request, token, says);
    vec![
        invalid(
            "bound_token_as_bearer",
            Request::bearer(&to_key),
            &to_key,
            NO_REQUEST,
        ),
        invalid("not_bound", by(&client, &plain), &plain, unbound),
        // By the policy of a route. The settings of an issuer can require it too.
        invalid(
            "binding_required",
            Request::bearer(&plain).at("/keys"),
            &plain,
            NO_ROUTE,
        ),
        invalid(
            "binding_mismatch",
            by(&foreign, &to_key),
            &to_key,
            NO_REQUEST,
        ),
        invalid(
            "binding_mismatch",
            Request::bearer(&to_certificate).certificate(other.der()),
            &to_certificate,
            NO_REQUEST,
        ),
        invalid(
            "no_certificate",
            Request::bearer(&to_certificate),
            &to_certificate,
            NO_REQUEST,
        ),
    ]
}

/// Returns a valid proof of a request to the service.
fn proof(client: &Client, token: &str) -> ProofBuilder {
    client.proof("GET", &format!("{BASE}/orders")).token(token)
}

fn proofs(issuer: &Issuer) -> Vec<Case> {
    let client = Client::new();
    let token = client.bind(issuer.user_token()).sign();
    let with = |request| Case::request("invalid_dpop_proof", 401, request, &token, NO_REQUEST);
    let spoilt = |spoil: fn(ProofBuilder) -> ProofBuilder| {
        with(Request::dpop(&token, &spoil(proof(&client, &token)).sign()))
    };
    let good = || Request::dpop(&token, &proof(&client, &token).sign());
    let nonce = Case::request("use_dpop_nonce", 401, good(), &token, NO_REQUEST);
    let replayed = Case {
        is_sent_twice: true,
        ..with(good())
    };
    vec![
        nonce.setup(Setup::Nonces),
        with(Request::dpop(&token, "a.b.c")).reason("malformed"),
        with(Request::to("/orders").authorized(format!("DPoP {token}"))).reason("missing"),
        with(good().field("DPoP", proof(&client, &token).sign())).reason("repeated"),
        spoilt(|it| it.typ("JWT")).reason("type"),
        spoilt(ProofBuilder::unsigned).reason("algorithm"),
        spoilt(ProofBuilder::private_jwk).reason("key"),
        spoilt(|it| it.without("jti")).reason("claim"),
        spoilt(ProofBuilder::foreign_key).reason("signature"),
        spoilt(|it| it.htm("POST")).reason("method"),
        spoilt(|it| it.htu("https://internal.example/orders")).reason("url"),
        with(good().field("X-Forwarded-Host", "internal.example"))
            .reason("unknown_url")
            .setup(Setup::BehindProxy),
        spoilt(|it| it.aged(301)).reason("too_old"),
        spoilt(|it| it.aged(-62)).reason("in_future"),
        spoilt(|it| it.token("a.b.c")).reason("token_hash"),
        replayed.reason("replayed"),
    ]
}

fn unavailable(issuer: &Issuer) -> Vec<Case> {
    let case = |endpoint, fault, reason| {
        let case = Case::token("unavailable", issuer.user_token().sign()).reason(reason);
        let setup = match endpoint {
            Endpoint::Introspection => Setup::Introspecting,
            _ => Setup::Usual,
        };
        Case {
            status: 503,
            fault: Some((endpoint, fault)),
            ..case.setup(setup)
        }
    };
    let (discovery, keys) = (Endpoint::Discovery, Endpoint::Keys);
    let foreign = "https://keys.acme.example/".to_owned();
    vec![
        case(keys, Fault::Status(500), "status"),
        case(keys, Fault::Drop, "transport"),
        case(keys, Fault::Redirect(foreign.clone()), "redirect"),
        case(keys, Fault::Html, "content_type"),
        case(keys, Fault::Huge(10), "too_large"),
        case(keys, Fault::Half, "malformed_response"),
        case(keys, Fault::EmptyKeys, "no_usable_key"),
        case(discovery, Fault::OtherIssuer, "issuer_mismatch"),
        case(discovery, Fault::JwksUri(foreign), "foreign_url"),
        case(
            Endpoint::Introspection,
            Fault::Status(401),
            "introspection_credentials_rejected",
        ),
        case(Endpoint::Introspection, Fault::Status(500), "status"),
    ]
}

/// The reasons that are not shown here, and why.
const NOT_SHOWN: [(&str, &str); 23] = [
    (
        "incomplete",
        "it takes a connection that fails; the tests of `McpLayer` show it",
    ),
    ("dns", "`faults.rs` shows it"),
    (
        "connection_refused",
        "the test of `doctor` about failed connections shows it",
    ),
    ("certificate", "`faults.rs` shows it"),
    ("tls", "it takes a server that does not speak TLS"),
    ("connect", "it takes a network without a route"),
    ("timeout", "it takes the time of the timeout"),
    ("content_encoding", "it takes a proxy that compresses"),
    (
        "too_many_keys",
        "it takes an issuer with more than 100 keys",
    ),
    (
        "no_introspection_endpoint",
        "it takes metadata without the endpoint",
    ),
    (
        "no_introspection",
        "it takes a layer with `max_introspection_age`",
    ),
    ("introspection_rate_limit", "it takes a flood"),
    (
        "issuer_resolver",
        "the command has no resolver, which exists in code only",
    ),
    ("issuer_resolver_timeout", "the same"),
    ("issuer_resolver_rate_limit", "the same"),
    ("resolved_issuer", "the same"),
    ("no_randomness", "it takes a broken system"),
    (
        "revocation_log",
        "the command has no shared log, which exists in code only",
    ),
    (
        "event_stream",
        "the command receives no events, which code only does",
    ),
    ("replay_store_full", "it takes a flood"),
    ("replay_store", "`faults.rs` shows it"),
    ("no_runtime", "a service of axum has a runtime"),
    ("abandoned", "it takes a process that is suspended"),
];

/// Sends the request of a case, asserts what is seen of it, and returns it as text.
fn walk(case: &Case, issuer: &Issuer) -> String {
    if let Some((endpoint, fault)) = &case.fault {
        issuer.fault(*endpoint, fault.clone());
    }
    let service = Service::with(&case.setup.settings(issuer), |builder| match case.setup {
        Setup::Revoking(measure) => {
            let revocations = Revocations::builder().rejects_earlier_tokens();
            builder.revocations(revocations.measure(measure).build().unwrap())
        }
        _ => builder,
    });
    if case.is_sent_twice {
        assert_eq!(service.send(&case.request).status, 200, "{}", case.name());
    }
    let seen = service.send(&case.request);
    let name = case.name();
    assert_eq!(seen.status, case.status, "{name}");
    let mut text = format!(
        "== {name}\nrequest   {}\nresponse  {}",
        case.request, seen.status
    );
    for challenge in &seen.challenges {
        write!(text, "\n          WWW-Authenticate: {challenge}").unwrap();
    }
    log_has_the_code(case, &seen, &mut text);
    counters_have_the_code(case, &seen, &mut text);
    match (&case.token, case.says) {
        (Some(token), says) => {
            command_says(case, says, &service.explain(token), &mut text);
        }
        (None, Says::Nothing(why)) => write!(text, "\nexplain   {why}").unwrap(),
        (None, _) => panic!("{name} has no token"),
    }
    issuer.clear_faults();
    text + "\n"
}

/// Asserts that the log has exactly one event about the rejection, with code, status, reason and issuer.
fn log_has_the_code(case: &Case, seen: &Seen, text: &mut String) {
    let name = case.name();
    for line in &seen.lines {
        write!(text, "\nlog       {}", shown(line)).unwrap();
    }
    let is_rejection = |line: &&_| has(line, "code", case.code);
    let rejections: Vec<_> = seen.lines.iter().filter(is_rejection).collect();
    let [line] = &rejections[..] else {
        panic!("{name}: {text}");
    };
    assert_eq!(line.target, "okta_verifier::rejected", "{name}");
    assert!(has(line, "status", case.status), "{text}");
    match case.reason_code {
        Some(reason) => assert!(has(line, "reason_code", reason), "{text}"),
        None => assert!(!line.text.contains("reason_code="), "{text}"),
    }
    // The hook has the same code and the same issuer as the event.
    if let [outcome] = &seen.outcomes[..] {
        let issuer = outcome
            .split_once("Some(")
            .map(|(_, rest)| rest.trim_end_matches(')'));
        match issuer {
            Some(issuer) => assert!(line.text.contains(&format!("issuer={issuer} ")), "{text}"),
            None => assert!(!line.text.contains("issuer="), "{text}"),
        }
        assert!(
            outcome.starts_with(&format!("rejected {} ", case.code)),
            "{outcome}"
        );
    } else {
        assert_eq!(case.code, "missing_layer", "{:?}", seen.outcomes);
    }
}

/// Asserts that exactly one request was counted as rejected, with the code and the issuer of the event.
fn counters_have_the_code(case: &Case, seen: &Seen, text: &mut String) {
    if case.code == "missing_layer" {
        // Only a layer counts requests.
        assert!(seen.counters.is_empty(), "{:?}", seen.counters);
        text.push_str("\ncounter   none, because no layer saw the request");
        return;
    }
    let [(issuer, code, 1)] = &seen.counters[..] else {
        panic!("{}: {:?}", case.name(), seen.counters);
    };
    let expected = match case.code {
        "order_closed" => "application",
        code => code,
    };
    assert_eq!(*code, expected);
    let outcome = format!("rejected {} {:?}", case.code, issuer.as_deref());
    assert_eq!(seen.outcomes, [outcome], "{}", case.name());
    let issuer = issuer.as_deref().unwrap_or_default();
    write!(
        text,
        "\ncounter   {{issuer={issuer:?}, outcome=\"rejected\", code={code:?}}} 1"
    )
    .unwrap();
}

/// Asserts what `okta-verifier explain` says about the token.
fn command_says(case: &Case, says: Says, run: &Run, text: &mut String) {
    let verdict = match says {
        Says::TheSame => format!("verdict: {} {}", case.status, case.code),
        Says::Instead(verdict, why) => {
            write!(text, "\nexplain   says otherwise, because {why}").unwrap();
            format!("verdict: {verdict}")
        }
        Says::Nothing(_) => panic!("{} has a token", case.name()),
    };
    for line in run.stdout.lines() {
        write!(text, "\nexplain   {line}").unwrap();
    }
    let last = run.stdout.lines().last().unwrap_or_default();
    let is_expected = last
        .strip_prefix(&verdict)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',']));
    assert!(is_expected, "{verdict}: {text}");
    let expected = match case.status {
        _ if last.starts_with("verdict: accepted") => 0,
        503 => 3,
        _ => 1,
    };
    assert_eq!(run.code, expected, "{text}");
    if matches!(says, Says::TheSame) {
        let failed = run.stdout.lines().any(|line| line.starts_with("FAIL"));
        assert!(failed, "the cause is a line: {text}");
    }
    if let Says::Instead("401 binding_unchecked", _) = says {
        let (_, hint) = run.check("sender");
        assert!(hint.starts_with("a request must come with"), "{text}");
    }
}

#[test]
fn each_code_is_seen_by_the_client_and_in_log_counters_and_command() {
    let issuer = Issuer::start();
    let wanted = env::var("WALK").ok();
    let cases = cases(&issuer);
    let is_wanted = |case: &&Case| match wanted.as_deref() {
        Some(wanted) => [Some(case.code), case.reason_code].contains(&Some(wanted)),
        None => true,
    };
    let walked: Vec<_> = cases.iter().filter(is_wanted).collect();
    assert!(!walked.is_empty(), "WALK names no code: {wanted:?}");
    for case in walked {
        // The harness shows it with --nocapture.
        eprintln!("{}", walk(case, &issuer));
    }
}

#[test]
fn each_code_of_the_page_has_a_case() {
    let issuer = Issuer::start();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../okta-verifier/docs/why-401.md");
    let page = fs::read_to_string(path).unwrap();
    let code = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
    let is_code = |cell: &String| !cell.contains('`');
    let documented: BTreeSet<_> = page.lines().filter_map(code).filter(is_code).collect();
    let cases = cases(&issuer);
    // The page has the code under which those of an application are counted.
    let code = |case: &Case| match case.code {
        "order_closed" => "application",
        code => code,
    };
    let codes = cases
        .iter()
        .flat_map(|case| [Some(code(case)), case.reason_code]);
    let walked = codes.flatten().chain(NOT_SHOWN.map(|(reason, _)| reason));
    assert_eq!(
        walked.map(str::to_owned).collect::<BTreeSet<_>>(),
        documented
    );
}
