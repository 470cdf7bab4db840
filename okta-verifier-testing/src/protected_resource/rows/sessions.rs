//! Sessions of an MCP server: each belongs to the issuer, the user and the client of the token that began it.

use serde_json::json;

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Security},
    TokenRequest,
    exchange::{Call, Check, Exchange, Secret, Stop, need},
    probe::{Probe, SESSION},
};
use super::calls::mcp;

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    let needed = || -> Check<&str> {
        let has_sessions = mcp(probe)?.has_sessions;
        need(has_sessions, "the server begins no sessions")?;
        let version = probe.session_version();
        version.ok_or_else(|| Stop::Skipped("no version of the server has sessions".to_owned()))
    };
    // A request of each method in the session of `ada`, without a token.
    let in_session = |method: &str| -> Check<Call> {
        let list = probe.rpc(needed()?, "tools/list", None, json!({}));
        let session = probe.session();
        let session =
            session.ok_or_else(|| list.failure("a session that initialize began", "no session"))?;
        let call = match method {
            "POST" => list.clone(),
            _ => list.clone().method(method).body("").without("Content-Type"),
        };
        Ok(call.secret(SESSION, "", session))
    };
    let scopes = probe.every_scope();
    let of = |subject: &'static str, client_id: Option<&'static str>| -> Check<Secret> {
        let request = probe.request(&scopes);
        let client_id = client_id.unwrap_or(request.client_id);
        let request = TokenRequest {
            subject,
            client_id,
            ..request
        };
        probe.token("token of another user or client", &request)
    };
    let send = async |method: &str, token: &Secret| -> Check<Exchange> {
        probe.send(probe.present(in_session(method)?, token)).await
    };
    let is_alive = async || {
        let token = probe.full_token()?;
        send("POST", &token).await?.expect_served()
    };

    let row = Row::must(
        "session: initialize begins one",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    let check = async {
        needed()?;
        let token = probe.full_token()?;
        probe.begin_session(&token).await.map(drop)
    };
    report.row(row, check).await;

    let row = Row::practice(
        "session: the next token of its owner is accepted",
        "practice of MCP clients",
        Interoperability,
    );
    report.row(row, async { is_alive().await }).await;

    let row = Row::must(
        "session: its id is not a credential",
        "MCP 2025-11-25, security best practices",
        Security,
    );
    let check = async {
        for method in ["POST", "GET", "DELETE"] {
            probe.send(in_session(method)?).await?.expect_status(401)?;
        }
        is_alive().await
    };
    report.row(row, check).await;

    for (name, method) in [
        ("session: another user gets 404 for POST", "POST"),
        ("session: another user gets 404 for GET", "GET"),
        ("session: another user gets 404 for DELETE", "DELETE"),
    ] {
        let row = Row::must(name, "MCP 2025-11-25, security best practices", Security);
        let check = async {
            needed()?;
            send(method, &of("eve", None)?).await?.expect_status(404)?;
            is_alive().await
        };
        report.row(row, check).await;
    }

    let row = Row::should(
        "session: another client of the user gets 404",
        "MCP 2025-11-25, security best practices",
        Security,
    );
    let check = async {
        needed()?;
        let token = of("ada", Some("0oa-another-client"))?;
        // Many servers accept the tokens of some clients only.
        let response = probe.base_with(&token).await?;
        need(
            response.status() != 401,
            "the server accepts no other client",
        )?;
        send("POST", &token).await?.expect_status(404)?;
        is_alive().await
    };
    report.row(row, check).await;

    let row = Row::must(
        "session: an unknown id gets 404",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    let check = async {
        let token = probe.full_token()?;
        let call = in_session("POST")?.field(SESSION, "00000000-0000-4000-8000-000000000000");
        let response = probe.send(probe.present(call, &token)).await?;
        response.expect_status(404)
    };
    report.row(row, check).await;

    let row = Row::must(
        "session: its owner can end it",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    let check = async {
        let version = needed()?;
        let token = probe.full_token()?;
        let session = probe.begin_session(&token).await?;
        let list = probe.rpc(version, "tools/list", None, json!({}));
        let list = list.secret(SESSION, "", &session);
        let end = list
            .clone()
            .method("DELETE")
            .body("")
            .without("Content-Type");
        let response = probe.send(probe.present(end, &token)).await?;
        // A server need not let clients end sessions.
        need(
            response.status() != 405,
            "the server lets no client end a session",
        )?;
        response.expect_served()?;
        let response = probe.send(probe.present(list, &token)).await?;
        response.expect_status(404)
    };
    report.row(row, check).await;
}
