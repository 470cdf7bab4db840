//! `MCP-Protocol-Version`, and the fields that repeat the body from 2026-07-28 on: `Mcp-Method` and `Mcp-Name`.

use base64::{Engine, prelude::BASE64_STANDARD};

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Quality, Security},
    exchange::{Call, Check, Exchange},
    probe::Probe,
};
use super::calls::{mcp, protected, version};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    let with_every_scope = async |call: Call| -> Check<Exchange> {
        let token = probe.full_token()?;
        probe.send(probe.present(call, &token)).await
    };
    let call_in = |version: &str| -> Check<Call> { Ok(probe.rpc_call(version, protected(probe)?)) };
    let disagreeing = async || -> Check<Vec<Exchange>> {
        let version = version(probe, true)?;
        let mut responses = Vec::new();
        for (name, value) in [
            ("Mcp-Method", Some("tools/list")),
            ("Mcp-Method", None),
            ("Mcp-Name", Some("harmless")),
            ("Mcp-Name", None),
        ] {
            let call = call_in(version)?;
            let call = match value {
                Some(value) => call.field(name, value),
                None => call.without(name),
            };
            responses.push(with_every_scope(call).await?);
        }
        Ok(responses)
    };

    let row = Row::must(
        "headers: fields that disagree with the body get 400",
        "MCP, transports",
        Security,
    );
    let check = async {
        for response in disagreeing().await? {
            response.expect_status(400)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "headers: the 400 has the JSON-RPC error -32020",
        "MCP, transports",
        Quality,
    );
    let check = async {
        for response in disagreeing().await? {
            response.expect_status(400)?;
            let code = response.json()?["error"]["code"].clone();
            if code != -32020 {
                return Err(response.failed("code: -32020", &format!("code: {code}")));
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "headers: fields do not replace the body",
        "MCP, transports",
        Security,
    );
    let check = async {
        let token = probe.floor_token()?;
        for version in mcp(probe)?.versions() {
            let harmless = call_in(version)?
                .field("Mcp-Method", "tools/list")
                .field("Mcp-Name", "harmless");
            let list = call_in(version)?
                .field("Mcp-Method", "tools/list")
                .without("Mcp-Name");
            let no_version = call_in(version)?
                .without("MCP-Protocol-Version")
                .without("Mcp-Method")
                .without("Mcp-Name");
            for call in [harmless, list, no_version] {
                let response = probe.send(probe.present(call, &token)).await?;
                response.expect_rejected()?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "headers: older versions ignore the fields",
        "practice of MCP servers",
        Interoperability,
    );
    let check = async {
        let call = call_in(version(probe, false)?)?
            .field("Mcp-Method", "tools/list")
            .field("Mcp-Name", "harmless");
        with_every_scope(call).await?.expect_served()
    };
    report.row(row, check).await;

    let row = Row::must(
        "headers: Mcp-Name in base64 is decoded",
        "MCP, transports",
        Interoperability,
    );
    let check = async {
        let version = version(probe, true)?;
        let encoded = |name: &str| format!("=?base64?{}?=", BASE64_STANDARD.encode(name));
        let name = encoded(&protected(probe)?.name);
        let right = call_in(version)?.field("Mcp-Name", name);
        with_every_scope(right).await?.expect_served()?;
        let wrong = call_in(version)?.field("Mcp-Name", encoded("harmless"));
        with_every_scope(wrong).await?.expect_status(400)
    };
    report.row(row, check).await;

    let row = Row::must(
        "headers: a version that is not a date gets 400",
        "MCP, transports",
        Quality,
    );
    let check = async {
        for value in ["latest", "2026-7-28", "1"] {
            let version = mcp(probe)?.versions().next().unwrap_or_default();
            let call = call_in(version)?.field("MCP-Protocol-Version", value);
            with_every_scope(call).await?.expect_status(400)?;
        }
        Ok(())
    };
    report.row(row, check).await;
}
