//! Introspection requests, which contain a token and the client's secret.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use okta_verifier::{
    Verifier,
    adapter::RequestCredentials,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, Endpoint, Fault, MockOkta};

use crate::private_key::pem;

const SECRET: &str = "client-5ecret-0123456789abcdef";
const WRONG: &str = "wrong-5ecret-0123456789abcdef";

// conformance 20, 44, 115
#[test]
fn introspection_shows_no_secret() {
    for secret in [SECRET, WRONG] {
        secret_scan::secret(secret);
        secret_scan::secret(STANDARD.encode(format!("{CLIENT_ID}:{secret}")));
    }
    let pem = pem();
    secret_scan::secret(&pem);
    for client in [
        ClientAuthentication::client_secret_basic(CLIENT_ID, SECRET),
        ClientAuthentication::client_secret_post(CLIENT_ID, SECRET),
        ClientAuthentication::client_secret_basic(CLIENT_ID, WRONG),
        ClientAuthentication::private_key_jwt(CLIENT_ID, Some("2026"), pem.clone()),
    ] {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build().unwrap();
        secret_scan::shown(format!("{client:?} {client:#?}"));
        let requests = introspect_tokens(Introspection::every_token(client).encrypted_tokens());
        let lines = secret_scan::logged(|| runtime.block_on(requests));
        // Scanned again, now that the mock has registered the assertions that it received.
        lines.iter().for_each(|line| secret_scan::shown(&line.text));
    }
}

/// Introspects tokens of both forms while the issuer works, fails and closes connections.
async fn introspect_tokens(introspection: Introspection) {
    let okta = MockOkta::start().await;
    okta.set_client(CLIENT_ID, SECRET);
    secret_scan::shown(format!("{introspection:?} {introspection:#?}"));
    let issuer = okta
        .issuer("api://default")
        .any_client_id()
        .introspection(introspection);
    secret_scan::shown(format!("{issuer:?} {issuer:#?}"));
    let builder = Verifier::builder()
        .issuer(issuer)
        .fetch_timeout(Duration::from_secs(10));
    secret_scan::shown(format!("{builder:?} {builder:#?}"));
    let verifier = builder.build().unwrap();
    for fault in [
        None,
        Some(Fault::Status(500)),
        Some(Fault::Half),
        Some(Fault::Drop),
    ] {
        if let Some(fault) = fault {
            okta.fault(Endpoint::Introspection, fault);
        }
        let subject = "sub-5ecret-ada.lovelace@example.com";
        for token in [okta.token(subject), okta.opaque_token(subject)] {
            let jwt = token.client_id("cid-5ecret-0oa1234567890").sign();
            let line = format!("Bearer {jwt}");
            let result = verifier
                .authenticate(&RequestCredentials::new([line.as_bytes()]))
                .await;
            secret_scan::verdict(&result);
        }
        secret_scan::shown(format!("{verifier:?} {:?}", verifier.health()));
    }
}
