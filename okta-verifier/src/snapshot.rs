use serde::{Deserialize, Serialize};

/// An issuer's keys as they were last fetched, to be saved and given to the next process, so that
/// it can start while the issuer is down.
///
/// It prolongs nothing: its age counts from when it was fetched, and the ceiling of trust is the
/// same. Whoever can write where it is kept can choose the keys that are trusted.
///
/// ```no_run
/// use okta_verifier::{Issuer, KeySnapshot, Verifier};
///
/// # async fn hello() -> Result<(), Box<dyn std::error::Error>> {
/// let mut issuer = Issuer::okta("https://acme.okta.com/oauth2/default", "api://default").any_client_id();
/// if let Ok(saved) = std::fs::read("keys.json") {
///     issuer = issuer.key_snapshot(serde_json::from_slice::<KeySnapshot>(&saved)?);
/// }
/// let verifier = Verifier::builder().issuer(issuer).build()?;
///
/// verifier.warm_up().await?;
/// for snapshot in verifier.key_snapshots() {
///     std::fs::write("keys.json", serde_json::to_vec(&snapshot)?)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeySnapshot {
    /// Whose keys.
    pub issuer: String,
    /// The key set, as the issuer sent it.
    pub jwks: String,
    /// When the fetch began, in seconds since 1970.
    pub fetched_at: u64,
    /// How long it counts as fresh, in seconds.
    pub fresh_for: u64,
}
