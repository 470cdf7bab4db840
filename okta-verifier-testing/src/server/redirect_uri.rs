//! Redirect URIs of clients (RFC 6749 §3.1.2, RFC 8252).

use std::net::IpAddr;

use url::{Host, Url};

/// Returns the URL of a redirect URI of the configured client, or `None` for any other. It must be exactly one
/// of `configured` or, if there are none, be on loopback.
pub(super) fn accepted(redirect_uri: &str, configured: &[String]) -> Option<Url> {
    let url = usable(redirect_uri)?;
    let known = match configured {
        [] => is_loopback(&url),
        some => some.iter().any(|it| it == redirect_uri),
    };
    known.then_some(url)
}

/// Returns the URL of a redirect URI of a client that registered itself, or `None` for any other. It must be
/// exactly one of `registered`, or differ in the port alone if it is on loopback: a native app often gets its
/// port from the system (RFC 8252 §7.3).
pub(super) fn registered(redirect_uri: &str, registered: &[String]) -> Option<Url> {
    let url = usable(redirect_uri)?;
    let known = registered.iter().any(|it| {
        it == redirect_uri
            || usable(it)
                .is_some_and(|it| is_loopback(&it) && portless(it) == portless(url.clone()))
    });
    known.then_some(url)
}

/// Returns whether a client may register this redirect URI: https, any URL on loopback, or the scheme of a
/// native app.
pub(super) fn can_register(redirect_uri: &str) -> bool {
    usable(redirect_uri).is_some_and(|url| url.scheme() != "http" || is_loopback(&url))
}

/// Parses a redirect URI. Returns `None` if it is not absolute or has a fragment (RFC 6749 §3.1.2), and for
/// schemes that a browser executes.
pub(super) fn usable(redirect_uri: &str) -> Option<Url> {
    let url = Url::parse(redirect_uri).ok()?;
    let executed = ["javascript", "data", "vbscript", "blob", "file", "about"];
    let allowed = url.fragment().is_none() && !executed.contains(&url.scheme());
    allowed.then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    let web = ["http", "https"].contains(&url.scheme());
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    };
    web && local && url.username().is_empty() && url.password().is_none()
}

/// Returns the URL with the default port of its scheme.
fn portless(mut url: Url) -> Url {
    // It fails for a URL without a host only, which has no port.
    let _ = url.set_port(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uri_outside_loopback_is_rejected() {
        for uri in [
            "",
            "/callback",
            "//127.0.0.1/callback",
            "https://app.example/callback",
            "http://localhost.app.example/",
            "http://127.0.0.1.app.example/",
            "http://127.0.0.1@app.example/",
            "http://app.example@127.0.0.1/",
            "http://app.example#@127.0.0.1/",
            "http://app.example\\@127.0.0.1/",
            "http://127.0.0.1/#fragment",
            "http://0.0.0.0/",
            "javascript:alert(1)//127.0.0.1",
            "data://127.0.0.1/,",
            "file://localhost/",
        ] {
            assert_eq!(accepted(uri, &[]), None, "{uri}");
        }
        for uri in [
            "http://127.0.0.1/callback",
            "http://127.0.0.1:5173/callback?a=b",
            "https://localhost:3000/",
            "http://[::1]:3000/",
        ] {
            assert!(accepted(uri, &[]).is_some(), "{uri}");
        }
    }

    #[test]
    fn redirect_uri_must_be_exactly_a_configured_one() {
        let configured = ["https://app.example/callback".to_owned()];
        for uri in [
            "https://app.example/callback/",
            "https://app.example/callback?a=b",
            "https://app.example/Callback",
            "https://app.example:443/callback",
            "HTTPS://app.example/callback",
            "http://127.0.0.1/callback",
        ] {
            assert_eq!(accepted(uri, &configured), None, "{uri}");
        }
        assert!(accepted(&configured[0], &configured).is_some());
    }

    #[test]
    fn redirect_uri_of_a_registered_client_may_differ_in_the_port_on_loopback_alone() {
        let known = [
            "http://127.0.0.1:33418/callback",
            "https://app.example/callback",
            "editor.app://oauth/callback",
        ]
        .map(str::to_owned);
        for uri in [
            "http://127.0.0.1:33418/other",
            "http://127.0.0.2:33418/callback",
            "http://localhost:33418/callback",
            "https://127.0.0.1:33418/callback",
            "http://127.0.0.1:33418/callback?a=b",
            "http://user@127.0.0.1:33418/callback",
            "https://app.example:8443/callback",
            "https://app.example/callback#",
            "editor.app://oauth:1/callback",
        ] {
            assert_eq!(registered(uri, &known), None, "{uri}");
        }
        for uri in known
            .iter()
            .map(|it| &**it)
            .chain(["http://127.0.0.1:1/callback", "http://127.0.0.1/callback"])
        {
            assert!(registered(uri, &known).is_some(), "{uri}");
        }
    }

    #[test]
    fn redirect_uri_with_plain_http_outside_loopback_cannot_be_registered() {
        for uri in [
            "",
            "http://app.example/",
            "javascript:alert(1)",
            "https://app.example/#a",
        ] {
            assert!(!can_register(uri), "{uri}");
        }
        for uri in [
            "http://localhost:1/",
            "https://app.example/",
            "editor.app://oauth",
        ] {
            assert!(can_register(uri), "{uri}");
        }
    }
}
