//! The issuer that a rejection names: as configured, and never a text of the token.

use okta_verifier::{Issuer, Policy, Rejection, Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{Client, Endpoint, Fault, MockOkta, TestIssuer, TokenBuilder};

use crate::support::{
    mock_issuer,
    pinned_keys::{AUDIENCE, authenticate, okta},
};

const ALIAS: &str = "https://login.alias.test/oauth2/default";

fn issuer_of(verifier: &Verifier, token: TokenBuilder) -> Option<String> {
    let rejection = authenticate(verifier, &token.sign()).expect_err("a rejected token");
    rejection.issuer().map(str::to_owned)
}

#[test]
fn rejection_names_no_issuer_unless_a_configured_one_was_selected() {
    let okta = okta();
    let verifier = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = verifier.build().unwrap();
    for token in [
        okta.token("ada")
            .claim("iss", "https://evil.test/oauth2/default"),
        okta.token("ada").claim("iss", "https://okta.test"),
        okta.token("ada").without("iss"),
        okta.token("ada").header("crit", ["exp"]),
        okta.token("ada").raw_payload("[]"),
        okta.token("ada").encrypted(),
    ] {
        assert_eq!(issuer_of(&verifier, token), None);
    }
    for lines in [&[][..], &["Basic x"], &["Bearer"], &["Bearer a b"]] {
        let lines = lines.iter().map(|line| line.as_bytes());
        let result = verifier.authenticate(&RequestCredentials::new(lines));
        let rejection = result.into_ready().unwrap().unwrap_err();
        assert_eq!(rejection.issuer(), None);
    }
    assert_eq!(Rejection::missing_layer().issuer(), None);
}

#[test]
fn rejection_names_the_configured_issuer_once_it_was_selected() {
    let okta = okta();
    secret_scan::public(okta.issuer_url());
    let issuer = okta.issuer().client_id("0oatest").also_known_as(ALIAS);
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let token = || okta.token("ada").client_id("0oatest");
    for rejected in [
        token().typ("dpop+jwt"),
        token().without_header("kid"),
        token().unpublished_key(),
        token().tampered(),
        token().audience("api://billing"),
        token().client_id("0oaother"),
        token().expired(),
        token().bound_to_key(),
        // The alias is another name of the issuer.
        token().claim("iss", ALIAS).expired(),
    ] {
        let named = issuer_of(&verifier, rejected);
        assert_eq!(named.as_deref(), Some(okta.issuer_url()));
    }
    let token = authenticate(&verifier, &token().sign()).unwrap();
    for rejection in [
        token.require(Policy::scope("orders:write")).unwrap_err(),
        token.require(Policy::group("Admins")).unwrap_err(),
        token.insufficient_scope("orders:write").unwrap(),
    ] {
        assert_eq!(rejection.issuer(), Some(okta.issuer_url()));
    }
}

#[test]
fn rejection_of_a_cached_token_names_the_configured_issuer() {
    let okta = okta();
    let verifier = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = verifier.client_certificates().build().unwrap();
    let client = Client::new();
    let jwt = client.bind(okta.token("ada")).sign();
    for _ in 0..2 {
        let rejection = authenticate(&verifier, &jwt).unwrap_err();
        assert_eq!(rejection.code(), "binding_unchecked");
        assert_eq!(rejection.issuer(), Some(okta.issuer_url()));
    }
}

#[tokio::test]
async fn rejection_after_a_failed_fetch_names_the_configured_issuer() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Status(500));
    let verifier = mock_issuer::verifier(&okta);
    let authorization = format!("Bearer {}", okta.token("ada").sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    for _ in 0..2 {
        let rejection = verifier.authenticate(&credentials).await.unwrap_err();
        assert_eq!(rejection.code(), "unavailable");
        assert_eq!(rejection.issuer(), Some(okta.issuer_url()));
    }
}

#[test]
fn rejection_of_a_tenant_names_the_configured_template() {
    const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    let iss = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    secret_scan::public(TEMPLATE);
    let keys = TestIssuer::rfc9068(AUDIENCE);
    let issuer = Issuer::entra_tenants([TENANT], AUDIENCE).any_client_id();
    let issuer = issuer.keys(keys.jwks());
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let token = keys.token("ada").claim("iss", iss).claim("tid", TENANT);
    let token = token.typ("JWT").claim("ver", "2.0").claim("azp", "web");
    let named = issuer_of(&verifier, token.expired());
    assert_eq!(named.as_deref(), Some(TEMPLATE));
}

#[test]
fn rejection_by_one_of_several_entries_names_their_issuer() {
    let okta = okta();
    let entry = |audience: &str| {
        let issuer = Issuer::okta(okta.issuer_url(), audience).any_client_id();
        issuer.keys(okta.jwks())
    };
    let verifier = Verifier::builder().issuer(entry(AUDIENCE));
    let verifier = verifier.issuer(entry("api://billing")).build().unwrap();
    for token in [
        okta.token("ada").unpublished_key(),
        okta.token("ada")
            .audience("api://billing")
            .unpublished_key(),
        okta.token("ada").claim("aud", [AUDIENCE, "api://billing"]),
        okta.token("ada").audience("api://other"),
    ] {
        let named = issuer_of(&verifier, token);
        assert_eq!(named.as_deref(), Some(okta.issuer_url()));
    }
}
