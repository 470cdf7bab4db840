//! Settings that contain secrets.

use okta_verifier::{Issuer, Verifier};

const PASSWORD: &str = "proxy-5ecret-1234567890";

// conformance 20
#[test]
fn config_shows_no_secret() {
    secret_scan::secret(PASSWORD);
    let proxy = format!("http://ada:{PASSWORD}@proxy.test:3128");
    secret_scan::secret(&proxy["http://ada:".len()..]);
    let client = reqwest::Client::builder().proxy(reqwest::Proxy::all(proxy).unwrap());
    let issuer =
        || Issuer::okta("https://okta.test/oauth2/default", "api://default").any_client_id();
    let builder = Verifier::builder()
        .issuer(issuer())
        .http_client_builder(client);
    secret_scan::shown(format!("{builder:?} {builder:#?} {:?}", issuer()));
    let verifier = builder.build();
    secret_scan::shown(format!("{verifier:?} {verifier:#?}"));
    // A query may have a secret. The second URL has a fragment, which is an error.
    for end in ["", "#"] {
        let url = format!("https://keys.test/keys?key={PASSWORD}{end}");
        for issuer in [issuer().metadata_url(&url), issuer().jwks_uri(&url)] {
            let verifier = Verifier::builder().issuer(issuer.clone()).build();
            secret_scan::shown(format!("{issuer:?} {issuer:#?} {verifier:?} {verifier:#?}"));
        }
    }
}
