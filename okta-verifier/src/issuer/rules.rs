//! Which URLs may be trusted.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Origin, Url};

use crate::{error::ConfigError, token::checks::Profile};

/// RFC 8414 §2, and Okta's own shape. The string stays as it was written: it is compared with
/// `iss` to the letter.
pub(super) fn issuer_url(text: &str, profile: Profile) -> Result<Url, ConfigError> {
    let fail = |problem: &str| ConfigError::IssuerUrl {
        url: without_password(text),
        problem: problem.to_owned(),
    };
    // What the parser would repair in silence stays in the string that `iss` is compared with.
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fail("write it without blanks and in ASCII"));
    }
    if text.contains(['{', '}']) {
        return Err(fail("replace the placeholder by your own domain"));
    }
    let url = Url::parse(text)
        .map_err(|_| fail("write a whole URL, such as https://acme.okta.com/oauth2/default"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail(UNADORNED));
    }
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
        return Err(fail(
            "write https; http is for issuers on 127.0.0.0/8, [::1] and localhost",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fail(UNADORNED));
    }
    let host = url.host_str().unwrap_or_default();
    if okta_label(host).is_some_and(|label| label.ends_with("-admin")) {
        let problem = format!(
            "this is the host of the admin console; write {}",
            text.replacen("-admin.", ".", 1)
        );
        return Err(fail(&problem));
    }
    if profile == Profile::Rfc9068 && okta_label(host).is_none() {
        return Ok(url);
    }
    custom_server(text, url)
}

/// Okta answers under each domain of an org, and writes that domain into `iss`: nothing but the
/// host may differ.
pub(super) fn alias(text: &str, issuer: &Url, profile: Profile) -> Result<(), ConfigError> {
    let fail = |problem: &str| ConfigError::IssuerUrl {
        url: without_password(text),
        problem: problem.to_owned(),
    };
    if profile != Profile::Okta {
        return Err(fail(
            "only an Okta issuer is known by another name: .also_known_as(..) out",
        ));
    }
    let url = issuer_url(text, profile)?;
    if url.scheme() != issuer.scheme() || url.path() != issuer.path() {
        return Err(fail(
            "another name has the issuer's own path, and another host only",
        ));
    }
    Ok(())
}

/// Okta's tokens are for an API only when a custom authorization server issued them.
fn custom_server(text: &str, url: Url) -> Result<Url, ConfigError> {
    let path = url.path();
    if path.trim_end_matches('/').is_empty()
        || path.trim_end_matches('/') == "/oauth2"
        || is_org_endpoint(path)
    {
        let url = url.origin().ascii_serialization();
        return Err(ConfigError::OrgAuthorizationServer { url });
    }
    let id = path.strip_prefix("/oauth2/").unwrap_or_default();
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
        let write = format!("write {}/oauth2/{id}", url.origin().ascii_serialization());
        return Err(ConfigError::IssuerUrl {
            url: text.to_owned(),
            problem: write,
        });
    }
    Ok(url)
}

/// `/oauth2/v1/…` are the org authorization server's endpoints.
fn is_org_endpoint(path: &str) -> bool {
    path == "/oauth2/v1" || path.starts_with("/oauth2/v1/")
}

/// An origin for the metadata's URLs, of the issuer's own scheme.
pub(super) fn origin(text: &str, issuer: &Url) -> Result<Origin, ConfigError> {
    let fail = |problem| ConfigError::Origin {
        origin: without_password(text),
        problem,
    };
    let url = Url::parse(text)
        .map_err(|_| fail("write scheme and host, such as https://keys.example.com"))?;
    if url.scheme() != issuer.scheme() || (url.scheme() == "http" && !is_loopback(&url)) {
        return Err(fail(
            "write https; http is for an issuer on loopback, and names loopback only",
        ));
    }
    let origin = url.origin();
    if origin.ascii_serialization() != text.trim_end_matches('/') {
        return Err(fail(
            "write scheme, host and port only, such as https://keys.example.com",
        ));
    }
    Ok(origin)
}

/// An endpoint that the settings name: of any origin, as the user wrote it, and of the issuer's
/// scheme, because a token and our credentials go there.
pub(super) fn endpoint(text: &str, issuer: &Url) -> Result<(), &'static str> {
    let url = Url::parse(text)
        .map_err(|_| "endpoint: write a whole URL, such as https://acme.okta.com/oauth2/default/v1/introspect")?;
    if url.scheme() != issuer.scheme() || (url.scheme() == "http" && !is_loopback(&url)) {
        return Err("endpoint: write https; http is for an issuer on loopback, and stays there");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("endpoint: write it without user name and fragment");
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

const UNADORNED: &str = "write it without user name, query and fragment";

/// For an error's text: what stands before an `@` may be a password.
fn without_password(text: &str) -> String {
    match (text.split_once("//"), text.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}//{rest}"),
        (None, Some((_, rest))) => rest.to_owned(),
        _ => text.to_owned(),
    }
}

/// What stands before one of Okta's own domains.
fn okta_label(host: &str) -> Option<&str> {
    OKTA_DOMAINS
        .iter()
        .find_map(|domain| host.strip_suffix(domain)?.strip_suffix('.'))
}

const OKTA_DOMAINS: [&str; 7] = [
    "okta.com",
    "oktapreview.com",
    "okta-emea.com",
    "okta-gov.com",
    "okta.mil",
    "okta-miltest.com",
    "trex-govcloud.com",
];
