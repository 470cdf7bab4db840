//! Ten faults that an operator has to find. Each one is found from the log alone, with the usual configuration
//! `warn,okta_verifier::rejected=debug`, and `doctor` or `explain` names it too and says what to do.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use okta_verifier::dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore};
use okta_verifier_testing::{CLIENT_ID, Client, Endpoint, Rotation, TestIssuer};
use secret_scan::Line;

use super::{
    issuer::{Issuer, SUBJECT, settings},
    service::{BASE, Request, Service, shown},
};
use crate::{
    doctor,
    process::{File, Run},
};

/// Asserts that one of the lines has this level and all of these parts.
#[track_caller]
fn log_names(lines: &[Line], level: &str, parts: &[&str]) {
    let shown: Vec<_> = lines.iter().map(shown).collect();
    let names =
        |line: &&String| line.starts_with(level) && parts.iter().all(|part| line.contains(part));
    assert!(
        shown.iter().any(|line| names(&line)),
        "{level} {parts:?}: {shown:#?}"
    );
}

/// Asserts that the check has this outcome and text, and that its hint says what to do.
#[track_caller]
fn command_names(run: &Run, outcome: &str, check: &str, text: &str, hint: &str) {
    let (line, advice) = run.check(check);
    let is_named = line.starts_with(outcome) && line.contains(text) && advice.contains(hint);
    assert!(is_named, "{outcome} {check} {text:?} {hint:?}: {run:?}");
}

fn issuer_field(url: &str) -> String {
    format!("issuer={url:?}")
}

/// Asserts that a request with the token of the client is accepted, so that only the fault remains as the cause.
#[track_caller]
fn assert_accepted(service: &Service, token: &str) {
    let seen = service.send(&Request::bearer(token));
    assert_eq!((seen.status, seen.lines.len()), (200, 0));
}

#[test]
fn fault_wrong_audience_is_found_in_the_log_and_by_explain() {
    let issuer = Issuer::start();
    let service = Service::new(&issuer.settings("", ""));
    let token = issuer.user_token().audience("api://billing").sign();
    let seen = service.send(&Request::bearer(&token));
    let rejected = [
        "okta_verifier::rejected: request rejected",
        "code=\"wrong_audience\" status=401",
        &issuer_field(issuer.issuer_url()),
        "aud=[\"api://billing\"] accepted_aud=[\"api://default\"]",
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    let run = service.explain(&token);
    let text = "api://billing; expected: api://default";
    command_names(
        &run,
        "FAIL",
        "audience",
        text,
        "add the audience to the settings",
    );
}

#[test]
fn fault_clock_of_this_machine_is_found_in_the_log_and_by_doctor_and_explain() {
    let now = SystemTime::now();
    let unix = now.duration_since(UNIX_EPOCH).unwrap().as_secs();
    let distance = Duration::from_secs(90);
    let url_of = |issuer: &Issuer| issuer_field(issuer.issuer_url());
    // The issuer's clock, the times of a token that it minted, what the log and the commands say.
    for (date, issued, expires, code, ahead, direction, explained) in [
        (
            now + distance,
            unix + 90,
            unix + 3_690,
            "issued_in_future",
            "ahead=-",
            "s behind the issuer",
            "this machine's clock is behind",
        ),
        (
            now - distance,
            unix - 3_670,
            unix - 70,
            "expired",
            "ahead=",
            "s ahead of the issuer",
            "this machine's clock is ahead",
        ),
    ] {
        let issuer = Issuer::start();
        let date = httpdate::fmt_http_date(date);
        issuer.set_header(Endpoint::Keys, "date", Some(&date));
        let service = Service::new(&issuer.settings("", ""));
        let token = issuer.user_token().issued_at(issued).expires_at(expires);
        let token = token.sign();
        // The warning is written when the keys are fetched.
        let mut lines = service.refresh();
        lines.extend(service.send(&Request::bearer(&token)).lines);
        let clocks =
            "the clocks of this machine and of the issuer differ by more than half the leeway";
        log_names(
            &lines,
            "WARN",
            &[clocks, &url_of(&issuer), ahead, "leeway=60"],
        );
        let code = format!("code={code:?} status=401");
        log_names(&lines, "DEBUG", &[&code, &url_of(&issuer)]);
        command_names(&service.explain(&token), "FAIL", "dates", "", explained);
        command_names(&service.doctor(), "warn", "clock", direction, "NTP");
    }
}

#[test]
fn fault_withdrawn_key_is_found_in_the_log_and_by_explain() {
    let issuer = Issuer::start();
    let service = Service::new(&issuer.settings("", ""));
    let token = issuer.user_token().sign();
    assert_accepted(&service, &token);
    issuer.rotate(Rotation::Hard);
    service.refresh();
    let seen = service.send(&Request::bearer(&token));
    let rejected = [
        "code=\"unknown_key_id\" status=401",
        &issuer_field(issuer.issuer_url()),
        "the issuer publishes no key",
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    for kid in issuer.key_ids() {
        secret_scan::public(&kid);
    }
    let run = service.explain(&token);
    command_names(
        &run,
        "FAIL",
        "key",
        "expected: a published key",
        "the key was withdrawn",
    );
}

#[test]
fn fault_expired_certificate_of_the_issuer_is_found_in_the_log_and_by_doctor() {
    let (url, certificate) = doctor::expired();
    let file = File::new(&certificate);
    let service = Service::new(&settings(&url, &format!("ca_file = {:?}", file.path()), ""));
    let token = TestIssuer::new("api://default")
        .at(&url)
        .token(SUBJECT)
        .sign();
    let seen = service.send(&Request::bearer(&token));
    let url = issuer_field(&url);
    log_names(
        &seen.lines,
        "WARN",
        &["key fetch failed", &url, "cause=", "xpired"],
    );
    let rejected = [
        "code=\"unavailable\" reason_code=\"certificate\" status=503",
        &url,
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    let run = service.doctor();
    command_names(
        &run,
        "FAIL",
        "connection",
        "xpired",
        "the date of the certificate",
    );
}

#[test]
fn fault_name_that_is_not_resolved_is_found_in_the_log_and_by_doctor() {
    let url = "https://issuer.invalid/oauth2/default";
    let service = Service::new(&settings(url, "", ""));
    let token = TestIssuer::new("api://default")
        .at(url)
        .token(SUBJECT)
        .sign();
    let seen = service.send(&Request::bearer(&token));
    let url = issuer_field(url);
    log_names(
        &seen.lines,
        "WARN",
        &[
            "key fetch failed",
            &url,
            "the name of the host could not be resolved",
            "cause=",
        ],
    );
    let rejected = ["code=\"unavailable\" reason_code=\"dns\" status=503", &url];
    log_names(&seen.lines, "DEBUG", &rejected);
    let run = service.doctor();
    command_names(
        &run,
        "FAIL",
        "connection",
        "could not be resolved",
        "check the host in issuers[0].url",
    );
}

#[test]
fn fault_wrong_client_secret_is_found_in_the_log_and_by_doctor() {
    let secret = "a secret that was rotated away";
    secret_scan::secret(secret);
    let issuer = Issuer::start();
    let introspection = format!(
        "[issuers.introspection]\ntokens = \"every\"\nauthentication = \"client_secret_basic\"\nclient_id = {CLIENT_ID:?}\nclient_secret = {secret:?}"
    );
    let service = Service::new(&issuer.settings("", &introspection));
    let seen = service.send(&Request::bearer(&issuer.user_token().sign()));
    let url = issuer_field(issuer.issuer_url());
    let cause = "the introspection endpoint rejected this service's client credentials";
    log_names(
        &seen.lines,
        "ERROR",
        &["introspection credentials rejected", &url, cause],
    );
    let reason =
        "code=\"unavailable\" reason_code=\"introspection_credentials_rejected\" status=503";
    log_names(&seen.lines, "DEBUG", &[reason, &url]);
    let run = service.doctor();
    command_names(
        &run,
        "FAIL",
        "introspection",
        "rejected",
        "the secret is wrong",
    );
}

#[test]
fn fault_token_of_the_org_authorization_server_is_found_in_the_log_and_by_explain() {
    let issuer = Issuer::start();
    let service = Service::new(&issuer.settings("", ""));
    let org = issuer.issuer_url().split("/oauth2/").next().unwrap();
    let token = issuer.user_token().claim("iss", org).sign();
    let seen = service.send(&Request::bearer(&token));
    let rejected = [
        "code=\"org_authorization_server\" status=401",
        "must request its token from a custom authorization server",
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    let run = service.explain(&token);
    command_names(&run, "FAIL", "issuer", org, "/oauth2/default");
}

#[test]
fn fault_proxy_that_rewrites_the_host_is_found_in_the_log_and_by_doctor() {
    let issuer = Issuer::start();
    let client = Client::new();
    let token = client.bind(issuer.user_token()).sign();
    let proof = || {
        client
            .proof("GET", &format!("{BASE}/orders"))
            .token(&token)
            .sign()
    };
    // The service was configured with the name that the proxy uses.
    let internal = "https://orders.internal:8443";
    let service = Service::new(&issuer.settings(&format!("[dpop]\nbase_url = {internal:?}"), ""));
    let seen = service.send(&Request::dpop(&token, &proof()));
    let url = issuer_field(issuer.issuer_url());
    let rejected = [
        "code=\"invalid_dpop_proof\" reason_code=\"url\" status=401",
        &url,
        "set DpopSettings::base_url to the URL that clients use",
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    command_names(&service.doctor(), "ok", "dpop", internal, "reason_code url");
    // The service was configured to read the host from the proxy, which names its own.
    let service = Service::new(&issuer.settings(
        "trusted_proxies = [\"127.0.0.1\"]\nforwarded_host = { header = \"x-forwarded-host\", hosts = [\"api.example.com\"] }\n[dpop]\nforwarded_host = true",
        "",
    ));
    let request = Request::dpop(&token, &proof()).field("X-Forwarded-Host", "orders.internal");
    let seen = service.send(&request);
    let rejected = [
        "code=\"invalid_dpop_proof\" reason_code=\"unknown_url\" status=401",
        &url,
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    let text = "the hosts api.example.com, which the trusted proxies name in x-forwarded-host";
    command_names(&service.doctor(), "ok", "dpop", text, "unknown_url");
}

#[test]
fn fault_missing_scope_is_found_in_the_log_and_by_explain() {
    let issuer = Issuer::start();
    let policies =
        "[policies]\nread = { scope = \"orders:read\" }\nwrite = { scope = \"orders:write\" }";
    let service = Service::new(&issuer.settings("", policies));
    let token = issuer.user_token().scope("orders:read").sign();
    assert_accepted(&service, &token);
    let seen = service.send(&Request::bearer(&token).at("/orders/write"));
    let rejected = [
        "code=\"insufficient_scope\" status=403",
        &issuer_field(issuer.issuer_url()),
        "policy=scope \"orders:write\"",
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    let run = service.explain(&token);
    assert!(
        run.stdout.contains("ok    policy      read: met\n"),
        "{run:?}"
    );
    assert!(run.stdout.contains("verdict: accepted"), "{run:?}");
    let unmet =
        "warn  policy      write: 403 insufficient_scope; not met: scope \"orders:write\"\n";
    let (_, rest) = run
        .stdout
        .split_once(unmet)
        .unwrap_or_else(|| panic!("{run:?}"));
    let advice = rest.lines().next().unwrap();
    assert!(
        advice.contains("-> let the client request the scope"),
        "{run:?}"
    );
}

/// A replay store whose server does not answer.
struct Unavailable;

impl ReplayStore for Unavailable {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async { Err::<ProofUse, _>("Connection refused (os error 111)".into()) })
    }
}

#[test]
fn fault_unavailable_replay_store_is_found_in_the_log_and_named_by_doctor() {
    let issuer = Issuer::start();
    let dpop = DpopSettings::base_url(BASE).replay_store(Unavailable);
    let text = issuer.settings(&format!("[dpop]\nbase_url = {BASE:?}"), "");
    let service = Service::with(&text, |builder| builder.dpop(dpop));
    let client = Client::new();
    let token = client.bind(issuer.user_token()).sign();
    let proof = client.proof("GET", &format!("{BASE}/orders")).token(&token);
    let seen = service.send(&Request::dpop(&token, &proof.sign()));
    let cause = [
        "DPoP replay store failed",
        "cause=",
        "Connection refused (os error 111)",
    ];
    log_names(&seen.lines, "WARN", &cause);
    let rejected = [
        "code=\"unavailable\" reason_code=\"replay_store\" status=503",
        &issuer_field(issuer.issuer_url()),
    ];
    log_names(&seen.lines, "DEBUG", &rejected);
    // The store is in code only, so no command can reach it. It names the two lines to look for.
    command_names(
        &service.doctor(),
        "ok",
        "dpop",
        BASE,
        "reason_code replay_store",
    );
    let run = service.explain(&token);
    command_names(
        &run,
        "FAIL",
        "sender",
        "bound to a key",
        "the scheme DPoP and a proof",
    );
}
