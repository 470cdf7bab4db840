//! Tools, prompts and resources of an MCP server: each call with and without its scopes.

use serde_json::json;

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Quality, Security},
    exchange::{Check, Exchange, Stop, need},
    mcp_server::McpCall,
    probe::Probe,
};
use super::{scopes::expect_insufficient, union};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    let resource = probe.resource;
    let calls = || -> Check<Vec<(&str, &McpCall)>> {
        let mcp = mcp(probe)?;
        let all = mcp.versions().flat_map(|version| {
            let calls = mcp.calls.iter().filter(|call| !call.scopes.is_empty());
            calls.map(move |call| (version, call))
        });
        let all: Vec<_> = all.collect();
        need(!all.is_empty(), NO_CALL)?;
        Ok(all)
    };
    let lacking = async |(version, call): (&str, &McpCall)| -> Check<Exchange> {
        let token = probe.floor_token()?;
        let call = probe.rpc_call(version, call);
        probe.send(probe.present(call, &token)).await
    };

    let row = Row::must("MCP: the tools are listed", "MCP", Interoperability);
    let check = async {
        let token = probe.floor_token()?;
        for version in mcp(probe)?.versions() {
            let list = probe.rpc(version, "tools/list", None, json!({}));
            probe
                .send(probe.present(list, &token))
                .await?
                .expect_served()?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "MCP: GET and DELETE without a token get 401",
        "MCP",
        Security,
    );
    let check = async {
        mcp(probe)?;
        for method in ["GET", "DELETE"] {
            let call = probe.base().method(method).body("").without("Content-Type");
            let call = call.field("Accept", "text/event-stream");
            probe.send(call).await?.expect_status(401)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must("call: without a token it gets 401", "MCP", Security);
    let check = async {
        for (version, call) in calls()? {
            let call = probe.rpc_call(version, call);
            let response = probe.send(call).await?;
            response.expect_status(401)?;
            response.challenge()?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "call: without its scopes it gets the status 403",
        "MCP",
        Security,
    );
    let check = async {
        for call in calls()? {
            lacking(call).await?.expect_status(403)?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::should(
        "call: the challenge names its scopes and those of the server",
        "MCP",
        Interoperability,
    );
    let check = async {
        for (version, call) in calls()? {
            let response = lacking((version, call)).await?;
            expect_insufficient(&response, &union(&resource.scopes, &call.scopes))?;
            let url = resource.metadata_url();
            let challenge = response.challenge_of_the_error()?;
            let is_right = challenge.value("resource_metadata") == Some(url.as_str());
            response.expect(is_right, format!("resource_metadata=\"{url}\""))?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "call: the same rejection has the same bytes",
        "practice of MCP clients",
        Interoperability,
    );
    let check = async {
        for call in calls()? {
            let (first, second) = (lacking(call).await?, lacking(call).await?);
            first.expect_rejected()?;
            let is_same = first.received() == second.received();
            second.expect(is_same, format!("{}, as before", first.received()))?;
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::must(
        "call: with its scopes it is served",
        "MCP",
        Interoperability,
    );
    let check = async {
        let mcp = mcp(probe)?;
        need(!mcp.calls.is_empty(), NO_CALL)?;
        for version in mcp.versions() {
            for call in &mcp.calls {
                let scopes = union(&resource.scopes, &call.scopes);
                let token = probe.token("token with the scopes", &probe.request(&scopes))?;
                let call = probe.rpc_call(version, call);
                probe
                    .send(probe.present(call, &token))
                    .await?
                    .expect_served()?;
            }
        }
        Ok(())
    };
    report.row(row, check).await;

    let row = Row::practice(
        "body: one above 4 MiB gets 413",
        "practice of MCP servers",
        Quality,
    );
    let check = async {
        let mcp = mcp(probe)?;
        let token = probe.floor_token()?;
        let version = mcp.versions().next().unwrap_or_default();
        let mut body = br#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}}"#.to_vec();
        body.resize(MAX_BODY + 1, b' ');
        let call = probe.rpc_of(version, "tools/list", None, body);
        probe
            .send(probe.present(call, &token))
            .await?
            .expect_status(413)
    };
    report.row(row, check).await;
}

/// Returns the MCP server. Skips the row if there is none.
pub(super) fn mcp<'r>(probe: &Probe<'r>) -> Check<&'r super::super::McpServer> {
    let mcp = probe.resource.mcp.as_ref();
    mcp.ok_or_else(|| Stop::Skipped("the resource is not an MCP server".to_owned()))
}

/// Returns the first call that requires a scope. Skips the row if there is none.
pub(super) fn protected<'r>(probe: &Probe<'r>) -> Check<&'r McpCall> {
    let call = mcp(probe)?.protected_call();
    call.ok_or_else(|| Stop::Skipped(NO_CALL.to_owned()))
}

/// Returns the first version with or without routing headers. Skips the row if there is none.
pub(super) fn version<'r>(probe: &Probe<'r>, has_routing_headers: bool) -> Check<&'r str> {
    let version = mcp(probe)?.version(has_routing_headers);
    version.ok_or_else(|| {
        Stop::Skipped(match has_routing_headers {
            true => "the server supports no version from 2026-07-28 on".to_owned(),
            false => "the server supports no version before 2026-07-28".to_owned(),
        })
    })
}

pub(super) const NO_CALL: &str = "the server has no call with scopes of its own";
const MAX_BODY: usize = 4 << 20;
