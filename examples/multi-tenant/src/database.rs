//! The table `tenants`, in memory. In a real service it would be in the database.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// One customer of the API.
#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    /// The customer's authorization server. We enter the issuer ourselves; it must never come from a
    /// token.
    pub(crate) issuer: String,
    /// Whether the customer may use the API now.
    pub(crate) active: bool,
}

/// All tenants by name.
#[derive(Debug)]
pub(crate) struct Database(Mutex<BTreeMap<String, Tenant>>);

impl Database {
    pub(crate) fn new(tenants: impl IntoIterator<Item = (String, Tenant)>) -> Self {
        Self(Mutex::new(tenants.into_iter().collect()))
    }

    /// `UPDATE tenants SET active = ? WHERE name = ?`. Returns whether the row exists.
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
