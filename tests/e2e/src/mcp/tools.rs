//! What the MCP server offers: two tools with policies, and what the conformance suite of MCP calls.

#![expect(
    deprecated,
    reason = "clients of versions before 2026-07-28 use logging and sampling"
)]

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams, CompleteResult,
    CreateMessageRequestParams, GetPromptRequestParams, GetPromptResponse, GetPromptResult,
    ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult, ListToolsResult,
    LoggingLevel, LoggingMessageNotificationParam, PaginatedRequestParams,
    ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult,
    ServerConfig, SetLevelRequestParams, SubscribeRequestParams, Tool, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::{Value, json};

/// A 1x1 image, and the header of an empty recording.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// The handler of the server. It is the same with and without the layers.
#[derive(Clone)]
pub(super) struct Tools;

/// Reads a result of the protocol from JSON.
fn read<T: serde::de::DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    value["resultType"] = json!("complete"); // required from 2026-07-28 on; rmcp removes it for older versions
    serde_json::from_value(value)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn tool(name: &str) -> Value {
    json!({ "name": name, "description": name, "inputSchema": { "type": "object" } })
}

fn tools() -> Vec<Value> {
    let names = [
        "read_file",
        "write_file",
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_error_handling",
        "test_tool_with_logging",
        "test_tool_with_progress",
        "test_sampling",
    ];
    let mut tools = names.map(tool).to_vec();
    tools.push(json!({
        "name": "test_custom_headers", "description": "A tool with an argument that clients repeat in a header.",
        "inputSchema": {
            "type": "object", "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
        },
    }));
    tools
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn embedded(uri: &str, mime_type: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": mime_type, "text": text } })
}

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        let info = json!({
            "protocolVersion": "2025-11-25",
            "capabilities": {
                "tools": {}, "resources": { "subscribe": true }, "prompts": {}, "logging": {}, "completions": {},
            },
            "serverInfo": { "name": "files", "version": "1.0.0" },
        });
        read(info).expect("the server's own description")
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        read(json!({ "tools": tools() }))
    }

    /// rmcp compares the headers of a call with the schema of the tool.
    fn get_tool(&self, name: &str) -> Option<Tool> {
        let tool = tools().into_iter().find(|tool| tool["name"] == name)?;
        serde_json::from_value(tool).ok()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // As the documentation of rmcp shows it: the request that the layers admitted, with all of its headers.
        let parts = context.extensions.get::<axum::http::request::Parts>();
        tracing::info!(?parts, tool = %request.name, "tool is called");
        let content = match &*request.name {
            "read_file" => vec![text("contents of a file")],
            "write_file" => vec![text("the file is written")],
            "test_simple_text" => vec![text("This is a simple text response for testing.")],
            "test_custom_headers" => vec![text("done")],
            "test_image_content" => vec![image()],
            "test_audio_content" => {
                vec![json!({ "type": "audio", "data": WAV, "mimeType": "audio/wav" })]
            }
            "test_embedded_resource" => {
                let embedded = "This is an embedded resource content.";
                vec![self::embedded(
                    "test://embedded-resource",
                    "text/plain",
                    embedded,
                )]
            }
            "test_multiple_content_types" => {
                let json = r#"{"test":"data","value":123}"#;
                vec![
                    text("Multiple content types test:"),
                    image(),
                    embedded("test://mixed-content-resource", "application/json", json),
                ]
            }
            "test_error_handling" => {
                let content = [text("This tool intentionally returns an error for testing")];
                let result = json!({ "isError": true, "content": content });
                return read::<CallToolResult>(result).map(Into::into);
            }
            "test_tool_with_progress" => {
                report_progress(&context).await;
                vec![text("done")]
            }
            "test_tool_with_logging" => {
                log(&context).await;
                vec![text("done")]
            }
            "test_sampling" => {
                let prompt = request.arguments.as_ref().and_then(|all| all.get("prompt"));
                let prompt = prompt.and_then(Value::as_str).unwrap_or_default();
                vec![text(&sample(&context, prompt).await?)]
            }
            other => return Err(ErrorData::invalid_params(format!("no tool {other}"), None)),
        };
        read::<CallToolResult>(json!({ "content": content })).map(Into::into)
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |name: &str, mime_type: &str| json!({ "uri": format!("test://{name}"), "name": name, "mimeType": mime_type });
        read(json!({ "resources": [
            resource("static-text", "text/plain"), resource("static-binary", "image/png"), resource("watched-resource", "text/plain"),
        ] }))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        read(
            json!({ "resourceTemplates": [{ "uriTemplate": "test://template/{id}/data", "name": "template" }] }),
        )
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = &request.uri;
        let template = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let content = match (&**uri, template) {
            ("test://static-text" | "test://watched-resource", _) => {
                let text = "This is the content of the static text resource.";
                json!({ "uri": uri, "mimeType": "text/plain", "text": text })
            }
            ("test://static-binary", _) => {
                json!({ "uri": uri, "mimeType": "image/png", "blob": PNG })
            }
            (_, Some(id)) => {
                let data =
                    json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                json!({ "uri": uri, "mimeType": "application/json", "text": data.to_string() })
            }
            _ => {
                return Err(ErrorData::resource_not_found(
                    "no such resource",
                    Some(json!({ "uri": uri })),
                ));
            }
        };
        read::<ReadResourceResult>(json!({ "contents": [content] })).map(Into::into)
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let argument = |name: &str| json!({ "name": name, "description": name, "required": true });
        read(json!({ "prompts": [
            { "name": "test_simple_prompt", "description": "simple" },
            { "name": "test_prompt_with_arguments", "description": "arguments", "arguments": [argument("arg1"), argument("arg2")] },
            { "name": "test_prompt_with_embedded_resource", "description": "resource", "arguments": [argument("resourceUri")] },
            { "name": "test_prompt_with_image", "description": "image" },
        ] }))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        let argument = |name: &str| {
            arguments
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let content = match &*request.name {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (first, second) = (argument("arg1"), argument("arg2"));
                vec![text(&format!(
                    "Prompt with arguments: arg1='{first}', arg2='{second}'"
                ))]
            }
            "test_prompt_with_embedded_resource" => vec![
                embedded(
                    argument("resourceUri"),
                    "text/plain",
                    "Embedded resource content for testing.",
                ),
                text("Please process the embedded resource above."),
            ],
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            other => {
                return Err(ErrorData::invalid_params(
                    format!("no prompt {other}"),
                    None,
                ));
            }
        };
        let messages: Vec<_> = content
            .into_iter()
            .map(|content| json!({ "role": "user", "content": content }))
            .collect();
        read::<GetPromptResult>(json!({ "messages": messages })).map(Into::into)
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        read(json!({ "completion": { "values": ["paris", "park"], "total": 2, "hasMore": false } }))
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}

async fn report_progress(context: &RequestContext<RoleServer>) {
    let Some(token) = context.meta.get_progress_token() else {
        return;
    };
    for progress in [0.0, 50.0, 100.0] {
        let progress = ProgressNotificationParam::new(token.clone(), progress).with_total(100.0);
        let _ = context.peer.notify_progress(progress).await; // the client may have gone away
    }
}

async fn log(context: &RequestContext<RoleServer>) {
    for message in ["started", "processing", "completed"] {
        let params = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message));
        let _ = context.peer.notify_logging_message(params).await; // the client may have gone away
    }
}

async fn sample(context: &RequestContext<RoleServer>, prompt: &str) -> Result<String, ErrorData> {
    let message = json!({ "role": "user", "content": text(prompt) });
    let request: CreateMessageRequestParams =
        read(json!({ "messages": [message], "maxTokens": 100 }))?;
    let answer = context.peer.create_message(request).await;
    let answer = answer.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let answer = serde_json::to_value(answer).unwrap_or_default();
    let answer = answer["content"]["text"].as_str().unwrap_or_default();
    Ok(format!("LLM response: {answer}"))
}
