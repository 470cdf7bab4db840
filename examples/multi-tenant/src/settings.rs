//! The settings of the API, from the environment.

use std::{env, error::Error};

use okta_verifier::{
    Issuer,
    introspection::{ClientAuthentication, Introspection},
};

use crate::database::Tenant;

/// The trusted issuers, and the credentials for introspection.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The issuer of our own staff. Only groups in this issuer's tokens give rights over tenants.
    pub(crate) staff: String,
    pub(crate) tenants: Vec<(String, Tenant)>,
    pub(crate) audience: String,
    /// The client with which the API authenticates at each tenant's introspection endpoint.
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
}

impl Settings {
    /// Returns the issuer settings for the tenant whose issuer is `url`.
    pub(crate) fn issuer(&self, url: &str) -> Issuer {
        // Tokens are verified locally, and introspected only where a route requires a recent result.
        let client =
            ClientAuthentication::client_secret_basic(&self.client_id, &self.client_secret);
        let asking = Introspection::on_demand(client);
        Issuer::okta(url, &self.audience)
            .any_client_id()
            .introspection(asking)
    }
}

/// Reads `TENANTS`, a list of `name=issuer` separated by spaces, and `STAFF_ISSUER`, `OKTA_AUDIENCE`,
/// `OKTA_CLIENT_ID` and `OKTA_CLIENT_SECRET`. Returns `None` if `TENANTS` is not set.
pub(crate) fn from_env() -> Result<Option<Settings>, Box<dyn Error>> {
    let Some(tenants) = env::var_os("TENANTS") else {
        return Ok(None);
    };
    let tenants = tenants.into_string().map_err(|_| "TENANTS is not UTF-8")?;
    let tenant = |pair: &str| {
        let (name, issuer) = pair
            .split_once('=')
            .ok_or_else(|| format!("TENANTS has {pair:?}, which is not name=issuer"))?;
        let issuer = issuer.to_owned();
        let tenant = Tenant {
            issuer,
            active: true,
        };
        Ok::<_, String>((name.to_owned(), tenant))
    };
    let tenants = tenants.split_whitespace().map(tenant);
    let tenants = tenants.collect::<Result<_, _>>()?;
    let required = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    Ok(Some(Settings {
        staff: required("STAFF_ISSUER")?,
        tenants,
        audience: required("OKTA_AUDIENCE")?,
        client_id: required("OKTA_CLIENT_ID")?,
        client_secret: required("OKTA_CLIENT_SECRET")?,
    }))
}
