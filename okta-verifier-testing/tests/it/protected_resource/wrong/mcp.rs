//! MCP servers that serve calls without their scopes, or sessions to everyone.

use serde_json::{Value, json};

use super::super::server::{Received, Response};
use super::{Wrong, served};

pub(super) fn calls() -> Vec<Wrong> {
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

pub(super) fn smuggling() -> Vec<Wrong> {
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

pub(super) fn headers() -> Vec<Wrong> {
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

pub(super) fn sessions() -> Vec<Wrong> {
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
