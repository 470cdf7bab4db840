//! [`Verifier::explain`] agrees with [`Verifier::verify`], shows every check, and never repeats the token.

use std::collections::HashSet;

use okta_verifier::{
    Issuer, IssuerResolver, Verifier,
    explain::{Check, Explanation, Outcome},
};
use okta_verifier_testing::{
    CLIENT_ID, CLIENT_SECRET, Client, Endpoint, Fault, MockOkta, TestIssuer, TokenBuilder,
    conformance::Issuers,
};

mod hostile;

/// Returns everything that an explanation can show.
fn texts(explanation: Explanation) -> String {
    let mut text = format!("{explanation:?}");
    for check in explanation.checks() {
        let (expected, found) = match check.outcome() {
            Outcome::Passed { found } => ("", found.as_str()),
            Outcome::Failed { expected, found } => (expected.as_str(), found.as_str()),
            _ => ("", ""),
        };
        for part in [
            check.name(),
            expected,
            found,
            check.hint().unwrap_or_default(),
        ] {
            text.push_str(part);
            text.push('\n');
        }
    }
    for (name, value) in explanation.show_claims().unverified_claims() {
        text.push_str(&format!("{name}: {}\n", value.expect("claims are shown")));
    }
    text
}

#[track_caller]
fn assert_without_token(explanation: Explanation, token: &str) {
    let texts = texts(explanation);
    let shown: HashSet<&[u8]> = texts.as_bytes().windows(16).collect();
    let mut parts = token.as_bytes().windows(16);
    let part = parts.find(|part| shown.contains(part));
    assert_eq!(part, None, "a part of the token is shown");
}

fn check<'e>(explanation: &'e Explanation, name: &str) -> &'e Check {
    let mut checks = explanation.checks().iter();
    let found = checks.find(|check| check.name() == name);
    found.unwrap_or_else(|| panic!("no check {name}"))
}

fn failed<'e>(explanation: &'e Explanation, name: &str) -> (&'e str, &'e str) {
    match check(explanation, name).outcome() {
        Outcome::Failed { expected, found } => (expected, found),
        other => panic!("{name}: {other:?}"),
    }
}

fn hint<'e>(explanation: &'e Explanation, name: &str) -> &'e str {
    check(explanation, name).hint().unwrap_or_default()
}

/// Compares `explain` with `verify` for each token that the table sends.
async fn assert_agreement(issuers: &Issuers) {
    // Two verifiers, so that neither answers from the cache of the other.
    let (one, other) = (issuers.verifier(), issuers.verifier());
    let mut rejected = 0;
    for case in issuers.cases() {
        let request = case.request(issuers);
        let lines: Vec<&[u8]> = request.authorization().collect();
        let [line] = lines[..] else { continue };
        let line = String::from_utf8_lossy(line);
        let Some((_, token)) = line.split_once(' ') else {
            continue;
        };
        let verified = one.verify(token).await.map_err(|error| error.code());
        let explanation = other.explain(token).await;
        let verdict = explanation.verdict().map_err(|error| error.code());
        assert_eq!(verdict.err(), verified.err(), "{}", case.name());
        let first = explanation.checks().iter().find_map(Check::code);
        assert_eq!(first, verdict.err(), "{}: {explanation:?}", case.name());
        rejected += usize::from(verdict.is_err());
        assert_without_token(explanation, token);
    }
    assert!(rejected > 0, "the table has tokens that are rejected");
}

#[tokio::test]
async fn explanation_agrees_with_verify_for_each_token_of_the_table() {
    assert_agreement(&Issuers::new()).await;
}

#[tokio::test]
async fn explanation_agrees_with_verify_for_each_bound_token() {
    assert_agreement(&Issuers::bound()).await;
}

#[tokio::test]
async fn explanation_agrees_with_verify_for_each_token_of_a_provider() {
    assert_agreement(&Issuers::providers()).await;
}

#[tokio::test]
async fn explanation_agrees_with_verify_for_each_introspected_token() {
    let okta = MockOkta::start().await;
    assert_agreement(&Issuers::asking(&okta)).await;
}

struct Case {
    okta: TestIssuer,
    verifier: Verifier,
}

impl Case {
    fn new(settings: impl Fn(Issuer) -> Issuer) -> Self {
        let okta = TestIssuer::new("api://orders");
        let issuer = settings(okta.issuer());
        let verifier = Verifier::builder().issuer(issuer).build().unwrap();
        Self { okta, verifier }
    }

    async fn explain(&self, edit: impl Fn(TokenBuilder) -> TokenBuilder) -> Explanation {
        let token = edit(self.okta.token("ada")).sign();
        self.verifier.explain(&token).await
    }
}

#[tokio::test]
async fn explanation_shows_every_check_that_fails() {
    let case = Case::new(|issuer| issuer.client_id("0oaweb"));
    let explanation = case
        .explain(|token| {
            let token = token
                .audience("api://order")
                .client_id("0oawbe")
                .typ("logout+jwt");
            token.bound_to_key().expired().tampered()
        })
        .await;
    let codes: Vec<_> = explanation.codes().collect();
    assert_eq!(
        codes,
        [
            "type_not_allowed",
            "bad_signature",
            "expired",
            "wrong_audience",
            "client_not_allowed",
            "binding_unchecked"
        ]
    );
    assert_eq!(
        failed(&explanation, "audience"),
        ("api://orders", "api://order")
    );
    assert_eq!(failed(&explanation, "client"), ("0oaweb", "0oawbe"));
    assert_eq!(hint(&explanation, "client"), "is the client ID misspelt?");
    assert!(failed(&explanation, "dates").1.starts_with("expired "));
    assert!(failed(&explanation, "dates").0.contains("leeway 60 s"));
}

#[tokio::test]
async fn explanation_marks_checks_after_a_wrong_signature_as_unverified() {
    let case = Case::new(Issuer::any_client_id);
    let explanation = case.explain(TokenBuilder::foreign_key).await;
    assert_eq!(explanation.codes().next(), Some("bad_signature"));
    for name in ["dates", "audience", "client", "subject"] {
        assert!(check(&explanation, name).is_unverified(), "{name}");
    }
    assert!(!check(&explanation, "signature").is_unverified());
    let explanation = case.explain(|token| token).await;
    assert!(
        explanation
            .checks()
            .iter()
            .all(|check| !check.is_unverified())
    );
    assert!(explanation.verdict().is_ok());
}

#[tokio::test]
async fn explanation_of_another_issuer_compares_the_token_with_the_configured_one() {
    let okta = TestIssuer::new("api://orders").at("https://acme.okta.com/oauth2/default");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    for (iss, code, expected) in [
        (
            "https://acme.okta.com/oauth2/default/",
            "unknown_issuer",
            "slash at the end",
        ),
        (
            "http://acme.okta.com/oauth2/default",
            "unknown_issuer",
            "http and https",
        ),
        (
            "https://login.acme.example/oauth2/default",
            "unknown_issuer",
            "also_known_as",
        ),
        (
            "https://acme.okta.com/oauth2/aus1",
            "unknown_issuer",
            "authorization server of the same org",
        ),
        (
            "https://acme.okta.com",
            "org_authorization_server",
            "/oauth2/default",
        ),
    ] {
        let token = okta
            .token("ada")
            .claim("iss", iss)
            .audience("api://other")
            .sign();
        let explanation = verifier.explain(&token).await;
        let codes: Vec<_> = explanation.codes().collect();
        assert_eq!(codes, [code, "wrong_audience"], "{iss}");
        let hint = hint(&explanation, "issuer");
        assert!(hint.contains(expected), "{iss}: {hint}");
        // The key is that of the configured issuer, so the claims were signed.
        assert!(matches!(
            check(&explanation, "signature").outcome(),
            Outcome::Passed { .. }
        ));
    }
}

#[tokio::test]
async fn explanation_of_a_token_of_two_unlike_issuers_names_neither() {
    let one = TestIssuer::new("api://orders").at("https://acme.okta.com/oauth2/default");
    let two = TestIssuer::new("api://orders").at("https://beta.okta.com/oauth2/aus1");
    let verifier = Verifier::builder()
        .issuer(one.issuer().any_client_id())
        .issuer(two.issuer().any_client_id())
        .build()
        .unwrap();
    let token = one
        .token("ada")
        .claim("iss", "https://issuer.example/x")
        .sign();
    let explanation = verifier.explain(&token).await;
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["unknown_issuer"]);
    assert_eq!(check(&explanation, "issuer").hint(), None);
    assert!(matches!(
        check(&explanation, "audience").outcome(),
        Outcome::NotReached
    ));
}

#[tokio::test]
async fn explanation_hides_subject_token_id_and_custom_claims() {
    let case = Case::new(Issuer::any_client_id);
    let token = |token: TokenBuilder| token.claim("jti", "AT.secret").claim("salary", 90_000);
    let explanation = case.explain(token).await;
    let value = |explanation: &Explanation, name: &str| {
        let mut claims = explanation.unverified_claims();
        let found = claims.find(|(claim, _)| *claim == name);
        found.expect("a claim").1.map(str::to_owned)
    };
    for name in ["sub", "jti", "salary"] {
        assert_eq!(value(&explanation, name), None, "{name}");
    }
    assert_eq!(value(&explanation, "aud").as_deref(), Some("api://orders"));
    let debug = format!("{explanation:?} {:?}", explanation.checks());
    for hidden in ["ada", "AT.secret", "90000", "api://orders", CLIENT_ID] {
        assert!(!debug.contains(hidden), "{debug}");
    }
    let shown = explanation.show_claims();
    assert_eq!(value(&shown, "sub").as_deref(), Some("ada"));
    assert_eq!(value(&shown, "salary").as_deref(), Some("90000"));
}

#[tokio::test]
async fn explanation_of_a_bound_token_says_what_the_request_needs() {
    let case = Case::new(Issuer::any_client_id);
    let explanation = case.explain(|token| Client::new().bind(token)).await;
    assert_eq!(
        explanation.codes().collect::<Vec<_>>(),
        ["binding_unchecked"]
    );
    assert!(hint(&explanation, "sender").contains("VerifierBuilder::dpop"));

    let dpop = okta_verifier::dpop::DpopSettings::base_url("https://api.example.com");
    let verifier = Verifier::builder()
        .issuer(case.okta.issuer().any_client_id())
        .dpop(dpop)
        .build()
        .unwrap();
    let token = Client::new().bind(case.okta.token("ada")).sign();
    let explanation = verifier.explain(&token).await;
    assert!(hint(&explanation, "sender").contains("scheme DPoP and a proof"));
}

#[tokio::test]
async fn explanation_reports_unavailable_keys_and_still_checks_the_claims() {
    let okta = MockOkta::start().await;
    okta.fault(Endpoint::Keys, Fault::Drop);
    let verifier = Verifier::builder()
        .issuer(okta.issuer("api://default").any_client_id())
        .build()
        .unwrap();
    let token = okta.token("ada").audience("api://other").sign();
    let explanation = verifier.explain(&token).await;
    let codes: Vec<_> = explanation.codes().collect();
    assert_eq!(codes, ["unavailable", "wrong_audience"]);
    assert!(check(&explanation, "audience").is_unverified());
}

#[tokio::test]
async fn explanation_sends_no_more_requests_than_verify() {
    use okta_verifier::introspection::{ClientAuthentication, Introspection};
    let okta = MockOkta::start().await;
    let client = || ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let verifier = || {
        let issuer = okta.issuer("api://default").any_client_id();
        let issuer = issuer.introspection(Introspection::every_token(client()));
        Verifier::builder().issuer(issuer).build().unwrap()
    };
    let tokens = [
        okta.token("ada").sign(),
        okta.token("ada").revoked().sign(),
        okta.token("ada").expired().sign(),
        okta.token("ada").typ("logout+jwt").sign(),
        okta.token("ada")
            .claim("iss", "https://other.example")
            .sign(),
        okta.opaque_token("ada").sign(),
    ];
    for token in tokens {
        let before = okta.hits();
        let _ = verifier().verify(&token).await;
        let between = okta.hits();
        let explanation = verifier().explain(&token).await;
        let after = okta.hits();
        for (one, two, three) in [
            (before.keys, between.keys, after.keys),
            (before.discovery, between.discovery, after.discovery),
            (
                before.introspection,
                between.introspection,
                after.introspection,
            ),
        ] {
            assert_eq!(two - one, three - two, "{explanation:?}");
        }
    }
}

#[tokio::test]
async fn explanation_of_a_revoked_token_names_the_introspection() {
    use okta_verifier::introspection::{ClientAuthentication, Introspection};
    let okta = MockOkta::start().await;
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = okta.issuer("api://default").any_client_id();
    let issuer = issuer.introspection(Introspection::every_token(client));
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let explanation = verifier.explain(&okta.token("ada").revoked().sign()).await;
    assert_eq!(
        check(&explanation, "introspection").code(),
        Some("inactive")
    );
    let explanation = verifier.explain(&okta.opaque_token("ada").sign()).await;
    assert!(explanation.verdict().is_ok());
    assert!(matches!(
        check(&explanation, "introspection").outcome(),
        Outcome::Passed { .. }
    ));
}

#[tokio::test]
async fn explanation_counts_two_entries_for_one_token() {
    let okta = TestIssuer::new("api://orders");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .issuer(
            Issuer::okta(okta.issuer_url(), "api://billing")
                .keys(okta.jwks())
                .any_client_id(),
        )
        .build()
        .unwrap();
    let token = okta
        .token("ada")
        .claim("aud", ["api://orders", "api://billing"])
        .sign();
    let explanation = verifier.explain(&token).await;
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["wrong_audience"]);
    assert!(hint(&explanation, "audience").contains("several entries"));
}

#[tokio::test]
async fn explanation_of_an_inactive_token_of_keycloak_names_the_missing_mapper() {
    use okta_verifier::introspection::{ClientAuthentication, Introspection};
    // The endpoint of the mock knows no token of Keycloak, so each of them is inactive.
    let okta = MockOkta::start().await;
    let keycloak = TestIssuer::keycloak("orders-api").at("http://127.0.0.1:1/realms/acme");
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let endpoint = format!("{}/v1/introspect", okta.issuer_url());
    let introspection = Introspection::every_token(client).endpoint(endpoint);
    let issuer = keycloak
        .issuer()
        .any_client_id()
        .introspection(introspection);
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let explanation = verifier.explain(&keycloak.token("ada").sign()).await;
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["inactive"]);
    let text = hint(&explanation, "introspection");
    assert!(text.contains("audience mapper for this client"), "{text}");
    // The client that introspects is an audience of this token, so the reason is another one.
    let token = keycloak
        .token("ada")
        .claim("aud", ["orders-api", CLIENT_ID])
        .sign();
    let explanation = verifier.explain(&token).await;
    assert_eq!(
        check(&explanation, "introspection").code(),
        Some("inactive")
    );
    assert_eq!(check(&explanation, "introspection").hint(), None);
}

#[tokio::test]
async fn explanation_of_a_resolved_issuer_agrees_with_verify() {
    let tenant = |name: &str| {
        let url = format!("https://{name}.login.test/oauth2/default");
        TestIssuer::new("api://orders").at(url)
    };
    let [acme, unknown, broken] = ["acme", "unknown", "broken"].map(tenant);
    let row = acme.issuer().any_client_id();
    let resolver = IssuerResolver::new(
        ["https://*.login.test/oauth2/default"],
        move |iss: String| {
            let row = row.clone();
            async move {
                match iss {
                    iss if iss.contains("broken") => {
                        Err(std::io::Error::other("the database is down"))
                    }
                    iss => Ok(iss.contains("acme").then_some(row)),
                }
            }
        },
    );
    let verifier = Verifier::builder()
        .issuer_resolver(resolver)
        .build()
        .unwrap();
    for (issuer, code) in [
        (&acme, None),
        (&unknown, Some("unknown_issuer")),
        (&broken, Some("unavailable")),
    ] {
        let token = issuer.token("ada").sign();
        let explanation = verifier.explain(&token).await;
        assert_eq!(explanation.codes().next(), code, "{explanation:?}");
        assert_eq!(check(&explanation, "issuer").code(), code);
    }
    let other = Verifier::builder()
        .issuer(acme.issuer().any_client_id())
        .build()
        .unwrap();
    assert!(
        other
            .explain_offline(&acme.token("ada").sign())
            .verdict()
            .is_ok()
    );
}

#[tokio::test]
async fn explanation_offline_sends_no_request() {
    let okta = MockOkta::start().await;
    let issuer = okta.issuer("api://default").any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build().unwrap();
    let explanation = verifier.explain_offline(&okta.token("ada").sign());
    assert_eq!(explanation.codes().collect::<Vec<_>>(), ["unavailable"]);
    assert_eq!(check(&explanation, "key").code(), Some("unavailable"));
    assert!(failed(&explanation, "key").1.contains("no request is sent"));
    let hint = check(&explanation, "key").hint().unwrap();
    assert!(hint.contains("without --offline"), "{hint}");
    assert!(check(&explanation, "audience").is_unverified());
    assert_eq!(okta.hits().keys, 0);
}
