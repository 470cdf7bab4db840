//! The response to a request for the metadata of a resource.

use http::header::CONTENT_TYPE;

use super::super::metadata_response;

#[test]
fn metadata_preflight_sends_only_header_names_back() {
    let answer = |requested: &[u8]| {
        let response = metadata_response("OPTIONS", Some(requested), 60, || {
            unreachable!("no document")
        });
        assert_eq!(response.status(), 204);
        let allowed = response
            .headers()
            .get("access-control-allow-headers")
            .cloned();
        allowed.map(|value| value.to_str().expect("text").to_owned())
    };
    for hostile in [
        &b"x-a, <script>"[..],
        b"x-a\tx-b",
        b"x-\xffa",
        b"x-a\r\nset-cookie",
        b"x-a: 1",
        &[b'a'; 1025],
    ] {
        assert_eq!(answer(hostile), None);
    }
    let names = "mcp-protocol-version, Authorization";
    assert_eq!(answer(names.as_bytes()).as_deref(), Some(names));
}

// conformance 196, 202
#[test]
fn metadata_response_depends_on_the_method_only() {
    for method in ["GET", "HEAD"] {
        let response = metadata_response(method, None, 3600, || "{}".to_owned());
        assert_eq!(
            (response.status().as_u16(), &**response.body()),
            (200, "{}")
        );
        let headers = response.headers();
        assert_eq!(headers[CONTENT_TYPE], "application/json");
        assert_eq!(headers["cache-control"], "public, max-age=3600");
        assert_eq!(headers["access-control-allow-origin"], "*");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "get", "TRACE", ""] {
        let response = metadata_response(method, None, 3600, || unreachable!("no document"));
        assert_eq!(response.status(), 405, "{method:?}");
        assert_eq!(response.headers()["allow"], "GET, HEAD, OPTIONS");
        assert!(response.body().is_empty());
    }
}
