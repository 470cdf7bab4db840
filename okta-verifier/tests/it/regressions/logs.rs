//! Tokens in log lines.

use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{MockOkta, Rotation};

use crate::{support::captured_logs::logged, support::mock_issuer::AUDIENCE};

async fn status(verifier: &Verifier, jwt: &str) -> u16 {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let result = verifier.authenticate(&credentials).await;
    result.map_or_else(|rejection| rejection.status().as_u16(), |_| 200)
}

// conformance 20, 44
#[test]
fn envoy_and_lua_resty_openidc_print_the_token_at_debug() {
    // One thread for all tasks, so that every event is captured at every level.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut tokens = Vec::new();
    let lines = logged(|| {
        runtime.block_on(async {
            let okta = MockOkta::start().await;
            let issuer = okta.issuer(AUDIENCE).any_client_id();
            let verifier = Verifier::builder().issuer(issuer).build().unwrap();
            let token = |subject| okta.token(subject).claim("department", "engines-of-war");
            let accepted = token("ada-lovelace").sign();
            assert_eq!(status(&verifier, &accepted).await, 200);
            assert_eq!(status(&verifier, &accepted).await, 200);
            let forged = token("ada-lovelace").tampered().sign();
            assert_eq!(status(&verifier, &forged).await, 401);
            let expired = token("ada-lovelace").expired().sign();
            assert_eq!(status(&verifier, &expired).await, 401);
            okta.rotate(Rotation::Hard);
            verifier.refresh().await.unwrap();
            assert_eq!(status(&verifier, &accepted).await, 401);
            tokens.extend([accepted, forged, expired]);
        });
    });
    let parts = tokens.iter().flat_map(|jwt| jwt.split('.'));
    let words: Vec<_> = parts.chain(["ada-lovelace", "engines-of-war"]).collect();
    assert!(lines.len() >= 3, "at least the rejections");
    for (_, text) in &lines {
        let found = words.iter().find(|word| text.contains(**word));
        assert!(found.is_none(), "{text}");
    }
}
