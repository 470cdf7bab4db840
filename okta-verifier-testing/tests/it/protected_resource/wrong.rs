//! Servers that are wrong in one respect, each with the rows that must find it.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::server::{Change, PATH, Received, Response, URL};

/// The names of the rows, and the change to the responses of the right server.
type Wrong = (&'static [&'static str], Change);

pub(super) fn servers() -> Vec<Wrong> {
    [
        metadata_document(),
        metadata_responses(),
        tokens(),
        challenges(),
        scopes(),
        dpop(),
        calls(),
        smuggling(),
        headers(),
        sessions(),
    ]
    .concat()
}

/// Returns whether the response is the metadata document.
fn is_metadata(request: &Received, response: &Response) -> bool {
    request.path() == PATH && !response.body.is_empty()
}

fn served(response: &mut Response) {
    response.become_status(200);
}

fn metadata_document() -> Vec<Wrong> {
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

fn metadata_responses() -> Vec<Wrong> {
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

/// Serves a request that was rejected with 401, and whose header and claims are like this.
fn serve_token(request: &Received, response: &mut Response, is_like: fn(&Value, &Value) -> bool) {
    if let Some((header, claims)) = request.token()
        && response.status == 401
        && is_like(&header, &claims)
    {
        served(response);
    }
}

fn tokens() -> Vec<Wrong> {
    vec![
        (
            &[
                "token: a valid one is served",
                "operation: with its scopes it is served",
                "call: with its scopes it is served",
                "MCP: the tools are listed",
                "session: initialize begins one",
            ],
            |_, response| {
                if (200..300).contains(&response.status) {
                    response.become_status(403);
                }
            },
        ),
        (
            &["token: the case of the scheme does not matter"],
            |request, response| {
                let value = request.field("authorization").unwrap_or_default();
                if value.starts_with("bearer ") {
                    response.become_status(401);
                }
            },
        ),
        (
            &[
                "token: none gets 401 with a challenge",
                "operation: without a token it gets 401",
                "MCP: GET and DELETE without a token get 401",
                "call: without a token it gets 401",
            ],
            |request, response| {
                if request.field("authorization").is_none() && response.status == 401 {
                    served(response);
                }
            },
        ),
        (&["token: none gets 401 with a challenge"], |_, response| {
            response.remove("www-authenticate")
        }),
        (
            &["token: credentials of another scheme get 401 with a challenge"],
            |request, response| {
                let value = request.field("authorization").unwrap_or_default();
                if value.starts_with("Basic ") {
                    response.become_status(403);
                }
            },
        ),
        (
            &["token: it is not read from the query"],
            |request, response| {
                if request.target.contains("access_token=") {
                    served(response);
                }
            },
        ),
        (
            &["token: it is not read from the body"],
            |request, response| {
                if request.body.starts_with(b"access_token=") {
                    served(response);
                }
            },
        ),
        (
            &["token: malformed credentials are rejected"],
            |_, response| {
                if response.status == 400 {
                    response.become_status(500);
                }
            },
        ),
        (
            &["token: one that is not a JWT is rejected"],
            |request, response| {
                let value = request.field("authorization").unwrap_or_default();
                if value.contains("bm90LWEtand0") {
                    served(response);
                }
            },
        ),
        (
            &["token: an expired one is rejected"],
            |request, response| {
                serve_token(request, response, |_, claims| {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                    claims["exp"].as_u64() < Some(now.as_secs())
                });
            },
        ),
        (
            // The payload is read, and the signature is not verified.
            &["token: one with a changed signature is rejected"],
            |request, response| {
                serve_token(request, response, |header, claims| {
                    header["alg"] == "ES256"
                        && claims["aud"] == URL
                        && header["typ"] != "oauth-id-jag+jwt"
                        && claims.get("cnf").is_none()
                });
            },
        ),
        (
            &["token: an unsigned one is rejected"],
            |request, response| serve_token(request, response, |header, _| header["alg"] == "none"),
        ),
        (
            &["token: one for another audience is rejected"],
            |request, response| {
                serve_token(request, response, |_, claims| {
                    claims["aud"] == "https://mcp.example.com/other"
                });
            },
        ),
        (
            // The audience is compared by its beginning.
            &["token: one for a longer URL of the resource is rejected"],
            |request, response| {
                serve_token(request, response, |_, claims| {
                    let audience = claims["aud"].as_str().unwrap_or_default();
                    audience.len() > URL.len() && audience.starts_with(URL)
                });
            },
        ),
        (&["token: an ID-JAG is rejected"], |request, response| {
            serve_token(request, response, |header, claims| {
                header["typ"] == "oauth-id-jag+jwt" && claims["aud"] == URL
            });
        }),
    ]
}

fn challenges() -> Vec<Wrong> {
    vec![
        (
            &["challenge: that of a request without a token has no error"],
            |request, response| {
                if request.field("authorization").is_none() {
                    response.rewrite("realm=\"api\"", "realm=\"api\", error=\"invalid_token\"");
                }
            },
        ),
        (
            &["challenge: that of a rejected token has the error invalid_token"],
            |_, response| response.rewrite("error=\"invalid_token\", ", ""),
        ),
        (
            &["challenge: the first line begins with Bearer"],
            |_, response| response.fields.reverse(),
        ),
        (
            // The path is not inserted.
            &[
                "challenge: resource_metadata is the URL of the metadata",
                "challenge: the document at resource_metadata is that of the resource",
            ],
            |_, response| {
                response.rewrite(
                    "/.well-known/oauth-protected-resource/mcp",
                    "/mcp/.well-known/oauth-protected-resource",
                );
            },
        ),
        (
            &["challenge: that of a 401 names the scopes of the resource"],
            |_, response| response.rewrite(", scope=\"files:read\"", ""),
        ),
        (&["challenge: scope is never empty"], |_, response| {
            response.rewrite("scope=\"files:read\"", "scope=\"\"")
        }),
        (&["challenge: no parameter occurs twice"], |_, response| {
            response.rewrite("realm=", "scope=\"files:list\", realm=")
        }),
        (
            &["challenge: the values that clients search are quoted"],
            |_, response| response.rewrite("\"invalid_token\"", "invalid_token"),
        ),
        (
            &["challenge: the values that clients search are quoted"],
            |_, response| response.rewrite("\"files:read\"", "files:read"),
        ),
        (
            &["challenge: no value looks like a parameter"],
            |_, response| response.rewrite("has expired", "has expired, see error=expired"),
        ),
        (
            &[
                "challenge: the same rejection has the same bytes",
                "call: the same rejection has the same bytes",
            ],
            |_, response| {
                let number = NUMBER.fetch_add(1, Ordering::Relaxed);
                response.rewrite("\"api\"", &format!("\"api\", trace=\"{number}\""));
            },
        ),
        (
            &["challenge: Host and forwarding fields change nothing"],
            |request, response| {
                if let Some(host) = request.field("x-forwarded-host") {
                    response.rewrite("mcp.example.com", host);
                }
            },
        ),
        (
            &["challenge: Host and forwarding fields change nothing"],
            |request, response| {
                if request.field("host") == Some("attacker.example") {
                    response.rewrite("mcp.example.com", "attacker.example");
                }
            },
        ),
    ]
}

fn scopes() -> Vec<Wrong> {
    vec![
        (
            &[
                "scope: a token without those of the resource gets 403",
                "operation: without its scopes it gets 403",
                "call: without its scopes it gets the status 403",
            ],
            |_, response| {
                if response.status == 403 {
                    served(response);
                }
            },
        ),
        (
            // The client cannot tell a token without scopes from one that is invalid.
            &["scope: a token without those of the resource gets 403"],
            |_, response| {
                if response.status == 403 {
                    response.status = 401;
                }
            },
        ),
        (
            &["scope: the 403 has the error insufficient_scope"],
            |_, response| response.rewrite("error=\"insufficient_scope\", ", ""),
        ),
        (
            // The client gets a token that lacks the scopes of the resource.
            &[
                "operation: the challenge names its scopes and those of the resource",
                "call: the challenge names its scopes and those of the server",
            ],
            |_, response| response.rewrite("scope=\"files:read ", "scope=\""),
        ),
    ]
}

/// Serves a request with a bound token that was rejected with 401.
fn serve_bound(request: &Received, response: &mut Response, scheme: &str) {
    let value = request.field("authorization").unwrap_or_default();
    let is_bound = request
        .token()
        .is_some_and(|(_, claims)| claims.get("cnf").is_some());
    if value.starts_with(scheme) && is_bound && response.status == 401 {
        served(response);
    }
}

fn dpop() -> Vec<Wrong> {
    vec![
        (
            &["DPoP: the 401 has a challenge for each scheme that is accepted"],
            |_, response| {
                let is_of_dpop = |value: &str| value.starts_with("DPoP ");
                response.fields.retain(|(_, value)| !is_of_dpop(value));
            },
        ),
        (
            &["DPoP: algs has asymmetric algorithms only"],
            |_, response| response.rewrite(" EdDSA\"", " EdDSA HS256\""),
        ),
        (
            &[
                "DPoP: a bound token with a proof is served",
                "DPoP: a proof is accepted once only",
            ],
            |request, response| {
                if request.field("dpop").is_some() {
                    response.become_status(401);
                }
            },
        ),
        (
            &["DPoP: a bound token as Bearer is rejected"],
            |request, response| serve_bound(request, response, "Bearer "),
        ),
        (
            // Proofs are not looked at.
            &[
                "DPoP: a bound token without a proof is rejected",
                "DPoP: a proof for another URL is rejected",
                "DPoP: a proof for another method is rejected",
                "DPoP: a proof for another token is rejected",
                "DPoP: a proof with a changed signature is rejected",
                "DPoP: a proof of an hour ago is rejected",
                "DPoP: a proof with another key is rejected",
                "DPoP: a proof is accepted once only",
            ],
            |request, response| serve_bound(request, response, "DPoP "),
        ),
        (
            &["DPoP: the challenge of a wrong proof has the error invalid_dpop_proof"],
            |_, response| response.rewrite("invalid_dpop_proof", "invalid_token"),
        ),
        (
            &["DPoP: a token that is not bound is rejected if every token must be"],
            |request, response| {
                serve_token(request, response, |header, claims| {
                    claims.get("cnf").is_none() && header["alg"] == "ES256"
                });
            },
        ),
    ]
}

fn calls() -> Vec<Wrong> {
    vec![
        (&["MCP: the tools are listed"], |request, response| {
            if request.is_modern() && request.member("/method") == "tools/list" {
                response.become_status(404);
            }
        }),
        (
            // The route of GET has no layer.
            &["MCP: GET and DELETE without a token get 401"],
            |request, response| {
                if request.path() == "/mcp" && request.method == "GET" {
                    response.become_status(405);
                }
            },
        ),
        (
            // The tool itself checks the scope: the error is in the body.
            &["call: without its scopes it gets the status 403"],
            |request, response| {
                if request.is_mcp() && response.status == 403 {
                    let error = json!({ "code": -32001, "message": "insufficient_scope" });
                    let body = json!({ "jsonrpc": "2.0", "id": 1, "error": error });
                    response.status = 200;
                    response.body = body.to_string().into_bytes();
                }
            },
        ),
        (
            // Prompts and resources are forgotten.
            &["call: without its scopes it gets the status 403"],
            |request, response| {
                let is_tool = request.member("/method") == "tools/call";
                if request.is_mcp() && response.status == 403 && !is_tool {
                    served(response);
                }
            },
        ),
        (
            &["call: with its scopes it is served"],
            |request, response| {
                if request.is_call() && response.status == 200 {
                    response.become_status(403);
                }
            },
        ),
        (&["body: one above 4 MiB gets 413"], |_, response| {
            if response.status == 413 {
                served(response);
            }
        }),
    ]
}

/// Serves a call that was rejected, whose body or head is like this.
fn serve_call(request: &Received, response: &mut Response, is_like: impl FnOnce() -> bool) {
    let is_rejected = matches!(response.status, 400 | 403);
    let has_token = request.field("authorization").is_some();
    if request.is_mcp() && is_rejected && has_token && is_like() {
        served(response);
    }
}

fn smuggling() -> Vec<Wrong> {
    fn twice(request: &Received, text: &str) -> bool {
        request.text().matches(text).count() > 1 && !request.text().starts_with('[')
    }
    vec![
        (
            // The layer reads the first name, and the server the last.
            &["smuggling: a name that occurs twice is rejected"],
            |request, response| {
                serve_call(request, response, || {
                    let text = request.text();
                    text.find("\"harmless\"") < text.find("\"write_file\"")
                        && text.matches("\"name\":\"").count()
                            == 2 + usize::from(request.is_modern())
                        && text.contains("\"harmless\"")
                });
            },
        ),
        (
            &["smuggling: a method that occurs twice is rejected"],
            |request, response| {
                serve_call(request, response, || twice(request, "\"method\":"));
            },
        ),
        (
            &["smuggling: parameters that occur twice are rejected"],
            |request, response| {
                serve_call(request, response, || twice(request, "\"params\":"));
            },
        ),
        (
            // Names are compared as they are written.
            &[
                "smuggling: an escaped spelling of a name that occurs twice is rejected",
                "smuggling: escaped names and values are read",
            ],
            |request, response| {
                serve_call(request, response, || request.text().contains("\\u00"));
            },
        ),
        (
            &["smuggling: a marker of serde_json is not read as another value"],
            |request, response| {
                serve_call(request, response, || request.text().contains("$serde_json"));
            },
        ),
        (
            // A body that the layer cannot read is left to the server.
            &["smuggling: a body that is not one JSON document is rejected"],
            |request, response| {
                serve_call(request, response, || {
                    serde_json::from_slice::<Value>(&request.body).is_err()
                });
            },
        ),
        (
            &["smuggling: a call without an id needs its scopes"],
            |request, response| {
                serve_call(request, response, || request.member("/id") == Value::Null);
            },
        ),
        (
            &["smuggling: the content type does not decide whether a call needs its scopes"],
            |request, response| {
                serve_call(request, response, || {
                    request.field("content-type") != Some("application/json")
                });
            },
        ),
        (
            &["smuggling: a body in chunks is read"],
            |request, response| {
                serve_call(request, response, || {
                    request.field("transfer-encoding").is_some()
                });
            },
        ),
        (
            &["smuggling: a query does not hide a call"],
            |request, response| {
                serve_call(request, response, || request.target.contains('?'));
            },
        ),
        (
            // Only the first message counts.
            &["smuggling: a batch needs the scopes of all its calls"],
            |request, response| {
                serve_call(request, response, || {
                    !request.is_modern() && request.member("/0/method") == "tools/list"
                });
            },
        ),
        (
            &["smuggling: a batch gets 400 from 2026-07-28 on"],
            |request, response| {
                serve_call(request, response, || request.text().starts_with('['));
            },
        ),
    ]
}

fn headers() -> Vec<Wrong> {
    fn disagrees(request: &Received) -> bool {
        let method = request.field("mcp-method");
        method != request.member("/method").as_str()
            || request.field("mcp-name") == Some("harmless")
    }
    vec![
        (
            &[
                "headers: fields that disagree with the body get 400",
                "headers: the 400 has the JSON-RPC error -32020",
            ],
            |request, response| {
                let is_call = request.is_call() && request.is_modern();
                if is_call && response.status == 400 && disagrees(request) {
                    served(response);
                }
            },
        ),
        (
            &["headers: the 400 has the JSON-RPC error -32020"],
            |request, response| {
                if request.is_call() {
                    response.rewrite_body("-32020", "-32600");
                }
            },
        ),
        (
            // The fields alone decide.
            &["headers: fields do not replace the body"],
            |request, response| {
                serve_call(request, response, || {
                    !request.is_modern() && request.field("mcp-name") == Some("harmless")
                });
            },
        ),
        (
            &["headers: older versions ignore the fields"],
            |request, response| {
                if !request.is_modern() && request.field("mcp-method").is_some() {
                    response.become_status(400);
                }
            },
        ),
        (
            &["headers: Mcp-Name in base64 is decoded"],
            |request, response| {
                let name = request.field("mcp-name").unwrap_or_default();
                if name.starts_with("=?base64?") {
                    response.become_status(400);
                }
            },
        ),
        (
            &["headers: a version that is not a date gets 400"],
            |request, response| {
                if request.field("mcp-protocol-version") == Some("latest") {
                    served(response);
                }
            },
        ),
    ]
}

fn sessions() -> Vec<Wrong> {
    fn is_of(request: &Received, claim: &str, value: &str) -> bool {
        let in_session = request.field("mcp-session-id").is_some();
        in_session
            && request
                .token()
                .is_some_and(|(_, claims)| claims[claim] == value)
    }
    vec![
        (&["session: initialize begins one"], |_, response| {
            response.remove("mcp-session-id")
        }),
        (
            // The session belongs to the bytes of one token.
            &["session: the next token of its owner is accepted"],
            |request, response| {
                let is_list = request.member("/method") == "tools/list";
                if is_list && request.field("mcp-session-id").is_some() {
                    response.become_status(404);
                }
            },
        ),
        (
            &["session: its id is not a credential"],
            |request, response| {
                let in_session = request.field("mcp-session-id").is_some();
                if in_session && request.field("authorization").is_none() {
                    served(response);
                }
            },
        ),
        (
            // The id alone decides, and GET gets a stream that does not end.
            &[
                "session: another user gets 404 for POST",
                "session: another user gets 404 for GET",
                "session: another user gets 404 for DELETE",
            ],
            |request, response| {
                if is_of(request, "sub", "eve") {
                    served(response);
                    if request.method == "GET" {
                        response.set("content-type", "text/event-stream");
                    }
                }
            },
        ),
        (
            &["session: another client of the user gets 404"],
            |request, response| {
                if is_of(request, "cid", "0oa-another-client") {
                    served(response);
                }
            },
        ),
        (
            &[
                "session: an unknown id gets 404",
                "session: its owner can end it",
            ],
            |request, response| {
                if request.method == "POST" && response.status == 404 {
                    response.become_status(400);
                }
            },
        ),
    ]
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
