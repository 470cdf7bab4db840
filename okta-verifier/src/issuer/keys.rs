//! Where an issuer's keys come from, and how long they serve.

use std::time::Duration;

use super::Issuer;
use crate::snapshot::KeySnapshot;

impl Issuer {
    /// Lets the metadata name URLs of another origin, such as `https://keys.example.com`.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (okta, elsewhere) = (MockOkta::start().await, MockOkta::start().await);
    /// # okta.fault(Endpoint::Discovery, Fault::JwksUri(format!("{}/v1/keys", elsewhere.issuer_url())));
    /// # let origin = elsewhere.issuer_url().trim_end_matches("/oauth2/default");
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // The metadata's jwks_uri is of another origin than the issuer.
    /// assert!(build(issuer())?.warm_up().await.is_err());
    /// assert!(build(issuer().allow_origin(origin))?.warm_up().await.is_ok());
    /// assert!(build(issuer().allow_origin(format!("{origin}/v1/keys"))).is_err()); // that is no origin
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Pins the keys to a key set, given as JSON text (RFC 7517 §5): nothing is ever fetched,
    /// and a rotation needs a new verifier.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let (url, audience, jwks) = (okta.issuer_url(), "api://orders", okta.jwks());
    /// let issuer = Issuer::okta(url, audience).any_client_id();
    /// let verifier = Verifier::builder().issuer(issuer.clone().keys(jwks)).build()?;
    /// assert!(verifier.verify(&okta.token("ada").sign()).await.is_ok()); // and nobody was asked
    ///
    /// assert!(Verifier::builder().issuer(issuer.keys(r#"{"keys":[]}"#)).build().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn keys(mut self, jwks: impl Into<String>) -> Self {
        self.keys = Some(jwks.into());
        self
    }

    /// Accepts tokens without `kid` while the issuer's key set has a single usable key, which needs
    /// no `kid` either (OpenID Connect Core 1.0 §10.1). Default: the key and the token must have one.
    ///
    /// A token that names a `kid` is accepted only if the set has that key. If the set has several
    /// usable keys, a token without `kid` is rejected with `missing_key_id`, and keys without `kid`
    /// are skipped.
    ///
    /// A signature that the single key does not verify may be that of its successor. The keys are
    /// then fetched, within the budget for unknown keys, and the token is verified once more if the
    /// key has changed.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::{Issuer, Verifier};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let mut set: serde_json::Value = serde_json::from_str(&okta.jwks())?;
    /// # let mut key = set["keys"][0].take();
    /// # key.as_object_mut().unwrap().remove("kid");
    /// # okta.fault(Endpoint::Keys, Fault::Body(serde_json::json!({ "keys": [key] }).to_string().into()));
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // Neither the only key of the issuer nor the token has a `kid`.
    /// let jwt = okta.token("ada").without_header("kid").sign();
    /// let lenient = build(issuer().allow_missing_key_id())?;
    /// assert_eq!(lenient.verify(&jwt).await?.subject(), "ada");
    ///
    /// let strict = build(issuer())?;
    /// assert_eq!(strict.verify(&jwt).await.unwrap_err().code(), "missing_key_id");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn allow_missing_key_id(mut self) -> Self {
        self.allow_missing_key_id = true;
        self
    }

    /// Uses RSA keys without `alg` with the one RSA algorithm that
    /// [`algorithms`](Self::algorithms) names. Default: such a key is for RS256.
    ///
    /// `alg` is optional in a JWK (RFC 7517 §4.4), but one key must have one algorithm
    /// (RFC 8725 §3.1). `build` fails unless exactly one RSA algorithm is named.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::{Issuer, Verifier};
    /// use okta_verifier::Algorithm;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders").algorithms([Algorithm::PS256]);
    /// # let mut set: serde_json::Value = serde_json::from_str(&okta.jwks())?;
    /// # set["keys"][0].as_object_mut().unwrap().remove("alg");
    /// # let (jwks, jwt) = (set.to_string(), okta.token("ada").algorithm(Algorithm::PS256).sign());
    /// # let build = |issuer: Issuer| Verifier::builder().issuer(issuer).build();
    /// // The issuer signs with PS256, and its key has no `alg`.
    /// let issuer = okta.issuer().any_client_id().keys(jwks);
    /// let named = issuer.clone().algorithms([Algorithm::PS256, Algorithm::ES256]);
    /// assert!(build(named.clone().infer_rsa_algorithm())?.verify(&jwt).await.is_ok());
    /// assert!(build(named)?.verify(&jwt).await.is_err()); // its key is for RS256
    ///
    /// assert!(build(issuer.infer_rsa_algorithm()).is_err()); // which one of six?
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn infer_rsa_algorithm(mut self) -> Self {
        self.infer_rsa_algorithm = true;
        self
    }

    /// How long keys serve past their freshness while they cannot be fetched (RFC 5861 §4).
    /// Default 1 h, at most 24 h; zero: not at all.
    ///
    /// Trust in the keys of one good fetch ends after their freshness, 1 h at most, and this;
    /// then requests get 503. A longer time survives a longer outage of the issuer, and trusts a
    /// key that was withdrawn in it for as long.
    ///
    /// ```
    /// use std::time::Duration;
    /// # use okta_verifier::{Issuer, Verifier};
    ///
    /// let issuer = || Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
    /// let through_a_night = issuer().stale_if_error(Duration::from_secs(12 * 3600));
    /// assert!(Verifier::builder().issuer(through_a_night).build().is_ok());
    /// let through_two = issuer().stale_if_error(Duration::from_secs(36 * 3600));
    /// assert!(Verifier::builder().issuer(through_two).build().is_err());
    /// ```
    #[must_use]
    pub fn stale_if_error(mut self, stale_if_error: Duration) -> Self {
        self.stale_if_error = stale_if_error;
        self
    }

    /// Begins with the keys of an earlier process, as old as they are.
    ///
    /// ```
    /// # use okta_verifier_testing::{Endpoint, Fault, MockOkta};
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let issuer = || okta.issuer("api://default").any_client_id();
    /// # let build = |issuer| Verifier::builder().issuer(issuer).build();
    /// # let jwt = okta.token("ada").sign();
    /// let earlier = build(issuer())?;
    /// earlier.warm_up().await?;
    /// let saved = earlier.key_snapshots().remove(0);
    ///
    /// // The issuer goes down, and the service starts again.
    /// # okta.fault(Endpoint::Discovery, Fault::Status(503));
    /// # okta.fault(Endpoint::Keys, Fault::Status(503));
    /// assert!(build(issuer().key_snapshot(saved))?.verify(&jwt).await.is_ok());
    /// assert_eq!(build(issuer())?.verify(&jwt).await.unwrap_err().code(), "unavailable");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn key_snapshot(mut self, snapshot: KeySnapshot) -> Self {
        self.key_snapshot = Some(snapshot);
        self
    }
}
