use crate::binding::{
    external::{External, Place},
    htu::Htu,
};

fn proxy(header: &str) -> External {
    External::proxy(&["10.0.0.0/8".to_owned()], header).unwrap()
}

fn is(external: &External, htu: &str, place: Place<'_>) -> bool {
    external.is(&Htu::parse(htu).unwrap(), place)
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
fn a_base_url_that_is_none_is_refused() {
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
fn a_base_url_says_it_alone() {
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
fn a_prefix_is_never_left() {
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
    assert!(is(
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
    assert!(!is(&external, "https://api.example.com/v1", at("/")));
}

// conformance 163
#[test]
fn nobody_but_the_named_proxy_says_where_we_are() {
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
fn a_header_that_is_no_single_origin_says_nothing() {
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
fn forwarded_says_host_and_proto_in_one_element() {
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

#[test]
fn a_header_that_callers_own_is_refused() {
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
        assert!(
            External::proxy(&["10.0.0.0/8".to_owned()], header).is_err(),
            "{header}"
        );
    }
}
