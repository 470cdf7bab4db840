//! The normal form of `htu` and of request targets.

use proptest::prelude::*;

use crate::dpop::htu::{Htu, target_path};

fn normal(uri: &str) -> Option<String> {
    Htu::parse(uri).map(|Htu { origin, path }| format!("{origin}{path}"))
}

// conformance 161
#[test]
fn htu_spellings_that_are_equivalent_are_equal() {
    for (uri, expected) in [
        ("https://api.example", "https://api.example/"),
        ("https://api.example/", "https://api.example/"),
        ("https://api.example?x", "https://api.example/"),
        ("https://api.example#x/y", "https://api.example/"),
        ("https://api.example/a?x=/../y#z", "https://api.example/a"),
        (
            "HTTPS://Api.Example:443/a/../b%7e?x",
            "https://api.example/b~",
        ),
        ("https://api.example:/a", "https://api.example/a"),
        ("https://api.example:0443/a", "https://api.example/a"),
        ("https://api.example:08443/a", "https://api.example:8443/a"),
        ("http://api.example:80/a", "http://api.example/a"),
        ("http://api.example:443/a", "http://api.example:443/a"),
        ("https://api.example:80/a", "https://api.example:80/a"),
        ("https://[2001:DB8::1]:443/a", "https://[2001:db8::1]/a"),
        (
            "https://api.example/%41%62%63%2d%2E%5f%7E",
            "https://api.example/Abc-._~",
        ),
        (
            "https://api.example/a%2fb%3f%c3%a9",
            "https://api.example/a%2Fb%3F%C3%A9",
        ),
        ("https://api.example/./a/./b/.", "https://api.example/a/b/"),
        ("https://api.example/../../a", "https://api.example/a"),
        ("https://api.example/a/b/..", "https://api.example/a/"),
        ("https://api.example/..", "https://api.example/"),
        ("https://api.example/a/%2e%2E/b", "https://api.example/b"),
        ("https://api.example/a/%2e/b", "https://api.example/a/b"),
        (
            "https://api.example/.well-known/x",
            "https://api.example/.well-known/x",
        ),
        (
            "https://api.example/a.../..b",
            "https://api.example/a.../..b",
        ),
        ("https://api.example//a//b", "https://api.example//a//b"),
        ("https://api.example/a//../b", "https://api.example/a/b"),
        (
            "https://api.example/a;b=c,d!$&'()*+:@",
            "https://api.example/a;b=c,d!$&'()*+:@",
        ),
    ] {
        assert_eq!(normal(uri).as_deref(), Some(expected), "{uri}");
    }
}

// conformance 162
#[test]
fn htu_of_different_resources_differ() {
    for (one, other) in [
        ("https://a.example/a", "https://a.example/a/"),
        ("https://a.example/a", "https://a.example/A"),
        ("https://a.example/a/b", "https://a.example/a%2Fb"),
        ("https://a.example/a;b", "https://a.example/a%3Bb"),
        ("https://a.example/a+b", "https://a.example/a%20b"),
        ("https://a.example/a%25", "https://a.example/a%2525"),
        ("https://a.example/a%2541", "https://a.example/aA"),
        ("https://a.example/a", "https://a.example//a"),
        ("https://a.example/a", "http://a.example/a"),
        ("https://a.example/a", "https://a.example:8443/a"),
        ("https://a.example/a", "https://a.example./a"),
        ("https://a.example/a%2F..%2Fb", "https://a.example/b"),
    ] {
        assert_ne!(normal(one), normal(other), "{one} {other}");
        assert!(normal(one).is_some() && normal(other).is_some());
    }
}

// conformance 161, 162
#[test]
fn htu_that_is_not_a_resource_is_rejected() {
    for uri in [
        "",
        "/",
        "//api.example/a",
        "api.example/a",
        "https:/api.example/a",
        "https:api.example",
        "https:///a",
        "https://",
        "https://:443/a",
        "ftp://api.example/a",
        "javascript://api.example/a",
        " https://api.example/a",
        "https://api.example/a b",
        "https://api.example/a\u{0}",
        "https://api.example/a\r\nb",
        "https://api.example/é",
        "https://äpi.example/a",
        "https://user@api.example/a",
        "https://user:password@api.example/a",
        "https://api.example:443@evil.example/a",
        "https://api.example:x/a",
        "https://api.example:-1/a",
        "https://api.example:+443/a",
        "https://api.example:65536/a",
        "https://api.example:443:443/a",
        "https://api%2eexample/a",
        "https://api.example\\@evil.example/a",
        "https://api,example/a",
        "https://[::1/a",
        "https://[::1]x/a",
        "https://[evil]/a",
        "https://[::ffff:1.2.3.999]/a",
        "https://api.example/%",
        "https://api.example/%4",
        "https://api.example/%zz",
        "https://api.example/%+1",
        "https://api.example/a%é",
    ] {
        assert_eq!(normal(uri), None, "{uri}");
    }
}

// conformance 161
#[test]
fn target_scheme_and_host_are_ignored() {
    for (target, expected) in [
        ("/orders?page=2", Some("/orders")),
        ("/", Some("/")),
        ("/a/b%7E", Some("/a/b~")),
        ("/a/.b/..c", Some("/a/.b/..c")),
        ("/a/../b", None),
        ("/a/%2e%2E/b", None),
        ("/a/.", None),
        ("https://api.example/./b", None),
        ("//evil.example/a", Some("//evil.example/a")),
        ("http://evil.example/orders?x", Some("/orders")),
        ("https://evil.example", Some("/")),
        ("*", None),
        ("", None),
        ("evil.example:443", None),
        ("/a b", None),
        ("/%", None),
    ] {
        assert_eq!(target_path(target).as_deref(), expected, "{target}");
    }
}

#[test]
fn htu_in_normal_form_is_borrowed() {
    use std::borrow::Cow;
    for origin in ["https://api.example:8443", "https://api.example"] {
        let uri = format!("{origin}/orders/7?page=2");
        let htu = Htu::parse(&uri).unwrap();
        assert!(matches!(htu.origin, Cow::Borrowed(borrowed) if borrowed == origin));
        assert!(matches!(htu.path, Cow::Borrowed("/orders/7")));
    }
}

fn uris() -> impl Strategy<Value = String> {
    prop_oneof![
        "https?://[a-zA-Z.]{1,8}(:[0-9]{0,5})?(/([a-z.~%;,/-]|%[0-9a-fA-F]{2}){0,12})?",
        "(https://h)?[/.%2eEfF]{0,20}",
        any::<String>(),
    ]
}

/// Removes escapes of unreserved characters, the case of escapes, and dot segments from a path.
fn reserved(path: &str) -> Vec<String> {
    let mut found: Vec<String> = path
        .match_indices('%')
        .filter_map(|(at, _)| path.get(at..at + 3))
        .map(str::to_ascii_uppercase)
        .filter(|escape| {
            u8::from_str_radix(&escape[1..], 16)
                .is_ok_and(|byte| !byte.is_ascii_alphanumeric() && !b"-._~".contains(&byte))
        })
        .collect();
    found.sort_unstable();
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    // conformance 161
    #[test]
    fn htu_normal_form_is_stable(uri in uris()) {
        if let Some(once) = normal(&uri) {
            prop_assert_eq!(normal(&once), Some(once.clone()), "{}", uri);
            let path = target_path(&once).unwrap();
            prop_assert!(!path.contains("/../") && !path.contains("/./"));
            prop_assert!(!once.contains(['?', '#']));
        }
    }

    // conformance 162
    #[test]
    fn htu_escapes_of_reserved_characters_stay(path in "(/([a-z~;,]|%[0-9a-fA-F]{2}){1,6}){1,4}") {
        // Without dot segments, no segment is removed, so all escapes of reserved characters must still be
        // there.
        prop_assume!(!path.to_ascii_lowercase().contains("%2e"));
        let normal = target_path(&path).unwrap();
        prop_assert_eq!(reserved(&normal), reserved(&path));
        prop_assert_eq!(normal.matches('/').count(), path.matches('/').count());
        prop_assert_eq!(normal.matches([';', ',']).count(), path.matches([';', ',']).count());
    }
}
