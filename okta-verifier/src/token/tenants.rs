//! [`Tenants`]: the tenants of an issuer that has one `iss` for each of them.

/// The tenants whose tokens are accepted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tenants {
    Any,
    /// The IDs of the tenants, in lower case.
    Listed(Vec<String>),
}

impl Tenants {
    /// Returns the tenant that `iss` names, or `None` if `iss` does not have the form of the template, or if
    /// the tenant is not accepted.
    pub(crate) fn tenant_of<'i>(&self, template: &str, iss: &'i str) -> Option<&'i str> {
        let tenant = place(template, iss)?;
        match self {
            Self::Any => Some(tenant),
            Self::Listed(tenants) => tenants
                .iter()
                .any(|listed| listed == tenant)
                .then_some(tenant),
        }
    }
}

/// Returns the tenant's ID at the place that the template leaves for it, or `None` if the text does not
/// have the form of the template.
fn place<'i>(template: &str, iss: &'i str) -> Option<&'i str> {
    let (before, after) = template.split_once(PLACE)?;
    let tenant = iss.strip_prefix(before)?.strip_suffix(after)?;
    is_tenant_id(tenant).then_some(tenant)
}

/// Returns whether the text is the ID of a tenant: a GUID in lower case. Another form, such as the name of
/// a domain, is never written into `iss`.
pub(crate) fn is_tenant_id(text: &str) -> bool {
    let groups = [8, 4, 4, 4, 12];
    text.split('-').count() == groups.len()
        && text.split('-').zip(groups).all(|(group, length)| {
            group.len() == length
                && group
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
        })
}

/// Returns whether the `issuer` of a published key stands for `iss`. It may have a place for the tenant.
pub(crate) fn key_is_of(issuer: &str, iss: &str) -> bool {
    issuer == iss || place(issuer, iss).is_some()
}

/// The text that Entra ID writes into its metadata and keys instead of the ID of a tenant.
pub(crate) const PLACE: &str = "{tenantid}";

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
    const ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    #[test]
    fn tenant_is_the_guid_at_its_place_in_the_issuer() {
        let iss = format!("https://login.microsoftonline.com/{ID}/v2.0");
        assert_eq!(Tenants::Any.tenant_of(TEMPLATE, &iss), Some(ID));
        for other in [
            "https://login.microsoftonline.com/common/v2.0",
            "https://login.microsoftonline.com//v2.0",
            TEMPLATE,
            "https://login.microsoftonline.com/72F988BF-86F1-41AF-91AB-2D7CD011DB47/v2.0",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db4/v2.0",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0/",
            "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47",
            "https://evil.test/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0",
            "",
        ] {
            assert_eq!(Tenants::Any.tenant_of(TEMPLATE, other), None, "{other}");
        }
    }

    #[test]
    fn tenant_that_is_not_listed_is_not_accepted() {
        let listed = Tenants::Listed(vec![ID.to_owned()]);
        let iss = format!("https://login.microsoftonline.com/{ID}/v2.0");
        assert_eq!(listed.tenant_of(TEMPLATE, &iss), Some(ID));
        let other = iss.replace("72f9", "82f9");
        assert_eq!(listed.tenant_of(TEMPLATE, &other), None);
    }

    #[test]
    fn key_of_one_tenant_is_not_that_of_another() {
        let iss = format!("https://login.microsoftonline.com/{ID}/v2.0");
        assert!(key_is_of(&iss, &iss) && key_is_of(TEMPLATE, &iss));
        assert!(!key_is_of(&iss.replace("72f9", "82f9"), &iss));
        assert!(!key_is_of("https://sts.windows.net/{tenantid}/", &iss));
    }
}
