//! Validates the URLs in the settings.

use crate::{
    error::ConfigError,
    net::PlainHttp,
    token::{profile::Profile, tenants::PLACE},
};
use url::{Origin, Url};

/// Parses an issuer URL (RFC 8414 §2). With the Okta profile or a host of Okta, the URL must be that of a
/// custom authorization server. The caller keeps the original string, because `iss` must match it exactly.
pub(super) fn issuer_url(
    text: &str,
    profile: &Profile,
    has_tenants: bool,
    plain_http: &PlainHttp,
) -> Result<Url, ConfigError> {
    let fail = |problem: &str| ConfigError::IssuerUrl {
        url: without_password(text),
        problem: problem.to_owned(),
    };
    // The parser would silently repair a URL with whitespace or non-ASCII characters, but `iss` is compared
    // with the original string.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fail(
            "the URL must be ASCII without whitespace; remove the other characters",
        ));
    }
    let without_place = match has_tenants {
        true => text.replacen(PLACE, "", 1),
        false => text.to_owned(),
    };
    if without_place.contains(['{', '}']) {
        return Err(fail(
            "replace the placeholder with your Okta domain, such as acme.okta.com",
        ));
    }
    let url = Url::parse(text)
        .map_err(|_| fail("the scheme or the host is missing or malformed; write an absolute URL, such as https://acme.okta.com/oauth2/default"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail(UNADORNED));
    }
    if !plain_http.allows(&url) {
        let host = url.host_str().unwrap_or_default();
        let secure = match text.strip_prefix("http://") {
            Some(rest)
                if rest
                    .strip_prefix(host)
                    .is_some_and(|it| it.starts_with('/')) =>
            {
                format!("https://{rest}")
            }
            _ => "https".to_owned(), // a port of http is not that of https
        };
        let insecure = match profile {
            Profile::Okta => "",
            _ => "; Issuer::allow_insecure_origin allows it for one host of a private network",
        };
        return Err(fail(&format!(
            "the scheme is not https; write {secure}; http is supported for issuers on 127.0.0.0/8, [::1] and localhost{insecure}"
        )));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail(UNADORNED));
    }
    let host = url.host_str().unwrap_or_default();
    if okta_label(host).is_some_and(|label| label.ends_with("-admin")) {
        let problem = format!(
            "this is the host of Okta's admin console; write {}",
            text.replacen("-admin.", ".", 1)
        );
        return Err(fail(&problem));
    }
    if *profile != Profile::Okta && okta_label(host).is_none() {
        for document in METADATA {
            // The path of an issuer is before the document (OpenID Connect Discovery §4) or behind it (RFC
            // 8414 §3.1).
            if let Some((before, behind)) = text.split_once(document) {
                let problem = format!(
                    "this is the URL of the issuer's metadata; write {before}{behind}, or the `issuer` of the metadata if it differs"
                );
                return Err(fail(&problem));
            }
        }
        return Ok(url);
    }
    custom_server(text, url)
}

/// Checks an alias of the issuer with the URL `issuer`, which is `own` in the settings. Okta serves an
/// authorization server under each domain of its org and writes that domain into `iss`, so only the host and
/// the port may differ in the Okta profile. Other products have no such rule.
pub(super) fn alias(
    text: &str,
    (own, issuer): (&str, &Url),
    profile: &Profile,
    plain_http: &PlainHttp,
) -> Result<(), ConfigError> {
    let fail = |problem: &str| ConfigError::IssuerUrl {
        url: without_password(text),
        problem: problem.to_owned(),
    };
    if *profile != Profile::Okta {
        if text == own {
            return Err(fail(
                "the alias is the issuer itself; write the other `iss` of its tokens, or remove .also_known_as(..)",
            ));
        }
        return issuer_url(text, profile, false, plain_http).map(drop);
    }
    // If the scheme or the path differs, the error below replaces any error of `issuer_url`. The error of
    // `issuer_url` may advise `Issuer::rfc9068`, which would not help.
    let differs = |url: &Url| url.scheme() != issuer.scheme() || url.path() != issuer.path();
    match issuer_url(text, profile, false, plain_http) {
        Ok(url) if !differs(&url) => Ok(()),
        Err(error) if !Url::parse(text).is_ok_and(|url| differs(&url)) => Err(error),
        _ => Err(fail(
            "an alias must have the scheme and the path of the issuer; only its host and port may differ",
        )),
    }
}

/// Checks the URL of an Okta custom authorization server. Only these servers of Okta issue tokens for its
/// customers' APIs. Under a domain of Okta, an error suggests the right path. Any other host may be the
/// custom domain of an org or belong to another product, so the error names both possibilities unless the
/// path begins like Okta's.
fn custom_server(text: &str, url: Url) -> Result<Url, ConfigError> {
    let fail = |problem: String| ConfigError::IssuerUrl {
        url: text.to_owned(),
        problem,
    };
    let host = url.host_str().unwrap_or_default();
    if is_of_another_product(host) {
        return Err(fail(format!("this host is not Okta's; {RFC9068}")));
    }
    let is_okta = okta_label(host).is_some();
    let origin = url.origin().ascii_serialization();
    let path = url.path().trim_end_matches('/');
    if path.is_empty() && !is_okta {
        return Err(fail(format!(
            "for a custom domain of Okta this is the org authorization server, whose tokens are for Okta's own APIs; write the issuer of a custom authorization server, such as {origin}/oauth2/default; {RFC9068}"
        )));
    }
    if path.is_empty() || path == "/oauth2" || is_org_endpoint(path) {
        return Err(ConfigError::OrgAuthorizationServer { url: origin });
    }
    let id = match url.path().strip_prefix("/oauth2/") {
        Some(id) => id,
        None if is_okta => "",
        None => {
            return Err(fail(format!(
                "an Okta custom authorization server has the path /oauth2/{{id}}; {RFC9068}"
            )));
        }
    };
    let is_id = !id.is_empty()
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_id || url.as_str() != text {
        let id = id
            .split('/')
            .next()
            .filter(|id| !id.is_empty())
            .unwrap_or("default");
        return Err(fail(format!(
            "a custom authorization server has the issuer https://{{domain}}/oauth2/{{id}}, without a slash or a path behind it; write {origin}/oauth2/{id}"
        )));
    }
    Ok(url)
}

/// Returns whether the host belongs to one of the products that are often configured with `Issuer::okta` by
/// mistake.
fn is_of_another_product(host: &str) -> bool {
    OTHER_PRODUCTS.iter().any(|domain| {
        host.strip_suffix(domain)
            .is_some_and(|label| label.is_empty() || label.ends_with('.'))
    }) || (host.starts_with("cognito-idp.")
        && (host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")))
}

/// Returns whether the path is an endpoint of the org authorization server, `/oauth2/v1/…`.
fn is_org_endpoint(path: &str) -> bool {
    path == "/oauth2/v1" || path.starts_with("/oauth2/v1/")
}

/// Parses an origin that the metadata may name.
pub(super) fn origin(text: &str, plain_http: &PlainHttp) -> Result<Origin, ConfigError> {
    let fail = |problem| ConfigError::Origin {
        origin: without_password(text),
        problem,
    };
    let url = Url::parse(text).map_err(|_| {
        fail("write an absolute URL with a scheme and a host, such as https://keys.example.com")
    })?;
    if !plain_http.allows(&url) {
        return Err(fail(
            "write https; http is for issuers on loopback, and for the origins of Issuer::allow_insecure_origin",
        ));
    }
    let origin = url.origin();
    if origin.ascii_serialization() != text.trim_end_matches('/') {
        return Err(fail(
            "write the scheme, host and port only, such as https://keys.example.com",
        ));
    }
    Ok(origin)
}

/// Parses an origin for which http is allowed.
pub(super) fn insecure_origin(text: &str) -> Result<Origin, ConfigError> {
    let fail = |problem| ConfigError::Origin {
        origin: without_password(text),
        problem,
    };
    let url = Url::parse(text).map_err(|_| {
        fail("write an absolute URL with a scheme and a host, such as http://keycloak:8080")
    })?;
    if url.scheme() != "http" {
        return Err(fail(
            "this setting allows http for one origin, such as http://keycloak:8080; https needs no permission, so remove .allow_insecure_origin(..)",
        ));
    }
    let origin = url.origin();
    // A host with an asterisk would look like a wildcard, but match no host.
    if origin.ascii_serialization() != text.trim_end_matches('/') || text.contains('*') {
        return Err(fail(
            "write one scheme, host and port only, such as http://keycloak:8080",
        ));
    }
    let host = url.host_str().unwrap_or_default();
    if okta_label(host).is_some() || is_of_another_product(host) {
        return Err(fail(
            "this host is on the internet and serves https; write https in its URLs, and remove .allow_insecure_origin(..)",
        ));
    }
    Ok(origin)
}

/// Parses a URL of the settings to which requests are sent. It may have any https origin.
pub(super) fn request_url(text: &str, plain_http: &PlainHttp) -> Result<Url, &'static str> {
    const ABSOLUTE: &str =
        "write an absolute URL in ASCII, such as https://sso.example.com/realms/acme/keys";
    // The parser would silently remove whitespace.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ABSOLUTE);
    }
    let url = Url::parse(text).map_err(|_| ABSOLUTE)?;
    if !plain_http.allows(&url) {
        return Err(
            "write https; http is for issuers on loopback, and for the origins of Issuer::allow_insecure_origin",
        );
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("write the URL without user name, password and fragment");
    }
    Ok(url)
}

const METADATA: [&str; 2] = [
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
];
const UNADORNED: &str = "write the URL without user name, password, query and fragment";
const RFC9068: &str = "for another product, use its constructor, such as Issuer::keycloak, entra_v2, auth0 or cognito, or else Issuer::rfc9068";

/// Removes the user name and the password, which are the text between the scheme and the last `@`.
fn without_password(text: &str) -> String {
    match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}//{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => text.to_owned(),
    }
}

/// Returns the labels before a domain of Okta, or `None` for any other host.
fn okta_label(host: &str) -> Option<&str> {
    OKTA_DOMAINS
        .iter()
        .find_map(|domain| host.strip_suffix(domain)?.strip_suffix('.'))
}

const OTHER_PRODUCTS: [&str; 17] = [
    "accounts.google.com",
    "auth0.com",
    "b2clogin.com",
    "ciamlogin.com",
    "duendesoftware.com",
    "frontegg.com",
    "fusionauth.io",
    "kinde.com",
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.partner.microsoftonline.cn",
    "logto.app",
    "onelogin.com",
    "ory.sh",
    "pingone.com",
    "sts.windows.net",
    "zitadel.cloud",
];
const OKTA_DOMAINS: [&str; 7] = [
    "okta.com",
    "oktapreview.com",
    "okta-emea.com",
    "okta-gov.com",
    "okta.mil",
    "okta-miltest.com",
    "trex-govcloud.com",
];
