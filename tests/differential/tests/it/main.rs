//! The same tokens through okta-verifier and through jsonwebtoken's own `decode`, which is given
//! every check that it has. `docs/differential.md` explains each way in which the two disagree,
//! and holds the only ones there may be.
//!
//! `DIFFERENTIAL=100000 cargo test` in this directory; 3,000 tokens by default.

mod edits;
mod explained;
mod judges;
mod random;
mod tokens;

use std::collections::BTreeMap;

use judges::{Judges, Verdict};
use random::Random;
use tokens::Mint;

#[test]
fn every_disagreement_is_explained() {
    let count: u64 = std::env::var("DIFFERENTIAL").map_or(3_000, |count| count.parse().unwrap());
    let mint = Mint::new();
    let judges = Judges::new(mint.issuer());
    let explained = explained::classes();
    let (mut both_accept, mut both_refuse) = (0_u64, 0_u64);
    let mut classes: BTreeMap<String, u64> = BTreeMap::new();
    let mut unexplained = BTreeMap::new();
    for number in 0..count {
        // Each number is one and the same mutation in every run; keys and dates are new.
        let jwt = mint.token(&mut Random::new(number));
        match judges.judge(&jwt) {
            Verdict::Accepted => both_accept += 1,
            Verdict::Refused => both_refuse += 1,
            Verdict::Disagreed(class) => {
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
        "not in docs/differential.md: {unexplained:#?}"
    );
    assert!(both_accept > count / 50 && both_refuse > count / 4);
    if count >= 100_000 {
        let found: Vec<_> = classes.into_keys().collect();
        assert_eq!(
            found, explained,
            "docs/differential.md explains what never happens"
        );
    }
}
