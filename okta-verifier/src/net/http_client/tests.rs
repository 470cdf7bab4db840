//! The interpretation of a response's header, and how an error shows a URL.

pub(crate) mod scripted;

use super::*;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    let field = |&(name, value): &(&'static str, &str)| {
        let value = HeaderValue::from_str(value).unwrap();
        (HeaderName::from_static(name), value)
    };
    fields.iter().map(field).collect()
}

// field kind H
#[test]
fn retry_after_is_seconds_or_a_date() {
    let now = Now {
        // Sun, 06 Nov 1994 08:49:37 GMT
        unix: 784_111_777,
        ..Now::read()
    };
    for (value, seconds) in [
        ("0", Some(0)),
        (" 7 ", Some(7)),
        ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
        ("Sunday, 06-Nov-94 08:49:38 GMT", Some(1)),
        ("Sun Nov  6 08:49:39 1994", Some(2)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
        ("Sun, 06 Nov 1994 08:49:36 GMT", Some(0)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("Sun, 06 Nov 1994 08:50:37", None),
        ("-7", None),
        ("soon", None),
        ("", None),
    ] {
        let given = retry_after(503, &headers(&[("retry-after", value)]), now);
        assert_eq!(given, seconds.map(Duration::from_secs), "{value}");
    }
    let both = headers(&[("retry-after", "soon"), ("x-rate-limit-reset", "784111787")]);
    assert_eq!(retry_after(429, &both, now), Some(Duration::from_secs(10)));
    assert_eq!(retry_after(503, &both, now), None);
}

// field kind I
#[test]
fn url_is_shown_without_secrets() {
    for (url, shown) in [
        ("https://login.example/a/b", "https://login.example/a/b"),
        ("https://login.example/?a", "https://login.example/"),
        ("https://login.example#a?b", "https://login.example"),
        (
            "https://ada:pw@login.example/a@b",
            "https://login.example/a@b",
        ),
        ("https://ada@pw@login.example", "https://login.example"),
        ("//ada:pw@login.example", "//login.example"),
        ("/\\ada:pw@login.example", "/\\login.example"),
        ("https:ada:pw@login.example", "login.example"),
        ("ada:pw@login.example", "login.example"),
        ("mailto:ada", "mailto:ada"),
        ("https://ada:p?w@login.example/", "https://"),
        ("https://ada:p#w@login.example/", "https://"),
        ("ada:p?w@login.example", ""),
        ("https://login.example/?mail=a@b", "https://login.example/"),
        ("", ""),
    ] {
        let given = without_secrets(url.as_bytes());
        assert_eq!(String::from_utf8(given).unwrap(), shown, "{url}");
    }
}
