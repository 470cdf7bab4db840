//! The difference between the clocks of this machine and of the issuer.

use std::time::{Duration, SystemTime};

use okta_verifier::{
    Verifier,
    health::ClockDifference,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, MockOkta, TestIssuer};
use tokio::runtime::Builder;
use tracing::Level;

use crate::support::{
    captured_logs::logged_above_debug,
    mock_issuer::{build, issuer, result_code, verifier},
    raw_server::{Server, document},
};

fn difference(verifier: &Verifier) -> Option<ClockDifference> {
    verifier.health()[0].clock_difference
}

/// Returns the date of a clock that is `ahead` seconds ahead of this machine's.
fn date(ahead: i64) -> String {
    let (now, distance) = (SystemTime::now(), Duration::from_secs(ahead.unsigned_abs()));
    httpdate::fmt_http_date(match ahead < 0 {
        true => now - distance,
        false => now + distance,
    })
}

fn set_date(okta: &MockOkta, endpoint: Endpoint, ahead: i64) {
    okta.set_header(endpoint, "date", Some(&date(ahead)));
}

/// Checks that the clock of this machine is shown as `ahead` seconds ahead, allowing for the time of the test.
#[track_caller]
fn assert_ahead(verifier: &Verifier, ahead: i64) {
    let shown = difference(verifier).expect("a difference").ahead;
    assert!((ahead - 1..=ahead + 5).contains(&shown), "{shown}");
}

#[tokio::test]
async fn clock_difference_of_hostile_headers_does_no_harm() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    let long = "9".repeat(5_000);
    for hostile in ["", "now", "-1", &long, "Wed, 31 Dec 1969 23:59:59 GMT"] {
        okta.set_header(Endpoint::Discovery, "date", Some(hostile));
        okta.set_header(Endpoint::Keys, "date", Some(hostile));
        verifier.refresh().await.unwrap();
        assert_eq!(difference(&verifier), None, "{hostile}");
    }
    // An extreme date is shown, and no token is judged by it.
    for (extreme, years) in [
        ("Fri, 31 Dec 9999 23:59:59 GMT", -8_000),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 50),
    ] {
        okta.set_header(Endpoint::Keys, "date", Some(extreme));
        verifier.refresh().await.unwrap();
        let shown = difference(&verifier).unwrap();
        assert!(
            (years..years + 10_000).contains(&(shown.ahead / 31_557_600)),
            "{shown:?}"
        );
        assert!(!shown.is_tolerable());
        assert_eq!(
            result_code(&verifier, &okta.token("ada").sign()).await,
            "ok"
        );
        let expired = okta.token("ada").expired().sign();
        assert_eq!(result_code(&verifier, &expired).await, "expired");
    }
    // A response without the header changes nothing.
    let last = difference(&verifier);
    okta.set_header(Endpoint::Keys, "date", None);
    okta.set_header(Endpoint::Discovery, "date", None);
    verifier.refresh().await.unwrap();
    assert_eq!(difference(&verifier), last);
}

#[tokio::test]
async fn clock_difference_comes_from_metadata_keys_and_introspection() {
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let verifier = build(issuer(&okta).introspection(Introspection::opaque_tokens(client)));
    assert_eq!(difference(&verifier), None);
    set_date(&okta, Endpoint::Discovery, 300);
    verifier.warm_up().await.unwrap();
    assert_ahead(&verifier, -300);
    set_date(&okta, Endpoint::Keys, -90);
    verifier.refresh().await.unwrap();
    assert_ahead(&verifier, 90);
    // The response was in a cache for a minute.
    okta.set_header(Endpoint::Keys, "age", Some("60"));
    verifier.refresh().await.unwrap();
    assert_ahead(&verifier, 30);
    set_date(&okta, Endpoint::Introspection, 600);
    let opaque = okta.opaque_token("ada").sign();
    assert_eq!(result_code(&verifier, &opaque).await, "ok");
    assert_ahead(&verifier, -600);
}

#[tokio::test]
async fn clock_difference_comes_from_failed_and_unchanged_responses_too() {
    let failing = Server::http(|_, _| {
        let date = date(-200);
        format!(
            "HTTP/1.1 503 Down\r\ndate: {date}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        .into_bytes()
    });
    let verifier_of_failing = failing.verifier(None);
    verifier_of_failing.warm_up().await.unwrap_err();
    assert_ahead(&verifier_of_failing, 200);

    let okta = MockOkta::start().await;
    okta.set_etags(true);
    let verifier = verifier(&okta);
    verifier.warm_up().await.unwrap();
    set_date(&okta, Endpoint::Keys, -200);
    verifier.refresh().await.unwrap();
    assert_eq!(okta.hits().not_modified, 1);
    assert_ahead(&verifier, 200);
}

#[test]
fn clock_difference_is_unknown_for_pinned_keys() {
    let okta = TestIssuer::new("api://default");
    let issuer = okta.issuer().any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    assert_eq!(difference(&verifier), None);
}

#[tokio::test]
async fn clock_difference_outlasts_a_reload_and_has_the_new_leeway() {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta);
    set_date(&okta, Endpoint::Keys, -40);
    verifier.warm_up().await.unwrap();
    assert!(!difference(&verifier).unwrap().is_tolerable());
    let patient = issuer(&okta).leeway(Duration::from_secs(120));
    verifier.set_issuers([patient]).unwrap();
    let reloaded = difference(&verifier).unwrap();
    assert_eq!(reloaded.leeway, Duration::from_secs(120));
    assert!(reloaded.is_tolerable());
}

#[test]
fn clock_difference_is_logged_once_per_change() {
    let mut url = String::new();
    let mut lines = logged_above_debug(Builder::new_current_thread(), async {
        let okta = MockOkta::start().await;
        okta.issuer_url().clone_into(&mut url);
        let verifier = verifier(&okta);
        for (ahead, wait) in [(0, 0), (-90, 0), (-90, 61), (0, 0), (0, 0), (-20, 61)] {
            set_date(&okta, Endpoint::Keys, ahead);
            verifier.refresh().await.unwrap();
            tokio::time::pause();
            tokio::time::advance(Duration::from_secs(wait)).await;
            tokio::time::resume();
        }
    });
    lines.retain(|(_, line)| line.contains("clock"));
    let [(Level::WARN, off), (Level::INFO, good)] = &lines[..] else {
        panic!("one warning, and one event when the difference is small again: {lines:?}");
    };
    assert!(off.contains("differ by more than half the leeway"), "{off}");
    assert!(off.contains("ahead=9") || off.contains("ahead=89"), "{off}");
    assert!(good.contains("agree again"), "{good}");
    for line in [off, good] {
        assert!(line.contains(&format!("issuer={url:?}")), "{line}");
        assert!(line.contains("leeway=60"), "{line}");
    }
}

#[tokio::test]
async fn clock_difference_of_two_dates_in_one_response_is_unknown() {
    let server = Server::http(|url, path| {
        let (date, body) = (date(-200), document(url, path));
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ndate: {date}\r\ndate: {date}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
    });
    let verifier = server.verifier(None);
    verifier.warm_up().await.unwrap();
    assert_eq!(difference(&verifier), None);
}
