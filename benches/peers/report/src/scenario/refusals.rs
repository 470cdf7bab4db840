//! Which of several almost valid tokens each contestant rejects: whether all contestants do the same
//! checks.

use std::time::Duration;

use okta_verifier_testing::TokenBuilder;

use crate::{field::Field, fixture::Fixture, markdown, roster::Role};

/// Runs the scenario and returns the table. `no` means that a token was accepted.
pub(crate) async fn section(field: &Field) -> String {
    eprintln!("refusals");
    let fixture = Fixture::new().await;
    let bad = [
        fixture.like(TokenBuilder::tampered),
        fixture.like(TokenBuilder::expired),
        fixture.like(|token| token.audience("api://other")),
        fixture.like(|token| token.claim("iss", "https://other.example.com")),
        fixture.like(|token| token.client_id("0oaother")),
    ];
    let mut rows = Vec::new();
    for (contestant, mut peer) in field.ready(HEADING, &fixture, |it| !it.is(Role::Raw)).await {
        let mut row = vec![contestant.name.to_owned()];
        for token in &bad {
            let accepted = peer.accepts(token, Duration::ZERO).await;
            row.push(match field.keep(HEADING, &contestant, accepted) {
                Some(false) => "yes".to_owned(),
                Some(true) => "no".to_owned(),
                None => "-".to_owned(),
            });
        }
        rows.push(row);
    }
    markdown::table(
        HEADING,
        "Each is configured with issuer, audience and client ID as far as it supports them.",
        &[
            "rejects",
            "tampered",
            "expired",
            "other audience",
            "other issuer",
            "other client",
        ],
        rows,
    )
}

const HEADING: &str = "The same checks";
