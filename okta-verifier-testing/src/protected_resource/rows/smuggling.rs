//! Bodies that a layer and the server behind it may read differently. Each body hides a call, and the token of the request
//! lacks the scopes of that call, so the server must not perform it.

use serde_json::{Value, json};

use super::super::{
    ResourceReport, Row,
    Severity::{Interoperability, Security},
    exchange::{Call, Check, need},
    mcp_server::{McpCall, has_routing_headers},
    probe::{Probe, rpc_body},
};
use super::calls::{mcp, protected, version};

pub(super) async fn run(probe: &Probe<'_>, report: &mut ResourceReport) {
    names(probe, report).await;
    documents(probe, report).await;
    batches(probe, report).await;
}

/// The parts of a body, in which a member can be written in another way.
struct Parts<'r> {
    version: &'r str,
    call: &'r McpCall,
}

impl Parts<'_> {
    /// Returns the body of the call as a text. `edit` changes the text of each member before it is joined.
    fn body(&self) -> String {
        rpc_body(self.version, self.call.method, self.call.params()).to_string()
    }

    /// Returns the text of the member that names what is called, such as `"name":"write_file"`.
    fn member(&self) -> String {
        format!("{}:{}", text(self.call.member), text(&self.call.name))
    }

    /// Returns the text of the member `method`.
    fn method(&self) -> String {
        format!("\"method\":{}", text(self.call.method))
    }

    /// Returns the body with another text in the place of one, which occurs once.
    fn replaced(&self, old: &str, new: &str) -> String {
        self.body().replacen(old, new, 1)
    }

    /// Returns the member that names something harmless.
    fn harmless(&self) -> String {
        format!("{}:\"harmless\"", text(self.call.member))
    }
}

/// Sends bodies with a token that lacks the scopes of the call. Fails if one of them is not rejected.
async fn reject(
    probe: &Probe<'_>,
    bodies: impl Fn(&Parts<'_>) -> Vec<String>,
    edit: impl Fn(Call) -> Call,
) -> Check {
    let call = protected(probe)?;
    let token = probe.floor_token()?;
    for version in mcp(probe)?.versions() {
        let parts = Parts { version, call };
        for body in bodies(&parts) {
            let call = probe.rpc_of(version, call.method, Some(&call.name), body);
            let call = probe.present(edit(call), &token);
            probe.send(call).await?.expect_rejected()?;
        }
    }
    Ok(())
}

async fn names(probe: &Probe<'_>, report: &mut ResourceReport) {
    let row = Row::should(
        "smuggling: a name that occurs twice is rejected",
        "RFC 8259 §4",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (member, harmless) = (parts.member(), parts.harmless());
        vec![
            parts.replaced(&member, &format!("{harmless},{member}")),
            parts.replaced(&member, &format!("{member},{harmless}")),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::should(
        "smuggling: a method that occurs twice is rejected",
        "RFC 8259 §4",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (method, list) = (parts.method(), r#""method":"tools/list""#);
        vec![
            parts.replaced(&method, &format!("{list},{method}")),
            parts.replaced(&method, &format!("{method},{list}")),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::should(
        "smuggling: parameters that occur twice are rejected",
        "RFC 8259 §4",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (method, harmless) = (parts.method(), parts.harmless());
        let params = format!("\"params\":{{{harmless}}}");
        let body = parts.body();
        let end = body.len() - 1; // before the last brace
        vec![
            parts.replaced(&method, &format!("{params},{method}")),
            format!("{},{params}}}", &body[..end]),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::should(
        "smuggling: an escaped spelling of a name that occurs twice is rejected",
        "RFC 8259 §4, §8.3",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (member, harmless) = (parts.member(), parts.harmless());
        let escaped = format!("{}:\"harmless\"", escaped(parts.call.member));
        let method = parts.method();
        let escaped_method = r#""m\u0065thod":"tools/list""#;
        vec![
            parts.replaced(&member, &format!("{escaped},{member}")),
            parts.replaced(&member, &format!("{member},{escaped}")),
            parts.replaced(&method, &format!("{escaped_method},{method}")),
            parts.replaced(&method, &format!("{method},{escaped_method}")),
            parts.replaced(
                &member,
                &format!("{harmless},{}", member_escaped(parts.call)),
            ),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::must(
        "smuggling: escaped names and values are read",
        "RFC 8259 §8.3",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (member, method) = (parts.member(), parts.method());
        let call = parts.call;
        let value = format!("{}:{}", text(call.member), escaped(&call.name));
        vec![
            parts.replaced(&member, &member_escaped(call)),
            parts.replaced(&member, &value),
            parts.replaced(&method, &format!("\"method\":{}", escaped(call.method))),
            parts.replaced(&method, &format!("\"m\\u0065thod\":{}", text(call.method))),
            parts.replaced("\"params\"", "\"par\\u0061ms\""),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::practice(
        "smuggling: a marker of serde_json is not read as another value",
        "security fix of oauth-resource-server 0.3.1",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let call = parts.call;
        let raw = |value: &str| json!({ "$serde_json::private::RawValue": value }).to_string();
        let number = |value: &str| json!({ "$serde_json::private::Number": value }).to_string();
        let name = text(&call.name);
        let of_name = |value: &str| {
            let marked = format!("{}:{value}", text(call.member));
            parts.replaced(&parts.member(), &marked)
        };
        let params = call.params().to_string();
        let method = parts.method();
        let with_params = |value: &str| {
            json!({ "jsonrpc": "2.0", "id": 1, "method": call.method, "params": "X" })
                .to_string()
                .replacen("\"X\"", value, 1)
        };
        vec![
            of_name(&raw(&name)),
            of_name(&number(&name)),
            with_params(&raw(&params)),
            with_params(&number(&params)),
            parts.replaced(&method, &format!("\"method\":{}", raw(&text(call.method)))),
            raw(&parts.body()),
            number(&parts.body()),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;
}

async fn documents(probe: &Probe<'_>, report: &mut ResourceReport) {
    let row = Row::must(
        "smuggling: a body that is not one JSON document is rejected",
        "MCP; JSON-RPC 2.0 §5.1",
        Security,
    );
    let bodies = |parts: &Parts<'_>| {
        let (body, version) = (parts.body(), parts.version);
        let list = rpc_body(version, "tools/list", json!({})).to_string();
        vec![
            format!("{list}{body}"),
            format!("{body}{list}"),
            format!("{list}\n{body}\n"),
            format!("\u{feff}{body}"),
            format!("{body},"),
            body[..body.len() - 1].to_owned(),
            body.replace('"', "'"),
            format!("/**/{body}"),
        ]
    };
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::must(
        "smuggling: a call without an id needs its scopes",
        "MCP; JSON-RPC 2.0 §4.1",
        Security,
    );
    let bodies = |parts: &Parts<'_>| vec![parts.replaced("\"id\":1,", "")];
    report.row(row, reject(probe, bodies, |call| call)).await;

    let row = Row::must(
        "smuggling: the content type does not decide whether a call needs its scopes",
        "MCP",
        Security,
    );
    let check = async {
        for content_type in [
            "text/plain",
            "application/json; charset=utf-16",
            "application/JSON",
        ] {
            let bodies = |parts: &Parts<'_>| vec![parts.body()];
            let edit = |call: Call| call.field("Content-Type", content_type);
            reject(probe, bodies, edit).await?;
        }
        let bodies = |parts: &Parts<'_>| vec![parts.body()];
        reject(probe, bodies, |call: Call| call.without("Content-Type")).await
    };
    report.row(row, check).await;

    let row = Row::must(
        "smuggling: a body in chunks is read",
        "RFC 9112 §7.1",
        Security,
    );
    let bodies = |parts: &Parts<'_>| vec![parts.body()];
    report.row(row, reject(probe, bodies, Call::chunked)).await;

    let row = Row::must("smuggling: a query does not hide a call", "MCP", Security);
    let bodies = |parts: &Parts<'_>| vec![parts.body()];
    let edit = |mut call: Call| {
        call.target.push_str("?method=tools/list");
        call
    };
    report.row(row, reject(probe, bodies, edit)).await;
}

async fn batches(probe: &Probe<'_>, report: &mut ResourceReport) {
    let batch = |parts: &Parts<'_>| {
        let list = rpc_body(parts.version, "tools/list", json!({})).to_string();
        let body = parts.body();
        vec![
            format!("[{list},{body}]"),
            format!("[{body},{list}]"),
            format!("[{body}]"),
            format!("[[{body}]]"),
        ]
    };
    let row = Row::must(
        "smuggling: a batch needs the scopes of all its calls",
        "MCP 2025-03-26; JSON-RPC 2.0 §6",
        Security,
    );
    report.row(row, reject(probe, batch, |call| call)).await;

    let row = Row::must(
        "smuggling: a batch gets 400 from 2026-07-28 on",
        "MCP",
        Interoperability,
    );
    let check = async {
        let version = version(probe, true)?;
        need(has_routing_headers(version), "the version has batches")?;
        let token = probe.floor_token()?;
        let list = rpc_body(version, "tools/list", json!({}));
        let body = Value::Array(vec![list.clone(), list]).to_string();
        let call = probe.rpc_of(version, "tools/list", None, body);
        probe
            .send(probe.present(call, &token))
            .await?
            .expect_status(400)
    };
    report.row(row, check).await;
}

/// Returns a text as a JSON string.
fn text(value: &str) -> String {
    Value::from(value).to_string()
}

/// Returns a text as a JSON string whose first character is escaped.
fn escaped(value: &str) -> String {
    let mut chars = value.chars();
    let first = chars.next().map_or(String::new(), |first| {
        let mut units = [0; 2];
        let units = first.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect()
    });
    let rest = text(chars.as_str());
    format!("\"{first}{}", &rest[1..])
}

/// Returns the member that names what is called, with an escaped name.
fn member_escaped(call: &McpCall) -> String {
    format!("{}:{}", escaped(call.member), text(&call.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_is_the_same_json_string() {
        for value in ["name", "write \"x\"", "é", "😀!", ""] {
            let escaped = escaped(value);
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), value);
            assert_eq!(escaped == text(value), value.is_empty(), "{escaped}");
        }
    }
}
