//! Activates and deactivates tenants at run time: the verifier trusts the issuers of the active
//! tenants.

use okta_verifier::{ConfigError, Verifier};

use crate::{database::Database, settings::Settings};

/// The verifier of the tenants' tokens, and the table from which it gets its issuers.
#[derive(Debug)]
pub(crate) struct Tenants {
    database: Database,
    verifier: Verifier,
    settings: Settings,
}

impl Tenants {
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConfigError> {
        let database = Database::new(settings.tenants.clone());
        let active = database.active_issuers();
        let issuers = active.iter().map(|url| settings.issuer(url));
        let verifier = issuers
            .fold(Verifier::builder(), okta_verifier::VerifierBuilder::issuer)
            .build()?;
        let settings = settings.clone();
        Ok(Self {
            database,
            verifier,
            settings,
        })
    }

    /// Returns a clone of the verifier. All clones share their state, so each of them sees
    /// [`set_active`](Self::set_active) at once.
    pub(crate) fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Activates or deactivates a tenant. Returns `Ok(false)` if there is no such tenant.
    pub(crate) fn set_active(&self, name: &str, active: bool) -> Result<bool, ConfigError> {
        if !self.database.set_active(name, active) {
            return Ok(false);
        }
        // Pass the whole list: unchanged issuers keep their keys, their cached tokens and their rate
        // limits.
        let issuers = self.database.active_issuers();
        let issuers = issuers.iter().map(|url| self.settings.issuer(url));
        self.verifier.set_issuers(issuers)?;
        Ok(true)
    }

    /// Returns the name of the tenant with this issuer, or an empty string if there is none.
    pub(crate) fn name_of(&self, issuer: &str) -> String {
        self.database.name_of(issuer).unwrap_or_default()
    }
}
