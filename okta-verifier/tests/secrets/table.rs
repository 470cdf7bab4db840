//! The conformance table: every case is a request of its own.

use okta_verifier::{Presented, VerifyError};
use okta_verifier_testing::conformance::{self, Issuers};

use crate::{shown, watch, words::Words};

// conformance 20, 44
#[tokio::test]
async fn no_case_of_the_table_shows_a_secret() {
    watch::begin();
    let issuers = Issuers::new();
    let verifier = issuers.verifier();
    let mut words = Words::default();
    for public in [
        "https://okta.test/oauth2/default",
        "https://okta.test/oauth2/tenant-b",
        "https://issuer.test",
        "http://127.0.0.1:1/oauth2/default",
        "api://conformance",
    ] {
        words.public(public);
    }
    for issuer in verifier.health() {
        // Whoever asks the issuer may know them.
        issuer.key_ids.iter().for_each(|kid| words.public(kid));
    }
    let (mut accepted, mut refused, mut shown) = (0, 0, String::new());
    for case in conformance::cases() {
        let request = case.request(&issuers);
        for (_, value) in request.fields() {
            words.token(value);
        }
        words.token(request.query().unwrap_or_default());
        words.token(request.body());

        let target = request.target();
        let proofs = request.fields();
        let proofs = proofs.filter(|(name, _)| name.eq_ignore_ascii_case("dpop"));
        let presented = Presented::new(request.authorization())
            .query(request.query())
            .dpop(proofs.map(|(_, value)| value))
            .request(request.method(), &target);
        let verdict = verifier.authenticate(&presented).await;
        match &verdict {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
        shown.push_str(&shown::verdict(&verdict));
        shown.push_str(&format!("{presented:?}"));
        if let Some(jwt) = bearer(request.authorization()) {
            let verdict: Result<_, VerifyError> = verifier.verify(jwt).await;
            shown.push_str(&format!("{verdict:?} {verdict:#?}"));
        }
    }
    shown.push_str(&format!(
        "{verifier:?} {verifier:#?} {:?}",
        verifier.health()
    ));
    assert!(accepted > 40 && refused > 100, "{accepted} and {refused}");
    assert!(words.count() > 50_000, "{}", words.count());
    words.assert_unseen_in(&shown);
    words.assert_unseen_in(&watch::lines());
    assert!(watch::lines().lines().count() > refused);
}

fn bearer<'r>(mut lines: impl Iterator<Item = &'r [u8]>) -> Option<&'r str> {
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    std::str::from_utf8(line).ok()?.strip_prefix("Bearer ")
}
