//! Settings of a verifier as data, such as a TOML or YAML file.
//!
//! [`Settings`] implements [`Deserialize`], so it works with every format and with the crates `config` and
//! `figment`. The keys have the names of the methods of [`VerifierBuilder`] and
//! [`Issuer`]; the guide "Choosing settings" lists them all. These settings exist in code only:
//! plain http outside loopback, the builder of the HTTP client, the resolver of issuers, a remote replay
//! store, and `Policy::when`.
//!
//! ```
//! use okta_verifier::settings::Settings;
//!
//! let text = r#"
//!     [[issuers]]
//!     provider = "okta"
//!     url = "https://acme.okta.com/oauth2/default"
//!     audiences = ["api://default"]
//!     client_ids = ["0oa1web"]
//! "#;
//! let read = |text: &str| Settings::read(toml::Deserializer::parse(text).expect("TOML"));
//! assert!(read(text)?.verifier().is_ok());
//! assert!(read(&text.replace("https", "http"))?.verifier().is_err());
//! # Ok::<(), okta_verifier::settings::StructureError>(())
//! ```

mod dpop;
mod error;
mod introspection;
mod issuer;
mod resource;
mod value;

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde::{Deserialize, Deserializer};

use crate::{
    duration::DurationText,
    error::ConfigError,
    issuer::Issuer,
    policy::OwnedPolicy,
    verifier::{Verifier, VerifierBuilder},
};
use dpop::Dpop;
use error::Problems;
pub use error::{SettingsError, StructureError};
use issuer::IssuerSettings;
use resource::ResourceSettings;

/// The settings of a [`Verifier`], read from data.
///
/// The structure is checked while the data is read: an unknown key, a missing key and a value of a wrong type
/// are errors, one at a time. [`read`](Self::read) names the path of the error. The meaning is checked by
/// [`verifier`](Self::verifier), which returns all errors at once. Durations are text, such as `"10m"`. Secrets
/// are read from files, or are a text that `Debug` does not show. `client_ids = "*"` accepts every client.
///
/// ```
/// use okta_verifier::settings::Settings;
///
/// let text = r#"
///     realm = "orders"
///     token_cache_ttl = "10m"
///
///     [[issuers]]
///     provider = "okta"
///     url = "https://acme.okta.com/oauth2/default"
///     audiences = ["api://default"]
///     client_ids = ["0oa1web"]
///
///     [[issuers]]
///     provider = "keycloak"
///     url = "https://sso.acme.example/realms/acme"
///     audiences = ["orders-api"]
///     client_ids = "*"
///     leeway = "30s"
///
///     [policies]
///     read = { scope = "orders:read" }
///     cancel = { any = [{ group = "Admins" }, { claim_path = ["realm_access", "roles"], value = "clerk" }] }
/// "#;
/// let settings = Settings::read(toml::Deserializer::parse(text)?)?;
/// let verifier = settings.verifier()?;
/// assert_eq!(verifier.health().len(), 2);
/// assert!(settings.policy("read").is_some() && settings.policy("raed").is_none());
///
/// let misspelt = text.replace("client_ids = \"*\"", "client_id = \"*\"");
/// let error = Settings::read(toml::Deserializer::parse(&misspelt)?).unwrap_err();
/// assert!(error.to_string().starts_with("issuers[1].client_id: unknown field `client_id`"));
///
/// let wrong = text.replace("30s", "10m").replace("\"api://default\"", "");
/// let error = Settings::read(toml::Deserializer::parse(&wrong)?)?.verifier().unwrap_err();
/// let paths: Vec<_> = error.problems().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["issuers[0].audiences", "issuers[1]"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    realm: Option<String>,
    fetch_timeout: Option<DurationText>,
    token_cache_capacity: Option<u64>,
    token_cache_ttl: Option<DurationText>,
    max_token_size: Option<usize>,
    ca_file: Option<PathBuf>,
    dpop: Option<Dpop>,
    #[serde(default)]
    client_certificates: bool,
    trusted_proxies: Option<Vec<String>>,
    forwarded_host: Option<ForwardedHost>,
    client_cert_header: Option<String>,
    #[serde(default)]
    log_claims: Vec<String>,
    issuers: Vec<IssuerSettings>,
    #[serde(default)]
    resources: Vec<ResourceSettings>,
    #[serde(default)]
    policies: BTreeMap<String, OwnedPolicy>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ForwardedHost {
    header: String,
    hosts: Vec<String>,
}

/// Sets a group of settings of the builder.
type Apply = fn(&Settings, VerifierBuilder, &mut Problems) -> VerifierBuilder;

/// The settings of the verifier as a whole, with the function that applies each of them. Settings that are
/// checked together are applied together.
const GROUPS: [(&str, Apply); 8] = [
    ("realm", |settings, builder, _| match &settings.realm {
        Some(realm) => builder.realm(realm),
        None => builder,
    }),
    ("fetch_timeout", |settings, builder, _| {
        match settings.fetch_timeout {
            Some(timeout) => builder.fetch_timeout(timeout.0),
            None => builder,
        }
    }),
    (
        "token_cache_capacity",
        |settings, builder, _| match settings.token_cache_capacity {
            Some(capacity) => builder.token_cache_capacity(capacity),
            None => builder,
        },
    ),
    ("token_cache_ttl", |settings, builder, _| {
        match settings.token_cache_ttl {
            Some(ttl) => builder.token_cache_ttl(ttl.0),
            None => builder,
        }
    }),
    ("max_token_size", |settings, builder, _| {
        match settings.max_token_size {
            Some(size) => builder.max_token_size(size),
            None => builder,
        }
    }),
    ("ca_file", |settings, builder, problems| {
        match &settings.ca_file {
            Some(path) => match fs::read(path) {
                Ok(pem) => builder.ca_certificates(pem),
                Err(error) => {
                    problems.unreadable("ca_file", path, &error);
                    builder
                }
            },
            None => builder,
        }
    }),
    ("log_claims", |settings, builder, _| {
        builder.log_claims(settings.log_claims.iter().map(String::as_str))
    }),
    ("dpop", Settings::sender_constraint),
];

impl Settings {
    /// Reads settings from a deserializer of any format. The error names the path of the setting, such as
    /// `issuers[1].client_id`, and contains no value of a secret. The errors of some formats quote the whole
    /// line instead.
    ///
    /// # Errors
    ///
    /// Returns the first error of the structure: an unknown or missing key, a key that is written twice, or a
    /// value of a wrong type.
    pub fn read<'de, D>(deserializer: D) -> Result<Self, StructureError>
    where
        D: Deserializer<'de>,
    {
        // The format's own errors may quote the line, with a secret in it, so that they are not used for
        // errors of the structure.
        let value = value::read(deserializer)?;
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            StructureError::new(path, &error.into_inner())
        })
    }

    /// Builds the verifier, without network I/O.
    ///
    /// # Errors
    ///
    /// Returns every wrong setting with its path, and every file that cannot be read.
    pub fn verifier(&self) -> Result<Verifier, SettingsError> {
        let builder = self.builder()?;
        // The problems of each setting alone were found before, so this one is between the issuers, or
        // between an issuer and `dpop`, or between the resources and the issuers.
        builder.build().map_err(|error| {
            let path = match error {
                ConfigError::Resource { .. } => "resources",
                _ => "issuers",
            };
            Problems::one(path, &error).into()
        })
    }

    /// Returns a builder with these settings, for further settings that exist in code only.
    ///
    /// ```
    /// # use okta_verifier::settings::Settings;
    /// # let text = r#"
    /// #     [[issuers]]
    /// #     provider = "okta"
    /// #     url = "https://acme.okta.com/oauth2/default"
    /// #     audiences = ["api://default"]
    /// #     client_ids = ["0oa1web"]
    /// #     [policies]
    /// #     read = { scope = "orders:read" }
    /// # "#;
    /// # let read = |text: &str| Settings::read(toml::Deserializer::parse(text).expect("TOML"));
    /// let settings = read(text)?;
    /// let client = reqwest::Client::builder().user_agent("orders/1.0");
    /// let verifier = settings.builder()?.http_client_builder(client).build()?;
    ///
    /// // The parts, for a service that keeps the list of issuers itself.
    /// verifier.set_issuers(settings.issuers()?)?;
    /// assert_eq!(settings.policies().map(|(name, _)| name).collect::<Vec<_>>(), ["read"]);
    ///
    /// let wrong = read(&text.replace("https", "http"))?;
    /// assert!(wrong.builder().is_err() && wrong.issuers().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns every wrong setting with its path, and every file that cannot be read.
    pub fn builder(&self) -> Result<VerifierBuilder, SettingsError> {
        let mut problems = Problems::default();
        let mut builder = Verifier::builder();
        for (path, apply) in GROUPS {
            // With no issuer, `build` reports a wrong setting first, and otherwise that there is no issuer.
            let alone = apply(self, Verifier::builder(), &mut Problems::default());
            match alone.build() {
                Err(ConfigError::NoIssuer) | Ok(_) => {}
                Err(error) => problems.add(self.path_of(&error).unwrap_or(path), &error),
            }
            builder = apply(self, builder, &mut problems);
        }
        if self.issuers.is_empty() {
            problems.add("issuers", &"write at least one issuer");
        }
        for issuer in self.each_issuer(&mut problems) {
            builder = builder.issuer(issuer);
        }
        for (place, settings) in self.resources.iter().enumerate() {
            let resource = settings.resource(&format!("resources[{place}]"), &mut problems);
            builder = builder.resource(resource);
        }
        problems.into_result(builder)
    }

    /// Returns the issuers, for [`Verifier::set_issuers`].
    ///
    /// # Errors
    ///
    /// Returns every wrong setting of an issuer with its path, and every file that cannot be read.
    pub fn issuers(&self) -> Result<Vec<Issuer>, SettingsError> {
        let mut problems = Problems::default();
        let issuers = self.each_issuer(&mut problems);
        problems.into_result(issuers)
    }

    /// Returns the policy of this name, or `None` if there is none.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&OwnedPolicy> {
        self.policies.get(name)
    }

    /// Returns the policies of these names, for a service whose routes require them.
    ///
    /// ```
    /// # use okta_verifier::settings::Settings;
    /// # let issuer = r#"
    /// #     [[issuers]]
    /// #     provider = "okta"
    /// #     url = "https://acme.okta.com/oauth2/default"
    /// #     audiences = ["api://default"]
    /// #     client_ids = ["0oa1web"]
    /// # "#;
    /// # let read = |text: &str| Settings::read(toml::Deserializer::parse(&format!("{issuer}{text}")).expect("TOML"));
    /// let policies = "[policies]\nread = { scope = \"orders:read\" }\ncancel = { group = \"Admins\" }";
    /// let settings = read(policies)?;
    /// let [read_orders, cancel] = settings.required_policies(["read", "cancel"])?;
    /// assert_eq!(format!("{cancel:?}"), r#"group "Admins""#);
    ///
    /// let misspelt = read(&policies.replace("cancel", "cancle"))?;
    /// let error = misspelt.required_policies(["read", "cancel"]).unwrap_err();
    /// let paths: Vec<_> = error.problems().map(|(path, _)| path).collect();
    /// assert_eq!(paths, ["policies.cancle", "policies.cancel"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns every name that the settings lack, and every policy that has another name.
    pub fn required_policies<const N: usize>(
        &self,
        names: [&str; N],
    ) -> Result<[&OwnedPolicy; N], SettingsError> {
        let mut problems = Problems::default();
        for (name, _) in self.policies().filter(|(name, _)| !names.contains(name)) {
            let problem = format!("no route has this policy; write one of {names:?}");
            problems.add(&format!("policies.{name}"), &problem);
        }
        let mut found = Vec::with_capacity(N);
        for name in names {
            match self.policy(name) {
                Some(policy) => found.push(policy),
                None => problems.add(
                    &format!("policies.{name}"),
                    &"a route requires it; write it",
                ),
            }
        }
        // Either each name was found, or there is a problem.
        match <[&OwnedPolicy; N]>::try_from(found) {
            Ok(found) => problems.into_result(found),
            Err(_) => Err(problems.into()),
        }
    }

    /// Returns the policies and their names.
    pub fn policies(&self) -> impl Iterator<Item = (&str, &OwnedPolicy)> {
        let policies = self.policies.iter();
        policies.map(|(name, policy)| (name.as_str(), policy))
    }

    /// Replaces the issuers of the verifier, and then these settings, by those of `next`. Files of secrets and
    /// keys are read again. If there is an error, nothing changes.
    ///
    /// A running verifier cannot change its other settings. A route that holds a policy keeps it, so read the
    /// [`policy`](Self::policy) again after a reload.
    ///
    /// ```
    /// # use okta_verifier::settings::Settings;
    /// # let text = r#"
    /// #     realm = "orders"
    /// #     [[issuers]]
    /// #     provider = "okta"
    /// #     url = "https://acme.okta.com/oauth2/default"
    /// #     audiences = ["api://default"]
    /// #     client_ids = ["0oa1web"]
    /// # "#;
    /// let read = |text: &str| -> Result<Settings, Box<dyn std::error::Error>> {
    ///     Ok(Settings::read(toml::Deserializer::parse(text)?)?)
    /// };
    /// let mut settings = read(text)?;
    /// let verifier = settings.verifier()?;
    ///
    /// settings.reload(read(&text.replace("0oa1web", "0oa2mobile"))?, &verifier)?;
    /// let error = settings.reload(read(&text.replace("orders", "billing"))?, &verifier).unwrap_err();
    /// assert!(error.to_string().starts_with("realm: "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns every wrong setting of an issuer, and every other setting that differs, with its path.
    pub fn reload(&mut self, next: Self, verifier: &Verifier) -> Result<(), SettingsError> {
        let mut problems = Problems::default();
        // Without `..`, so that a new setting cannot be left out of the comparison.
        let Self {
            realm,
            fetch_timeout,
            token_cache_capacity,
            token_cache_ttl,
            max_token_size,
            ca_file,
            dpop,
            client_certificates,
            trusted_proxies,
            forwarded_host,
            client_cert_header,
            log_claims,
            resources,
            issuers: _,
            policies: _,
        } = &*self;
        for (path, is_same) in [
            ("realm", *realm == next.realm),
            ("fetch_timeout", *fetch_timeout == next.fetch_timeout),
            (
                "token_cache_capacity",
                *token_cache_capacity == next.token_cache_capacity,
            ),
            ("token_cache_ttl", *token_cache_ttl == next.token_cache_ttl),
            ("max_token_size", *max_token_size == next.max_token_size),
            ("ca_file", *ca_file == next.ca_file),
            ("dpop", *dpop == next.dpop),
            (
                "client_certificates",
                *client_certificates == next.client_certificates,
            ),
            ("trusted_proxies", *trusted_proxies == next.trusted_proxies),
            ("forwarded_host", *forwarded_host == next.forwarded_host),
            (
                "client_cert_header",
                *client_cert_header == next.client_cert_header,
            ),
            ("log_claims", *log_claims == next.log_claims),
            ("resources", *resources == next.resources),
        ] {
            if !is_same {
                problems.add(
                    path,
                    &"only issuers and policies can be changed without a restart",
                );
            }
        }
        let issuers = next.each_issuer(&mut problems);
        let issuers = problems.into_result(issuers)?;
        verifier
            .set_issuers(issuers)
            .map_err(|error| Problems::one("issuers", &error))?;
        *self = next;
        Ok(())
    }

    fn each_issuer(&self, problems: &mut Problems) -> Vec<Issuer> {
        let mut issuers = Vec::new();
        for (place, settings) in self.issuers.iter().enumerate() {
            let path = format!("issuers[{place}]");
            let before = problems.count();
            let issuer = settings.issuer(&path, problems);
            // One wrong key may make another one wrong, so the rules between keys are checked last.
            let checked = match problems.count() == before {
                true => issuer.clone().map(Issuer::resolve),
                false => None,
            };
            if let Some(Err(error)) = checked {
                problems.add(&path, &error);
            }
            issuers.extend(issuer);
        }
        issuers
    }

    /// Returns the path of a wrong setting for proxies, or `None` for any other error.
    fn path_of(&self, error: &ConfigError) -> Option<&'static str> {
        let forwarded = self.forwarded_host.as_ref();
        match error {
            ConfigError::TrustedProxies { .. } | ConfigError::ProxyNetwork { .. } => {
                Some("trusted_proxies")
            }
            ConfigError::ProxyHost { .. } => Some("forwarded_host"),
            ConfigError::ProxyHeader { header } => {
                match forwarded.is_some_and(|it| it.header == *header) {
                    true => Some("forwarded_host"),
                    false => Some("client_cert_header"),
                }
            }
            _ => None,
        }
    }

    /// Applies the settings for bound tokens, which are checked together.
    fn sender_constraint(
        &self,
        mut builder: VerifierBuilder,
        problems: &mut Problems,
    ) -> VerifierBuilder {
        if let Some(dpop) = self.dpop.as_ref().and_then(|dpop| dpop.settings(problems)) {
            builder = builder.dpop(dpop);
        }
        if self.client_certificates {
            builder = builder.client_certificates();
        }
        if let Some(proxies) = &self.trusted_proxies {
            builder = builder.trusted_proxies(proxies.iter().cloned());
        }
        if let Some(ForwardedHost { header, hosts }) = &self.forwarded_host {
            builder = builder.forwarded_host(header, hosts.iter().cloned());
        }
        if let Some(header) = &self.client_cert_header {
            builder = builder.client_cert_header(header);
        }
        builder
    }
}

#[cfg(test)]
mod tests;
