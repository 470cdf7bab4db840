//! Many keys and many issuers.

use benches::{
    crowds::{self, MAX_KEYS},
    rounds::Rounds,
    table,
    verifiers::verify,
};
use okta_verifier::Verifier;

/// Compares many keys and many issuers with one.
pub(crate) fn rows() {
    row(&format!("1 to {MAX_KEYS} keys (a set's cap)"), crowds::keys);
    row("1 to 100 issuers", crowds::issuers);
}

fn row(figure: &str, crowd: impl Fn(usize, u64) -> (Verifier, [String; 2])) {
    for (name, cached_tokens) in [("uncached RS256", 0), ("cached", 10_000)] {
        let crowds = [1, 10, 100].map(|count| crowd(count, cached_tokens));
        let mut rounds = Rounds::default();
        let cases: Vec<_> = crowds
            .iter()
            .flat_map(|(verifier, tokens)| tokens.iter().map(move |jwt| (verifier, jwt)))
            .map(|(verifier, jwt)| rounds.add(move || assert!(verify(verifier, jwt).is_ok())))
            .collect();
        let timings = rounds.run();
        let change = |case: usize| 100.0 * (timings.ratio(cases[case], cases[0]) - 1.0);
        let measured = format!(
            "10: {:+.1} % first, {:+.1} % last; 100: {:+.1} % first, {:+.1} % last (of {:.0} ns)",
            change(2),
            change(3),
            change(4),
            change(5),
            timings.nanoseconds(cases[0]),
        );
        table::row(&format!("{figure}, {name}"), &measured, "+5 %", "flat");
    }
}
