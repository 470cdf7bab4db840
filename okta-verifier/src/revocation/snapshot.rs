//! [`RevocationSnapshot`]: the rules of a process, for the next one.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{mark::Mark, rules::Rules};

/// The revocation rules of all issuers at one moment, from [`Revocations::snapshot`](super::Revocations::snapshot).
/// Save it as JSON, for example, and give it to
/// [`RevocationsBuilder::snapshot`](super::RevocationsBuilder::snapshot) at the next start.
///
/// Instead of users, sessions and tokens it contains hashes of them. Protect it like personal data, because someone
/// who knows a user's ID can see whether there is a rule about this user. Someone who can change it can make revoked
/// tokens accepted again.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use okta_verifier::revocation::{RevocationSnapshot, Revocations, Rule, SubjectClaim};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let issuer = || okta.issuer().any_client_id();
/// let revocations = Revocations::builder().snapshot(None).build()?; // the first start
/// let verifier = Verifier::builder().issuer(issuer()).revocations(revocations.clone()).build()?;
/// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
/// revocations.revoke(Rule::subject(okta.issuer_url(), SubjectClaim::Subject, "ada")).await?;
/// let saved = serde_json::to_string(&revocations.snapshot())?;
///
/// // The next process.
/// let saved: RevocationSnapshot = serde_json::from_str(&saved)?;
/// let revocations = Revocations::builder().snapshot(saved).build()?;
/// let verifier = Verifier::builder().issuer(issuer()).revocations(revocations).build()?;
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// assert!(verifier.verify(&bob).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct RevocationSnapshot {
    pub(super) issuers: Vec<IssuerSnapshot>,
}

/// The rules about one issuer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IssuerSnapshot {
    /// The values of `iss` that stand for the issuer.
    pub(super) names: Box<[Box<str>]>,
    pub(super) before: Option<u64>,
    pub(super) login_before: Option<u64>,
    rules: Vec<(Mark, u64)>,
}

impl IssuerSnapshot {
    pub(super) fn new(names: &[Box<str>], rules: &Rules) -> Self {
        Self {
            names: names.into(),
            before: rules.before(),
            login_before: rules.login_before(),
            rules: rules.iter().collect(),
        }
    }

    pub(super) fn marks(&self) -> impl Iterator<Item = (Mark, u64)> {
        self.rules.iter().copied()
    }
}

impl Serialize for Mark {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.to_bytes()))
    }
}

impl<'de> Deserialize<'de> for Mark {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes
            .and_then(|bytes| Self::from_bytes(bytes.try_into().ok()?))
            .ok_or_else(|| de::Error::custom("a rule of the snapshot cannot be read"))
    }
}

/// Shows the number of issuers only.
impl fmt::Debug for RevocationSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationSnapshot")
            .field("issuers", &self.issuers.len())
            .finish_non_exhaustive()
    }
}
