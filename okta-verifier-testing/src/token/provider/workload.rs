//! The identity tokens of workloads and of Cloudflare Access, after the documentation of each provider.

use serde_json::{Value, json};

use super::{OWNER, at_hash, guid, nonce, random_guid};
use crate::{
    keys::fingerprint,
    token::{TokenBuilder, kind::Kind},
};

impl TokenBuilder {
    /// The subject of the builder is the `email`. `sub` and `azp` are the number of the account.
    pub(super) fn google_claims(&self) -> Value {
        let number = digits(&self.subject);
        match self.kind {
            Kind::Id => json!({
                "aud": self.client_id,
                "azp": self.client_id,
                "sub": number,
                "email": self.subject,
                "email_verified": true,
                "at_hash": at_hash(),
                "nonce": nonce(),
            }),
            _ => json!({
                "aud": self.audience,
                "azp": number,
                "sub": number,
                "email": self.subject,
                "email_verified": true,
            }),
        }
    }

    pub(super) fn kubernetes_claims(&self) -> Value {
        let name = self.subject.rsplit(':').next();
        let namespace = self.subject.rsplit(':').nth(1);
        json!({
            "jti": random_guid(),
            "aud": [self.own_or_client()],
            "sub": self.subject,
            "nbf": self.issued_at,
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "node-1", "uid": guid("node-1") },
                "pod": { "name": name, "uid": random_guid() },
                "serviceaccount": { "name": name, "uid": guid(&self.subject) },
            },
        })
    }

    pub(super) fn github_actions_claims(&self) -> Value {
        let repository = format!("{OWNER}/orders");
        let workflow = format!("{repository}/.github/workflows/deploy.yml@refs/heads/main");
        json!({
            "jti": random_guid(),
            "aud": self.own_or_client(),
            "sub": self.subject,
            "nbf": self.issued_at,
            "ref": "refs/heads/main",
            "ref_type": "branch",
            "ref_protected": "true",
            "sha": "5a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
            "repository": repository,
            "repository_id": "74",
            "repository_owner": OWNER,
            "repository_owner_id": "65",
            "repository_visibility": "private",
            "run_id": "1234567890",
            "run_number": "10",
            "run_attempt": "1",
            "actor": "ada",
            "actor_id": "12",
            "workflow": "deploy",
            "workflow_ref": workflow,
            "job_workflow_ref": workflow,
            "event_name": "push",
            "runner_environment": "github-hosted",
        })
    }

    /// A service token has an empty `sub`.
    pub(super) fn cloudflare_access_claims(&self) -> Value {
        match self.kind {
            Kind::Service => json!({
                "aud": self.audience,
                "type": "app",
                "common_name": self.client_id,
                "sub": "",
            }),
            _ => json!({
                "aud": [self.own_or_client()],
                "type": "app",
                "email": format!("{}@acme.example", self.subject),
                "nbf": self.issued_at,
                "identity_nonce": nonce(),
                "sub": self.subject,
                "country": "DE",
            }),
        }
    }

    /// Returns the audience of the API, or the client ID if the token is for the client. The provider has
    /// no other difference between identity tokens.
    fn own_or_client(&self) -> &str {
        match self.kind {
            Kind::Id => &self.client_id,
            _ => &self.audience,
        }
    }
}

/// Returns 21 digits that depend on the text only, like the number of an account of Google.
fn digits(text: &str) -> String {
    let digest = fingerprint(text.as_bytes());
    let digits = digest.bytes().map(|byte| char::from(b'0' + byte % 10));
    std::iter::once('1').chain(digits.take(20)).collect()
}
