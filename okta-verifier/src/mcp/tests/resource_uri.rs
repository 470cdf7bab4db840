//! URIs that a server could read as other ones.

use crate::mcp::resource_uri::{begins_normal, is_normal, without_user_and_port};

// conformance 272
#[test]
fn resource_uri_that_could_be_read_as_another_one_is_not_normal() {
    for uri in [
        "",
        "a",
        "/secret/a",
        "//host/a",
        // Case of scheme and host.
        "FILE:///secret/a",
        "File:///secret/a",
        "https://Example.com/a",
        "docs://API/a",
        "Memo:a",
        // Dot segments, and empty ones.
        "file:///public/../secret/a",
        "file:///public/./a",
        "file:///public/..",
        "file:///public/.",
        "docs://host/public/../secret/a",
        "docs://host/public/..",
        "docs://host/./a",
        "memo:public/../secret",
        "memo:..",
        "file:////secret/a",
        "file:///public//a",
        "docs://host//a",
        "docs:/a//b",
        // Percent-encoding.
        "file:///public/%2e%2e/secret/a",
        "file:///public/%2E%2E/secret/a",
        "file:///public/.%2E/a",
        "file:///%73ecret/a",
        "file:///secre%74/a",
        "file:///%7Ea",
        "file:///%2D",
        "file:///a%c3%a4",
        "file:///a%C3%a4",
        "file:///a%2Fb",
        "file:///a%2fb",
        "file:///a%5Cb",
        "file:///a%00",
        "file:///a%0A",
        "file:///a%7F",
        "file:///a%252e",
        "file:///a%",
        "file:///a%2",
        "file:///a%zz",
        "file:///a%2G",
        // Bytes that are not UTF-8: overlong forms of the slash and of the dot, a surrogate, and a part of a character.
        "file:///public/%C0%AE%C0%AE/secret/a",
        "file:///public%C0%AFsecret/a",
        "file:///public%E0%80%AFsecret/a",
        "file:///a%ED%A0%80",
        "file:///a%C3",
        "file:///a%C3/%A4",
        "file:///a%FF",
        // Characters that are not allowed in a URI.
        "file:///public\\..\\secret\\a",
        "file:\\\\\\secret\\a",
        "file:///a b",
        " file:///a",
        "file:///a ",
        "file:///a\n",
        "file:///se\tcret/a",
        "file:///a\0",
        "file:///a\u{7f}",
        "file:///ä",
        "file:///a|b",
        "file:///a^b",
        "file:///a`b",
        "file:///a{b}",
        "file:///a\"b",
        "file:///<a>",
        // Other forms of one URL.
        "file:/secret/a",
        "file:secret/a",
        "docs:/secret/a",
        "file://localhost/secret/a",
        "https:/example.com/a",
        "https:example.com/a",
        "https:///example.com/a",
        "https://example.com",
        "https://example.com:443/a",
        "https://example.com:/a",
        "http://example.com:080/a",
        "https://127.1/a",
        "https://0x7f.0.0.1/a",
        "https://user:@example.com/a",
        // The root of the DNS, which names the same host.
        "https://example.com./a",
        "https://example.com.:8443/a",
        "https://user@example.com./a",
        "docs://host./a",
        "docs://host.",
        "docs://.",
    ] {
        assert!(!is_normal(uri), "{uri:?}");
    }
}

#[test]
fn resource_uri_in_normal_form_is_normal() {
    for uri in [
        "file:///",
        "file:///secret/a.txt",
        "file:///secret/",
        "file:///a..b/..c/d../...",
        "file:///%C3%A4/a%20b%3Fc",
        "file:///%E2%82%AC/%F0%9F%A6%80.",
        "file:///UPPER/Case",
        "https://example.com/",
        "https://example.com:8443/a?b=c&d=%20#e",
        "https://example.com/a?b=C",
        "https://[::1]/a",
        "docs:///secret/a",
        "docs://user@host:1/a",
        "docs://readme",
        "docs://host/Path",
        "memo://insights",
        "note:a",
        "note:a/b",
        "urn:example:a-b_c~d!$&'()*+,;=:@",
        "ui://widget/main.html",
    ] {
        assert!(is_normal(uri), "{uri:?}");
    }
}

#[test]
fn resource_uri_is_read_without_user_and_port() {
    for (uri, others) in [
        ("https://example.com/a:1@b", &[][..]),
        ("note:a@b:1", &[]),
        ("https://[::1]/a", &[]),
        ("https://example.com:8443/a", &["https://example.com/a"]),
        ("https://[::1]:1?b", &["https://[::1]?b"]),
        ("docs://user:word@host/a", &["docs://host/a"]),
        (
            "docs://a@host:1#b",
            &["docs://a@host#b", "docs://host:1#b", "docs://host#b"],
        ),
    ] {
        assert_eq!(without_user_and_port(uri), others, "{uri}");
    }
}

#[test]
fn resource_prefix_that_no_normal_uri_begins_with_is_recognized() {
    for prefix in [
        "",
        "f",
        "file:",
        "file:/",
        "file://",
        "file:///",
        "file:///secr",
        "file:///secret/a.",
        "file:///%C3%A4/",
        "https://exa",
        "https://[::",
        "https://example.com:8443/",
        "https://example.com/a?b=/c/",
        "docs://user@host/a",
        "docs:///a",
        "note:a/b/c",
    ] {
        assert!(begins_normal(prefix), "{prefix:?}");
    }
    for prefix in [
        "FILE:///secret/",
        "docs://HOST",
        "file:/secret/",
        "docs:/secret/",
        "file://localhost/secret/",
        "https://example.com:443/a",
        "file:///my files/",
        "file:///ä/",
        "file:///%c3%a4/",
        "file:///%73ecret/",
        "file:///a//b",
        "file:///a/../b",
        "/secret/",
    ] {
        assert!(!begins_normal(prefix), "{prefix:?}");
    }
}
