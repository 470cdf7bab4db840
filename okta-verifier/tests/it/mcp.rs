//! The policies of the tools, prompts and resources of an MCP server.

use http::HeaderMap;
use okta_verifier::{
    OwnedPolicy, Policy, Rejection, Resource, VerifiedToken, Verifier,
    adapter::{Anonymous, Mount, RequestCredentials},
    mcp::{McpCalls, McpRejection, Tools},
};
use okta_verifier_testing::{TestIssuer, TokenBuilder};
use secret_scan::Line;

const URL: &str = "https://mcp.example.com/mcp";
const METADATA: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;
const INSUFFICIENT_SCOPE: &str =
    r#"error="insufficient_scope", error_description="The access token lacks a required scope""#;
const READ: Policy = Policy::scope("files:read");
const WRITE: Policy = Policy::any(&[Policy::scope("files:write"), Policy::scope("files:admin")]);
const SHARE: Policy = Policy::scope("files:share");

fn okta() -> TestIssuer {
    secret_scan::public(URL);
    let okta = TestIssuer::new(URL);
    secret_scan::public(okta.issuer_url());
    okta
}

fn mount(okta: &TestIssuer) -> Mount {
    let builder = Verifier::builder().issuer(okta.issuer().any_client_id());
    Mount::new(builder.resource(Resource::new(URL)).build().unwrap())
}

fn token(mount: &Mount, token: TokenBuilder) -> VerifiedToken {
    let authorization = format!("Bearer {}", token.sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let result = mount.authenticate(&credentials).into_ready();
    result.expect("no I/O").expect("a good token")
}

fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}}}}}"#)
}

fn tool(name: &str) -> String {
    call("tools/call", &format!(r#""name":"{name}""#))
}

fn read(uri: &str) -> String {
    call("resources/read", &format!(r#""uri":"{uri}""#))
}

fn admit(
    tools: &Tools,
    body: &str,
    token: Option<&VerifiedToken>,
    anonymous: Option<&Anonymous>,
) -> Result<(), McpRejection> {
    let calls = McpCalls::read(&HeaderMap::new(), body.as_bytes(), token)?;
    tools.admit(&calls, token, anonymous)
}

/// Returns the status and the challenges of a rejection, which has no body, or 200.
fn outcome(result: Result<(), McpRejection>) -> (u16, Vec<String>) {
    let Err(rejection) = result else {
        return (200, Vec::new());
    };
    let (rejection, body) = rejection.into_parts();
    assert!(body.is_empty());
    challenges(&rejection)
}

fn challenges(rejection: &Rejection) -> (u16, Vec<String>) {
    let challenges = rejection
        .headers()
        .filter(|(name, _)| name == "www-authenticate");
    let texts = challenges.map(|(_, value)| value.to_str().unwrap().to_owned());
    (rejection.status().as_u16(), texts.collect())
}

fn lacks(scopes: &str) -> (u16, Vec<String>) {
    let challenge =
        format!(r#"Bearer realm="api", {INSUFFICIENT_SCOPE}, scope="{scopes}", {METADATA}"#);
    (403, vec![challenge])
}

fn no_token(scopes: &str) -> (u16, Vec<String>) {
    let scope = match scopes {
        "" => String::new(),
        scopes => format!(r#"scope="{scopes}", "#),
    };
    (
        401,
        vec![format!(r#"Bearer realm="api", {scope}{METADATA}"#)],
    )
}

const OK: (u16, Vec<String>) = (200, Vec::new());

// conformance 274
#[test]
fn tools_without_a_verifying_layer_reject_every_message() {
    let tools = Tools::public().public_tool("a").tool("b", READ);
    for body in [
        &tool("a"),
        &tool("b"),
        &tool("c"),
        r#"{"id":1,"method":"ping"}"#,
        "{}",
        "[{}]",
    ] {
        assert_eq!(
            outcome(admit(&tools, body, None, None)),
            (500, vec![]),
            "{body}"
        );
    }
}

// conformance 271
#[test]
fn tools_reject_a_token_that_lacks_the_scope_of_a_tool() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .tool("write_file", WRITE)
        .prompt("write_file", SHARE);
    let none = token(&mount, okta.token("ada"));
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    let writer = token(&mount, okta.token("ada").scope("files:write"));
    let admin = token(&mount, okta.token("ada").scope("files:admin"));
    let check = |token: &VerifiedToken, body: &str| outcome(admit(&tools, body, Some(token), None));

    assert_eq!(check(&none, &tool("read_file")), lacks("files:read"));
    assert_eq!(check(&reader, &tool("read_file")), OK);
    assert_eq!(check(&reader, &tool("write_file")), lacks("files:write"));
    assert_eq!(check(&writer, &tool("write_file")), OK);
    assert_eq!(check(&admin, &tool("write_file")), OK);
    // A listed tool needs its own policy only, and names are compared exactly.
    assert_eq!(check(&writer, &tool("read_file")), lacks("files:read"));
    assert_eq!(check(&writer, &tool("Write_file")), lacks("files:read"));
    assert_eq!(check(&writer, &tool("write_file ")), lacks("files:read"));
    assert_eq!(check(&writer, &tool("")), lacks("files:read"));
    assert_eq!(
        check(&reader, &tool(r"write\u005ffile")),
        lacks("files:write")
    );
    // A prompt of the same name is another thing.
    let prompt = call("prompts/get", r#""name":"write_file""#);
    assert_eq!(check(&writer, &prompt), lacks("files:share"));
    // Other methods, and responses.
    for body in [
        call("tools/list", ""),
        call("initialize", r#""name":"write_file""#),
        call(
            "tools/list",
            r#""ref":{"type":"ref/prompt","name":"write_file"}"#,
        ),
        r#"{"id":1,"result":{"name":"write_file"}}"#.to_owned(),
    ] {
        assert_eq!(check(&none, &body), OK, "{body}");
    }
}

// conformance 273
#[test]
fn tools_name_the_scopes_of_the_floor_too() {
    let okta = okta();
    let mount = mount(&okta).require(READ);
    let tools = Tools::new(Policy::any_token()).tool("write_file", WRITE);
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    let check = |body: &str| outcome(admit(&tools, body, Some(&reader), None));
    assert_eq!(check(&tool("write_file")), lacks("files:read files:write"));
    assert_eq!(check(&tool("read_file")), OK);

    let anonymous = mount.anonymous().unwrap();
    let check = |body: &str| outcome(admit(&tools, body, None, Some(&anonymous)));
    assert_eq!(
        check(&tool("write_file")),
        no_token("files:read files:write")
    );
    assert_eq!(check(&tool("read_file")), no_token("files:read"));
}

// conformance 271, 273
#[test]
fn tools_require_the_policies_of_all_messages_of_a_batch() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .tool("write_file", WRITE)
        .prompt("share", SHARE);
    let share = call("prompts/get", r#""name":"share""#);
    let [read, write, list] = [
        tool("read_file"),
        tool("write_file"),
        call("tools/list", ""),
    ];
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    let both = token(
        &mount,
        okta.token("ada").scope("files:read").scope("files:admin"),
    );
    let all = token(
        &mount,
        okta.token("ada")
            .scope("files:read")
            .scope("files:admin")
            .scope("files:share"),
    );
    let check = |token: &VerifiedToken, messages: &[&String]| {
        let messages: Vec<&str> = messages.iter().map(|it| it.as_str()).collect();
        outcome(admit(
            &tools,
            &format!("[{}]", messages.join(",")),
            Some(token),
            None,
        ))
    };
    assert_eq!(check(&reader, &[&list, &read, &read]), OK);
    // The same rejection has the same bytes, whatever the order is.
    for messages in [
        [&read, &write, &list, &share],
        [&share, &list, &write, &read],
        [&write, &read, &share, &write],
    ] {
        assert_eq!(
            check(&reader, &messages),
            lacks("files:read files:write files:share")
        );
        // Of the alternatives, the one that the token meets.
        assert_eq!(
            check(&both, &messages),
            lacks("files:read files:admin files:share")
        );
        assert_eq!(check(&all, &messages), OK);
    }
    assert_eq!(check(&both, &[&read, &write]), OK);
    assert_eq!(check(&both, &[&share]), lacks("files:share"));
}

#[test]
fn tools_of_a_batch_without_a_remedy_are_rejected_without_a_challenge() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .tool("admin", Policy::group("Admins"))
        .tool("write_file", WRITE);
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    for batch in [
        format!("[{},{}]", tool("write_file"), tool("admin")),
        format!("[{},{}]", tool("admin"), tool("write_file")),
    ] {
        assert_eq!(
            outcome(admit(&tools, &batch, Some(&reader), None)),
            (403, vec![])
        );
    }
}

// conformance 274
#[test]
fn tools_that_are_not_listed_in_a_closed_table_are_rejected() {
    let okta = okta();
    let mount = mount(&okta).require(READ);
    let tools = Tools::closed().tool("read_file", READ).public_tool("help");
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    for body in [
        tool("other"),
        call("prompts/get", r#""name":"read_file""#),
        read("file:///a"),
        read("not normal"),
        call("resources/subscribe", r#""uri":"file:///a""#),
        format!("[{},{}]", tool("read_file"), tool("other")),
    ] {
        let rejection = admit(&tools, &body, Some(&reader), None).unwrap_err();
        let (rejection, _) = rejection.into_parts();
        assert_eq!(
            (challenges(&rejection), rejection.code()),
            ((403, vec![]), "forbidden")
        );
        assert_eq!(rejection.issuer(), Some(okta.issuer_url()));
        assert_eq!(
            rejection.unmet_policy(),
            Some("a listed tool, prompt or resource")
        );
        // Without a token the client may have one that the service would accept.
        let anonymous = mount.anonymous().unwrap();
        let result = admit(&tools, &body, None, Some(&anonymous));
        assert_eq!(outcome(result), no_token("files:read"), "{body}");
    }
    assert_eq!(
        outcome(admit(&tools, &tool("read_file"), Some(&reader), None)),
        OK
    );
    assert_eq!(
        outcome(admit(&tools, &tool("help"), Some(&reader), None)),
        OK
    );
    assert_eq!(
        outcome(admit(&tools, &call("tools/list", ""), Some(&reader), None)),
        OK
    );
}

// conformance 273, 274
#[test]
fn tools_that_are_public_need_no_token_behind_an_optional_layer() {
    let okta = okta();
    let mount = mount(&okta);
    let anonymous = mount.anonymous().unwrap();
    let tools = Tools::new(READ)
        .public_tool("help")
        .public_prompt("hello")
        .public_resource("file:///public/")
        .resource("file:///public/drafts/", WRITE);
    let check = |body: &str| outcome(admit(&tools, body, None, Some(&anonymous)));
    assert_eq!(check(&tool("read_file")), no_token("files:read"));
    assert_eq!(check(&tool("hello")), no_token("files:read"));
    assert_eq!(
        check(&call("prompts/get", r#""name":"help""#)),
        no_token("files:read")
    );
    assert_eq!(check(&read("file:///a")), no_token("files:read"));
    assert_eq!(
        check(&read("file:///public/drafts/a")),
        no_token("files:write")
    );
    assert_eq!(
        check(&read("file:///public/../a")),
        no_token("files:read files:write")
    );
    let batch = format!("[{},{}]", tool("help"), tool("read_file"));
    assert_eq!(check(&batch), no_token("files:read"));
    for body in [
        tool("help"),
        call("prompts/get", r#""name":"hello""#),
        read("file:///public/a"),
        call("tools/list", ""),
        format!("[{},{}]", tool("help"), tool("help")),
    ] {
        assert_eq!(check(&body), OK, "{body}");
        let none = token(&mount, okta.token("ada"));
        assert_eq!(outcome(admit(&tools, &body, Some(&none), None)), OK);
        assert_eq!(outcome(admit(&tools, &body, None, None)), (500, vec![]));
    }
    let tools = Tools::public().tool("write_file", WRITE);
    let check = |body: &str| outcome(admit(&tools, body, None, Some(&anonymous)));
    assert_eq!(check(&tool("write_file")), no_token("files:write"));
    assert_eq!(check(&tool("read_file")), OK);
    assert_eq!(check(&read("not normal")), OK);
}

#[test]
fn tools_reject_an_expired_token_that_is_treated_as_anonymous_as_expired() {
    let okta = okta();
    let mount = mount(&okta);
    let authorization = format!("Bearer {}", okta.token("ada").expired().sign());
    let credentials = RequestCredentials::new([authorization.as_bytes()]).expired_as_anonymous();
    let result = mount
        .authenticate(&credentials)
        .into_ready()
        .expect("no I/O");
    let anonymous = result.unwrap_err().as_anonymous().unwrap().clone();
    let tools = Tools::new(READ).public_tool("help");
    assert_eq!(
        outcome(admit(&tools, &tool("help"), None, Some(&anonymous))),
        OK
    );
    let rejection = admit(&tools, &tool("read_file"), None, Some(&anonymous)).unwrap_err();
    let (rejection, _) = rejection.into_parts();
    assert_eq!(
        (rejection.status().as_u16(), rejection.code()),
        (401, "expired")
    );
}

// conformance 271
#[test]
fn tools_find_the_policy_of_a_resource_by_its_longest_prefix() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .resource("file:///", WRITE)
        .resource("file:///shared/", SHARE)
        .resource("file:///shared/read/", READ)
        .resource("file:///shared/read/me.txt", Policy::group("Readers"));
    let none = token(&mount, okta.token("ada"));
    let check = |uri: &str| {
        let body = read(uri);
        let outcome = outcome(admit(&tools, &body, Some(&none), None));
        let subscribe = call("resources/subscribe", &format!(r#""uri":"{uri}""#));
        assert_eq!(
            self::outcome(admit(&tools, &subscribe, Some(&none), None)),
            outcome
        );
        outcome
    };
    assert_eq!(check("docs://a"), lacks("files:read"));
    assert_eq!(check("file:///a"), lacks("files:write"));
    assert_eq!(check("file:///shared"), lacks("files:write"));
    assert_eq!(check("file:///shared/a"), lacks("files:share"));
    assert_eq!(check("file:///shared/read"), lacks("files:share"));
    assert_eq!(check("file:///shared/read/a"), lacks("files:read"));
    assert_eq!(check("file:///shared/read/me.txt"), (403, vec![]));
    assert_eq!(check("file:///shared/read/me.txt.bak"), (403, vec![]));
    let directory = call("resources/directory/read", r#""uri":"file:///shared""#);
    assert_eq!(
        outcome(admit(&tools, &directory, Some(&none), None)),
        lacks("files:share")
    );
    let listen = call(
        "subscriptions/listen",
        r#""notifications":{"resourceSubscriptions":["file:///shared/a","docs://a"]}"#,
    );
    assert_eq!(
        outcome(admit(&tools, &listen, Some(&none), None)),
        lacks("files:read files:share")
    );
}

// conformance 271
#[test]
fn tools_require_the_policy_of_a_prompt_or_a_template_whose_argument_is_completed() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .prompt("review", SHARE)
        .resource("file:///", WRITE)
        .resource("file:///shared/", SHARE)
        .resource("docs://", SHARE);
    let none = token(&mount, okta.token("ada"));
    let check = |reference: &str| {
        let params = format!(r#""ref":{{{reference}}},"argument":{{"name":"a","value":""}}"#);
        let body = call("completion/complete", &params);
        outcome(admit(&tools, &body, Some(&none), None))
    };
    let template = |uri: &str| check(&format!(r#""type":"ref/resource","uri":"{uri}""#));
    let prompt = |name: &str| check(&format!(r#""type":"ref/prompt","name":"{name}""#));
    assert_eq!(prompt("review"), lacks("files:share"));
    assert_eq!(prompt("other"), lacks("files:read"));
    assert_eq!(template("memo://{name}"), lacks("files:read"));
    assert_eq!(template("memo://a"), lacks("files:read"));
    assert_eq!(template("file:///{name}"), lacks("files:write files:share"));
    assert_eq!(
        template("file:///sh{name}"),
        lacks("files:write files:share")
    );
    assert_eq!(template("file:///public/{name}"), lacks("files:write"));
    assert_eq!(template("file:///shared/{name}"), lacks("files:share"));
    assert_eq!(template("file:///shared"), lacks("files:write"));
    // Before its first variable, the template is not in normal form.
    let every = lacks("files:read files:share files:write");
    for uri in ["{uri}", "{+scheme}:///a", "FILE:///{name}", ""] {
        assert_eq!(template(uri), every, "{uri}");
    }
}

// conformance 272
#[test]
fn tools_require_every_policy_for_a_resource_that_could_be_another_one() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .resource("file:///secret/", WRITE)
        .resource("file:///shared/", SHARE)
        .public_resource("file:///public/");
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    let all = token(
        &mount,
        okta.token("ada")
            .scope("files:read")
            .scope("files:write")
            .scope("files:share"),
    );
    for uri in [
        "file:///public/../secret/a",
        "file:///public/%2e%2e/secret/a",
        "FILE:///secret/a",
        "file:////secret/a",
        "file:/secret/a",
        "file:///%73ecret/a",
        r"file:///public\\..\\secret\\a",
        "/secret/a",
        "",
    ] {
        let body = read(uri);
        assert_eq!(
            outcome(admit(&tools, &body, Some(&reader), None)),
            lacks("files:read files:write files:share"),
            "{uri}"
        );
        assert_eq!(outcome(admit(&tools, &body, Some(&all), None)), OK, "{uri}");
    }
    assert_eq!(
        outcome(admit(&tools, &read("file:///a"), Some(&reader), None)),
        OK
    );
    assert_eq!(
        outcome(admit(
            &tools,
            &read("file:///public/a"),
            Some(&reader),
            None
        )),
        OK
    );
}

// conformance 272
#[test]
fn tools_require_the_policy_of_a_resource_with_any_user_and_port() {
    let okta = okta();
    let mount = mount(&okta);
    let tools = Tools::new(READ)
        .resource("docs://secret/", WRITE)
        .resource("docs:///secret/", WRITE)
        .resource("docs://secret:1/public/", SHARE)
        .public_resource("docs://ada@secret:2/");
    let none = token(&mount, okta.token("ada"));
    let check = |uri: &str| outcome(admit(&tools, &read(uri), Some(&none), None));
    for uri in [
        "docs://secret/a",
        "docs://ada@secret/a",
        "docs://secret:1/a",
        "docs://ada:word@secret:1/a",
    ] {
        let (_, texts) = check(uri);
        assert!(texts[0].contains("files:write"), "{uri}: {texts:?}");
    }
    // Servers that read the path alone read it as `docs:///secret/a`.
    let (_, texts) = check("docs:/secret/a");
    assert!(texts[0].contains("files:write"), "{texts:?}");
    // Listed with user and port.
    assert_eq!(check("docs://secret:1/public/a"), lacks("files:share"));
    assert_eq!(check("docs://ada@secret:2/a"), OK);
    // Not listed in any form.
    assert_eq!(check("https://example.com:8443/a"), lacks("files:read"));
}

// conformance 272
#[test]
fn tools_require_the_policy_of_a_prefix_that_is_not_in_normal_form_for_each_resource() {
    let okta = okta();
    let mount = mount(&okta);
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    for prefix in [
        "FILE:///secret/",
        "file://localhost/secret/",
        "file:/secret/",
        "file:///secret/../secret/",
    ] {
        let tools = Tools::new(READ)
            .resource(prefix, WRITE)
            .public_resource("FILE:///public/");
        let check = |body: &str| outcome(admit(&tools, body, Some(&reader), None));
        let lacking = lacks("files:read files:write");
        assert_eq!(check(&read("file:///secret/a")), lacking, "{prefix}");
        assert_eq!(check(&read("docs://a")), lacking, "{prefix}");
        assert_eq!(check(&tool("read_file")), OK, "{prefix}");
    }
}

#[test]
fn tools_accept_policies_from_data_and_replace_them() {
    let okta = okta();
    let mount = mount(&okta);
    let data: OwnedPolicy = serde_json::from_str(r#"{ "scope": "files:share" }"#).unwrap();
    let first = Tools::new(data.clone()).tool("a", READ).tool("b", READ);
    let second = first
        .clone()
        .tool("a", data.clone())
        .public_tool("b")
        .public_tool("c")
        .tool("c", WRITE);
    let none = token(&mount, okta.token("ada"));
    let check = |tools: &Tools, name| outcome(admit(tools, &tool(name), Some(&none), None));
    assert_eq!(check(&first, "other"), lacks("files:share"));
    assert_eq!(check(&first, "a"), lacks("files:read"));
    assert_eq!(check(&first, "b"), lacks("files:read"));
    assert_eq!(check(&second, "a"), lacks("files:share"));
    assert_eq!(check(&second, "b"), OK);
    assert_eq!(check(&second, "c"), lacks("files:write"));
}

#[test]
fn tools_step_up_the_login_like_every_policy() {
    let okta = okta();
    let mount = mount(&okta).require(READ);
    let tools = Tools::new(READ)
        .tool("pay", Policy::acr(&["phr"]))
        .tool("write_file", WRITE);
    let reader = token(&mount, okta.token("ada").scope("files:read"));
    let (status, texts) = outcome(admit(&tools, &tool("pay"), Some(&reader), None));
    assert_eq!(status, 401);
    assert!(
        texts[0].contains(r#"error="insufficient_user_authentication""#),
        "{texts:?}"
    );
    let batch = format!("[{},{}]", tool("write_file"), tool("pay"));
    let (status, texts) = outcome(admit(&tools, &batch, Some(&reader), None));
    assert_eq!(status, 401);
    assert!(texts[0].contains(r#"acr_values="phr""#), "{texts:?}");
    assert!(
        texts[0].contains(r#"scope="files:read files:write""#),
        "{texts:?}"
    );
}

/// Returns the text of the only line, which is the event about a rejection.
#[track_caller]
fn event(act: impl FnOnce()) -> String {
    let lines = secret_scan::logged(act);
    let is_ours = |line: &&Line| line.target.starts_with("okta_verifier");
    let lines: Vec<&Line> = lines.iter().filter(is_ours).collect();
    let [line] = &lines[..] else {
        panic!("one event: {lines:?}");
    };
    assert_eq!(line.target, "okta_verifier::rejected");
    line.text.trim_end().replacen("message=", "", 1)
}

#[test]
fn event_of_a_rejected_mcp_request_names_the_issuer_and_the_logged_claims() {
    let okta = okta();
    secret_scan::public("engines");
    let builder = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .log_claims(["department"]);
    let mount = Mount::new(builder.build().unwrap());
    let ada = token(&mount, okta.token("ada").claim("department", "engines"));
    let of_token = format!(
        r#"issuer="{}" claims={{"department": ["engines"]}} reason="#,
        okta.issuer_url()
    );
    let read =
        |body: &'static [u8], version: Option<&'static str>, token: Option<&VerifiedToken>| {
            let mut headers = HeaderMap::new();
            if let Some(version) = version {
                headers.insert("mcp-protocol-version", version.parse().unwrap());
            }
            drop(McpCalls::read(&headers, body, token).unwrap_err());
        };
    let ping = br#"{"id":1,"method":"ping"}"#;
    for (body, version, start, reason) in [
        (
            &b"5ecret-5ecret-5ecret"[..],
            None,
            r#"code="malformed_body" reason_code="json" status=400 "#,
            "the body is not one JSON value in UTF-8",
        ),
        (
            br#"{"5ecret":{"$serde_json::private::5ecret":1}}"#,
            None,
            r#"code="malformed_body" reason_code="reserved_member" status=400 "#,
            "a member has a name that serde_json reserves",
        ),
        (
            br#"{"method":"5ecret","method":"5ecret"}"#,
            None,
            r#"code="malformed_body" reason_code="duplicate_member" status=400 "#,
            "a message has method, params, name or uri twice",
        ),
        (
            ping,
            Some("5ecret"),
            r#"code="header_mismatch" reason_code="protocol_version" status=400 "#,
            "MCP-Protocol-Version is repeated or is not a date",
        ),
        (
            ping,
            Some("2026-07-28"),
            r#"code="header_mismatch" reason_code="mcp_method" status=400 "#,
            "Mcp-Method does not agree with the body, or is missing or repeated",
        ),
    ] {
        assert_eq!(
            event(|| read(body, version, Some(&ada))),
            format!("request rejected {start}{of_token}{reason}")
        );
        assert_eq!(
            event(|| read(body, version, None)),
            format!("request rejected {start}reason={reason}")
        );
    }
    assert_eq!(
        event(|| drop(McpRejection::body_too_large(Some(&ada)))),
        format!(
            r#"request rejected code="body_too_large" status=413 {of_token}the body is larger than 4 MiB"#
        )
    );
    assert_eq!(
        event(|| drop(McpRejection::incomplete_body(Some(&ada)))),
        format!(
            r#"request rejected code="malformed_body" reason_code="incomplete" status=400 {of_token}the body did not arrive in full"#
        )
    );
    let tools = Tools::closed().tool("write_file", WRITE);
    assert_eq!(
        event(|| drop(admit(
            &tools,
            &tool("5ecret-5ecret-5ecret"),
            Some(&ada),
            None
        ))),
        format!(
            r#"request rejected code="forbidden" status=403 issuer="{}" policy=a listed tool, prompt or resource claims={{"department": ["engines"]}} reason=the token does not meet the policy"#,
            okta.issuer_url()
        )
    );
    let text = event(|| drop(admit(&tools, &tool("write_file"), Some(&ada), None)));
    assert!(
        text.contains(r#"policy=any of [scope "files:write", scope "files:admin"] "#),
        "{text}"
    );
}

#[test]
fn tools_show_names_and_policies_in_debug_output() {
    let tools = Tools::new(READ)
        .tool("write_file", WRITE)
        .public_tool("help");
    let text = format!("{tools:?}");
    assert!(
        text.contains(r#""write_file""#) && text.contains("files:admin"),
        "{text}"
    );
}
