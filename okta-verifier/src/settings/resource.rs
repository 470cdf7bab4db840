//! A table of the list `resources` of settings that are data.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::Problems;
use crate::resource::Resource;

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceSettings {
    url: String,
    audience: Option<String>,
    name: Option<String>,
    /// The name in other languages, by the language tag.
    #[serde(default)]
    names: BTreeMap<String, String>,
    #[serde(default)]
    scopes: Vec<String>,
    documentation: Option<String>,
    policy_uri: Option<String>,
    tos_uri: Option<String>,
    #[serde(default)]
    authorization_details_types: Vec<String>,
    #[serde(default)]
    at_root_too: bool,
}

impl ResourceSettings {
    /// Returns the resource, and adds its first wrong setting to the problems.
    pub(super) fn resource(&self, path: &str, problems: &mut Problems) -> Resource {
        let mut resource = Resource::new(&self.url)
            .scopes(self.scopes.iter().map(String::as_str))
            .authorization_details_types(
                self.authorization_details_types.iter().map(String::as_str),
            );
        for (language, name) in &self.names {
            resource = resource.name_in(language, name);
        }
        if let Some(text) = &self.audience {
            resource = resource.audience(text);
        }
        if let Some(text) = &self.name {
            resource = resource.name(text);
        }
        if let Some(text) = &self.documentation {
            resource = resource.documentation(text);
        }
        if let Some(text) = &self.policy_uri {
            resource = resource.policy_uri(text);
        }
        if let Some(text) = &self.tos_uri {
            resource = resource.tos_uri(text);
        }
        if self.at_root_too {
            resource = resource.at_root_too();
        }
        if let Err(error) = resource.clone().prepare() {
            problems.add(path, &error);
        }
        resource
    }
}
