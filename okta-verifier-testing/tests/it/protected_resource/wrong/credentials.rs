//! Servers that accept wrong tokens, scopes and proofs, and wrong challenges.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;

use super::super::server::{Received, Response, URL};
use super::{Wrong, served};

/// Serves a request that was rejected with 401, and whose header and claims are like this.
fn serve_token(request: &Received, response: &mut Response, is_like: fn(&Value, &Value) -> bool) {
    if let Some((header, claims)) = request.token()
        && response.status == 401
        && is_like(&header, &claims)
    {
        served(response);
    }
}

pub(super) fn tokens() -> Vec<Wrong> {
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

pub(super) fn challenges() -> Vec<Wrong> {
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

pub(super) fn scopes() -> Vec<Wrong> {
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

pub(super) fn dpop() -> Vec<Wrong> {
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

static NUMBER: AtomicU32 = AtomicU32::new(0);
