use serde::de::DeserializeOwned;

use super::VerifiedToken;
use crate::error::ClaimError;

impl VerifiedToken {
    /// Returns one top-level claim as any type; `None` when it is absent or null.
    ///
    /// `T` owns its data, as an escape in the JSON cannot be borrowed.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let jwt = okta.token("ada").claim("floor", 3).claim("desk", None::<u8>).sign();
    /// let token = verifier.verify(&jwt).await?;
    /// assert_eq!(token.claim::<u8>("floor")?, Some(3));
    /// assert_eq!(token.claim::<u8>("desk")?, None); // null
    /// assert!(token.claim::<bool>("floor").is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The claim is there and does not fit `T`.
    pub fn claim<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ClaimError> {
        self.raw_claim(name)
            .filter(|value| *value != "null")
            .map(|value| serde_json::from_str(value).map_err(|_| ClaimError::claim(name)))
            .transpose()
    }

    /// All claims as one type.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Employee {
    ///     department: String,
    ///     floor: Option<u8>,
    /// }
    ///
    /// let token = verifier.verify(&okta.token("ada").claim("department", "engines").sign()).await?;
    /// let ada: Employee = token.claims()?;
    /// assert_eq!((ada.department.as_str(), ada.floor), ("engines", None));
    ///
    /// let visitor = verifier.verify(&okta.token("bob").sign()).await?;
    /// assert!(visitor.claims::<Employee>().is_err()); // no department
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The claims are no `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, ClaimError> {
        serde_json::from_str(self.payload()).map_err(|_| ClaimError::whole())
    }
}
