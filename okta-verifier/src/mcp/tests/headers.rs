//! Header fields that do not agree with the body.

use super::{parts, read};

const CALL: &[u8] =
    br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read_file"}}"#;
const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");
const METHOD: (&str, &str) = ("mcp-method", "tools/call");

fn is_mismatch(fields: &[(&'static str, &str)], body: &[u8]) -> bool {
    match read(fields, body) {
        Ok(_) => false,
        Err(rejection) => {
            let (status, code, text) = parts(rejection);
            assert_eq!((status, code), (400, "header_mismatch"), "{fields:?}");
            assert!(
                text.ends_with(r#""error":{"code":-32020,"message":"Header mismatch"}}"#),
                "{text}"
            );
            true
        }
    }
}

// conformance 269
#[test]
fn header_that_is_no_protocol_version_is_rejected() {
    for version in [
        "",
        "1",
        "2026",
        "2026-7-28",
        "2026-07-28 ",
        "2026-07-28x",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-01-32",
        "2026/07/28",
        "20260728",
        "DRAFT-2026-v1",
        "2026-07-2x",
        "２026-07-28",
        "-026-07-28",
        "2026-07-28,2026-07-28",
        "2025-06-18, 2026-07-28",
    ] {
        assert!(
            is_mismatch(&[("mcp-protocol-version", version)], CALL),
            "{version}"
        );
        let batch = [b"[", CALL, b"]"].concat();
        assert!(
            is_mismatch(&[("mcp-protocol-version", version)], &batch),
            "{version}"
        );
    }
    for twice in [
        ["2025-06-18", "2025-06-18"],
        ["2025-06-18", "2026-07-28"],
        ["2026-07-28", "2025-06-18"],
    ] {
        assert!(is_mismatch(
            &twice.map(|version| ("mcp-protocol-version", version)),
            CALL
        ));
    }
    let (_, _, body) = parts(read(&[("mcp-protocol-version", "x")], CALL).unwrap_err());
    assert!(body.starts_with(r#"{"jsonrpc":"2.0","id":7,"#), "{body}");
}

// conformance 270
#[test]
fn header_of_an_older_protocol_version_is_ignored() {
    for version in [
        None,
        Some("2024-11-05"),
        Some("2025-11-25"),
        Some("2026-07-27"),
        Some("0000-01-01"),
    ] {
        let mut fields = vec![
            ("mcp-method", "ping"),
            ("mcp-name", "other"),
            ("mcp-name", "=?base64?!?="),
        ];
        fields.extend(version.map(|version| ("mcp-protocol-version", version)));
        assert!(read(&fields, CALL).is_ok(), "{version:?}");
        let batch = [b"[", CALL, b"]"].concat();
        assert!(read(&fields, &batch).is_ok(), "{version:?}");
    }
}

// conformance 269
#[test]
fn header_of_a_newer_protocol_version_must_agree_with_the_body() {
    for version in ["2026-07-28", "2026-07-29", "2027-01-01", "9999-12-31"] {
        let version = ("mcp-protocol-version", version);
        for fields in [
            vec![],
            vec![METHOD],
            vec![("mcp-name", "read_file")],
            vec![METHOD, ("mcp-name", "write_file")],
            vec![METHOD, ("mcp-name", "Read_file")],
            vec![METHOD, ("mcp-name", "")],
            vec![METHOD, ("mcp-name", "read_file"), ("mcp-name", "read_file")],
            vec![METHOD, METHOD, ("mcp-name", "read_file")],
            vec![("mcp-method", "tools/list"), ("mcp-name", "read_file")],
            vec![("mcp-method", "Tools/call"), ("mcp-name", "read_file")],
            vec![("mcp-method", ""), ("mcp-name", "read_file")],
            vec![
                ("mcp-method", "=?base64?dG9vbHMvY2FsbA==?="),
                ("mcp-name", "read_file"),
            ],
        ] {
            let fields = [vec![version], fields].concat();
            assert!(is_mismatch(&fields, CALL), "{fields:?}");
        }
        assert!(!is_mismatch(
            &[version, METHOD, ("mcp-name", "read_file")],
            CALL
        ));
        // A newer version has no batches.
        let batch = [b"[", CALL, b"]"].concat();
        let (status, code, body) =
            parts(read(&[version, METHOD, ("mcp-name", "read_file")], &batch).unwrap_err());
        assert_eq!((status, code), (400, "malformed_body"));
        assert_eq!(
            body,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}"#
        );
    }
}

// conformance 269
#[test]
fn header_in_base64_is_decoded_before_it_is_compared() {
    let body = r#"{"id":1,"method":"tools/call","params":{"name":"größe"}}"#.as_bytes();
    for (name, agrees) in [
        ("=?base64?Z3LDtsOfZQ==?=", true),
        ("=?base64?Z3LDtsOfZQ?=", false),    // not canonical
        ("=?base64?Z3LDtsOfZR==?=", false),  // stray bits
        ("=?base64?Z3LD tsOfZQ==?=", false), // a space
        ("=?base64?Z3L_tsOfZQ==?=", false),  // the other alphabet
        ("=?base64?Z3LDtsOfZQ==", false),
        ("=?BASE64?Z3LDtsOfZQ==?=", false),
        ("=?base64?Z3LDtsOfZQ==?= ", false),
        ("=?base64??=", false),
        ("=?base64?=", false),
        ("=?base64?PT9iYXNlNjQ/WjNMRHRzT2ZaUT09Pz0=?=", false), // encoded twice
    ] {
        assert_eq!(
            !is_mismatch(&[VERSION, METHOD, ("mcp-name", name)], body),
            agrees,
            "{name}"
        );
    }
    // As it is, the name is not printable ASCII.
    let mut headers = crate::http::HeaderMap::new();
    for (name, value) in [VERSION, METHOD, ("mcp-name", "größe")] {
        headers.insert(
            name,
            http::HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    assert!(super::McpCalls::read(&headers, body, None).is_err());
    // A name in this form must be encoded.
    let sentinel = br#"{"id":1,"method":"tools/call","params":{"name":"=?base64?YQ==?="}}"#;
    assert!(is_mismatch(
        &[VERSION, METHOD, ("mcp-name", "=?base64?YQ==?=")],
        sentinel
    ));
    assert!(!is_mismatch(
        &[
            VERSION,
            METHOD,
            ("mcp-name", "=?base64?PT9iYXNlNjQ/WVE9PT89?=")
        ],
        sentinel
    ));
}

// conformance 269
#[test]
fn header_mcp_name_is_required_where_official_clients_send_it() {
    let fields = |method, name: Option<&'static str>| {
        let mut fields = vec![VERSION, ("mcp-method", method)];
        fields.extend(name.map(|name| ("mcp-name", name)));
        fields
    };
    for (method, is_required) in [
        ("tools/call", true),
        ("prompts/get", true),
        ("resources/read", true),
        ("resources/subscribe", false),
        ("resources/unsubscribe", false),
    ] {
        let member = if method.starts_with("resources/") {
            "uri"
        } else {
            "name"
        };
        let body = format!(r#"{{"id":1,"method":"{method}","params":{{"{member}":"file:///a"}}}}"#);
        assert_eq!(
            is_mismatch(&fields(method, None), body.as_bytes()),
            is_required,
            "{method}"
        );
        assert!(
            is_mismatch(&fields(method, Some("file:///b")), body.as_bytes()),
            "{method}"
        );
        assert!(
            !is_mismatch(&fields(method, Some("file:///a")), body.as_bytes()),
            "{method}"
        );
        // A notification that calls something is checked like a request, but official servers require no fields.
        let body = body.replace(r#""id":1,"#, "");
        assert!(!is_mismatch(&[VERSION], body.as_bytes()));
        assert!(
            is_mismatch(&fields(method, Some("file:///b")), body.as_bytes()),
            "{method}"
        );
    }
    for method in ["ping", "tools/list", "tasks/get"] {
        let body = format!(r#"{{"id":1,"method":"{method}","params":{{"name":"a"}}}}"#);
        assert!(is_mismatch(&[VERSION], body.as_bytes()));
        assert!(!is_mismatch(&fields(method, None), body.as_bytes()));
        assert!(!is_mismatch(
            &fields(method, Some("anything")),
            body.as_bytes()
        ));
    }
}

// conformance 269
#[test]
fn header_mcp_method_is_optional_for_initialize_but_must_agree() {
    let initialize = br#"{"id":1,"method":"initialize"}"#;
    assert!(!is_mismatch(&[VERSION], initialize));
    assert!(!is_mismatch(
        &[VERSION, ("mcp-method", "initialize")],
        initialize
    ));
    assert!(is_mismatch(&[VERSION, ("mcp-method", "ping")], initialize));
    let response = br#"{"id":1,"result":{}}"#;
    assert!(!is_mismatch(&[VERSION], response));
}

// conformance 265
#[test]
fn header_of_a_body_in_another_encoding_is_rejected() {
    for field in [
        ("content-encoding", "gzip"),
        ("content-encoding", "br"),
        ("content-encoding", "identity, gzip"),
        ("content-encoding", ""),
        ("content-type", "application/json; charset=utf-16"),
        ("content-type", "application/json;charset=utf-7"),
        ("content-type", "application/json; Charset=\"UTF-7\""),
        ("content-type", "application/json; charset = utf-7"),
        ("content-type", "application/json; charset"),
        (
            "content-type",
            "application/json; charset=utf-8; charset=utf-7",
        ),
        ("content-type", "application/json; x=\"; charset=utf-7\""),
        ("content-type", "application/json; charset*=utf-7''utf-7"),
    ] {
        let (status, code, body) = parts(read(&[field], CALL).expect_err(field.1));
        assert_eq!((status, code), (400, "malformed_body"), "{field:?}");
        assert_eq!(
            body,
            r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#
        );
    }
    let twice = [
        ("content-type", "application/json"),
        ("content-type", "application/json;charset=utf-7"),
    ];
    assert!(read(&twice, CALL).is_err());
    for field in [
        ("content-encoding", "identity"),
        ("content-type", "application/json"),
        ("content-type", "application/json; charset=utf-8"),
        ("content-type", "application/json;charset=\"UTF-8\""),
        ("content-type", "application/json; CHARSET=utf8"),
        ("content-type", "application/json; profile=\"a\""),
    ] {
        assert!(read(&[field], CALL).is_ok(), "{field:?}");
    }
}
