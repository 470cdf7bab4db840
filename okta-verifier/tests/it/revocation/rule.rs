//! What a rule changes for tokens, cached or not, and what it does not change.

use std::time::Duration;

use okta_verifier::{
    IssuerResolver, VerifyError,
    dpop::{DpopSettings, ProofUse, ReplayAnswer, ReplayStore},
    error::RevokedReason,
    revocation::{RevocationSnapshot, RevokeError},
};
use okta_verifier_testing::{Client, TokenBuilder};

use super::*;
use crate::support::{
    dpop_fixture::{BASE, TARGET, URL},
    token_edit,
};

// conformance 282
#[tokio::test]
async fn revoked_token_is_rejected_whether_or_not_it_is_cached() {
    let okta = TestIssuer::new("api://orders");
    for capacity in [0, 1_000] {
        let revocations = revocations();
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .token_cache_capacity(capacity)
            .revocations(revocations.clone())
            .build()
            .unwrap();
        let (cached, other) = (okta.token("ada").sign(), okta.token("bob").sign());
        for _ in 0..2 {
            assert_eq!(code(&verifier, &cached).await, "ok");
            assert_eq!(code(&verifier, &other).await, "ok");
        }
        revocations.revoke(ada(okta.issuer_url())).await.unwrap();
        for _ in 0..3 {
            assert_eq!(code(&verifier, &cached).await, "revoked");
            assert_eq!(code(&verifier, &old(&okta, "ada").sign()).await, "revoked");
            assert_eq!(code(&verifier, &other).await, "ok");
        }
        let renewed = okta.token("ada").issued_at(unix() + 20).sign();
        for _ in 0..2 {
            assert_eq!(code(&verifier, &renewed).await, "ok");
        }
    }
}

// conformance 283
#[tokio::test]
async fn revoked_token_gets_the_same_bytes_as_any_other_invalid_token() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let token = || old(&okta, "ada");
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    let response = async |token: TokenBuilder| {
        let rejection = send(&verifier, &token.sign()).await.unwrap_err();
        let headers = rejection.headers();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        (rejection.status(), headers, rejection.code())
    };
    let (status, headers, code) = response(token()).await;
    let (other_status, other_headers, other_code) = response(token().tampered()).await;
    assert_eq!((status, headers), (other_status, other_headers));
    assert_eq!(
        (status.as_u16(), code, other_code),
        (401, "revoked", "bad_signature")
    );
}

#[tokio::test]
async fn revoked_token_with_another_defect_is_rejected_for_the_defect() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    for (token, expected) in [
        (okta.token("ada").tampered(), "bad_signature"),
        (okta.token("ada").expired(), "expired"),
        (okta.token("ada").audience("api://other"), "wrong_audience"),
    ] {
        assert_eq!(code(&verifier, &token.sign()).await, expected);
    }
}

#[tokio::test]
async fn revoked_token_that_has_expired_is_not_anonymous_on_an_optional_route() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let jwt = okta.token("ada").expired().sign();
    let optional = async || {
        let authorization = format!("Bearer {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let credentials = credentials.expired_as_anonymous();
        let rejection = verifier.authenticate(&credentials).await.unwrap_err();
        (rejection.code(), rejection.as_anonymous().is_some())
    };
    assert_eq!(optional().await, ("expired", true));
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    assert_eq!(optional().await, ("revoked", false));
}

// conformance 287
#[tokio::test]
async fn token_without_iat_is_rejected_only_if_there_are_revocations() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, _revocations) = pinned(&okta);
    let without = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    for absent in [
        okta.token("ada").without("iat"),
        okta.token("ada").claim("iat", None::<u64>),
    ] {
        let jwt = absent.sign();
        for _ in 0..2 {
            let error = verifier.verify(&jwt).await.unwrap_err();
            assert!(
                matches!(error, VerifyError::MissingClaim { claim: "iat" }),
                "{error:?}"
            );
            assert_eq!(code(&without, &jwt).await, "ok");
        }
    }
}

#[tokio::test]
async fn token_older_than_the_longest_token_is_rejected() {
    let okta = TestIssuer::new("api://orders");
    let hour = Duration::from_secs(3_600);
    let revocations = Revocations::builder()
        .longest_token(hour)
        .forgets_at_restart();
    let issuer = okta.issuer().any_client_id(); // with a leeway of 60 s
    let verifier = Verifier::builder()
        .issuer(issuer)
        .revocations(revocations.build().unwrap());
    let verifier = verifier.build().unwrap();
    let aged = |seconds| {
        let token = okta.token("ada").issued_at(unix() - seconds);
        token.expires_in(2 * hour).sign()
    };
    let error = verifier.verify(&aged(3_661)).await.unwrap_err();
    assert!(
        matches!(error, VerifyError::Revoked(RevokedReason::TooOld)),
        "{error:?}"
    );
    assert_eq!(code(&verifier, &aged(3_600)).await, "ok");
}

#[tokio::test]
async fn token_issued_in_a_part_of_the_second_of_the_rule_is_rejected() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let now = unix() - 10;
    let at = UNIX_EPOCH + Duration::from_secs(now);
    revocations
        .revoke(ada(okta.issuer_url()).before(at))
        .await
        .unwrap();
    let issued = |iat: serde_json::Value| okta.token("ada").claim("iat", iat).sign();
    assert_eq!(
        code(&verifier, &issued((now as f64 + 0.9).into())).await,
        "revoked"
    );
    assert_eq!(code(&verifier, &issued((now + 1).into())).await, "ok");
}

#[tokio::test]
async fn session_rule_rejects_later_tokens_of_the_session_and_no_other_session() {
    let okta = TestIssuer::new("api://orders");
    let (verifier, revocations) = pinned(&okta);
    let token = |sid: &str| {
        okta.token("ada")
            .claim("sid", sid)
            .issued_at(unix() + 30)
            .sign()
    };
    let (ended, other) = (token("s1"), token("s2"));
    assert_eq!(code(&verifier, &ended).await, "ok");
    let rule = Rule::session_of(okta.issuer_url(), "s1", SubjectClaim::Subject, "ada");
    revocations.revoke(rule).await.unwrap();
    assert_eq!(code(&verifier, &ended).await, "revoked");
    assert_eq!(code(&verifier, &other).await, "ok");
    assert_eq!(code(&verifier, &old(&okta, "ada").sign()).await, "revoked"); // it has no session
}

// conformance 284
#[tokio::test]
async fn rules_stay_when_the_issuers_are_replaced() {
    let okta = TestIssuer::new("api://orders");
    let other = TestIssuer::new("api://orders").at("https://umbrella.test/oauth2/default");
    let issuer = || okta.issuer().any_client_id();
    let (verifier, revocations) = pinned(&okta);
    let jwt = okta.token("ada").sign();
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    verifier
        .set_issuers([other.issuer().any_client_id()])
        .unwrap();
    // The issuer was known before, so an event about it is applied.
    let bob = Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "bob");
    revocations.revoke(bob).await.unwrap();
    verifier
        .set_issuers([issuer().leeway(Duration::from_secs(90))])
        .unwrap();
    assert_eq!(code(&verifier, &jwt).await, "revoked");
    assert_eq!(code(&verifier, &old(&okta, "bob").sign()).await, "revoked");
    assert_eq!(code(&verifier, &okta.token("eve").sign()).await, "ok");
}

// conformance 284
#[tokio::test]
async fn rule_by_any_name_of_the_issuer_matches_its_tokens() {
    let okta = TestIssuer::new("api://orders");
    let alias = "https://login.acme.test/oauth2/default";
    secret_scan::public(alias);
    let issuer = || okta.issuer().also_known_as(alias).any_client_id();
    for name in [okta.issuer_url(), alias] {
        let (verifier, revocations) = verifier(issuer());
        let tokens = [old(&okta, "ada"), old(&okta, "ada").claim("iss", alias)];
        revocations.revoke(ada(name)).await.unwrap();
        for token in tokens {
            assert_eq!(code(&verifier, &token.sign()).await, "revoked", "{name}");
        }
    }
}

#[tokio::test]
async fn rule_about_one_issuer_spares_the_same_user_of_another() {
    let one = TestIssuer::new("api://orders");
    let other = TestIssuer::new("api://orders").at("https://umbrella.test/oauth2/default");
    let revocations = revocations();
    let verifier = Verifier::builder()
        .issuer(one.issuer().any_client_id())
        .issuer(other.issuer().any_client_id())
        .revocations(revocations.clone())
        .build()
        .unwrap();
    revocations.revoke(ada(one.issuer_url())).await.unwrap();
    assert_eq!(code(&verifier, &old(&one, "ada").sign()).await, "revoked");
    assert_eq!(code(&verifier, &old(&other, "ada").sign()).await, "ok");
}

#[tokio::test]
async fn rule_about_a_resolved_issuer_is_applied_after_its_first_token() {
    let okta = TestIssuer::new("api://orders").at("https://login.test/oauth2/acme");
    let settings = okta.issuer().any_client_id();
    let resolver = IssuerResolver::new(["https://login.test/oauth2/*"], move |_| {
        let settings = settings.clone();
        async move { Ok::<_, std::io::Error>(Some(settings)) }
    });
    let revocations = revocations();
    let builder = Verifier::builder().issuer_resolver(resolver);
    let verifier = builder.revocations(revocations.clone()).build().unwrap();
    let rule = || ada(okta.issuer_url());
    assert_eq!(
        revocations.revoke(rule()).await,
        Err(RevokeError::UnknownIssuer)
    );
    let jwt = okta.token("ada").sign();
    assert_eq!(code(&verifier, &jwt).await, "ok");
    revocations.revoke(rule()).await.unwrap();
    assert_eq!(code(&verifier, &jwt).await, "revoked");
}

#[tokio::test]
async fn snapshot_restores_the_rules_of_the_process_before() {
    let okta = TestIssuer::new("api://orders");
    let (_verifier, revocations) = pinned(&okta);
    revocations.revoke(ada(okta.issuer_url())).await.unwrap();
    let text = serde_json::to_string(&revocations.snapshot()).unwrap();
    let saved: RevocationSnapshot = serde_json::from_str(&text).unwrap();
    let restored = Revocations::builder().snapshot(saved).build().unwrap();
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder.revocations(restored).build().unwrap();
    assert_eq!(code(&verifier, &old(&okta, "ada").sign()).await, "revoked");
    assert_eq!(code(&verifier, &okta.token("bob").sign()).await, "ok");
}

/// The signature of ECDSA has a twin: `(r, n - s)` is valid for the same text. A list of refused tokens by their bytes
/// does not know it (OWASP CheatSheetSeries, issue 2242).
// conformance 286
#[tokio::test]
async fn rule_about_a_token_rejects_its_twin_with_the_other_ecdsa_signature() {
    let algorithm = okta_verifier::Algorithm::ES256;
    let okta = TestIssuer::new("api://orders").algorithms([algorithm]);
    let (verifier, revocations) = pinned(&okta);
    let jwt = okta.token("ada").claim("jti", "AT.stolen").sign();
    let twin = token_edit::ecdsa_twin(&jwt);
    assert_ne!(jwt, twin);
    for token in [&jwt, &twin] {
        assert_eq!(code(&verifier, token).await, "ok");
    }
    revocations
        .revoke(Rule::token(okta.issuer_url(), "AT.stolen"))
        .await
        .unwrap();
    for token in [&jwt, &twin] {
        assert_eq!(code(&verifier, token).await, "revoked");
    }
}

/// A remote replay store. While it records the proof, the rule is made.
struct Revoking(Revocations, Rule);

impl ReplayStore for Revoking {
    fn first_use<'a>(&'a self, _: &'a [u8; 32], _: Duration) -> ReplayAnswer<'a> {
        Box::pin(async {
            self.0.revoke(self.1.clone()).await?;
            Ok(ProofUse::First)
        })
    }
}

#[tokio::test]
async fn rule_that_is_made_while_a_proof_is_recorded_rejects_the_request() {
    let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    for (subject, expected) in [("ada", "revoked"), ("bob", "ok")] {
        let revocations = revocations();
        let store = Revoking(revocations.clone(), ada(okta.issuer_url()));
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .dpop(DpopSettings::base_url(BASE).replay_store(store))
            .revocations(revocations)
            .build()
            .unwrap();
        let jwt = client.bind(okta.token(subject)).sign();
        let proof = client.proof("GET", URL).token(&jwt).sign();
        let authorization = format!("DPoP {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET);
        let result = verifier.authenticate(&credentials).await;
        assert_eq!(result.map_or_else(|it| it.code(), |_| "ok"), expected);
    }
}

#[test]
fn revocations_settings_that_are_wrong_are_rejected() {
    let day = Duration::from_secs(24 * 60 * 60);
    let kept = || Revocations::builder().forgets_at_restart();
    for (wrong, text) in [
        (Revocations::builder(), "at a restart"),
        (kept().rejects_earlier_tokens(), "both kept and forgotten"),
        (kept().snapshot(None), "both kept and forgotten"),
        (
            kept().longest_token(Duration::from_secs(59)),
            "longest token",
        ),
        (kept().longest_token(32 * day), "longest token"),
        (kept().capacity(1_023), "capacity"),
        (kept().session_claim(""), "empty"),
        (kept().email_claim(""), "empty"),
    ] {
        let error = wrong.build().unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    for right in [
        Revocations::builder().rejects_earlier_tokens(),
        Revocations::builder()
            .snapshot(None)
            .rejects_earlier_tokens(),
        kept().longest_token(31 * day).capacity(16_777_216),
    ] {
        assert!(right.build().is_ok());
    }
}
