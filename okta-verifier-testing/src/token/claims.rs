//! `TokenBuilder` methods that set claims.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::{LIFETIME, Profile, Provider, TokenBuilder, unix_now};
use crate::keys::{bound_thumbprint, fingerprint};

impl TokenBuilder {
    /// Adds one scope, unchanged. For Okta, `scp` is an array; for RFC 9068, `scope` is a string. A
    /// token without scopes has neither claim. For other providers, the claim is that of the provider.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let jwt = okta.token("ada").scope("orders:read").scope("orders:write").sign();
    /// ```
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Adds one name to the array `groups`. For some providers, the array has another name: the realm
    /// roles of Keycloak, the `roles` of Entra ID, and the `cognito:groups` of Cognito. For a claim with
    /// another name, use [`claim`](Self::claim).
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let jwt = okta.token("ada").group("Everyone").group("Admins").sign();
    /// ```
    pub fn group(mut self, group: impl Into<String>) -> Self {
        self.groups.push(group.into());
        self
    }

    /// Sets the client that the token was issued to: `cid` for Okta, `client_id` for RFC 9068, and the
    /// provider's claim, such as `azp`, for other providers. The default is [`CLIENT_ID`](crate::CLIENT_ID).
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let stranger = okta.token("ada").client_id("0oastranger").sign();
    /// ```
    pub fn client_id(mut self, client_id: impl Into<String>) -> Self {
        self.client_id = client_id.into();
        self
    }

    /// Sets the only audience. For several, use `.claim("aud", ["api://a", "api://b"])`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let not_ours = okta.token("ada").audience("api://billing").sign();
    /// ```
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.claims.set("aud", audience.into());
        self
    }

    /// Sets a claim to any value, including values of a wrong type.
    ///
    /// # Panics
    ///
    /// Panics if `value` cannot be serialized as JSON.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let good = okta.token("ada").claim("department", "Sales").sign();
    /// let wrong = okta.token("ada").claim("exp", "tomorrow").sign();
    /// ```
    pub fn claim(mut self, name: &str, value: impl Serialize) -> Self {
        self.claims.set(name, value);
        self
    }

    /// Removes a claim.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let endless = okta.token("ada").without("exp").sign();
    /// ```
    pub fn without(mut self, claim: &str) -> Self {
        self.claims.remove(claim);
        self
    }

    /// Sets `exp` to one hour ago, which exceeds every leeway, and `iat` to two hours ago.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let late = okta.token("ada").expired().sign();
    /// ```
    pub fn expired(mut self) -> Self {
        self.expires_at = unix_now() - LIFETIME;
        self.issued_at = self.expires_at - LIFETIME;
        self
    }

    /// Sets `exp` to `lifetime` from now, rounded down to whole seconds. The default is one hour.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// use std::time::Duration;
    ///
    /// let short = okta.token("ada").expires_in(Duration::from_secs(5)).sign();
    /// ```
    pub fn expires_in(self, lifetime: Duration) -> Self {
        self.expires_at(unix_now() + lifetime.as_secs())
    }

    /// Sets `exp`, in Unix seconds.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let old = okta.token("ada").issued_at(1_600_000_000).expires_at(1_600_003_600).sign();
    /// ```
    pub fn expires_at(mut self, unix_seconds: u64) -> Self {
        self.expires_at = unix_seconds;
        self
    }

    /// Sets `iat`, in Unix seconds, without changing `exp`. The default is now.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let from_the_future = okta.token("ada").issued_at(33_000_000_000).sign();
    /// ```
    pub fn issued_at(mut self, unix_seconds: u64) -> Self {
        self.issued_at = unix_seconds;
        self
    }

    /// Sets `nbf`, in Unix seconds. By default the token has no `nbf`, like Okta's tokens.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let early = okta.token("ada").not_before(33_000_000_000).sign();
    /// ```
    pub fn not_before(mut self, unix_seconds: u64) -> Self {
        self.claims.set("nbf", unix_seconds);
        self
    }

    /// Binds the token by `cnf.jkt` to a P-256 key that no client holds (RFC 9449 §6.1). To bind the
    /// token to a client's key, use [`Client::bind`](crate::Client::bind).
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let bound = okta.token("ada").bound_to_key().sign();
    /// ```
    pub fn bound_to_key(self) -> Self {
        self.bound_to(bound_thumbprint())
    }

    /// Binds the token to the key with this thumbprint. A bound token of Keycloak also has another `typ` in
    /// its payload, and says in `cnf` how the key became known.
    pub(crate) fn bound_to(mut self, thumbprint: &str) -> Self {
        match self.profile {
            Profile::Of(Provider::Keycloak) => {
                self.claims.set("typ", "DPoP");
                let cnf = json!({ "jkt": thumbprint, "kc-jkt-type": "DPoP" });
                self.claims.set("cnf", cnf);
            }
            _ => self.claims.set("cnf", json!({ "jkt": thumbprint })),
        }
        self
    }

    /// Binds the token to a certificate (RFC 8705 §3.1): `cnf` contains the SHA-256 digest of the
    /// certificate `der`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// # let der = [0x30, 0x00];
    /// let bound = okta.token("ada").bound_to_certificate(&der).sign();
    /// ```
    pub fn bound_to_certificate(mut self, der: &[u8]) -> Self {
        let thumbprint = fingerprint(der);
        self.claims.set("cnf", json!({ "x5t#S256": thumbprint }));
        self
    }
}
