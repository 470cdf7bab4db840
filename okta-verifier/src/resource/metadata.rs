//! The metadata document of a resource (RFC 9728 §2), and its path (§3.1).

use std::collections::BTreeMap;

use serde::Serialize;
use url::Url;

use super::Resource;
use crate::crypto::Algorithm;

/// A resource whose settings are valid.
#[derive(Debug)]
pub(crate) struct ProtectedResource {
    settings: Resource,
    path: Box<str>,
    metadata_url: Box<str>,
}

/// What the verifier enforces for every token of a resource. Nothing else may be claimed in the metadata.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Enforced {
    /// Whether DPoP proofs are accepted.
    pub(crate) offers_dpop: bool,
    /// Whether each issuer's tokens must be bound to a key.
    pub(crate) requires_dpop: bool,
}

impl ProtectedResource {
    pub(super) fn new(settings: Resource, url: &Url) -> Self {
        // The well-known part is inserted between host and path. A path of only a slash counts as none
        // (RFC 9728 §3.1).
        let path = match url.path() {
            "/" => WELL_KNOWN.to_owned(),
            path => format!("{WELL_KNOWN}{path}"),
        };
        let origin = url.origin().ascii_serialization();
        Self {
            settings,
            metadata_url: format!("{origin}{path}").into(),
            path: path.into(),
        }
    }

    /// Returns the URL of the resource, as configured.
    pub(crate) fn url(&self) -> &str {
        &self.settings.url
    }

    /// Returns the `aud` of the tokens for this resource.
    pub(crate) fn audience(&self) -> &str {
        self.settings.audience.as_deref().unwrap_or(self.url())
    }

    /// Returns the URL of the metadata, which challenges name.
    pub(crate) fn metadata_url(&self) -> &str {
        &self.metadata_url
    }

    /// Returns the paths at which the metadata is served.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let root = (self.settings.at_root_too && *self.path != *WELL_KNOWN).then_some(WELL_KNOWN);
        [&*self.path].into_iter().chain(root)
    }

    /// Returns whether the resource is the origin itself. Many clients then add a slash, and refuse the
    /// metadata because it names another resource.
    pub(crate) fn has_no_path(&self) -> bool {
        *self.path == *WELL_KNOWN
    }

    /// Returns the metadata document. Its members have a fixed order, so equal settings have equal bytes.
    pub(crate) fn document(&self, issuers: &[&str], enforced: Enforced) -> String {
        let Resource {
            url,
            name,
            names,
            scopes,
            documentation,
            policy_uri,
            tos_uri,
            authorization_details_types,
            ..
        } = &self.settings;
        let algorithms = Algorithm::names();
        let document = Document {
            resource: url,
            authorization_servers: issuers,
            scopes_supported: scopes,
            bearer_methods_supported: ["header"],
            resource_name: name.as_deref(),
            resource_names: (names.iter())
                .map(|(language, name)| (format!("resource_name#{language}"), &**name))
                .collect(),
            resource_documentation: documentation.as_deref(),
            resource_policy_uri: policy_uri.as_deref(),
            resource_tos_uri: tos_uri.as_deref(),
            authorization_details_types_supported: authorization_details_types,
            dpop_signing_alg_values_supported: match enforced.offers_dpop {
                true => algorithms.split(' ').collect(),
                false => Vec::new(),
            },
            dpop_bound_access_tokens_required: enforced.requires_dpop,
        };
        // A struct of texts and lists always has a JSON form.
        serde_json::to_string(&document).unwrap_or_default()
    }
}

/// The members of RFC 9728 §2, in the order in which they are written. An absent member is left out.
#[derive(Serialize)]
struct Document<'r> {
    resource: &'r str,
    authorization_servers: &'r [&'r str],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'r [String],
    bearer_methods_supported: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<&'r str>,
    #[serde(flatten)]
    resource_names: BTreeMap<String, &'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_documentation: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_policy_uri: Option<&'r str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_tos_uri: Option<&'r str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    authorization_details_types_supported: &'r [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dpop_signing_alg_values_supported: Vec<&'r str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dpop_bound_access_tokens_required: bool,
}

const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
