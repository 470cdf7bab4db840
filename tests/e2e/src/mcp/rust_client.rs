//! The client of the crate `rmcp`, in this process.

use std::error::Error;

use rmcp::model::CallToolRequestParams;
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::auth::{
    AuthClient, AuthorizationCallback, AuthorizationManager, AuthorizationRequest, OAuthState,
};
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, ServiceExt};
use serde_json::json;

use super::client::REDIRECT;

type Failed = Box<dyn Error + Send + Sync>;
type Client = AuthClient<reqwest::Client>;

#[derive(Clone)]
struct Handler;

impl ClientHandler for Handler {}

/// What the client does next, as the lines that the other clients print.
pub(super) type Report<'a> = &'a mut dyn FnMut(serde_json::Value) -> Option<String>;

/// Runs the client against the server at `url`. `report` returns the redirect for an authorization URL.
pub(super) async fn run(url: &str, report: Report<'_>) -> Result<(), Failed> {
    let mut client = Client::new(http(), AuthorizationManager::new(url).await?);
    let service = match connect(url, &client).await {
        Ok(service) => service,
        Err(error) => {
            let challenge = error.auth_challenge().ok_or("no challenge")?.to_owned();
            client = authorize(url, challenge, report).await?;
            connect(url, &client).await?
        }
    };
    let tools = service.list_all_tools().await?;
    let names: Vec<_> = tools.iter().map(|tool| &*tool.name).collect();
    report(json!({ "tools": names }));
    for name in ["read_file", "write_file", "read_file", "write_file"] {
        let call = || service.call_tool(CallToolRequestParams::new(name));
        if let Err(error) = call().await {
            let challenge = error.auth_challenge().ok_or_else(|| error.to_string())?;
            step_up(&client, challenge, report).await?;
            call().await?;
        }
        report(json!({ "called": name }));
    }
    service.cancel().await?;
    Ok(())
}

fn http() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

async fn connect(
    url: &str,
    client: &Client,
) -> Result<RunningService<RoleClient, Handler>, rmcp::service::ClientInitializeError> {
    let config = StreamableHttpClientTransportConfig::with_uri(url);
    Handler
        .serve(StreamableHttpClientTransport::with_client(
            client.clone(),
            config,
        ))
        .await
}

async fn authorize(url: &str, challenge: String, report: Report<'_>) -> Result<Client, Failed> {
    let mut state = OAuthState::new(url, None).await?;
    let request = AuthorizationRequest::new(REDIRECT)
        .with_client_name("tried client")
        .with_initial_scope_selection()
        .with_challenge(challenge);
    state.start_authorization(request).await?;
    let url = state.get_authorization_url().await?;
    let redirect = report(json!({ "authorize": url })).ok_or("no redirect")?;
    state.handle_callback_url(&redirect).await?;
    let manager = state.into_authorization_manager().ok_or("not authorized")?;
    Ok(Client::new(http(), manager))
}

async fn step_up(client: &Client, challenge: &str, report: Report<'_>) -> Result<(), Failed> {
    let (_, scope) = challenge
        .split_once("scope=\"")
        .ok_or("no scope in the challenge")?;
    let (scope, _) = scope.split_once('"').ok_or("no scope in the challenge")?;
    let manager = client.auth_manager.lock().await;
    let url = manager.request_scope_upgrade(scope).await?;
    let redirect = report(json!({ "authorize": url })).ok_or("no redirect")?;
    let back = AuthorizationCallback::from_redirect_url(&redirect)?;
    manager
        .exchange_code_for_token_with_issuer(&back.code, &back.csrf_token, back.issuer.as_deref())
        .await?;
    Ok(())
}
