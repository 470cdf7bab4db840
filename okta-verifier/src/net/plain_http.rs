//! [`PlainHttp`]: which URLs may use http without TLS.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Origin, Url};

/// The http URLs that the settings of one issuer allow, in addition to https.
#[derive(Clone, Debug, Default)]
pub(crate) struct PlainHttp {
    loopback: bool,
    origins: Vec<Origin>,
}

impl PlainHttp {
    /// `loopback` allows every host on loopback, and `origins` are the origins of
    /// [`Issuer::allow_insecure_origin`](crate::Issuer::allow_insecure_origin).
    pub(crate) fn new(loopback: bool, origins: Vec<Origin>) -> Self {
        Self { loopback, origins }
    }

    /// Returns the URLs that requests to this issuer may have: http is allowed on loopback only if the issuer
    /// itself is there.
    pub(crate) fn for_requests(self, issuer: &Url) -> Self {
        let loopback = self.loopback && issuer.scheme() == "http" && is_loopback(issuer);
        Self { loopback, ..self }
    }

    /// Returns whether the URL has https, or http where this is allowed. Any other scheme is not allowed.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        match url.scheme() {
            "https" => true,
            "http" => self.is_named(url) || (self.loopback && is_loopback(url)),
            _ => false,
        }
    }

    /// Returns whether the URL has one of the named origins.
    pub(crate) fn is_named(&self, url: &Url) -> bool {
        self.origins.contains(&url.origin())
    }

    /// Returns the named origins.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }
}

/// Returns whether the host is in 127.0.0.0/8, is `[::1]` or exactly `localhost`.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => Ipv4Addr::is_loopback(&address),
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
