//! Explains why a token is accepted or rejected: every check with what it expected and what it found, for the
//! operator of a service.
//!
//! This module exists with the feature `explain` only. The command `okta-verifier explain` enables the feature;
//! a service does not need it. The result of [`Verifier::explain`](crate::Verifier::explain) contains values
//! of a token that may be forged, so an [`Explanation`] must never be sent to a client: it can be neither
//! serialized nor turned into a response.
//!
//! ```
//! # use okta_verifier_testing::TestIssuer;
//! use okta_verifier::Verifier;
//!
//! /// Prints every check that fails, for the operator.
//! async fn diagnose(verifier: &Verifier, jwt: &str) -> usize {
//!     let explanation = verifier.explain(jwt).await;
//!     let failed = explanation.codes().inspect(|code| println!("failed: {code}"));
//!     failed.count()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), okta_verifier::ConfigError> {
//! # let okta = TestIssuer::new("api://orders");
//! let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
//! assert_eq!(diagnose(&verifier, &okta.token("ada").sign()).await, 0); // accepted
//! assert_eq!(diagnose(&verifier, "no token").await, 1); // rejected
//! # Ok(())
//! # }
//! ```

mod hints;
mod shown;

use std::fmt;

use crate::error::VerifyError;

pub(crate) use hints::{Nearest, client, clock, nearest_issuer, wrong_audience};
pub(crate) use shown::{Shown, duration};

/// Every check of one token, with the result that [`Verifier::verify`](crate::Verifier::verify) returns for it.
///
/// The texts are for the operator of the service. Values of the token in them are escaped, cut to 128 bytes, and
/// at most three of a list are shown. No text contains the token or a part of it. The claims are not verified
/// unless the [verdict](Self::verdict) is `Ok`, and are hidden in `Debug` output.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// use okta_verifier::{Verifier, explain::Outcome};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
///
/// let accepted = verifier.explain(&okta.token("ada").sign()).await;
/// assert!(accepted.verdict().is_ok());
/// assert_eq!(accepted.codes().count(), 0);
///
/// // Two checks reject this token. The first one is what a request reports.
/// let rejected = verifier.explain(&okta.token("ada").audience("api://order").expired().sign()).await;
/// assert_eq!(rejected.verdict().unwrap_err().code(), "expired");
/// assert_eq!(rejected.codes().collect::<Vec<_>>(), ["expired", "wrong_audience"]);
///
/// let audience = rejected.checks().iter().find(|check| check.name() == "audience").unwrap();
/// assert!(matches!(
///     audience.outcome(),
///     Outcome::Failed { expected, found } if expected == "api://orders" && found == "api://order"
/// ));
/// assert_eq!(audience.hint(), Some("is the audience misspelt?"));
/// # Ok(())
/// # }
/// ```
pub struct Explanation {
    pub(crate) verdict: Result<(), VerifyError>,
    pub(crate) checks: Vec<Check>,
    pub(crate) claims: Vec<UnverifiedClaim>,
    pub(crate) claims_left_out: usize,
    pub(crate) shows_claims: bool,
}

impl Explanation {
    /// Returns the result of [`Verifier::verify`](crate::Verifier::verify) for the token.
    ///
    /// # Errors
    ///
    /// Returns the error if the token is rejected or could not be verified.
    pub fn verdict(&self) -> Result<(), &VerifyError> {
        self.verdict.as_ref().copied()
    }

    /// Returns every check, in the order in which a request makes them.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }

    /// Returns the code of each check that failed, without repetitions. The first one is the code of the
    /// [verdict](Self::verdict). The others are what the token would be rejected for next.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> {
        let mut codes: Vec<&'static str> = Vec::new();
        let verdict = self.verdict.as_ref().err().map(VerifyError::code);
        let failed = self.checks.iter().filter_map(Check::code);
        for code in verdict.into_iter().chain(failed) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes.into_iter()
    }

    /// Shows the values of all claims in [`unverified_claims`](Self::unverified_claims). By default the values of
    /// `sub`, `jti` and of claims that the library does not read are hidden, because they may be personal data.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("api://orders");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let explanation = verifier.explain(&okta.token("ada").sign()).await;
    /// let value = |explanation: &okta_verifier::explain::Explanation, name: &str| {
    ///     let mut claims = explanation.unverified_claims();
    ///     claims.find(|(claim, _)| *claim == name).and_then(|(_, value)| value.map(str::to_owned))
    /// };
    /// assert_eq!(value(&explanation, "aud").as_deref(), Some("api://orders"));
    /// assert_eq!(value(&explanation, "sub"), None);
    /// assert_eq!(value(&explanation.show_claims(), "sub").as_deref(), Some("ada"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn show_claims(mut self) -> Self {
        self.shows_claims = true;
        self
    }

    /// Returns the name and the value of each claim of the payload, escaped and cut. A value is `None` if it is
    /// hidden; see [`show_claims`](Self::show_claims). No claim is returned if the payload cannot be read.
    pub fn unverified_claims(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.claims.iter().map(|claim| {
            let is_shown = self.shows_claims || !claim.is_hidden;
            (&*claim.name, is_shown.then_some(&*claim.value))
        })
    }

    /// Returns how many claims [`unverified_claims`](Self::unverified_claims) leaves out, because it returns at
    /// most 32.
    ///
    /// ```
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// # let okta = TestIssuer::new("api://orders");
    /// let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// let usual = verifier.explain_offline(&okta.token("ada").sign());
    /// assert_eq!(usual.unverified_claims_left_out(), 0);
    ///
    /// let many = (0..40).fold(okta.token("ada"), |token, n| token.claim(&format!("claim{n}"), n));
    /// let explanation = verifier.explain_offline(&many.sign());
    /// assert_eq!(explanation.unverified_claims().count(), 32);
    /// assert!(explanation.unverified_claims_left_out() > 8);
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn unverified_claims_left_out(&self) -> usize {
        self.claims_left_out
    }
}

/// Shows the code of the verdict and the outcomes of the checks, without any value of the token.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("verdict", &self.verdict().map_err(VerifyError::code))
            .field("checks", &self.checks)
            .finish_non_exhaustive()
    }
}

/// One check of a token.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, explain::Outcome};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let forged = verifier.explain(&okta.token("ada").tampered().sign()).await;
/// let check = |name| forged.checks().iter().find(|check| check.name() == name).unwrap();
/// assert!(matches!(check("issuer").outcome(), Outcome::Passed { .. }));
/// assert_eq!((check("issuer").code(), check("signature").code()), (None, Some("bad_signature")));
/// assert!(check("signature").hint().is_some());
/// // The audience is the right one, but anyone may have written it.
/// assert!(matches!(check("audience").outcome(), Outcome::Passed { .. }) && check("audience").is_unverified());
/// # Ok(())
/// # }
/// ```
pub struct Check {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<&'static str>,
    pub(crate) hint: Option<String>,
    pub(crate) is_unverified: bool,
}

impl Check {
    /// Returns the name of the check, such as `audience`. Names are stable.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the outcome.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Returns the [code](VerifyError::code) of the error if the check failed.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        self.code
    }

    /// Returns what to do or to look at, or `None` if nothing is known beyond the outcome.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Returns whether the check was made although the signature was not verified. Its outcome then says nothing
    /// about a token of the issuer, because anyone may have written the values.
    #[must_use]
    pub fn is_unverified(&self) -> bool {
        self.is_unverified
    }
}

/// Omits the values and the hint.
impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .field("code", &self.code)
            .finish_non_exhaustive()
    }
}

/// The outcome of one check.
///
/// ```
/// use okta_verifier::explain::Outcome;
///
/// fn word(outcome: &Outcome) -> &'static str {
///     match outcome {
///         Outcome::Passed { .. } => "ok",
///         Outcome::Failed { .. } => "FAIL",
///         _ => "-",
///     }
/// }
/// assert_eq!(word(&Outcome::NotReached), "-");
/// ```
#[non_exhaustive]
pub enum Outcome {
    /// The check passed.
    Passed {
        /// What the check found.
        found: String,
    },
    /// The check failed.
    Failed {
        /// What the settings or the standards require.
        expected: String,
        /// What the check found.
        found: String,
    },
    /// The check was not made, because it depends on an earlier one or no setting requires it.
    NotReached,
}

/// Omits the values.
impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passed { .. } => "Passed",
            Self::Failed { .. } => "Failed",
            Self::NotReached => "NotReached",
        })
    }
}

/// One claim of the payload, escaped and cut.
pub(crate) struct UnverifiedClaim {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) is_hidden: bool,
}

/// The maximum number of claims of an explanation.
pub(crate) const MAX_CLAIMS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// Has two implementations for a type that implements the trait, so that `_` is ambiguous and the call does not
    /// compile.
    macro_rules! assert_not {
        ($type:ty: $($bound:tt)+) => {{
            trait Ambiguous<A> {
                fn call() {}
            }
            struct Implemented;
            impl<T: ?Sized> Ambiguous<()> for T {}
            impl<T: ?Sized + $($bound)+> Ambiguous<Implemented> for T {}
            <$type as Ambiguous<_>>::call();
        }};
    }

    #[test]
    fn explanation_can_be_neither_serialized_nor_displayed_nor_be_a_body() {
        assert_not!(Explanation: serde::Serialize);
        assert_not!(Explanation: fmt::Display);
        assert_not!(Explanation: Into<String>);
        assert_not!(Explanation: Into<Vec<u8>>);
        assert_not!(Check: serde::Serialize);
        assert_not!(Outcome: serde::Serialize);
        assert_not!(Outcome: fmt::Display);
    }
}
