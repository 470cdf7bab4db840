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
    // A request of each method in a session, without a token.
    let in_session = |method: &str, session: &Secret| -> Check<Call> {
        let list = probe.rpc(needed()?, "tools/list", None, json!({}));
        let call = match method {
            "POST" => list,
            _ => list.method(method).body("").without("Content-Type"),
        };
        Ok(call.secret(SESSION, "", session))
    };
    // Each row has a session of its own, so that one that an attacker has ended fails no other row.
    let begin = async || {
        needed()?;
        let token = probe.full_token()?;
        probe.begin_session(&token).await
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
    let send = async |method: &str, session: &Secret, token: &Secret| -> Check<Exchange> {
        let call = in_session(method, session)?;
        probe.send(probe.present(call, token)).await
    };
    let expect_alive = async |session: &Secret| {
        let token = probe.full_token()?;
        send("POST", session, &token).await?.expect_served()
    };

    let row = Row::must(
        "session: initialize begins one",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    report.row(row, async { begin().await.map(drop) }).await;

    let row = Row::practice(
        "session: the next token of its owner is accepted",
        "practice of MCP clients",
        Interoperability,
    );
    let check = async { expect_alive(&begin().await?).await };
    report.row(row, check).await;

    let row = Row::must(
        "session: its id is not a credential",
        "MCP 2025-11-25, security best practices",
        Security,
    );
    let check = async {
        let session = begin().await?;
        for method in ["POST", "GET", "DELETE"] {
            let call = in_session(method, &session)?;
            probe.send(call).await?.expect_status(401)?;
        }
        expect_alive(&session).await
    };
    report.row(row, check).await;

    for (name, method) in [
        ("session: another user gets 404 for POST", "POST"),
        ("session: another user gets 404 for GET", "GET"),
        ("session: another user gets 404 for DELETE", "DELETE"),
    ] {
        let row = Row::must(name, "MCP 2025-11-25, security best practices", Security);
        let check = async {
            let session = begin().await?;
            let response = send(method, &session, &of("eve", None)?).await?;
            response.expect_status(404)?;
            expect_alive(&session).await
        };
        report.row(row, check).await;
    }

    let row = Row::should(
        "session: another client of the user gets 404",
        "MCP 2025-11-25, security best practices",
        Security,
    );
    let check = async {
        let session = begin().await?;
        let token = of("ada", Some("0oa-another-client"))?;
        // The row does not apply to a server that rejects the tokens of the second client.
        let response = probe.base_with(&token).await?;
        need(
            response.status() != 401,
            "the server accepts no other client",
        )?;
        send("POST", &session, &token).await?.expect_status(404)?;
        expect_alive(&session).await
    };
    report.row(row, check).await;

    let row = Row::must(
        "session: an unknown id gets 404",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    let check = async {
        needed()?;
        let token = probe.full_token()?;
        let unknown = Secret::new("an unknown session", "00000000-0000-4000-8000-000000000000");
        send("POST", &unknown, &token).await?.expect_status(404)
    };
    report.row(row, check).await;

    let row = Row::must(
        "session: its owner can end it",
        "MCP 2025-11-25, transports",
        Interoperability,
    );
    let check = async {
        let session = begin().await?;
        let token = probe.full_token()?;
        let response = send("DELETE", &session, &token).await?;
        // A server need not let clients end sessions.
        need(
            response.status() != 405,
            "the server lets no client end a session",
        )?;
        response.expect_served()?;
        send("POST", &session, &token).await?.expect_status(404)
    };
    report.row(row, check).await;
}
