//! The external URL: base URL, trusted proxies and their headers.

use proptest::prelude::*;

use crate::{
    dpop::{
        external_url::{External, Place},
        htu::Htu,
    },
    error::ConfigError,
    net::Peers,
};

fn proxy(header: &str) -> External {
    proxy_to(header, &["api.example.com"]).unwrap()
}

fn proxy_to(header: &str, hosts: &[&str]) -> Result<External, ConfigError> {
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let peers = Peers::new(&["10.0.0.0/8".to_owned()])?;
    External::forwarded(peers, header, &hosts)
}

fn is(external: &External, htu: &str, place: Place<'_>) -> bool {
    let htu = Htu::parse(htu).unwrap();
    external.url(place).is_some_and(|url| url.is(&htu))
}

fn behind<'a>(peer: &str, forwarded: &'a str) -> Place<'a> {
    Place {
        target: "/orders",
        peer: Some(peer.parse().unwrap()),
        forwarded: Some(forwarded.as_bytes()),
    }
}

const ORDERS: &str = "https://api.example.com/orders";

// conformance 163, 180
#[test]
fn base_url_that_is_invalid_is_rejected() {
    for url in [
        "",
        "api.example.com",
        "http://api.example.com",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://api.example.com?x",
        "https://api.example.com/#x",
        "https://user@api.example.com",
        "https://",
        "ftp://api.example.com",
    ] {
        assert!(External::base(url).is_err(), "{url}");
    }
    for url in [
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://[::1]:3000/v1",
    ] {
        assert!(External::base(url).is_ok(), "{url}");
    }
}

// conformance 161, 163
#[test]
fn base_url_ignores_headers_and_targets() {
    let external = External::base("https://API.example.com:443/").unwrap();
    assert_eq!(external.header(), None);
    let said = behind("10.0.0.1", "evil.example");
    assert!(is(&external, ORDERS, said));
    assert!(!is(&external, "https://evil.example/orders", said));
    let absolute = Place {
        target: "http://evil.example/orders?page=2",
        ..said
    };
    assert!(is(&external, ORDERS, absolute));
    assert!(!is(&external, "http://evil.example/orders", absolute));
    for target in ["*", "", "evil.example:443", "/%zz"] {
        assert!(!is(&external, ORDERS, Place { target, ..said }), "{target}");
    }
}

#[test]
fn base_url_path_is_never_left() {
    let external = External::base("https://api.example.com/v1/").unwrap();
    let at = |target| Place {
        target,
        ..Place::default()
    };
    assert!(is(
        &external,
        "https://api.example.com/v1/orders",
        at("/orders")
    ));
    assert!(!is(
        &external,
        "https://api.example.com/v1/orders",
        at("/../orders")
    ));
    assert!(is(&external, "https://api.example.com/v1/", at("/")));
    assert!(!is(&external, ORDERS, at("/orders")));
    assert!(!is(&external, ORDERS, at("/../orders")));
    assert!(!is(
        &external,
        "https://api.example.com/v1orders",
        at("/orders")
    ));
    assert!(!is(&external, "https://api.example.com/v1x", at("/")));
}

/// Returns whether a proof for `htu` matches a request for `target` behind `https://h.example/v1`.
fn fits_v1(htu: &str, target: &str) -> bool {
    let external = External::base("https://h.example/v1").unwrap();
    let place = Place {
        target,
        ..Place::default()
    };
    Htu::parse(htu).is_some_and(|htu| external.url(place).is_some_and(|url| url.is(&htu)))
}

// finding 14
#[test]
fn base_url_with_a_path_serves_that_very_path() {
    // A gateway that strips `/v1` sends `/` for both, because a request target is never empty.
    for target in ["/", "/?page=2", "http://internal", "http://internal/?x"] {
        assert!(fits_v1("https://h.example/v1", target), "{target}");
        assert!(fits_v1("https://h.example/v1?page=2", target), "{target}");
        assert!(fits_v1("https://h.example/v1/", target), "{target}");
    }
    // An adapter that strips `/v1` may leave an empty path, which matches `/v1` only.
    for target in ["", "?page=2"] {
        assert!(fits_v1("https://h.example/v1", target), "{target}");
        assert!(!fits_v1("https://h.example/v1/", target), "{target}");
    }
    let deeper = External::base("https://h.example/a/b/").unwrap();
    let root = Place {
        target: "/",
        ..Place::default()
    };
    assert!(is(&deeper, "https://h.example/a/b", root));
    assert!(is(&deeper, "https://h.example/a/b/", root));
    assert!(!is(&deeper, "https://h.example/a", root));
    assert!(!is(&deeper, "https://h.example/a/", root));
}

// finding 14
#[test]
fn base_url_with_a_path_widens_no_other_path() {
    for htu in [
        "https://h.example",
        "https://h.example/",
        "https://h.example/v",
        "https://h.example/v1x",
        "https://h.example/v1//",
        "https://h.example/v1/x",
        "https://h.example/v1/..",
        "https://h.example/v1/../",
        "https://h.example/v1%2F",
        "https://h.example/V1",
        "https://h.example//v1",
        "https://h.example/v1/v1",
        "http://h.example/v1",
        "https://other.example/v1",
    ] {
        for target in ["/", "", "?page=2"] {
            assert!(!fits_v1(htu, target), "{htu} at {target:?}");
        }
    }
    for target in [
        "//",
        "/x",
        "/v1",
        "/v1/",
        "/.",
        "/..",
        "/%2e",
        "/%2F",
        "*",
        "h.example:443",
        "#x",
        "x",
        "v1",
    ] {
        assert!(!fits_v1("https://h.example/v1", target), "{target}");
    }
    // Without a path in the base URL, an empty path is not a URL of this service.
    let bare = External::base("https://h.example").unwrap();
    for target in ["", "?page=2"] {
        for htu in ["https://h.example", "https://h.example/"] {
            let place = Place {
                target,
                ..Place::default()
            };
            assert!(!is(&bare, htu, place), "{htu} at {target:?}");
        }
    }
}

// conformance 163
#[test]
fn forwarded_host_of_an_untrusted_peer_is_ignored() {
    let external = proxy("X-Forwarded-Host");
    assert_eq!(external.header(), Some("x-forwarded-host"));
    let said = behind("10.0.0.1", "api.example.com");
    assert!(is(&external, ORDERS, said));
    for peer in ["11.0.0.1", "127.0.0.1", "::1"] {
        assert!(
            !is(&external, ORDERS, behind(peer, "api.example.com")),
            "{peer}"
        );
    }
    assert!(!is(&external, ORDERS, Place { peer: None, ..said }));
    assert!(!is(
        &external,
        ORDERS,
        Place {
            forwarded: None,
            ..said
        }
    ));
    let not_text = Place {
        forwarded: Some(b"\xFFapi.example.com"),
        ..said
    };
    assert!(!is(&external, ORDERS, not_text));
}

// conformance 163, 180
#[test]
fn forwarded_host_that_is_not_one_origin_is_rejected() {
    let external = proxy("x-external-origin");
    for value in [
        "https://api.example.com",
        "HTTPS://API.example.com:443",
        "api.example.com:443",
    ] {
        assert!(is(&external, ORDERS, behind("10.0.0.1", value)), "{value}");
    }
    for value in [
        "",
        "api.example.com, evil.example",
        "evil.example, api.example.com",
        "api.example.com/",
        "https://api.example.com/",
        "https://api.example.com/v1",
        "api.example.com/orders",
        "api.example.com?x",
        "api.example.com#x",
        "user@api.example.com",
        "http://api.example.com",
        "//api.example.com",
        "ftp://api.example.com",
        "host=api.example.com;proto=https",
        " api.example.com",
    ] {
        assert!(
            !is(&external, ORDERS, behind("10.0.0.1", value)),
            "{value:?}"
        );
    }
}

// conformance 163, 180
#[test]
fn forwarded_element_gives_host_and_proto() {
    let external = proxy("Forwarded");
    for value in [
        "host=api.example.com;proto=https",
        "proto=HTTPS;Host=\"api.example.com:443\"",
        "for=192.0.2.60;proto=https;by=203.0.113.43; host=api.example.com",
        "for=\"[2001:db8::1]:4711\";host=api.example.com;proto=https",
    ] {
        assert!(is(&external, ORDERS, behind("10.0.0.1", value)), "{value}");
    }
    for value in [
        "host=api.example.com",
        "proto=https",
        "host=api.example.com;proto=http",
        "host=evil.example;proto=https",
        "host=api.example.com;host=evil.example;proto=https",
        "host=evil.example;host=api.example.com;proto=https",
        "host=api.example.com;proto=https, host=evil.example;proto=https",
        "host=evil.example;proto=https, host=api.example.com;proto=https",
        "for=x,host=api.example.com;proto=https",
        "for=x, for=y;host=api.example.com;proto=https",
        "host=\"api.example.com;proto=https",
        "host=\"api.exa\\mple.com\";proto=https",
        "host=\"api.example.com/x\";proto=https",
        "host=api.example.com;proto=https;",
        "host=api.example.com/orders;proto=https",
        "api.example.com",
        "https://api.example.com",
    ] {
        assert!(!is(&external, ORDERS, behind("10.0.0.1", value)), "{value}");
    }
}

// conformance 163
#[test]
fn forwarded_host_that_is_not_listed_is_rejected() {
    let hosts = ["API.example.com", "api.example.org:8443", "[::1]:443"];
    for (header, value) in [
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-host", "api.example.org"),
        ("x-forwarded-host", "api.example.org:443"),
        ("x-forwarded-host", "api.example.com:8443"),
        ("x-forwarded-host", "api.example.com."),
        ("x-forwarded-host", "www.api.example.com"),
        ("x-forwarded-host", "example.com"),
        ("x-forwarded-host", "api.example.com.evil.example"),
        ("x-forwarded-host", "xn--api-example-com.evil.example"),
        ("x-forwarded-host", "[::2]"),
        ("x-forwarded-host", "http://localhost"),
        ("x-forwarded-host", "https://evil.example"),
        ("forwarded", "host=evil.example;proto=https"),
        ("forwarded", "host=\"api.example.com:80\";proto=https"),
        ("forwarded", "host=localhost;proto=http"),
    ] {
        let external = proxy_to(header, &hosts).unwrap();
        assert!(external.url(behind("10.0.0.1", value)).is_none(), "{value}");
    }
    for (header, value, htu) in [
        ("x-forwarded-host", "api.example.com", ORDERS),
        ("x-forwarded-host", "Api.Example.COM:443", ORDERS),
        (
            "x-forwarded-host",
            "api.example.org:8443",
            "https://api.example.org:8443/orders",
        ),
        ("x-forwarded-host", "[::1]", "https://[::1]/orders"),
        (
            "forwarded",
            "host=\"api.example.org:8443\";proto=https",
            "https://API.example.org:8443/orders",
        ),
    ] {
        let external = proxy_to(header, &hosts).unwrap();
        let said = behind("10.0.0.1", value);
        assert!(is(&external, htu, said), "{value}");
        // Each URL matches itself and no other one.
        assert!(!is(&external, "https://api.example.net/orders", said));
        let other = if htu == ORDERS {
            "https://api.example.org:8443/orders"
        } else {
            ORDERS
        };
        assert!(!is(&external, other, said), "{value}");
    }
}

// conformance 163, 180
#[test]
fn listed_host_that_is_invalid_is_rejected() {
    for host in [
        "",
        " ",
        "*",
        "*.example.com",
        "api.example.com, api.example.org",
        "api.example.com/",
        "api.example.com/v1",
        "api.example.com?x",
        "api.example.com#x",
        "user@api.example.com",
        "api.example.com:0x50",
        "api.example.com:65536",
        "http://api.example.com",
        "ftp://api.example.com",
        "//api.example.com",
        "bücher.example",
        "api.example.com\n",
    ] {
        let error = proxy_to("forwarded", &["api.example.com", host]);
        let refused = matches!(error, Err(ConfigError::ProxyHost { host: named }) if named == host);
        assert!(refused, "{host:?}");
    }
    for host in [
        "http://localhost:8080",
        "https://api.example.com",
        "API.EXAMPLE.COM",
    ] {
        assert!(proxy_to("forwarded", &[host]).is_ok(), "{host}");
    }
}

#[test]
fn proxy_header_that_clients_set_is_rejected() {
    for header in [
        "",
        "Host",
        "host",
        "Authorization",
        "DPoP",
        "X Forwarded",
        "X-Forwarded-Hóst",
        "a:b",
    ] {
        assert!(proxy_to(header, &["api.example.com"]).is_err(), "{header}");
    }
}

/// Returns whether `Forwarded: value` from the trusted proxy names the listed host.
fn forwarded_is_accepted(value: &str) -> bool {
    is(&proxy("Forwarded"), ORDERS, behind("10.0.0.1", value))
}

// finding 10
#[test]
fn forwarded_list_is_rejected_wherever_its_comma_stands() {
    for value in [
        // The proxy appends its own element to what the client sent.
        "host=api.example.com;proto=https;x, for=192.0.2.1",
        "host=api.example.com;proto=https;x=, for=192.0.2.1",
        "host=api.example.com;proto=https;x=y, for=192.0.2.1",
        "host=api.example.com;proto=https,for=192.0.2.1",
        "host=api.example.com;proto=https;x,for=192.0.2.1;y=z",
        "host=api.example.com;proto=https;x, y=z",
        "x, host=api.example.com;proto=https",
        "x=y, host=api.example.com;proto=https",
        ",host=api.example.com;proto=https",
        "host=api.example.com;proto=https,",
        // The client opens a quoted string, which the proxy's element closes.
        "host=api.example.com;proto=https;x=\", for=192.0.2.1;y=\"",
        "host=api.example.com;proto=https;x=\", for=\"",
        "host=api.example.com;proto=https;x=\", for=\"[2001:db8::1]\"",
        "host=api.example.com;proto=https;x=\"\\\", for=192.0.2.1\"",
        "host=api.example.com;proto=https;x=\"a,b\"",
        "x=\"a,b\";host=api.example.com;proto=https",
    ] {
        assert!(!forwarded_is_accepted(value), "{value}");
    }
}

// finding 10
#[test]
fn forwarded_that_is_not_an_element_of_rfc_7239_is_rejected() {
    for value in [
        // A name is a token.
        "host=api.example.com;proto=https;a b=c",
        "host=api.example.com;proto=https;=c",
        "host=api.example.com;proto=https;\"x\"=c",
        "host=api.example.com;proto=https;x/y=c",
        "host=api.example.com;proto=https;x =c",
        "host =api.example.com;proto=https",
        // A value is a token or a quoted string, with nothing around it.
        "host=api.example.com;proto=https;x=",
        "host=api.example.com;proto=https;x= y",
        "host= api.example.com;proto=https",
        "host=api.example.com;proto=https;x=a b",
        "host=api.example.com;proto=https;x=[::1]",
        "host=api.example.com:443;proto=https",
        "host=api.example.com;proto=https;x=\"a",
        "host=api.example.com;proto=https;x=\"a\"b",
        "host=api.example.com;proto=https;x=a\"b\"",
        "host=api.example.com;proto=https;x=\"a\\\"",
        "host=api.example.com;proto=https;x=\"\u{7f}\"",
        "host=api.example.com;proto=https;x=\"é\"",
        "host=\"api.example.com\\:443\";proto=https",
        "host=api.example.com;proto=\"http\\s\"",
        "host=\"\";proto=https",
        // No parameter may occur twice, in any case of letters.
        "host=api.example.com;proto=https;for=a;for=b",
        "for=a;host=api.example.com;proto=https;FOR=a",
        "host=api.example.com;Host=api.example.com;proto=https",
        "host=api.example.com;proto=https;proto=https",
        "x=1;host=api.example.com;proto=https;X=2",
        // An empty parameter.
        ";host=api.example.com;proto=https",
        "host=api.example.com;;proto=https",
        "host=api.example.com;proto=https; ",
        "",
    ] {
        assert!(!forwarded_is_accepted(value), "{value}");
    }
    let many: String = (0..1000).map(|number| format!("x{number}=y;")).collect();
    assert!(!forwarded_is_accepted(&format!(
        "{many}host=api.example.com;proto=https"
    )));
}

#[test]
fn forwarded_element_with_any_other_parameters_is_accepted() {
    for value in [
        "host=api.example.com;proto=https;x=y",
        "x=\"a;b=c\";host=api.example.com;proto=https",
        "for=\"[2001:db8::1]:4711\" ;\thost=\"api.example.com:443\"; proto=\"https\"",
        "for=\"\";host=api.example.com;proto=https",
        "for=\"_a\\\"b\";host=api.example.com;proto=https;by=_gateway",
        "FOR=unknown;HOST=api.example.com;PROTO=https",
        " host=api.example.com;proto=https ",
    ] {
        assert!(forwarded_is_accepted(value), "{value}");
    }
}

/// Returns whether there is a comma outside of all quoted strings (RFC 9110 §5.6.4).
fn has_unquoted_comma(value: &str) -> bool {
    let (mut quoted, mut escaped) = (false, false);
    for character in value.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return true,
            _ => {}
        }
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    // finding 10
    #[test]
    fn forwarded_with_an_unquoted_comma_is_rejected(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("host=api.example.com"), Just("proto=https"), Just("x"), Just("="), Just(";"),
                Just(","), Just("\""), Just("\\"), Just(" "), Just("for=a"), Just("y=\"z\""),
            ],
            0..8,
        ),
        before in any::<bool>(),
    ) {
        let noise = pieces.concat();
        let value = match before {
            true => format!("{noise};host=api.example.com;proto=https"),
            false => format!("host=api.example.com;proto=https;{noise}"),
        };
        for value in [noise, value] {
            if forwarded_is_accepted(&value) {
                prop_assert!(!has_unquoted_comma(&value), "{}", value);
                prop_assert!(!value.contains(','), "{}", value);
            }
        }
    }

    // finding 10
    #[test]
    fn forwarded_with_a_comma_inserted_anywhere_is_rejected(
        at in 0_usize..64,
        value in prop_oneof![
            Just("host=api.example.com;proto=https"),
            Just("for=\"[2001:db8::1]:4711\";host=api.example.com;proto=https;x=\"y\""),
        ],
    ) {
        prop_assert!(forwarded_is_accepted(value));
        let (before, after) = value.split_at(at.min(value.len()));
        let with_comma = format!("{before},{after}");
        prop_assert!(!forwarded_is_accepted(&with_comma), "{}", with_comma);
    }
}
