//! The table `shop` of the settings file: the settings that are not okta-verifier's.

use std::{num::NonZeroU32, path::PathBuf};

use serde::Deserialize;

/// The settings file of a deployment.
pub const SHOP_TOML: &str = include_str!("../shop.toml");

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShopSettings {
    /// The origin of the web page that calls the API.
    pub(crate) page: String,
    pub(crate) orders_per_minute: NonZeroU32,
    /// The issuer of the clerks, and the client whose logouts it announces.
    pub(crate) clerks: String,
    pub(crate) clerks_client: String,
    /// The Okta org that pushes security events, and the `aud` and the secret of its stream.
    pub(crate) org: String,
    pub(crate) events_audience: String,
    pub(crate) events_secret_file: PathBuf,
}
