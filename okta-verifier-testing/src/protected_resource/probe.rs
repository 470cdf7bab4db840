//! The client of the checks: it gets tokens, and sends requests to the server under test.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::{
    ProtectedResource, TokenRequest,
    exchange::{Call, Check, Exchange, Proof, Secret, Stop},
    mcp_server::{McpCall, has_routing_headers},
};
use crate::{Client, conformance};

/// A client of the server under test.
pub(super) struct Probe<'r> {
    pub(super) resource: &'r ProtectedResource,
    authority: String,
    client: Client,
    /// The last nonce for DPoP proofs that the server sent.
    nonce: Mutex<Option<String>>,
    /// The session of `ada`, if the server has sessions and began one.
    session: Option<Secret>,
}

impl<'r> Probe<'r> {
    /// Creates a client, and begins a session if the server has sessions.
    pub(super) async fn new(resource: &'r ProtectedResource, authority: String) -> Self {
        let mut probe = Self {
            resource,
            authority,
            client: Client::new(),
            nonce: Mutex::new(None),
            session: None,
        };
        if probe.session_version().is_some() {
            let token = probe.full_token();
            probe.session = match token {
                // A server that begins no session fails the row about it.
                Ok(token) => probe.begin_session(&token).await.ok(),
                Err(_) => None,
            };
        }
        probe
    }

    /// Describes an ordinary token with these scopes.
    pub(super) fn request(&self, scopes: &[String]) -> TokenRequest {
        let audience = self.resource.expected_audience();
        let mut request = TokenRequest::new(audience, scopes.to_vec());
        if self.resource.requires_dpop {
            request.key_thumbprint = Some(self.client.thumbprint());
        }
        request
    }

    /// Describes a token that is bound to the key of this client.
    pub(super) fn bound_request(&self, scopes: &[String]) -> TokenRequest {
        TokenRequest {
            key_thumbprint: Some(self.client.thumbprint()),
            ..self.request(scopes)
        }
    }

    /// Returns a token. Skips the row if the issuer cannot write it.
    pub(super) fn token(&self, label: &str, request: &TokenRequest) -> Check<Secret> {
        let token = self.resource.token(request);
        let token = token.ok_or_else(|| Stop::Skipped(format!("the issuer returns no {label}")))?;
        Ok(Secret::new(label, token))
    }

    /// Returns a token with the scopes that every request requires.
    pub(super) fn floor_token(&self) -> Check<Secret> {
        let scopes = &self.resource.scopes;
        self.token(
            "token with the scopes of the resource",
            &self.request(scopes),
        )
    }

    /// Returns a token with every scope of the resource, its operations and its calls.
    pub(super) fn full_token(&self) -> Check<Secret> {
        self.token("token with every scope", &self.request(&self.every_scope()))
    }

    /// Returns the scopes of the resource, its operations and its calls.
    pub(super) fn every_scope(&self) -> Vec<String> {
        let resource = self.resource;
        let operations = resource.operations.iter().flat_map(|it| &it.scopes);
        let calls = resource.mcp.iter().flat_map(|mcp| &mcp.calls);
        let calls = calls.flat_map(|call| &call.scopes);
        let mut scopes = resource.scopes.clone();
        scopes.extend(operations.chain(calls).cloned());
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// Returns the request that requires no more than the scopes of the resource, without a token.
    pub(super) fn base(&self) -> Call {
        match (&self.resource.request, &self.resource.mcp) {
            (Some((method, path)), _) => Call::new(method, path),
            (None, Some(mcp)) => {
                let version = mcp.versions().next().unwrap_or_default();
                self.rpc(version, "tools/list", None, json!({}))
            }
            (None, None) => Call::new("GET", self.resource.target()),
        }
    }

    /// Returns the POST of a JSON-RPC request to the MCP server, without a token, in the session of `ada` if the version
    /// has sessions. `name` is what is called.
    pub(super) fn rpc(
        &self,
        version: &str,
        method: &str,
        name: Option<&str>,
        params: Value,
    ) -> Call {
        let body = rpc_body(version, method, params).to_string();
        self.rpc_of(version, method, name, body)
    }

    /// Returns the POST of any body, with the fields that an ordinary request with this method and name has.
    pub(super) fn rpc_of(
        &self,
        version: &str,
        method: &str,
        name: Option<&str>,
        body: impl Into<Vec<u8>>,
    ) -> Call {
        let call = Call::new("POST", self.resource.target())
            .field("Accept", "application/json, text/event-stream")
            .field("Content-Type", "application/json")
            .field("MCP-Protocol-Version", version)
            .body(body);
        match (has_routing_headers(version), &self.session) {
            (true, _) => {
                let call = call.field("Mcp-Method", method);
                name.map_or(call.clone(), |name| call.field("Mcp-Name", name))
            }
            (false, Some(session)) => call.secret(SESSION, "", session),
            (false, None) => call,
        }
    }

    /// Returns the POST of a call of a tool, a prompt or a resource.
    pub(super) fn rpc_call(&self, version: &str, call: &McpCall) -> Call {
        self.rpc(version, call.method, Some(&call.name), call.params())
    }

    /// Returns the first version with sessions, if the server has sessions.
    pub(super) fn session_version(&self) -> Option<&'r str> {
        let mcp = self.resource.mcp.as_ref().filter(|mcp| mcp.has_sessions)?;
        mcp.version(false)
    }

    /// Begins a session, and returns its id.
    pub(super) async fn begin_session(&self, token: &Secret) -> Check<Secret> {
        let version = self.session_version().unwrap_or_default();
        let params = json!({
            "protocolVersion": version,
            "capabilities": {},
            "clientInfo": { "name": "okta-verifier-testing", "version": "1" },
        });
        let initialize = self.rpc(version, "initialize", None, params);
        let initialize = self.present(initialize.without(SESSION), token);
        let response = self.send(initialize).await?;
        response.expect_served()?;
        let id = response.field(SESSION);
        response.expect_field(SESSION, !id.is_empty(), "the id of a session")?;
        let session = Secret {
            label: "a session".to_owned(),
            text: id,
        };
        let body = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
        let call = self.rpc_of(version, "notifications/initialized", None, body.to_string());
        let call = self.present(call.secret(SESSION, "", &session), token);
        self.send(call).await?.expect_served()?;
        Ok(session)
    }

    /// Presents a token as the server requires it: with a DPoP proof if every token must be bound, as Bearer
    /// otherwise.
    pub(super) fn present(&self, call: Call, token: &Secret) -> Call {
        match self.resource.requires_dpop {
            true => self.present_bound(call, token),
            false => call.secret("Authorization", "Bearer ", token),
        }
    }

    /// Presents a bound token with a proof.
    pub(super) fn present_bound(&self, call: Call, token: &Secret) -> Call {
        let mut call = call.secret("Authorization", "DPoP ", token);
        call.proof = Some(Proof {
            token: token.text.clone(),
            edit: Arc::new(|proof| proof),
        });
        call
    }

    /// Sends a request, and signs its proof. A proof without the nonce that the server demands is signed again once
    /// (RFC 9449 §8).
    pub(super) async fn send(&self, call: Call) -> Check<Exchange> {
        let response = self.exchange(&call).await?;
        let demands_nonce = response.status() == 401
            && (response.lines("www-authenticate").iter()).any(|it| it.contains("use_dpop_nonce"));
        let nonce = response.lines("dpop-nonce").into_iter().next();
        if let Some(nonce) = nonce {
            *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(nonce);
        }
        match demands_nonce && call.proof.is_some() {
            true => self.exchange(&call).await,
            false => Ok(response),
        }
    }

    async fn exchange(&self, call: &Call) -> Check<Exchange> {
        let proof = call.proof.as_ref().map(|proof| self.sign(call, proof));
        let message = call.message(self.resource.expected_host(), proof.as_deref());
        match conformance::exchange(self.authority.as_str(), &message).await {
            Ok(answer) => Ok(call.clone().answered(answer)),
            Err(error) => Err(call.failure("a response", &format!("no response: {error}"))),
        }
    }

    fn sign(&self, call: &Call, proof: &Proof) -> String {
        let path = call.target.split('?').next().unwrap_or_default();
        let url = format!("{}{path}", self.resource.origin());
        let builder = self.client.proof(&call.method, &url).token(&proof.token);
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let builder = match nonce.as_deref() {
            Some(nonce) => builder.nonce(nonce),
            None => builder,
        };
        (proof.edit)(builder).sign()
    }

    /// Sends a request without a token.
    pub(super) async fn get(&self, target: &str) -> Check<Exchange> {
        self.send(Call::new("GET", target)).await
    }

    /// Gets the metadata, which must be a JSON object.
    pub(super) async fn metadata(&self) -> Check<(Exchange, Value)> {
        let response = self.get(&self.resource.metadata_target()).await?;
        response.expect_status(200)?;
        let document = response.json()?;
        match document.is_object() {
            true => Ok((response, document)),
            false => Err(response.failed("a JSON object", &document.to_string())),
        }
    }

    /// Sends the base request with a token.
    pub(super) async fn base_with(&self, token: &Secret) -> Check<Exchange> {
        self.send(self.present(self.base(), token)).await
    }
}

/// Returns a JSON-RPC request in a version of the protocol.
pub(super) fn rpc_body(version: &str, method: &str, mut params: Value) -> Value {
    if has_routing_headers(version) {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": { "name": "okta-verifier-testing", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
    }
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })
}

pub(super) const SESSION: &str = "Mcp-Session-Id";
