//! The conformance table: every case is a request of its own.

use okta_verifier::adapter::RequestCredentials;
use okta_verifier_testing::conformance::{self, Issuers};

// conformance 20, 44
#[tokio::test]
async fn no_case_of_the_table_shows_a_secret() {
    let issuers = Issuers::new();
    let verifier = issuers.verifier();
    let (mut accepted, mut refused) = (0, 0);
    for case in conformance::cases() {
        // Tells the secret scan what it holds.
        let request = case.request(&issuers);
        let target = request.target();
        let proofs = request.fields();
        let proofs = proofs.filter(|(name, _)| name.eq_ignore_ascii_case("dpop"));
        let presented = RequestCredentials::new(request.authorization())
            .query(request.query())
            .dpop(proofs.map(|(_, value)| value))
            .request(request.method(), &target);
        let verdict = verifier.authenticate(&presented).await;
        match &verdict {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
        secret_scan::verdict(&verdict);
        secret_scan::shown(format!("{presented:?}"));
        if let Some(jwt) = bearer(request.authorization()) {
            let verdict = verifier.verify(jwt).await;
            secret_scan::shown(format!("{verdict:?} {verdict:#?}"));
        }
    }
    secret_scan::shown(format!(
        "{verifier:?} {verifier:#?} {:?}",
        verifier.health()
    ));
    assert!(accepted > 40 && refused > 100, "{accepted} and {refused}");
}

fn bearer<'r>(mut lines: impl Iterator<Item = &'r [u8]>) -> Option<&'r str> {
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    std::str::from_utf8(line).ok()?.strip_prefix("Bearer ")
}
