//! The requests of the conformance table.

use okta_verifier::adapter::RequestCredentials;
use okta_verifier_testing::conformance::{self, Issuers};

// conformance 20, 44
#[tokio::test]
async fn conformance_table_shows_no_secret() {
    let issuers = Issuers::new();
    let verifier = issuers.verifier();
    let (mut accepted, mut rejected) = (0, 0);
    for case in conformance::cases() {
        // Registers the secrets of the request with the scan.
        let request = case.request(&issuers);
        let target = request.target();
        let proofs = request.fields();
        let proofs = proofs.filter(|(name, _)| name.eq_ignore_ascii_case("dpop"));
        let credentials = RequestCredentials::new(request.authorization())
            .query(request.query())
            .dpop(proofs.map(|(_, value)| value))
            .request(request.method(), &target);
        let result = verifier.authenticate(&credentials).await;
        match &result {
            Ok(_) => accepted += 1,
            Err(_) => rejected += 1,
        }
        secret_scan::verdict(&result);
        secret_scan::shown(format!("{credentials:?}"));
        if let Some(jwt) = bearer(request.authorization()) {
            let result = verifier.verify(jwt).await;
            secret_scan::shown(format!("{result:?} {result:#?}"));
        }
    }
    secret_scan::shown(format!(
        "{verifier:?} {verifier:#?} {:?}",
        verifier.health()
    ));
    assert!(accepted > 40 && rejected > 100, "{accepted} and {rejected}");
}

fn bearer<'r>(mut lines: impl Iterator<Item = &'r [u8]>) -> Option<&'r str> {
    let (line, None) = (lines.next()?, lines.next()) else {
        return None;
    };
    std::str::from_utf8(line).ok()?.strip_prefix("Bearer ")
}
