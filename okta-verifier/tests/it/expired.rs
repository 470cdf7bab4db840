//! Expired tokens that an optional route may treat as anonymous: only if the expiry is their only defect.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use okta_verifier::{
    Policy, Rejection, VerifiedToken, Verifier,
    adapter::{Mount, RequestCredentials},
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, MockOkta, TokenBuilder};
use tracing::Level;

use crate::support::{
    captured_logs::logged,
    dpop_fixture::{BASE, Fixture, TARGET},
    pinned_keys::{build, okta, verifier},
};

type Edit = fn(TokenBuilder) -> TokenBuilder;

/// Returns the code of the rejection, with `anonymous` before it if the request may be treated as anonymous.
fn outcome(result: Result<VerifiedToken, Rejection>) -> String {
    secret_scan::verdict(&result);
    match result {
        Ok(_) => "ok".to_owned(),
        Err(rejection) => {
            let code = rejection.code();
            match rejection.as_anonymous() {
                Some(_) => format!("anonymous {code}"),
                None => code.to_owned(),
            }
        }
    }
}

async fn optional(verifier: &Verifier, jwt: &str) -> String {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]).expired_as_anonymous();
    outcome(verifier.authenticate(&credentials).await)
}

// conformance 245
#[tokio::test]
async fn expired_token_with_another_defect_is_never_anonymous() {
    let okta = okta();
    let verifier = verifier(&okta);
    let edits: [(Edit, &str); 9] = [
        (|token| token.tampered(), "bad_signature"),
        (|token| token.unsigned(), "algorithm_not_allowed"),
        (|token| token.key_id("other"), "unknown_key_id"),
        (|token| token.audience("api://other"), "wrong_audience"),
        (|token| token.without("sub"), "missing_claim"),
        (|token| token.typ("dpop+jwt"), "type_not_allowed"),
        (
            |token| token.claim("nbf", 4_102_444_800_u64),
            "not_yet_valid",
        ),
        (|token| token.bound_to_key(), "binding_unchecked"),
        (
            |token| token.claim("cnf", serde_json::json!({})),
            "binding_unchecked",
        ),
    ];
    for (edit, code) in edits {
        let jwt = edit(okta.token("ada").expired()).sign();
        assert_eq!(optional(&verifier, &jwt).await, code);
    }
    let listed = build(okta.issuer().client_id("0oalisted"));
    let stranger = okta.token("ada").client_id("0oastranger").expired().sign();
    assert_eq!(optional(&listed, &stranger).await, "client_not_allowed");
}

// conformance 245
#[tokio::test]
async fn expired_token_is_anonymous_only_if_the_request_says_so() {
    let okta = okta();
    let verifier = verifier(&okta);
    let jwt = okta.token("ada").expired().sign();
    let authorization = format!("Bearer {jwt}");
    let strict = RequestCredentials::new([authorization.as_bytes()]);
    // Neither order of the two requests changes the result: an expired token is not cached.
    for _ in 0..2 {
        assert_eq!(outcome(verifier.authenticate(&strict).await), "expired");
        assert_eq!(optional(&verifier, &jwt).await, "anonymous expired");
    }
    assert_eq!(verifier.verify(&jwt).await.unwrap_err().code(), "expired");
    // The audience of the route is checked too.
    let other = Mount::new(verifier.clone()).audience("api://other");
    let tolerant = strict.expired_as_anonymous();
    assert_eq!(
        outcome(other.authenticate(&tolerant).await),
        "wrong_audience"
    );

    // A token that is valid is accepted, and one within the leeway is not expired.
    assert_eq!(optional(&verifier, &okta.token("ada").sign()).await, "ok");
    let malformed = RequestCredentials::new([&b"Bearer a b"[..]]).expired_as_anonymous();
    assert_eq!(
        outcome(verifier.authenticate(&malformed).await),
        "invalid_request"
    );
}

// conformance 245
#[tokio::test]
async fn expired_token_as_anonymous_is_rejected_as_expired_where_a_token_is_required() {
    let fixture = Fixture::new();
    let jwt = fixture
        .client
        .bind(fixture.okta.token("ada").expired())
        .sign();
    let proof = fixture
        .client
        .proof("GET", "https://api.example.com/orders")
        .token(&jwt)
        .sign();
    let authorization = format!("DPoP {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop([proof.as_bytes()])
        .request("GET", TARGET)
        .expired_as_anonymous();
    let rejection = fixture
        .verifier
        .authenticate(&credentials)
        .await
        .unwrap_err();
    let anonymous = rejection.as_anonymous().unwrap();
    // An adapter that ignores the marker sends the same response.
    for rejection in [
        &rejection,
        &anonymous.rejection(),
        &Policy::any_token()
            .admit(None, Some(anonymous))
            .unwrap_err(),
    ] {
        assert_eq!(
            (rejection.status().as_u16(), rejection.code()),
            (401, "expired")
        );
        assert_eq!(rejection.issuer(), Some(fixture.okta.issuer_url()));
        let challenges: Vec<_> = rejection.headers().map(|(_, value)| value).collect();
        assert_eq!(challenges[0], r#"Bearer realm="api""#);
        assert!(
            challenges[1]
                .to_str()
                .unwrap()
                .starts_with(r#"DPoP realm="api", error="invalid_token""#)
        );
    }
}

// conformance 245
#[test]
fn expired_token_as_anonymous_leaves_one_event_that_says_so() {
    let okta = okta();
    let verifier = verifier(&okta);
    let jwt = okta.token("ada").expired().sign();
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]).expired_as_anonymous();
    let mut rejection = None;
    let lines = logged(|| {
        rejection = verifier
            .authenticate(&credentials)
            .into_ready()
            .unwrap()
            .err();
    });
    let [(level, text)] = &lines[..] else {
        panic!("one event: {lines:?}");
    };
    assert_eq!(*level, Level::DEBUG);
    assert!(
        text.contains("expired token treated as anonymous"),
        "{text}"
    );
    assert!(text.contains(okta.issuer_url()), "{text}");
    // A handler that requires a token rejects the request, which is another event.
    let rejection = rejection.unwrap();
    let lines = logged(|| drop(rejection.as_anonymous().unwrap().rejection()));
    assert!(
        matches!(&lines[..], [(_, text)] if text.contains("request rejected") && text.contains("code=\"expired\"")),
        "{lines:?}"
    );
}

/// A remote replay store, which answers after its first poll.
#[derive(Clone, Default)]
struct Remote(Arc<Mutex<HashSet<[u8; 32]>>>);

impl ReplayStore for Remote {
    fn first_use<'a>(&'a self, proof: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(match self.0.lock().unwrap().insert(*proof) {
                true => ProofUse::First,
                false => ProofUse::Replayed,
            })
        })
    }
}

// conformance 245
#[tokio::test]
async fn expired_bound_token_is_anonymous_only_with_a_proof_that_was_not_used() {
    let settings = || DpopSettings::base_url(BASE);
    for fixture in [
        Fixture::with(settings()),
        Fixture::with(settings().replay_store(Remote::default())),
    ] {
        let jwt = fixture
            .client
            .bind(fixture.okta.token("ada").expired())
            .sign();
        let proof = fixture
            .client
            .proof("GET", "https://api.example.com/orders")
            .token(&jwt);
        let send = async |scheme: &str, proofs: &[&str]| {
            let authorization = format!("{scheme} {jwt}");
            let credentials = RequestCredentials::new([authorization.as_bytes()])
                .dpop(proofs.iter().map(|proof| proof.as_bytes()))
                .request("GET", TARGET)
                .expired_as_anonymous();
            outcome(fixture.verifier.authenticate(&credentials).await)
        };
        let once = proof.clone().sign();
        assert_eq!(send("DPoP", &[]).await, "invalid_dpop_proof");
        assert_eq!(
            send("DPoP", &[&proof.clone().tampered().sign()]).await,
            "invalid_dpop_proof"
        );
        assert_eq!(send("Bearer", &[&once]).await, "bound_token_as_bearer");
        assert_eq!(send("DPoP", &[&once]).await, "anonymous expired");
        assert_eq!(send("DPoP", &[&once]).await, "invalid_dpop_proof");
    }
}

// conformance 245
#[tokio::test]
async fn expired_unbound_token_of_an_issuer_that_requires_dpop_is_not_anonymous() {
    let okta = okta();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id().require_dpop());
    let verifier = builder.dpop(DpopSettings::base_url(BASE)).build().unwrap();
    let jwt = okta.token("ada").expired().sign();
    assert_eq!(optional(&verifier, &jwt).await, "binding_required");
}

fn introspecting(
    okta: &MockOkta,
    introspection: fn(ClientAuthentication) -> Introspection,
) -> Verifier {
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    build(
        okta.issuer("api://default")
            .any_client_id()
            .introspection(introspection(client)),
    )
}

// conformance 245
#[tokio::test]
async fn expired_token_is_not_introspected_and_an_opaque_one_is_not_anonymous() {
    let okta = MockOkta::start().await;
    let verifier = introspecting(&okta, Introspection::every_token);
    let calls = || okta.hits().introspection;
    // The keys have to be fetched.
    let jwt = okta.token("ada").expired().sign();
    assert_eq!(optional(&verifier, &jwt).await, "anonymous expired");
    assert_eq!(calls(), 0);
    // Without a response, the claims of an opaque token are not known.
    let opaque = okta.opaque_token("ada").expired().sign();
    assert_ne!(optional(&verifier, &opaque).await, "anonymous expired");
    assert_eq!(calls(), 1);
    // The route does not require a response about an expired token either.
    let authorization = format!("Bearer {jwt}");
    let recent = RequestCredentials::new([authorization.as_bytes()])
        .max_introspection_age(Duration::ZERO)
        .expired_as_anonymous();
    assert_eq!(
        outcome(verifier.authenticate(&recent).await),
        "anonymous expired"
    );
    assert_eq!(calls(), 1);
}
