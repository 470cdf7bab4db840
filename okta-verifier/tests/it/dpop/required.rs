//! Tokens that must be bound, by the settings of their issuer or by the policy of the route.

use okta_verifier::{
    ConfigError, Issuer, Policy, Verifier, VerifierBuilder,
    adapter::RequestCredentials,
    dpop::DpopSettings,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Certificate, Client, MockOkta, TestIssuer};

use crate::support::dpop_fixture::{
    AuthenticationResult, BASE, Fixture, TARGET, URL, code_of, status_and_challenges,
};

const BEARER: &str = r#"Bearer realm="api""#;
const BEARER_INVALID: &str = r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid or has expired""#;
const DPOP_INVALID: &str = r#"DPoP realm="api", error="invalid_token", error_description="The access token is invalid or has expired", algs="RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA""#;

fn requiring(okta: &TestIssuer) -> Issuer {
    okta.issuer().any_client_id().require_dpop()
}

fn with_dpop(issuer: Issuer) -> VerifierBuilder {
    let builder = Verifier::builder().issuer(issuer);
    builder.dpop(DpopSettings::base_url(BASE))
}

fn send(verifier: &Verifier, scheme: &str, jwt: &str, proof: Option<&str>) -> AuthenticationResult {
    let authorization = format!("{scheme} {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()])
        .dpop(proof.iter().map(|proof| proof.as_bytes()))
        .request("GET", TARGET);
    let authentication = verifier.authenticate(&credentials);
    authentication.into_ready().expect("decided without I/O")
}

// conformance 243
#[tokio::test]
async fn unbound_token_is_rejected_if_its_issuer_requires_dpop() {
    let (okta, client) = (TestIssuer::new("api://orders"), Client::new());
    let other = TestIssuer::new("api://orders").at("https://other.okta.test/oauth2/default");
    let builder = with_dpop(requiring(&okta)).issuer(other.issuer().any_client_id());
    let verifier = builder.client_certificates().build().unwrap();

    let certificate = Certificate::new("mine");
    let to_certificate = okta.token("ada").bound_to_certificate(certificate.der());
    for token in [okta.token("ada"), to_certificate] {
        let jwt = token.sign();
        let authorization = format!("Bearer {jwt}");
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let credentials = credentials.client_certificate(certificate.der());
        // The second request finds the token in the cache.
        for _ in 0..2 {
            let result = verifier.authenticate(&credentials).into_ready().unwrap();
            assert_eq!(code_of(&result), "binding_required");
            let expected = [BEARER, DPOP_INVALID].map(str::to_owned).to_vec();
            assert_eq!(status_and_challenges(result), (401, expected));
        }
    }

    // With the scheme DPoP the token is rejected as before.
    let jwt = okta.token("ada").sign();
    let proof = client.proof("GET", URL).token(&jwt).sign();
    let result = send(&verifier, "DPoP", &jwt, Some(&proof));
    assert_eq!(code_of(&result), "not_bound");
    // Nor is it accepted without a request.
    let error = verifier.verify(&jwt).await.unwrap_err();
    assert_eq!(error.code(), "binding_required");

    // The setting concerns this issuer only, and a bound token is accepted.
    assert_eq!(
        code_of(&send(&verifier, "Bearer", &other.token("ada").sign(), None)),
        "ok"
    );
    let jwt = client.bind(okta.token("ada")).sign();
    let proof = client.proof("GET", URL).token(&jwt).sign();
    assert_eq!(
        code_of(&send(&verifier, "Bearer", &jwt, None)),
        "bound_token_as_bearer"
    );
    assert_eq!(code_of(&send(&verifier, "DPoP", &jwt, Some(&proof))), "ok");
}

// conformance 243
#[test]
fn unbound_token_that_is_invalid_too_is_rejected_for_its_own_defect() {
    let okta = TestIssuer::new("api://orders");
    let verifier = with_dpop(requiring(&okta)).build().unwrap();
    for (token, code) in [
        (okta.token("ada").tampered(), "bad_signature"),
        (okta.token("ada").expired(), "expired"),
        (okta.token("ada").audience("api://other"), "wrong_audience"),
    ] {
        assert_eq!(
            code_of(&send(&verifier, "Bearer", &token.sign(), None)),
            code
        );
    }
}

// conformance 243
#[test]
fn require_dpop_without_dpop_settings_does_not_build() {
    let okta = TestIssuer::new("api://orders");
    for builder in [
        Verifier::builder().issuer(requiring(&okta)),
        Verifier::builder()
            .issuer(requiring(&okta))
            .client_certificates(),
    ] {
        let error = builder.build().unwrap_err();
        assert!(matches!(error, ConfigError::RequireDpop { .. }), "{error}");
        assert!(error.to_string().contains("add .dpop("), "{error}");
    }
    // The same applies to an issuer that is added later. The verifier keeps its issuers.
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .build()
        .unwrap();
    let error = verifier.set_issuers([requiring(&okta)]).unwrap_err();
    assert!(matches!(error, ConfigError::RequireDpop { .. }), "{error}");
    assert_eq!(
        code_of(&send(&verifier, "Bearer", &okta.token("ada").sign(), None)),
        "ok"
    );
}

// conformance 243
#[tokio::test]
async fn require_dpop_takes_effect_at_once_for_cached_tokens() {
    let okta = TestIssuer::new("api://orders");
    let verifier = with_dpop(okta.issuer().any_client_id()).build().unwrap();
    let jwt = okta.token("ada").sign();
    assert_eq!(code_of(&send(&verifier, "Bearer", &jwt, None)), "ok");
    verifier.set_issuers([requiring(&okta)]).unwrap();
    assert_eq!(
        code_of(&send(&verifier, "Bearer", &jwt, None)),
        "binding_required"
    );
}

// conformance 243
#[tokio::test]
async fn opaque_token_without_a_binding_is_rejected_if_its_issuer_requires_dpop() {
    let (okta, client) = (MockOkta::start().await, Client::new());
    let authentication = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let issuer = okta.issuer("api://default").any_client_id().require_dpop();
    let issuer = issuer.introspection(Introspection::every_token(authentication));
    let verifier = with_dpop(issuer).build().unwrap();
    let send = async |scheme: &str, token: &str| {
        let (authorization, proof) = (
            format!("{scheme} {token}"),
            client.proof("GET", URL).token(token).sign(),
        );
        let credentials = RequestCredentials::new([authorization.as_bytes()])
            .dpop([proof.as_bytes()])
            .request("GET", TARGET);
        code_of(&verifier.authenticate(&credentials).await)
    };
    for unbound in [okta.opaque_token("ada"), okta.token("ada")] {
        assert_eq!(send("Bearer", &unbound.sign()).await, "binding_required");
    }
    for bound in [okta.opaque_token("ada"), okta.token("ada")] {
        assert_eq!(send("DPoP", &client.bind(bound).sign()).await, "ok");
    }
}

const PAY: Policy = Policy::all(&[Policy::bound(), Policy::scope("pay")]);

// conformance 244
#[test]
fn unbound_token_is_rejected_by_a_policy_that_demands_a_binding() {
    let fixture = Fixture::new();
    // The scope is missing too, but another token is needed in any case.
    for token in [
        fixture.okta.token("ada"),
        fixture.okta.token("ada").scope("pay"),
    ] {
        let token = send(&fixture.verifier, "Bearer", &token.sign(), None).unwrap();
        let rejection = token.require(PAY).unwrap_err();
        assert_eq!(rejection.code(), "binding_required");
        assert!(rejection.error().is_none()); // the token is valid
        assert_eq!(rejection.grpc_status(), 16);
        let expected = [BEARER, DPOP_INVALID].map(str::to_owned).to_vec();
        assert_eq!(status_and_challenges(Err(rejection)), (401, expected));
    }
    // A token that is bound but lacks the scope gets the challenge of the scope.
    let token = fixture.send(&[&fixture.proof().sign()]).unwrap();
    assert!(token.require(Policy::bound()).is_ok());
    let rejection = token.require(PAY).unwrap_err();
    assert_eq!(
        (rejection.status().as_u16(), rejection.code()),
        (403, "insufficient_scope")
    );
}

// conformance 244
#[test]
fn unbound_token_is_rejected_under_bearer_if_only_certificates_are_accepted() {
    let okta = TestIssuer::new("api://orders");
    let certificate = Certificate::new("mine");
    let builder = || Verifier::builder().issuer(okta.issuer().any_client_id());
    let verifier = builder().client_certificates().build().unwrap();
    let expected = (401, vec![BEARER_INVALID.to_owned()]);
    let jwt = okta.token("ada").sign();
    let unbound = send(&verifier, "Bearer", &jwt, None).unwrap();
    let rejection = unbound.require(Policy::bound()).unwrap_err();
    assert_eq!(rejection.code(), "binding_required");
    assert_eq!(status_and_challenges(Err(rejection)), expected);
    // A verifier that accepts neither has the same response.
    let unbound = send(&builder().build().unwrap(), "Bearer", &jwt, None).unwrap();
    let rejection = unbound.require(Policy::bound()).unwrap_err();
    assert_eq!(status_and_challenges(Err(rejection)), expected);

    let jwt = okta
        .token("ada")
        .bound_to_certificate(certificate.der())
        .sign();
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let credentials = credentials.client_certificate(certificate.der());
    let bound = verifier
        .authenticate(&credentials)
        .into_ready()
        .unwrap()
        .unwrap();
    assert!(bound.require(Policy::bound()).is_ok());
}

// conformance 244
#[test]
fn unbound_token_is_told_of_the_binding_only_if_the_other_rules_can_be_met() {
    let fixture = Fixture::new();
    let jwt = fixture.okta.token("ada").scope("pay").group("Staff").sign();
    let token = send(&fixture.verifier, "Bearer", &jwt, None).unwrap();
    let outcome = |policy: Policy| match token.require(policy) {
        Ok(()) => (200, ""),
        Err(rejection) => (rejection.status().as_u16(), rejection.code()),
    };
    const ADMINS: Policy = Policy::group("Admins");
    const BOUND: Policy = Policy::bound();
    const A: Policy = Policy::scope("a");
    const GRANTED: Policy = Policy::scope("pay");
    const ADMINS_OR_BOUND: Policy = Policy::any(&[ADMINS, BOUND]);
    for (policy, expected) in [
        // No other token of this subject would help.
        (Policy::all(&[BOUND, ADMINS]), (403, "forbidden")),
        (ADMINS_OR_BOUND, (401, "binding_required")),
        (Policy::any(&[BOUND, GRANTED]), (200, "")),
        (Policy::any(&[BOUND, A]), (401, "binding_required")),
        (Policy::any(&[A, BOUND]), (403, "insufficient_scope")),
        (
            Policy::all(&[ADMINS_OR_BOUND, A]),
            (401, "binding_required"),
        ),
    ] {
        assert_eq!(outcome(policy), expected, "{policy:?}");
    }
}

// conformance 244
#[test]
fn policy_from_data_demands_a_binding_like_the_one_in_code() {
    let fixture = Fixture::new();
    let policy: okta_verifier::OwnedPolicy = serde_json::from_str(r#"{ "bound": true }"#).unwrap();
    assert_eq!(format!("{policy:?}"), format!("{:?}", Policy::bound()));
    let jwt = fixture.okta.token("ada").sign();
    let unbound = send(&fixture.verifier, "Bearer", &jwt, None).unwrap();
    assert_eq!(
        unbound.require(&policy).unwrap_err().code(),
        "binding_required"
    );
    let bound = fixture.send(&[&fixture.proof().sign()]).unwrap();
    assert!(bound.require(&policy).is_ok());
    for wrong in [
        r#"{ "bound": false }"#,
        r#"{ "bound": "yes" }"#,
        r#"{ "bound": true, "scope": "a" }"#,
    ] {
        assert!(
            serde_json::from_str::<okta_verifier::OwnedPolicy>(wrong).is_err(),
            "{wrong}"
        );
    }
}
