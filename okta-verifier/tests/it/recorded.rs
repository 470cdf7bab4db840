//! Tokens and introspection responses that `ci/live record` recorded from Keycloak and Ory Hydra. `tests/live` has the
//! tests with the servers.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use okta_verifier::{
    Issuer, Rejection, SubjectKind, VerifiedToken, Verifier, VerifierBuilder,
    adapter::RequestCredentials,
    dpop::DpopSettings,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Endpoint, Fault, MockOkta};
use serde_json::Value;

use crate::support::pinned_keys::{build, code};

const KEYCLOAK: &str = include_str!("fixtures/keycloak-26.7.json");
const HYDRA: &str = include_str!("fixtures/hydra-2.3.json");

/// What a server sent.
struct Recording(Value);

impl Recording {
    fn new(text: &str) -> Self {
        let recording = Self(serde_json::from_str(text).expect("JSON"));
        // Settings, which may be shown.
        for name in ["issuer", "https_issuer", "audience", "resource"] {
            secret_scan::public(recording.0[name].as_str().unwrap_or_default());
        }
        recording
    }

    fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect(name)
    }

    /// Returns the settings for the recorded keys, of the issuer and the audience with these names.
    fn issuer(&self, preset: fn(String, String) -> Issuer, issuer: &str, audience: &str) -> Issuer {
        preset(self.text(issuer).into(), self.text(audience).into())
            .any_client_id()
            .keys(self.0["key_set"].to_string())
    }

    fn token(&self, name: &str) -> &str {
        self.member(name, "access_token")
    }

    fn member(&self, name: &str, member: &str) -> &str {
        let token = self.0["tokens"][name][member].as_str();
        let token = token.unwrap_or_else(|| panic!("{name} has no {member}"));
        secret_scan::secret(token);
        token
    }

    /// Returns the result of a token that is introspected, if `issuer` says so.
    async fn introspected(
        &self,
        issuer: Issuer,
        of: fn(ClientAuthentication) -> Introspection,
        name: &str,
    ) -> Result<VerifiedToken, Rejection> {
        let server = MockOkta::start().await;
        let response = self.0["tokens"][name]["introspection"].to_string();
        server.fault(Endpoint::Introspection, Fault::Body(response.into_bytes()));
        let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
        let endpoint = format!("{}/v1/introspect", server.issuer_url());
        let verifier = build(issuer.introspection(of(client).endpoint(endpoint)));
        let authorization = format!("Bearer {}", self.token(name));
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let result = verifier.authenticate(&credentials).await;
        secret_scan::verdict(&result);
        result
    }
}

fn keycloak() -> (Recording, Issuer) {
    let recording = Recording::new(KEYCLOAK);
    let issuer = recording.issuer(Issuer::keycloak, "issuer", "audience");
    (recording, issuer)
}

fn hydra() -> (Recording, Issuer) {
    let recording = Recording::new(HYDRA);
    let issuer = recording.issuer(Issuer::hydra, "issuer", "audience");
    (recording, issuer)
}

#[track_caller]
fn assert_kind(verifier: &Verifier, jwt: &str, name: &str, kind: SubjectKind) {
    let result = crate::support::pinned_keys::verify(verifier, jwt);
    let token = result.unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(token.subject_kind(), kind, "{name}");
}

#[track_caller]
fn assert_codes(recording: &Recording, verifier: &Verifier, expected: &[(&str, &str)]) {
    for (name, error) in expected {
        assert_eq!(code(verifier, recording.token(name)), *error, "{name}");
    }
}

#[test]
fn recorded_keycloak_tokens_are_accepted_with_their_subject_kind() {
    let (recording, issuer) = keycloak();
    let verifier = build(issuer);
    for (name, kind) in [
        ("user", SubjectKind::User),
        ("user at+jwt", SubjectKind::User),
        ("user exchanged", SubjectKind::User),
        ("machine", SubjectKind::Service),
        ("machine at+jwt", SubjectKind::Service),
        ("machine without basic scope", SubjectKind::Service),
        ("machine without scopes", SubjectKind::Service),
        ("machine ES256", SubjectKind::Service),
        ("machine PS256", SubjectKind::Service),
        ("machine EdDSA", SubjectKind::Service),
    ] {
        assert_kind(&verifier, recording.token(name), name, kind);
    }
    let resource = build(recording.issuer(Issuer::keycloak, "issuer", "resource"));
    for (name, kind) in [
        ("user resource", SubjectKind::User),
        ("machine resource", SubjectKind::Service),
    ] {
        assert_kind(&resource, recording.token(name), name, kind);
    }
}

#[test]
fn recorded_keycloak_tokens_that_are_not_for_the_api_are_rejected() {
    let (recording, issuer) = keycloak();
    let verifier = build(issuer);
    assert_codes(
        &recording,
        &verifier,
        &[
            ("user before exchange", "wrong_audience"),
            ("user resource", "wrong_audience"),
            ("user without audience", "missing_claim"),
            ("machine without audience", "missing_claim"),
            ("user without basic scope", "missing_claim"),
            ("user of another realm", "unknown_issuer"),
            ("machine mutual TLS", "unknown_issuer"), // the https issuer of the same server
            ("user lightweight", "missing_claim"),
            ("user lightweight with audience", "missing_claim"),
            ("machine lightweight", "missing_claim"),
            ("user DPoP", "binding_unchecked"),
        ],
    );
    for (member, error) in [
        ("id_token", "wrong_audience"),
        ("refresh_token", "algorithm_not_allowed"),
    ] {
        let token = recording.member("user", member);
        assert_eq!(code(&verifier, token), error, "{member}");
    }
}

#[test]
fn recorded_keycloak_tokens_that_are_bound_need_their_key_or_certificate() {
    let (recording, issuer) = keycloak();
    let dpop = DpopSettings::base_url("https://api.example.com");
    let verifier = Verifier::builder().issuer(issuer).dpop(dpop).build();
    assert_codes(
        &recording,
        &verifier.expect("valid settings"),
        &[
            ("user DPoP", "bound_token_as_bearer"),
            ("machine DPoP", "bound_token_as_bearer"),
        ],
    );

    let issuer = recording.issuer(Issuer::keycloak, "https_issuer", "audience");
    let builder: VerifierBuilder = Verifier::builder().issuer(issuer).client_certificates();
    let verifier = builder.build().expect("valid settings");
    let token = recording.token("machine mutual TLS");
    assert_eq!(code(&verifier, token), "no_certificate");
    let certificate = STANDARD.decode(recording.text("client_certificate"));
    let certificate = certificate.expect("base64");
    let authorization = format!("Bearer {token}");
    let with = |certificate| {
        let credentials = RequestCredentials::new([authorization.as_bytes()]);
        let credentials = credentials.client_certificate(certificate);
        let result = verifier.authenticate(&credentials).into_ready();
        result.expect("decided without I/O")
    };
    let mut other = certificate.clone();
    *other.last_mut().expect("bytes") ^= 1;
    assert_eq!(with(&other).expect_err("rejected").status(), 401);
    let token = with(&certificate).expect("accepted");
    assert_eq!(token.subject_kind(), SubjectKind::Service);
}

#[tokio::test]
async fn recorded_keycloak_responses_confirm_tokens_and_do_not_extend_them() {
    let (recording, issuer) = keycloak();
    let introspected =
        |name| recording.introspected(issuer.clone(), Introspection::every_token, name);
    for (name, kind) in [
        ("user", SubjectKind::User),
        ("user exchanged", SubjectKind::User),
        ("machine", SubjectKind::Service),
        ("machine without scopes", SubjectKind::Service),
    ] {
        let token = introspected(name).await.expect(name);
        assert_eq!(token.subject_kind(), kind, "{name}");
    }
    for name in [
        "user resource",
        "user without audience",
        "user without basic scope",
    ] {
        let rejection = introspected(name).await.expect_err(name);
        assert_eq!(rejection.status(), 401, "{name}");
    }
}

#[tokio::test]
async fn recorded_keycloak_lightweight_tokens_are_accepted_with_the_setting() {
    let (recording, issuer) = keycloak();
    let issuer = issuer.lightweight_tokens();
    for (name, kind) in [
        ("user lightweight", SubjectKind::User),
        ("user lightweight with audience", SubjectKind::User),
        ("machine lightweight", SubjectKind::Service),
        ("machine lightweight with audience", SubjectKind::Service),
    ] {
        let result = recording
            .introspected(issuer.clone(), Introspection::on_demand, name)
            .await;
        let token = result.expect(name);
        assert_eq!(token.subject_kind(), kind, "{name}");
        assert!(!token.subject().is_empty(), "{name}");
        assert!(token.expires_at().elapsed().is_err(), "{name}");
    }
    // The server did not tell this client anything about the token.
    let result = recording
        .introspected(issuer, Introspection::on_demand, "user without audience")
        .await;
    assert_eq!(result.expect_err("rejected").status(), 401);
}

#[test]
fn recorded_hydra_tokens_are_accepted_if_they_have_the_audience() {
    let (recording, issuer) = hydra();
    let verifier = build(issuer);
    for name in ["machine", "machine ES256"] {
        assert_kind(&verifier, recording.token(name), name, SubjectKind::Service);
    }
    assert_codes(
        &recording,
        &verifier,
        &[
            ("machine without audience", "invalid_claim"),
            ("opaque", "malformed"),
        ],
    );
}

#[tokio::test]
async fn recorded_hydra_responses_decide_about_opaque_tokens() {
    let (recording, issuer) = hydra();
    let introspected =
        |name| recording.introspected(issuer.clone(), Introspection::opaque_tokens, name);
    let token = introspected("opaque").await.expect("accepted");
    assert_eq!(token.subject_kind(), SubjectKind::Service);
    assert!(token.has_scope("orders.read"));
    assert!(token.expires_at().elapsed().is_err());
    let rejection = introspected("opaque without audience").await;
    assert_eq!(rejection.expect_err("rejected").status(), 401);
}
