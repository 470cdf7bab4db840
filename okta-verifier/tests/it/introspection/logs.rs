//! Log lines of introspection: each change once, and never a token, a secret or a claim.

use std::time::{Duration, Instant};

use okta_verifier::introspection::{ClientAuthentication, Introspection};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};
use tracing::Level;

use super::{every_token, verifier_with};
use crate::{support::captured_logs::logged, support::mock_issuer::result_code};

fn block_on(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future);
}

// conformance 107
#[test]
fn introspection_client_rejection_is_logged_once_until_it_recovers() {
    let lines = logged(|| {
        block_on(async {
            let okta = MockOkta::start().await;
            let secret = "hunter2hunter2hunter2";
            secret_scan::secret(secret);
            let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
            let verifier = verifier_with(&okta, Introspection::every_token(client));
            for number in 0..3 {
                let jwt = okta.token("ada").sign();
                assert_eq!(
                    result_code(&verifier, &jwt).await,
                    "unavailable",
                    "{number}"
                );
                let retry = Instant::now() + Duration::from_millis(300);
                while Instant::now() < retry {
                    tokio::task::yield_now().await;
                }
            }
            okta.set_client(CLIENT_ID, secret);
            let jwt = okta.token("ada").sign();
            let deadline = Instant::now() + Duration::from_secs(5);
            while result_code(&verifier, &jwt).await != "ok" {
                assert!(Instant::now() < deadline);
                tokio::task::yield_now().await;
            }
        });
    });
    let of = |level| lines.iter().filter(|(of, _)| *of == level).count();
    assert_eq!(
        (of(Level::ERROR), of(Level::WARN)),
        (1, 1),
        "the warning about plain HTTP: {lines:?}"
    );
    let text = format!("{lines:?}");
    assert!(
        text.contains("introspection credentials rejected"),
        "{text}"
    );
    assert!(text.contains("introspection recovered"), "{text}");
}

// conformance 107
// finding 2: attackers may have invented the opaque tokens, so the log line is not an error.
#[test]
fn introspection_client_rejection_for_opaque_tokens_only_is_one_warning() {
    let lines = logged(|| {
        block_on(async {
            let okta = MockOkta::start().await;
            let client = ClientAuthentication::client_secret_basic(CLIENT_ID, "wrong");
            let verifier = verifier_with(&okta, Introspection::opaque_tokens(client));
            for number in 0..10 {
                let opaque = format!("opaque-{number}");
                assert_eq!(result_code(&verifier, &opaque).await, "unavailable");
            }
        });
    });
    let of = |level| lines.iter().filter(|(of, _)| *of == level).count();
    assert_eq!(
        (of(Level::ERROR), of(Level::WARN)),
        (0, 2),
        "one warning is about plain HTTP"
    );
    let text = format!("{lines:?}");
    assert!(text.contains("introspection request failed"), "{text}");
    assert!(text.contains("rejected this service's client credentials"));
}

// conformance 20, 115
#[test]
fn introspection_logs_no_token_secret_or_claim() {
    let (mut secrets, mut lines) = (Vec::new(), Vec::new());
    for fault in [
        None,
        Some(Fault::Status(500)),
        Some(Fault::Html),
        Some(Fault::Member("exp", "\"soon\"")),
        Some(Fault::Without("aud")),
    ] {
        let secrets = &mut secrets;
        lines.extend(logged(|| {
            block_on(async {
                let okta = MockOkta::start().await;
                let secret = "hunter2hunter2hunter2";
                okta.set_client(CLIENT_ID, secret);
                secrets.push(secret.to_owned());
                let client = ClientAuthentication::client_secret_basic(CLIENT_ID, secret);
                let always = Introspection::every_token(client).encrypted_tokens();
                if let Some(fault) = fault {
                    okta.fault(Endpoint::Introspection, fault);
                }
                let verifier = verifier_with(&okta, always);
                let build = |token: okta_verifier_testing::TokenBuilder| {
                    token.claim("department", "5ecret5ecret5ecret").sign()
                };
                for token in [
                    build(okta.token("ada.lovelace@example.com")),
                    build(okta.opaque_token("ada.lovelace@example.com")),
                    build(okta.token("ada.lovelace@example.com").encrypted()),
                ] {
                    let error = format!("{:?}", verifier.verify(&token).await);
                    assert!(
                        !error.contains(&token) && !error.contains("5ecret"),
                        "{error}"
                    );
                    secrets.push(token);
                }
                let shown = format!("{verifier:?} {:?}", every_token());
                assert!(!shown.contains("hunter2"), "{shown}");
            });
        }));
    }
    secrets.extend(["ada.lovelace".to_owned(), "5ecret".to_owned()]);
    assert!(!lines.is_empty());
    // Events of the HTTP client itself are left out.
    for (_, line) in &lines {
        for secret in &secrets {
            assert!(!line.contains(secret.as_str()), "{line}");
        }
    }
}

#[test]
fn introspection_that_never_reports_a_token_as_active_is_logged_once() {
    let lines = logged(|| {
        block_on(async {
            let okta = MockOkta::start().await;
            let verifier = verifier_with(&okta, every_token());
            okta.fault(
                Endpoint::Introspection,
                Fault::Body(r#"{"active":false}"#.into()),
            );
            for number in 0..25 {
                let client = format!("0oa{number}"); // each client has a share of the rate
                let jwt = okta.token(&client).client_id(&client).sign();
                assert_eq!(result_code(&verifier, &jwt).await, "inactive");
            }
        });
    });
    let text = format!("{lines:?}");
    let warning = "introspection has reported every token as inactive so far";
    assert_eq!(text.matches(warning).count(), 1, "{text}");
}
