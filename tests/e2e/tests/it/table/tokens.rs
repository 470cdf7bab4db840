//! The rows about unusual key sets and tokens.

use okta_verifier::{Verifier, VerifyError, adapter::RequestCredentials, dpop::DpopSettings};
use okta_verifier_testing::Client;
use serde_json::json;

use super::Table;
use crate::browser::log_in;
use crate::dpop::bound;

impl Table {
    pub(super) fn bad_key_sets(&mut self) {
        let verifier = self.warm();
        let token = self.server.token("read");
        self.server.fault("keys", "huge:6");
        assert!(self.runtime.block_on(verifier.refresh()).is_err());
        assert_eq!(self.code(&verifier, &token), "ok");
        self.row("JWKS of 6 MB", "refused, the old keys kept");
        self.server.fault("keys", "mixed");
        assert_eq!(self.code(&self.verifier(), &token), "ok");
        self.row(
            "malformed JWKs beside a good one",
            "skipped, the good one used",
        );
        self.server.heal();
    }

    pub(super) fn other_tokens(&mut self) {
        let verifier = self.warm();
        let sign = |member: &str, value| {
            let mut claims = self.server.claims();
            claims[member] = value;
            claims
                .as_object_mut()
                .expect("claims")
                .retain(|_, value| !value.is_null());
            self.server.sign(json!({ "alg": "RS256" }), &claims)
        };
        assert_eq!(self.code(&verifier, &sign("ver", json!(1))), "ok");
        let answer = log_in(&self.server, "alice");
        let id_token = answer["id_token"].as_str().expect("an ID token").to_owned();
        let rows = [
            ("token without `exp`", sign("exp", json!(null))),
            ("ID token sent as an access token", id_token),
            (
                "DPoP-bound token sent as a bearer token",
                sign(
                    "cnf",
                    json!({ "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" }),
                ),
            ),
            (
                "certificate-bound token without its certificate",
                sign(
                    "cnf",
                    json!({ "x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2" }),
                ),
            ),
        ];
        for (scenario, token) in rows {
            let code = self.code(&verifier, &token);
            assert!(!matches!(code, "ok" | "unavailable"), "{scenario}: {code}");
            self.row(scenario, format!("refused (`{code}`)"));
        }
        self.one_proof_twice();
        let query = format!("access_token={}", self.server.token("read"));
        let credentials = RequestCredentials::new([]).query(Some(&query));
        let rejection = self.runtime.block_on(verifier.authenticate(&credentials));
        let rejection = rejection.expect_err("no token");
        let challenge = rejection
            .headers()
            .find(|(name, _)| name == "www-authenticate");
        assert_eq!(rejection.status(), 401);
        assert_eq!(challenge.expect("a challenge").1, r#"Bearer realm="api""#);
        self.row(
            "`?access_token=` in the query",
            "not a token: 401 without error",
        );
    }

    fn one_proof_twice(&mut self) {
        let (client, url) = (Client::new(), "https://api.example.com");
        let jwt = bound(&self.server, &client);
        let issuer = self.issuer().client_id("0oadpop");
        let settings = DpopSettings::base_url(url);
        let verifier = Verifier::builder().issuer(issuer).dpop(settings);
        let verifier = verifier.build().expect("good settings");
        let proof = client
            .proof("GET", &format!("{url}/orders"))
            .token(&jwt)
            .sign();
        let authorization = format!("DPoP {jwt}");
        let send = || {
            let credentials = RequestCredentials::new([authorization.as_bytes()])
                .dpop([proof.as_bytes()])
                .request("GET", "/orders");
            self.runtime.block_on(verifier.authenticate(&credentials))
        };
        send().expect("good once");
        let again = send().expect_err("the proof is accepted once");
        let code = again.error().map_or("no code", VerifyError::code);
        assert_eq!(code, "invalid_dpop_proof");
        self.row("the same DPoP proof twice", format!("refused (`{code}`)"));
    }
}
