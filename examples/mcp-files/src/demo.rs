//! The demo without settings: a mock Okta in this process, at which MCP clients register and log in.

use std::time::Duration;

use okta_verifier::{ConfigError, Verifier};
use okta_verifier_testing::MockOkta;

use crate::settings::Settings;

/// The lifetime of the printed tokens, long enough to try them.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// A mock Okta that issues tokens for this server. It stops when it is dropped.
#[derive(Debug)]
pub(crate) struct Demo(MockOkta);

impl Demo {
    pub(crate) async fn start(settings: &Settings) -> Self {
        let okta = MockOkta::start().await;
        okta.set_audience(&settings.url);
        okta.set_resources([&settings.url]);
        okta.set_registration(true);
        Self(okta)
    }

    pub(crate) fn verifier(&self, settings: &Settings) -> Result<Verifier, ConfigError> {
        // Clients register themselves, so their IDs are not known.
        settings.verifier(self.0.issuer(&settings.url).any_client_id(), &settings.url)
    }

    /// Returns what to paste into a client and into a shell.
    pub(crate) fn guide(&self, settings: &Settings) -> String {
        let url = &settings.url;
        let issuer = self.0.issuer_url();
        let tries: String = self.tries().iter().map(|it| it.at(url)).collect();
        format!(
            "A mock Okta at {issuer} issues tokens for this MCP server. Its login page has no passwords.\n\
             \n\
             # in the settings of an MCP client, which then opens the login page; if it has a command, such as\n\
             # claude mcp add --transport http files {url}\n\
             {{\"mcpServers\": {{\"files\": {{\"type\": \"http\", \"url\": \"{url}\"}}}}}}\n\
             \n\
             Or paste a line into another terminal; the number above it is the expected status.\n\
             \n\
             {tries}"
        )
    }

    fn tries(&self) -> [Try; 7] {
        let token = |scopes: &[&str]| {
            let token = self.0.token("ada").expires_in(LIFETIME);
            let token = scopes
                .iter()
                .fold(token, |token, scope| token.scope(*scope));
            Some(token.sign())
        };
        let reader = || token(&["files:read"]);
        let read = tool("read_file", r#"{"name":"welcome.txt"}"#);
        let write = || tool("write_file", r#"{"name":"notes.txt","text":"a note"}"#);
        [
            Try::new(
                "no token: the challenge names the metadata and the scope",
                None,
                401,
                list(),
            ),
            Try::new(
                "a token without the scope of the server",
                token(&["email"]),
                403,
                list(),
            ),
            Try::new(
                "the tools, which are the same for everyone",
                reader(),
                200,
                list(),
            ),
            Try::new("read_file with files:read", reader(), 200, read),
            Try::new(
                "write_file with files:read: the challenge names both scopes",
                reader(),
                403,
                write(),
            ),
            Try::new(
                "write_file with both scopes",
                token(&["files:read", "files:write"]),
                200,
                write(),
            ),
            Try::new(
                "a body that is not what the header fields say",
                reader(),
                400,
                Call {
                    name: Some("read_file"),
                    ..write()
                },
            ),
        ]
    }
}

/// A call as the protocol version 2026-07-28 writes it: without a session, and with its name in the header fields.
struct Call {
    method: &'static str,
    name: Option<&'static str>,
    params: String,
}

fn list() -> Call {
    Call {
        method: "tools/list",
        name: None,
        params: String::new(),
    }
}

fn tool(name: &'static str, arguments: &str) -> Call {
    let params = format!(r#""name":"{name}","arguments":{arguments},"#);
    Call {
        method: "tools/call",
        name: Some(name),
        params,
    }
}

struct Try {
    what: &'static str,
    token: Option<String>,
    expect: u16,
    call: Call,
}

impl Try {
    fn new(what: &'static str, token: Option<String>, expect: u16, call: Call) -> Self {
        Self {
            what,
            token,
            expect,
            call,
        }
    }

    fn at(&self, url: &str) -> String {
        let Self {
            what,
            token,
            expect,
            call,
        } = self;
        let Call {
            method,
            name,
            params,
        } = call;
        let token = token
            .as_ref()
            .map(|token| format!("-H 'Authorization: Bearer {token}' "));
        let name = name.map(|name| format!("-H 'Mcp-Name: {name}' "));
        let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;
        format!(
            "# {what}\n\
             # expect {expect}\n\
             curl -i {}-H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' \
             -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: {method}' {}\
             -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{params}{meta}}}}}' {url}\n\n",
            token.unwrap_or_default(),
            name.unwrap_or_default(),
        )
    }
}
