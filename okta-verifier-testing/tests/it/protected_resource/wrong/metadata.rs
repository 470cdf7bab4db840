//! Wrong documents, and wrong responses to requests for the metadata.

use super::super::server::{PATH, Received, Response, URL};
use super::{Wrong, served};

pub(super) fn document() -> Vec<Wrong> {
    vec![
        (
            // The document is at the root only.
            &["metadata: it is served at the path of RFC 9728"],
            |request, response| {
                if request.path() == PATH {
                    response.become_status(404);
                }
            },
        ),
        (
            &["metadata: the media type is application/json"],
            |request, response| {
                if is_metadata(request, response) {
                    response.set("content-type", "text/html");
                }
            },
        ),
        (
            &["metadata: the content type has no parameter"],
            |request, response| {
                if is_metadata(request, response) {
                    response.set("content-type", "application/json; charset=utf-8");
                }
            },
        ),
        (
            &[
                "metadata: resource is the URL of the resource, byte by byte",
                "challenge: the document at resource_metadata is that of the resource",
            ],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body(URL, "https://mcp.example.com/mcp/");
                }
            },
        ),
        (
            &["metadata: authorization_servers are the issuers, byte by byte"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("/oauth2/default", "/oauth2/default/");
                }
            },
        ),
        (
            &["metadata: no member is null or empty"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("\"resource\"", "\"jwks_uri\":null,\"resource\"");
                }
            },
        ),
        (
            &["metadata: no member is null or empty"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body(r#"["files:read","files:write"]"#, "[]");
                }
            },
        ),
        (
            &["metadata: the members have the types of RFC 9728"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("[\"files:read\",\"files:write\"]", "\"files:read\"");
                }
            },
        ),
        (
            &["metadata: no member occurs twice"],
            |request, response| {
                if is_metadata(request, response) {
                    let twice = r#""resource":"https://attacker.example","resource""#;
                    response.rewrite_body("\"resource\"", twice);
                }
            },
        ),
        (
            &["metadata: bearer_methods_supported has header only"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("[\"header\"]", "[\"header\",\"query\"]");
                }
            },
        ),
        (
            &["metadata: scopes_supported has no offline_access"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("\"files:write\"", "\"offline_access\"");
                }
            },
        ),
        (
            &["metadata: scopes_supported has the scopes of the resource"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("\"files:read\",", "");
                }
            },
        ),
        (
            &["metadata: DPoP is claimed as it is enforced"],
            |request, response| {
                if is_metadata(request, response) {
                    let claimed = r#""dpop_bound_access_tokens_required":true,"resource""#;
                    response.rewrite_body("\"resource\"", claimed);
                }
            },
        ),
        (
            &["metadata: no list of signing algorithms has none"],
            |request, response| {
                if is_metadata(request, response) {
                    response.rewrite_body("\"EdDSA\"", "\"EdDSA\",\"none\"");
                }
            },
        ),
    ]
}

pub(super) fn responses() -> Vec<Wrong> {
    const ALLOW_ORIGIN: &str = "access-control-allow-origin";
    vec![
        (
            // The URL comes from the request.
            &["metadata: Host and forwarding fields change nothing"],
            |request, response| {
                let host = request.field("x-forwarded-host");
                if let Some(host) = host.filter(|_| is_metadata(request, response)) {
                    response.rewrite_body("mcp.example.com", host);
                }
            },
        ),
        (
            &["metadata: Host and forwarding fields change nothing"],
            |request, response| {
                let host = request.field("host").filter(|it| *it == "attacker.example");
                if let Some(host) = host.filter(|_| is_metadata(request, response)) {
                    response.rewrite_body("mcp.example.com", host);
                }
            },
        ),
        (
            // The layer that verifies tokens covers the metadata too.
            &["metadata: no credentials are looked at"],
            |request, response| {
                if request.path() == PATH && request.field("authorization").is_some() {
                    response.become_status(401);
                }
            },
        ),
        (&["metadata: it may be cached"], |request, response| {
            if is_metadata(request, response) {
                response.set("cache-control", "no-store, max-age=3600");
            }
        }),
        (
            &["metadata: scripts of any origin may read it"],
            |request, response| {
                if request.method == "GET" {
                    response.remove(ALLOW_ORIGIN);
                }
            },
        ),
        (
            &["metadata: a preflight is answered"],
            |request, response| {
                if request.method == "OPTIONS" {
                    response.become_status(401);
                }
            },
        ),
        (&["metadata: a preflight is answered"], |_, response| {
            response.remove("access-control-allow-headers")
        }),
        (
            &["metadata: HEAD has the status and the type of GET, and no body"],
            |request, response| {
                if request.method == "HEAD" {
                    response.become_status(405);
                }
            },
        ),
        (
            &["metadata: another method gets 405 with Allow"],
            |_, response| response.remove("allow"),
        ),
        (
            // A router that ignores slashes and escapes, or a prefix instead of a path.
            &["metadata: every other path gets 404"],
            |request, response| {
                if request.path().contains("%2F") {
                    served(response);
                }
            },
        ),
        (
            // The layer that verifies tokens covers the paths that do not exist.
            &["metadata: every other path gets 404"],
            |_, response| {
                if response.status == 404 {
                    response.become_status(401);
                }
            },
        ),
        (
            &["metadata: the document at the root is that of the resource or of its origin"],
            |request, response| {
                if request.path() == "/.well-known/oauth-protected-resource" {
                    served(response);
                    response.body = br#"{"resource":"https://attacker.example/mcp"}"#.to_vec();
                }
            },
        ),
    ]
}

/// Returns whether the response is the metadata document.
fn is_metadata(request: &Received, response: &Response) -> bool {
    request.path() == PATH && !response.body.is_empty()
}
