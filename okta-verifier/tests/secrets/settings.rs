//! Settings that hold secrets.

use okta_verifier::{Issuer, Verifier};

use crate::{watch, words::Words};

const PASSWORD: &str = "proxy-5ecret-1234567890";

// conformance 20
#[test]
fn no_setting_shows_a_secret() {
    watch::begin();
    let mut words = Words::default();
    words.secret(PASSWORD);
    let proxy = format!("http://ada:{PASSWORD}@proxy.test:3128");
    words.secret(&proxy["http://ada:".len()..]);
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy).unwrap());
    let issuer =
        || Issuer::okta("https://okta.test/oauth2/default", "api://default").any_client_id();
    let builder = Verifier::builder().issuer(issuer()).http_client(client);
    words.assert_unseen_in(&format!("{builder:?} {builder:#?} {:?}", issuer()));
    let verifier = builder.build();
    words.assert_unseen_in(&format!("{verifier:?} {verifier:#?}"));
    words.assert_unseen_in(&watch::lines());
}
