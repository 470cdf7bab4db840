//! Uncached verifications.

use benches::{
    raw::Raw,
    rounds::Rounds,
    table,
    tokens::ordinary,
    verifiers::{Served, verify},
};
use okta_verifier::Algorithm;

/// Compares the whole verification with the signature alone.
pub(crate) fn rows(served: &Served) {
    let verifier = served.verifier(0);
    for (algorithm, must, aim) in [
        (Algorithm::RS256, "1.20", "1.10"),
        (Algorithm::ES256, "1.08", "1.04"),
        (Algorithm::EdDSA, "1.08", "1.04"),
        (Algorithm::PS256, "—", "—"),
    ] {
        let jwt = ordinary(&served.okta).algorithm(algorithm).sign();
        let raw = Raw::of(&served.okta, algorithm, &jwt);
        let mut rounds = Rounds::default();
        let base = rounds.add(|| raw.verify());
        let whole = rounds.add(|| assert!(verify(&verifier, &jwt).is_ok()));
        let timings = rounds.run();
        let measured = format!(
            "{:.3} ({:.0} ns over {:.0} ns)",
            timings.ratio(whole, base),
            timings.nanoseconds(whole),
            timings.nanoseconds(base),
        );
        let figure = format!(
            "uncached {} over raw aws-lc-rs with a prepared key",
            algorithm.name()
        );
        table::row(&figure, &measured, must, aim);
    }
}
