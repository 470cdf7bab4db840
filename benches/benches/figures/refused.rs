//! Rejections.

use benches::{
    raw::Raw,
    rounds::Rounds,
    table,
    tokens::ordinary,
    verifiers::{Served, accepts},
};
use okta_verifier::Algorithm;

/// Measures rejections: no request may cost much more than a signature.
pub(crate) fn rows(served: &Served) {
    let verifier = served.verifier(10_000);
    let token = || ordinary(&served.okta);
    let good = token().sign();
    assert!(accepts(&verifier, &format!("Bearer {good}")));
    let raw = Raw::of(&served.okta, Algorithm::RS256, &good);
    let part = "x".repeat(5_400);
    let cases = [
        ("expired", token().expired().sign(), "—"),
        ("bad signature", token().tampered().sign(), "—"),
        (
            "16 KiB of junk in three parts",
            format!("eyJ{part}.eyJ{part}.{part}"),
            "—",
        ),
        // The rate limit is restored after 10 s, well after the rounds.
        (
            "unknown kid in a flood",
            token().unpublished_key().sign(),
            "2 µs",
        ),
    ];
    let lines = cases.each_ref().map(|(_, jwt, _)| format!("Bearer {jwt}"));
    served.spend_budget(&verifier);

    let mut rounds = Rounds::default();
    let base = rounds.add(|| raw.verify());
    let measured = lines.each_ref().map(|line| {
        let verifier = &verifier;
        rounds.add(move || assert!(!accepts(verifier, line)))
    });
    let timings = rounds.run();
    for ((name, _, must), case) in cases.iter().zip(measured) {
        let measured = format!(
            "{:.2} of a signature ({:.0} ns)",
            timings.ratio(case, base),
            timings.nanoseconds(case)
        );
        table::row(&format!("refused: {name}"), &measured, must, "—");
    }
}
