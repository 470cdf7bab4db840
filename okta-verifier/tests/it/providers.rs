//! The constructors of [`Issuer`](okta_verifier::Issuer) for known providers, with the tokens of each.

use okta_verifier::{Issuer, SubjectKind, Verifier};
use okta_verifier_testing::{CLIENT_ID, TestIssuer, TokenBuilder};

/// Builds one issuer of each provider, with a subject as the provider writes it.
fn providers() -> [(TestIssuer, &'static str); 14] {
    const API: &str = "https://orders.example";
    [
        (TestIssuer::auth0(API), "auth0|ada"),
        (TestIssuer::entra_v1(API), "ada"),
        (TestIssuer::entra_v2(API), "ada"),
        (TestIssuer::keycloak(API), "ada"),
        (TestIssuer::cognito(), "ada"),
        (TestIssuer::hydra(API), "ada"),
        (TestIssuer::duende(API), "ada"),
        (TestIssuer::wso2(API), "ada"),
        (TestIssuer::pingone(API), "ada"),
        (TestIssuer::zitadel(API), "ada"),
        (
            TestIssuer::google(API),
            "robot@acme.iam.gserviceaccount.com",
        ),
        (
            TestIssuer::kubernetes(API),
            "system:serviceaccount:shop:billing",
        ),
        (
            TestIssuer::github_actions(API),
            "repo:acme/orders:ref:refs/heads/main",
        ),
        (TestIssuer::cloudflare_access(API), "ada"),
    ]
}

/// Builds a verifier that accepts the clients of the tests. Identity tokens name no client, except the
/// service tokens of Cloudflare Access.
fn verifier(issuer: &TestIssuer) -> Verifier {
    let issuer = match issuer.issuer_url().contains("cognito") {
        true => issuer.issuer().client_id(CLIENT_ID),
        false => issuer.issuer().any_client_id(),
    };
    let built = Verifier::builder().issuer(issuer).build();
    built.expect("the settings are valid")
}

async fn code(verifier: &Verifier, token: TokenBuilder) -> &'static str {
    let result = verifier.verify(&token.sign()).await;
    result.map_or_else(|error| error.code(), |_| "ok")
}

#[tokio::test]
async fn provider_token_is_accepted_with_pinned_keys_and_by_its_keys_only() {
    for (issuer, subject) in providers() {
        let verifier = verifier(&issuer);
        let url = issuer.issuer_url();
        let token = || issuer.token(subject);
        assert_eq!(code(&verifier, token()).await, "ok", "{url}");
        let forged = token().foreign_key();
        assert_eq!(code(&verifier, forged).await, "bad_signature", "{url}");
    }
}

#[tokio::test]
async fn provider_id_token_for_this_audience_is_rejected() {
    for (issuer, subject) in &providers()[..10] {
        let verifier = verifier(issuer);
        let url = issuer.issuer_url();
        let id_token = || issuer.token(*subject).id_token();
        assert_ne!(code(&verifier, id_token()).await, "ok", "{url}");
        let for_us = id_token().audience("https://orders.example");
        assert_ne!(code(&verifier, for_us).await, "ok", "{url}");
    }
}

#[tokio::test]
async fn provider_token_of_an_issuer_with_the_same_keys_is_rejected() {
    for (issuer, subject) in providers() {
        let verifier = verifier(&issuer);
        let url = issuer.issuer_url();
        let other = issuer.token(subject).claim("iss", format!("{url}x"));
        assert_eq!(code(&verifier, other).await, "unknown_issuer", "{url}");
    }
}

#[tokio::test]
async fn provider_machine_is_a_service() {
    for (issuer, subject) in providers() {
        let verifier = verifier(&issuer);
        let url = issuer.issuer_url();
        let machine = issuer.token(subject).service().sign();
        let machine = verifier.verify(&machine).await.expect(url);
        assert_eq!(machine.subject_kind(), SubjectKind::Service, "{url}");
    }
}

#[tokio::test]
async fn provider_user_is_not_a_service() {
    // The tokens of these providers have no evidence for a user.
    let unknown = ["hydra", "pingone", "zitadel"];
    let machines = ["google", "kubernetes", "githubusercontent"];
    let users = providers().into_iter().filter(|(issuer, _)| {
        let is = |name: &&str| issuer.issuer_url().contains(*name);
        !machines.iter().any(is)
    });
    for (issuer, subject) in users {
        let verifier = verifier(&issuer);
        let url = issuer.issuer_url();
        let expected = match unknown.iter().any(|name| url.contains(name)) {
            true => SubjectKind::Unknown,
            false => SubjectKind::User,
        };
        let user = issuer.token(subject).scope("orders:read").sign();
        let user = verifier.verify(&user).await.expect(url);
        assert_eq!(user.subject_kind(), expected, "{url}");
        assert_eq!(user.subject(), subject, "{url}");
    }
}

// conformance 90
#[tokio::test]
async fn provider_user_without_sub_is_rejected() {
    for (issuer, subject) in providers() {
        let verifier = verifier(&issuer);
        let url = issuer.issuer_url();
        for token in [
            issuer.token(subject).without("sub"),
            issuer.token(subject).claim("sub", ""),
        ] {
            let expected = match url.contains("kubernetes") {
                true => "client_not_allowed", // `sub` names the service account
                false => "missing_claim",
            };
            assert_eq!(code(&verifier, token).await, expected, "{url}");
        }
    }
    // A common name beside the email does not make the user a service.
    let access = TestIssuer::cloudflare_access("tag");
    let verifier = verifier(&access);
    let both = access.token("ada").without("sub").claim("common_name", "x");
    assert_eq!(code(&verifier, both).await, "missing_claim");
}

#[tokio::test]
async fn provider_at_another_url_is_accepted() {
    for (issuer, url) in [
        (TestIssuer::google("x"), "https://google.test"),
        (
            TestIssuer::keycloak("x"),
            "https://keycloak.test/realms/umbrella",
        ),
        (
            TestIssuer::entra_v2("x"),
            "https://login.microsoftonline.us/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
        ),
    ] {
        let issuer = issuer.at(url);
        let settings = issuer.issuer().any_client_id();
        let verifier = Verifier::builder().issuer(settings).build().unwrap();
        let subject = "robot@acme.iam.gserviceaccount.com";
        let jwt = issuer.token(subject).service().sign();
        let token = verifier.verify(&jwt).await.expect(url);
        assert_eq!(token.subject_kind(), SubjectKind::Service, "{url}");
    }
}

// The shape of an ID token: `aud` is the client, and neither the header nor a claim says otherwise.
#[tokio::test]
async fn provider_token_for_its_own_client_is_an_id_token_unless_it_says_what_it_is() {
    const CLIENT: &str = "https://orders.example";
    for issuer in [
        TestIssuer::auth0(CLIENT),
        TestIssuer::hydra(CLIENT),
        TestIssuer::pingone(CLIENT),
        TestIssuer::zitadel(CLIENT),
    ] {
        let verifier = verifier(&issuer);
        let (url, token) = (issuer.issuer_url(), || {
            issuer.token("ada").client_id(CLIENT).audience(CLIENT)
        });
        assert_eq!(
            code(&verifier, token()).await,
            "not_an_access_token",
            "{url}"
        );
        let list = token().claim("aud", [CLIENT]);
        assert_eq!(code(&verifier, list).await, "not_an_access_token", "{url}");
        let explicit = token().typ("at+jwt");
        assert_eq!(code(&verifier, explicit).await, "ok", "{url}");
        let more = token().claim("aud", [CLIENT, "https://billing.example"]);
        assert_eq!(code(&verifier, more).await, "ok", "{url}");
    }
    // A claim of these says that the token is an access token.
    for issuer in [TestIssuer::keycloak(CLIENT), TestIssuer::entra_v2(CLIENT)] {
        let token = issuer.token("ada").client_id(CLIENT).audience(CLIENT);
        assert_eq!(code(&verifier(&issuer), token).await, "ok");
    }
}

#[test]
fn provider_of_identity_tokens_with_an_empty_name_in_its_list_does_not_build() {
    let builds = |issuer: Issuer| {
        let issuer = issuer.any_client_id();
        Verifier::builder().issuer(issuer).build().is_ok()
    };
    for (names, expected) in [
        (vec![], false),
        (vec![""], false),
        (vec!["acme", ""], false),
        (vec!["acme"], true),
    ] {
        let google = Issuer::google_identity_tokens("a", names.clone());
        let github = Issuer::github_actions_identity_tokens("a", names.clone());
        assert_eq!([builds(google), builds(github)], [expected; 2], "{names:?}");
    }
}
