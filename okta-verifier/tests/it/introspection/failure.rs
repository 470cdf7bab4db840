//! Responses to clients when introspection fails, compared with the table of
//! `okta-verifier/docs/introspection.md`.

use std::time::Duration;

use okta_verifier::{Rejection, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Endpoint, Fault, MockOkta};

use super::{calls, opaque_tokens};
use crate::support::mock_issuer::{build_with_timeout, issuer};

const IN_A_ROW: usize = 20;
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/introspection.md");

fn faults() -> Vec<(&'static str, Option<Fault>)> {
    vec![
        ("closes the connection", Some(Fault::Drop)),
        ("never responds", Some(Fault::Hang)),
        (
            "sends a byte now and then",
            Some(Fault::Drip(Duration::from_millis(50))),
        ),
        ("429, `Retry-After: 2`", Some(Fault::Status(429))),
        ("500", Some(Fault::Status(500))),
        (
            "401: rejects the client credentials",
            Some(Fault::Status(401)),
        ),
        ("400", Some(Fault::Status(400))),
        ("403", Some(Fault::Status(403))),
        ("404", Some(Fault::Status(404))),
        (
            "redirects",
            Some(Fault::Redirect("http://127.0.0.1:9/".to_owned())),
        ),
        ("responds with a login page", Some(Fault::Html)),
        (
            "responds as `text/html`",
            Some(Fault::ContentType("text/html")),
        ),
        ("stops in the middle", Some(Fault::Truncate)),
        ("malformed JSON", Some(Fault::Half)),
        ("1 MiB", Some(Fault::Huge(1))),
        (
            "`\"active\":\"true\"`",
            Some(Fault::Member("active", r#""true""#)),
        ),
        ("no `active`", Some(Fault::Without("active"))),
        ("`active` twice", Some(Fault::Twice("active", "false"))),
        (
            "`exp` is a string",
            Some(Fault::Member("exp", r#""1794500000""#)),
        ),
        ("`aud` is a number", Some(Fault::Member("aud", "7"))),
        ("no `aud`", Some(Fault::Without("aud"))),
        (
            "another `aud`",
            Some(Fault::Member("aud", r#""api://other""#)),
        ),
        (
            "another `iss`",
            Some(Fault::Member("iss", r#""https://other.test""#)),
        ),
        ("no `sub`", Some(Fault::Without("sub"))),
        ("a `cnf`", Some(Fault::Member("cnf", r#"{"jkt":"x"}"#))),
        ("`\"active\":false`", Some(Fault::Member("active", "false"))),
        ("nothing is wrong", None),
    ]
}

// conformance 105, 106, 107, 109, 110
#[tokio::test]
async fn introspection_failures_get_the_documented_responses() {
    let mut table = String::new();
    for (name, fault) in faults() {
        let row = play(fault).await;
        table.push_str(&format!("| {name} | {row} |\n"));
    }
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    assert!(
        document.contains(&table),
        "okta-verifier/docs/introspection.md should say:\n{table}"
    );
}

/// Returns a row of the table: the response to a token that needs introspection, the number of
/// introspection requests for twenty requests with it, and the response to a JWT meanwhile.
async fn play(fault: Option<Fault>) -> String {
    let okta = MockOkta::start().await;
    // A short timeout only where nothing else ends the wait.
    let patience = match fault {
        Some(Fault::Hang | Fault::Drip(_)) => Duration::from_millis(300),
        _ => Duration::from_secs(10),
    };
    let verifier = build_with_timeout(patience, issuer(&okta).introspection(opaque_tokens()));
    crate::support::mock_issuer::warm_up_until_it_succeeds(&verifier).await;
    if let Some(fault) = fault {
        okta.fault(Endpoint::Introspection, fault);
    }
    let (opaque, jwt) = (okta.opaque_token("ada").sign(), okta.token("ada").sign());
    let first = response_to(&verifier, &opaque).await;
    for _ in 1..IN_A_ROW {
        let again = response_to(&verifier, &opaque).await;
        assert_eq!(again.0, first.0);
    }
    let local = response_to(&verifier, &jwt).await.0;
    let requests = match calls(&okta) {
        1 if !first.0.starts_with("503") => "1",
        1..=3 => "at most 3",
        many => panic!("{many} requests"),
    };
    format!("{} | {requests} | {local}", first.1)
}

/// Returns the status and the error code, and `Retry-After` if the issuer sent it.
async fn response_to(verifier: &Verifier, token: &str) -> (String, String) {
    let value = format!("Bearer {token}");
    let credentials = RequestCredentials::new([value.as_bytes()]);
    let Err(rejection) = verifier.authenticate(&credentials).await else {
        return ("200".to_owned(), "200".to_owned());
    };
    let code = rejection.error().map_or("", |error| error.code());
    let plain = format!("{} `{code}`", rejection.status().as_u16());
    let full = match retry_after(&rejection).as_deref() {
        Some(seconds) => format!("{plain}, `Retry-After: {seconds}`"),
        None => plain.clone(),
    };
    (plain, full)
}

fn retry_after(rejection: &Rejection) -> Option<String> {
    let mut headers = rejection.headers();
    let (_, value) = headers.find(|(name, _)| name == "retry-after")?;
    Some(value.to_str().unwrap().to_owned())
}
