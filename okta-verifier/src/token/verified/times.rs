use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{ACR, VerifiedToken};

impl VerifiedToken {
    /// `exp`.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// use std::time::{Duration, SystemTime};
    ///
    /// let jwt = okta.token("ada").expires_in(Duration::from_secs(600)).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// let left = token.expires_at().duration_since(SystemTime::now())?; // for a session that must not outlive it
    /// assert!(left <= Duration::from_secs(600) && left > Duration::from_secs(590));
    /// assert!(token.issued_at().is_some_and(|issued_at| issued_at <= SystemTime::now()));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        moment(self.0.dates.exp)
    }

    /// `iat`. A refreshed token has a new one: it is not the time of authentication.
    #[must_use]
    pub fn issued_at(&self) -> Option<SystemTime> {
        self.0.dates.iat.map(moment)
    }

    /// `acr`: how the user authenticated (RFC 9470 §6.1). Compared to the letter; there is no
    /// order among the values.
    #[must_use]
    pub fn acr(&self) -> Option<&str> {
        self.0.texts.present(ACR)
    }

    /// `auth_time`: when the user authenticated. It stays the same when the token is refreshed.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// use std::time::{Duration, SystemTime, UNIX_EPOCH};
    ///
    /// let login = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() - 7200;
    /// let jwt = okta.token("ada").claim("auth_time", login).claim("acr", "urn:okta:loa:2fa:any").sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.authenticated_at(), Some(UNIX_EPOCH + Duration::from_secs(login)));
    /// assert!(token.issued_at() > token.authenticated_at()); // refreshed since
    /// assert_eq!(token.acr(), Some("urn:okta:loa:2fa:any"));
    ///
    /// let token = verifier.verify(&okta.token("bob").without("auth_time").sign()).await?;
    /// assert_eq!(token.authenticated_at(), None); // not known is not lately
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn authenticated_at(&self) -> Option<SystemTime> {
        self.0.auth_time.map(moment)
    }

    /// `now` and `max_age` in seconds. A time ahead of ours says nothing.
    pub(crate) fn authenticated_within(&self, max_age: u64, now: u64) -> bool {
        let leeway = self.0.origin.expected.leeway;
        self.0.auth_time.is_some_and(|auth_time| {
            auth_time <= now.saturating_add(leeway)
                && now.saturating_sub(auth_time) <= max_age.saturating_add(leeway)
        })
    }
}

/// The end of the year 9999: not every platform's `SystemTime` reaches as far as a NumericDate,
/// and the addition would panic.
fn moment(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799))
}
