//! The MCP server: tools, a prompt and resources. Only [`authorize`] knows anything about tokens.

use std::sync::Arc;

use http::request::Parts;
use okta_verifier::VerifiedToken;
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    handler::server::{tool::Extension, wrapper::Parameters},
    model::{
        CallToolResult, ContentBlock, Implementation, ListResourcesResult, PaginatedRequestParams,
        PromptMessage, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
        Resource, ResourceContents, Role, ServerCapabilities, ServerConfig,
    },
    prompt, prompt_handler, prompt_router, schemars,
    schemars::JsonSchema,
    service::RequestContext,
    tool, tool_handler, tool_router,
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    files::{FileError, Files},
    policies::ADMIN,
};

/// The log of changes. The table of the layer has a policy for its prefix.
const LOG: &str = "files://log/changes";

/// The URI of a file, before its name.
const FILE: &str = "files://all/";

/// The handler of one session, or of one request without a session.
#[derive(Clone, Debug)]
pub(crate) struct FileServer(Arc<Files>);

#[derive(Debug, Deserialize, JsonSchema)]
struct ReadFile {
    /// The name of the file, such as `welcome.txt`.
    name: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct WriteFile {
    /// The name of the file, such as `notes.txt`.
    name: String,
    /// The new text of the file.
    text: String,
}

impl FileServer {
    pub(crate) fn new(files: Arc<Files>) -> Self {
        Self(files)
    }
}

#[tool_router]
impl FileServer {
    #[tool(description = "Reads a file")]
    async fn read_file(
        &self,
        Parameters(ReadFile { name }): Parameters<ReadFile>,
        Extension(parts): Extension<Parts>,
    ) -> Result<CallToolResult, ErrorData> {
        authorize(&parts, &name)?;
        Ok(result(self.0.read(&name)))
    }

    #[tool(description = "Writes a file")]
    async fn write_file(
        &self,
        Parameters(WriteFile { name, text }): Parameters<WriteFile>,
        Extension(parts): Extension<Parts>,
    ) -> Result<CallToolResult, ErrorData> {
        authorize(&parts, &name)?;
        let written = self.0.write(&name, &text);
        Ok(result(written.map(|()| "written".to_owned())))
    }
}

#[prompt_router]
impl FileServer {
    #[prompt(name = "tidy_up", description = "Merges files that belong together")]
    async fn tidy_up(&self) -> Vec<PromptMessage> {
        let names = self.0.names().join(", ");
        let text = format!("Merge the files that belong together with write_file: {names}.");
        vec![PromptMessage::new_text(Role::User, text)]
    }
}

#[tool_handler]
#[prompt_handler]
impl ServerHandler for FileServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .build();
        ServerConfig::new(capabilities)
            .with_server_info(Implementation::new("mcp-files", env!("CARGO_PKG_VERSION")))
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let files = self.0.names().into_iter();
        let files = files.map(|name| Resource::new(format!("{FILE}{name}"), name));
        let resources = files.chain([Resource::new(LOG, "changes")]);
        Ok(ListResourcesResult::with_all_items(resources.collect()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let text = match request.uri.strip_prefix(FILE) {
            Some(name) => {
                let parts = context.extensions.get().ok_or_else(no_layer)?;
                authorize(parts, name)?;
                self.0.read(name).ok()
            }
            None => (request.uri == LOG).then(|| self.0.log()),
        };
        let text =
            text.ok_or_else(|| ErrorData::resource_not_found("There is no such resource", None))?;
        Ok(ReadResourceResult::new(vec![ResourceContents::text(text, request.uri)]).into())
    }
}

/// Checks what the table of the layer cannot: it knows the name of a tool, but not the arguments of a call. A file
/// whose name begins with `private-` is for administrators.
///
/// The error of a handler is a JSON-RPC error with the status 200, so a client does not request more scopes
/// because of it. Where it should, the policy belongs into the table.
fn authorize(parts: &Parts, file: &str) -> Result<(), ErrorData> {
    // The layer in front has verified the token of this very request, in a session too.
    let token: &VerifiedToken = parts.extensions.get().ok_or_else(no_layer)?;
    if !file.starts_with("private-") {
        return Ok(());
    }
    token.require(ADMIN).map_err(|rejection| {
        let data = json!({ "code": rejection.code(), "scope": "files:read files:admin" });
        ErrorData::invalid_request("The file is for administrators", Some(data))
    })
}

/// Returns the error of a route without the layer that verifies tokens.
fn no_layer() -> ErrorData {
    ErrorData::internal_error("The request has no verified token", None)
}

/// Converts the outcome to the result of a tool. An error is for the model that called it, which can then
/// try another name.
fn result(outcome: Result<String, FileError>) -> CallToolResult {
    match outcome {
        Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
        Err(error) => CallToolResult::error(vec![ContentBlock::text(error.to_string())]),
    }
}
