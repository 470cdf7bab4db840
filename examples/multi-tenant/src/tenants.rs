//! Tenants come and go while the API runs: the database says which, and the verifier follows it.

use okta_verifier::{ConfigError, Verifier};

use crate::{database::Database, settings::Settings};

/// The verifier of the tenants' tokens, and the table that it follows.
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

    /// Shared: what [`set_active`](Self::set_active) changes, every clone sees at once.
    pub(crate) fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// Lets a tenant in, or out. `Ok(false)`: there is no such tenant.
    pub(crate) fn set_active(&self, name: &str, active: bool) -> Result<bool, ConfigError> {
        if !self.database.set_active(name, active) {
            return Ok(false);
        }
        // The whole list each time: what did not change keeps its keys, its cache and its budgets.
        let issuers = self.database.active_issuers();
        let issuers = issuers.iter().map(|url| self.settings.issuer(url));
        self.verifier.set_issuers(issuers)?;
        Ok(true)
    }

    /// The tenant whose issuer this is.
    pub(crate) fn name_of(&self, issuer: &str) -> String {
        self.database.name_of(issuer).unwrap_or_default()
    }
}
