//! Verifies the same tokens with okta-verifier and with jsonwebtoken's own `decode`, which is given
//! every check that it offers. `docs/design/differential.md` explains each way in which the two may disagree;
//! any other way fails the test.
//!
//! Run `DIFFERENTIAL=100000 cargo test` in this directory; the default is 3,000 tokens.

mod edits;
mod random;
mod tokens;
mod verifiers;

use std::collections::BTreeMap;

use random::Random;
use tokens::Mint;
use verifiers::{Outcome, Verifiers};

#[test]
fn every_disagreement_is_explained() {
    let count: u64 = std::env::var("DIFFERENTIAL").map_or(3_000, |count| count.parse().unwrap());
    let mint = Mint::new();
    let verifiers = Verifiers::new(mint.issuer());
    let explained = explained_classes();
    let (mut both_accept, mut both_refuse) = (0_u64, 0_u64);
    let mut classes: BTreeMap<String, u64> = BTreeMap::new();
    let mut unexplained = BTreeMap::new();
    for number in 0..count {
        // Each number is the same mutation in every run; keys and dates are new.
        let jwt = mint.token(&mut Random::new(number));
        match verifiers.compare(&jwt) {
            Outcome::Accepted => both_accept += 1,
            Outcome::Rejected => both_refuse += 1,
            Outcome::Disagreed(class) => {
                if !explained.contains(&class) {
                    unexplained.entry(class.clone()).or_insert((number, jwt));
                }
                *classes.entry(class).or_default() += 1;
            }
        }
    }
    println!("{count} tokens: both accept {both_accept}, both refuse {both_refuse}");
    for (class, count) in &classes {
        println!("{count:>6}  {class}");
    }
    assert!(
        unexplained.is_empty(),
        "not in docs/design/differential.md: {unexplained:#?}"
    );
    assert!(both_accept > count / 50 && both_refuse > count / 4);
    if count >= 100_000 {
        let found: Vec<_> = classes.into_keys().collect();
        assert_eq!(
            found, explained,
            "docs/design/differential.md explains a disagreement that does not occur"
        );
    }
}

/// Returns the first column of the table of `docs/design/differential.md`, sorted.
fn explained_classes() -> Vec<String> {
    let table = include_str!("../../../../docs/design/differential.md").lines();
    let rows = table.filter_map(|line| line.strip_prefix("| we "));
    let first = rows.filter_map(|row| row.split(" | ").next());
    let mut classes: Vec<_> = first.map(|class| format!("we {class}")).collect();
    classes.sort();
    classes
}
