//! [`McpServer`]: what an MCP server offers.

use serde::Serialize;
use serde_json::{Value, json};

/// An MCP server (Model Context Protocol) behind a protected resource: the versions of the protocol that it supports,
/// and the scopes that its tools, prompts and resources require.
///
/// Every request without a token must get 401. Check a server with public tools without its optional layer.
///
/// ```
/// use okta_verifier_testing::{McpServer, ProtectedResource, TestIssuer};
///
/// let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// let server = McpServer::new(["2025-11-25", "2026-07-28"])
///     .tool("read_file", [""; 0]) // no more than the whole server
///     .tool("write_file", ["files:write"])
///     .arguments(serde_json::json!({ "path": "/tmp/x" }))
///     .prompt("summary", ["files:summarize"])
///     .resource("file:///secret/plan", ["files:secret"])
///     .sessions();
/// let resource = ProtectedResource::new("https://mcp.example.com/mcp")
///     .test_issuer(&okta)
///     .scopes(["files:read"])
///     .mcp(server);
/// ```
#[derive(Clone, Debug)]
#[must_use = "pass the server to `ProtectedResource::mcp`"]
pub struct McpServer {
    versions: Vec<String>,
    pub(super) calls: Vec<McpCall>,
    pub(super) has_sessions: bool,
}

/// A call that the server offers.
#[derive(Clone, Debug)]
pub(super) struct McpCall {
    pub(super) method: &'static str,
    /// The member of `params` that names what is called.
    pub(super) member: &'static str,
    pub(super) name: String,
    /// The scopes that the call requires beside those of the whole server.
    pub(super) scopes: Vec<String>,
    arguments: Value,
}

impl McpServer {
    /// Creates a server that supports these versions of the protocol, such as `2025-11-25`. Requests are sent in
    /// each of them.
    ///
    /// # Panics
    ///
    /// Panics if there is no version, or if one is not a date.
    pub fn new<V: Into<String>>(versions: impl IntoIterator<Item = V>) -> Self {
        let versions: Vec<String> = versions.into_iter().map(Into::into).collect();
        let is_date = |version: &String| {
            let mut bytes = version.bytes().enumerate();
            let is_digit = |(index, byte): (usize, u8)| match index {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            };
            version.len() == 10 && bytes.all(is_digit)
        };
        assert!(
            !versions.is_empty() && versions.iter().all(is_date),
            "the versions of an MCP server are dates; write them like 2025-11-25"
        );
        Self {
            versions,
            calls: Vec::new(),
            has_sessions: false,
        }
    }

    /// Adds a tool, and the scopes that it requires beside those of [`ProtectedResource::scopes`]. The tool is
    /// really called: name one that does no harm. If a policy has alternatives, the scopes are those of the first,
    /// which challenges name.
    ///
    /// [`ProtectedResource::scopes`]: super::ProtectedResource::scopes
    pub fn tool<S: Into<String>>(
        self,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.call("tools/call", "name", name, scopes)
    }

    /// Adds a prompt, like [`tool`](Self::tool).
    pub fn prompt<S: Into<String>>(
        self,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.call("prompts/get", "name", name, scopes)
    }

    /// Adds a resource with this URI, like [`tool`](Self::tool).
    pub fn resource<S: Into<String>>(
        self,
        uri: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.call("resources/read", "uri", uri, scopes)
    }

    /// Sets the arguments with which the last tool or prompt is called. The default is `{}`.
    ///
    /// # Panics
    ///
    /// Panics if no tool, prompt or resource was added, or if the arguments cannot be serialized as JSON.
    pub fn arguments(mut self, arguments: impl Serialize) -> Self {
        let call = self.calls.last_mut();
        let call =
            call.expect("the arguments belong to a tool; call .tool(..) before .arguments(..)");
        call.arguments = serde_json::to_value(arguments)
            .unwrap_or_else(|error| panic!("the arguments have no JSON form: {error}"));
        self
    }

    /// Declares that the server begins a session in the versions that have sessions, those before 2026-07-28. Then each
    /// request is sent in a session, and the checks include that a session belongs to its owner.
    pub fn sessions(mut self) -> Self {
        self.has_sessions = true;
        self
    }

    fn call<S: Into<String>>(
        mut self,
        method: &'static str,
        member: &'static str,
        name: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.calls.push(McpCall {
            method,
            member,
            name: name.into(),
            scopes: scopes.into_iter().map(Into::into).collect(),
            arguments: json!({}),
        });
        self
    }

    pub(super) fn versions(&self) -> impl Iterator<Item = &str> {
        self.versions.iter().map(String::as_str)
    }

    /// Returns the first version with this property.
    pub(super) fn version(&self, has_routing_headers: bool) -> Option<&str> {
        let mut versions = self.versions();
        versions.find(|version| self::has_routing_headers(version) == has_routing_headers)
    }

    /// Returns the first call that requires a scope.
    pub(super) fn protected_call(&self) -> Option<&McpCall> {
        self.calls.iter().find(|call| !call.scopes.is_empty())
    }
}

impl McpCall {
    /// Returns the `params` of the call.
    pub(super) fn params(&self) -> Value {
        match self.method {
            "resources/read" => json!({ self.member: self.name }),
            _ => json!({ self.member: self.name, "arguments": self.arguments }),
        }
    }
}

/// Returns whether requests of a version have `Mcp-Method` and `Mcp-Name`, and servers must compare these with the body.
/// The same versions have no sessions.
pub(super) fn has_routing_headers(version: &str) -> bool {
    version >= "2026-07-28"
}
