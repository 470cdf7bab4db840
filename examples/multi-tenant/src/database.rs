//! The table `tenants`, in memory: a service of yours would have it in its database.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// One customer, as the contract with it says.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// The customer's own authorization server, typed in by us: never taken from a token.
    pub(crate) issuer: String,
    /// Whether its people may use the API now.
    pub(crate) active: bool,
}

/// Every tenant by its name.
#[derive(Debug)]
pub(crate) struct Database(Mutex<BTreeMap<String, Tenant>>);

impl Database {
    pub(crate) fn new(tenants: impl IntoIterator<Item = (String, Tenant)>) -> Self {
        Self(Mutex::new(tenants.into_iter().collect()))
    }

    /// `UPDATE tenants SET active = ? WHERE name = ?`; whether there is such a row.
    pub(crate) fn set_active(&self, name: &str, active: bool) -> bool {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = tenants.get_mut(name);
        tenant.is_some_and(|tenant| {
            tenant.active = active;
            true
        })
    }

    /// `SELECT issuer FROM tenants WHERE active`.
    pub(crate) fn active_issuers(&self) -> Vec<String> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let active = tenants.values().filter(|tenant| tenant.active);
        active.map(|tenant| tenant.issuer.clone()).collect()
    }

    /// `SELECT name FROM tenants WHERE issuer = ?`.
    pub(crate) fn name_of(&self, issuer: &str) -> Option<String> {
        let tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rows = tenants.iter();
        let (name, _) = rows.find(|(_, tenant)| tenant.issuer == issuer)?;
        Some(name.clone())
    }
}
