//! Bodies that are rejected, and what the accepted ones call.

use super::{calls, error, parts, read};

/// A body whose message has these members.
fn message(members: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,{members}}}"#)
}

// conformance 265
#[test]
fn body_that_is_not_json_in_utf_8_is_rejected() {
    let good = r#"{"method":"ping"}"#;
    let twisted: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"[",
        br#"{"method":"ping""#,
        br#"{"method":"ping",}"#,
        br#"{'method':'ping'}"#,
        br#"{"method":"ping"}}"#,
        br#"{"method":"ping"} x"#,
        br#"{"method":"ping"}{"method":"ping"}"#,
        b"{\"method\":\"ping\"}\0",
        b"\xEF\xBB\xBF{\"method\":\"ping\"}",
        b"{\"method\":\"p\xFFing\"}",
        b"{\"method\":\"p\xED\xA0\x80ing\"}",
        b"{\"method\":\"ping\n\"}",
        br#"{"method":"ping","params":{"a":"\ud800"}}"#,
        br#"{"method":"ping","params":{"a":01}}"#,
        br#"{"method":"ping","params":{"a":NaN}}"#,
        br#"{"method":"ping"} // comment"#,
        b"nothing",
        b"1 2",
        br#"[{"method":"ping"},]"#,
        br#"[{"method":"ping"}] []"#,
        br#"[{"method":"ping"},nothing]"#,
    ];
    for body in twisted {
        assert_eq!(error(body), -32700, "{}", String::from_utf8_lossy(body));
    }
    // UTF-16 and UTF-32, which some servers recognize by their zeros.
    let utf_16: Vec<u8> = good.bytes().flat_map(|byte| [byte, 0]).collect();
    assert_eq!(error(&utf_16), -32700);
    let utf_32: Vec<u8> = good.bytes().flat_map(|byte| [0, 0, 0, byte]).collect();
    assert_eq!(error(&utf_32), -32700);
    assert!(read(&[], good.as_bytes()).is_ok());
    assert!(read(&[], format!(" \t\r\n{good}\n ").as_bytes()).is_ok());
}

// conformance 265
#[test]
fn body_that_is_nested_too_deep_is_rejected() {
    let nested = |open: &str, close: &str, depth: usize| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        message(&format!(
            r#""method":"ping","params":{{"a":{open}1{close}}}"#
        ))
    };
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        // The message and its params are two levels.
        assert!(read(&[], nested(open, close, 126).as_bytes()).is_ok());
        for depth in [127, 1_000, 500_000] {
            assert_eq!(error(nested(open, close, depth).as_bytes()), -32700);
        }
    }
}

// conformance 268
#[test]
fn body_that_is_not_a_message_is_rejected() {
    for body in [
        "1",
        "null",
        r#""text""#,
        "true",
        "[]",
        "[1]",
        "[[]]",
        r#"[{"method":"ping"},1]"#,
        "[null]",
    ] {
        assert_eq!(error(body.as_bytes()), -32600, "{body}");
    }
}

// conformance 268
#[test]
fn body_with_a_member_of_a_wrong_type_is_rejected() {
    for members in [
        r#""method":1"#,
        r#""method":null"#,
        r#""method":["tools/call"]"#,
        r#""method":{"a":"tools/call"}"#,
        r#""method":"ping","params":null"#,
        r#""method":"ping","params":1"#,
        r#""method":"ping","params":"{}""#,
        r#""method":"ping","params":true"#,
        r#""params":null"#,
    ] {
        assert_eq!(error(message(members).as_bytes()), -32600, "{members}");
    }
    assert!(read(&[], message(r#""method":"ping","params":[]"#).as_bytes()).is_ok());
    assert!(read(&[], message(r#""method":"ping","params":{}"#).as_bytes()).is_ok());
}

// conformance 268
#[test]
fn body_with_a_call_without_a_name_is_rejected() {
    for (method, other) in [
        ("tools/call", "uri"),
        ("prompts/get", "uri"),
        ("resources/read", "name"),
        ("resources/subscribe", "name"),
    ] {
        for params in [
            String::new(),
            r#","params":{}"#.to_owned(),
            r#","params":[]"#.to_owned(),
            // serde reads a struct from an array too.
            r#","params":["write_file",{}]"#.to_owned(),
            r#","params":{"name":null,"uri":null}"#.to_owned(),
            r#","params":{"name":1,"uri":1}"#.to_owned(),
            r#","params":{"name":["a"],"uri":{"a":"b"}}"#.to_owned(),
            format!(r#","params":{{"{other}":"a"}}"#),
            r#","name":"a","uri":"a""#.to_owned(),
            r#","params":{"arguments":{"name":"a","uri":"a"}}"#.to_owned(),
        ] {
            let body = message(&format!(r#""method":"{method}"{params}"#));
            assert_eq!(error(body.as_bytes()), -32600, "{body}");
            assert_eq!(error(format!("[{body}]").as_bytes()), -32600, "{body}");
        }
    }
}

// conformance 266
#[test]
fn body_with_a_deciding_member_twice_is_rejected() {
    for members in [
        r#""method":"ping","method":"tools/call","params":{"name":"a"}"#,
        r#""method":"ping","method":"ping""#,
        r#""method":"ping","\u006dethod":"ping""#,
        r#""method":"tools/call","params":{"name":"a"},"params":{"name":"b"}"#,
        r#""method":"tools/call","params":{"name":"a"},"p\u0061rams":{"name":"b"}"#,
        r#""params":[],"method":"ping","params":[]"#,
        r#""method":"tools/call","params":{"name":"a","name":"b"}"#,
        r#""method":"tools/call","params":{"name":"a","arguments":{},"n\u0061me":"a"}"#,
        r#""method":"tools/call","params":{"name":1,"name":"b"}"#,
        r#""method":"resources/read","params":{"uri":"a","uri":"b"}"#,
        r#""method":"resources/read","params":{"uri":"a","ur\u0069":"b"}"#,
        // Also where the method needs none of them, and in responses.
        r#""method":"ping","params":{"name":"a","name":"b"}"#,
        r#""params":{"uri":"a","uri":"b"}"#,
        r#""result":{},"params":{},"params":{}"#,
    ] {
        let body = message(members);
        assert_eq!(error(body.as_bytes()), -32600, "{body}");
        let batch = format!(r#"[{{"method":"ping"}},{body}]"#);
        assert_eq!(error(batch.as_bytes()), -32600, "{batch}");
    }
    // Other members are forwarded as they came.
    let body = message(
        r#""id":2,"method":"tools/call","params":{"name":"a","arguments":{"name":1,"name":2},"x":1,"x":2}"#,
    );
    assert_eq!(calls(&body), ["Tool a"]);
}

// conformance 266
#[test]
fn body_with_a_member_that_another_parser_takes_for_a_deciding_one_is_rejected() {
    for members in [
        // The parsers of Go and .NET ignore case.
        r#""Method":"tools/call","params":{"name":"a"}"#,
        r#""method":"ping","METHOD":"tools/call","params":{"name":"a"}"#,
        r#""method":"ping","m\u0045thod":"tools/call""#,
        r#""method":"tools/call","params":{"name":"a"},"Params":{"name":"b"}"#,
        r#""method":"tools/call","params":{"name":"a"},"paramſ":{"name":"b"}"#,
        r#""method":"tools/call","params":{"name":"a","Name":"b"}"#,
        r#""method":"tools/call","params":{"NAME":"b","name":"a"}"#,
        r#""method":"resources/read","params":{"uri":"a","URI":"b"}"#,
        r#""method":"resources/read","params":{"uri":"a","URı":"b"}"#,
        // Code in JavaScript that assigns the members to an object changes its prototype.
        r#""__proto__":{"method":"tools/call","params":{"name":"a"}}"#,
        r#""method":"tools/call","params":{"name":"a","__proto__":{"name":"b"}}"#,
    ] {
        let body = message(members);
        assert_eq!(error(body.as_bytes()), -32600, "{body}");
        assert_eq!(error(format!("[{body}]").as_bytes()), -32600, "{body}");
    }
    // In other places they mean nothing.
    let body =
        message(r#""method":"x/y","params":{"Name":"a","arguments":{"Method":1,"__proto__":{}}}"#);
    assert!(calls(&body).is_empty());
    let body = message(
        r#""methods":1,"metho":1,"method":"tools/call","params":{"name":"a","names":"b","arguments":{"Name":1}}"#,
    );
    assert_eq!(calls(&body), ["Tool a"]);
}

// conformance 267
#[test]
fn body_with_a_name_that_serde_json_reserves_is_rejected() {
    for name in [
        "$serde_json::private::RawValue",
        "$serde_json::private::Number",
        "$serde_json::private::",
        "$serde_json::private::Other",
        r"$serde_json\u003a:private::RawValue",
        r"\u0024serde_json::private::Number",
    ] {
        for members in [
            format!(r#""{name}":"{{}}","method":"ping""#),
            format!(r#""method":"ping","params":{{"{name}":"{{}}"}}"#),
            format!(
                r#""method":"tools/call","params":{{"name":"a","arguments":{{"a":[{{"{name}":"1"}}]}}}}"#
            ),
            format!(r#""method":"tools/call","params":{{"name":{{"{name}":"\"a\""}}}}"#),
            format!(r#""id":{{"{name}":"1"}},"method":"ping""#),
            format!(r#""result":{{"{name}":"{{}}"}}"#),
        ] {
            let body = message(&members);
            assert_eq!(error(body.as_bytes()), -32600, "{body}");
            assert_eq!(error(format!("[{body}]").as_bytes()), -32600, "{body}");
        }
        assert_eq!(
            error(format!(r#"[{{"{name}":"{{}}"}}]"#).as_bytes()),
            -32600
        );
    }
    // As a value it means nothing.
    let body =
        message(r#""method":"tools/call","params":{"name":"$serde_json::private::RawValue"}"#);
    assert_eq!(calls(&body), ["Tool $serde_json::private::RawValue"]);
    assert!(
        calls(&message(
            r#""method":"ping","params":{"serde_json":1,"$serde_json::privat":1}"#
        ))
        .is_empty()
    );
}

// conformance 268
#[test]
fn body_of_a_rejection_repeats_only_an_id_that_was_read() {
    let id = |id: &str| {
        let body = format!(r#"{{"id":{id},"method":"tools/call"}}"#);
        let (_, _, body) = parts(read(&[], body.as_bytes()).unwrap_err());
        let (_, id) = body.split_once(r#""id":"#).unwrap();
        id.split_once(r#","error":{"code":-32600,"message":"Invalid Request"}}"#)
            .unwrap()
            .0
            .to_owned()
    };
    for usable in ["1", "-7", "0.5", r#""a""#, r#""\u0061\"""#] {
        assert_eq!(id(usable), usable);
    }
    let quoted = |length: usize| format!("\"{}\"", "a".repeat(length - 2));
    assert_eq!(id(&quoted(128)), quoted(128));
    for unusable in [
        "null",
        "true",
        "{}",
        r#"["a"]"#,
        &quoted(129),
        r#"1,"id":1"#,
        r#"1,"\u0069d":2"#,
    ] {
        assert_eq!(id(unusable), "null", "{unusable}");
    }
    // The message was not read to its end.
    let (_, _, body) = parts(read(&[], br#"{"id":1,"method":1}"#).unwrap_err());
    assert!(body.contains(r#""id":null"#), "{body}");
}

// conformance 271
#[test]
fn body_calls_the_tools_prompts_and_resources_of_all_its_messages() {
    for (body, called) in [
        (
            r#"{"method":"tools/call","params":{"name":"read_file"}}"#,
            vec!["Tool read_file"],
        ),
        (
            r#"{"params":{"arguments":{"name":"b"},"name":"a"},"method":"tools/call"}"#,
            vec!["Tool a"],
        ),
        (
            r#"{"\u006dethod":"tools\/call","params":{"n\u0061me":"write\u005ffile"}}"#,
            vec!["Tool write_file"],
        ),
        (
            r#"{"method":"tools/call","params":{"name":""}}"#,
            vec!["Tool "],
        ),
        (
            r#"{"method":"prompts/get","params":{"name":"review","uri":"a"}}"#,
            vec!["Prompt review"],
        ),
        (
            r#"{"method":"resources/read","params":{"uri":"file:///a","name":"b"}}"#,
            vec!["Resource file:///a"],
        ),
        (
            r#"{"method":"resources/subscribe","params":{"uri":"file:///a"}}"#,
            vec!["Resource file:///a"],
        ),
        (
            r#"{"method":"skills/get","params":{"uri":"skill://a/SKILL.md"}}"#,
            vec!["Resource skill://a/SKILL.md"],
        ),
        (r#"{"method":"tools/list"}"#, vec![]),
        (r#"{"method":"Tools/call"}"#, vec![]),
        (r#"{"method":"tools/call "}"#, vec![]),
        (r#"{"id":1,"result":{"method":"tools/call"}}"#, vec![]),
        ("{}", vec![]),
        (r#"[{"method":"ping"}]"#, vec![]),
        (
            r#" [ {"method":"tools/call","params":{"name":"a"}} , {"id":1,"result":{}} , {"method":"resources/read","params":{"uri":"b"}} ] "#,
            vec!["Tool a", "Resource b"],
        ),
    ] {
        assert_eq!(calls(body), called, "{body}");
    }
}

#[test]
fn body_begins_a_session_only_with_initialize() {
    let begins = |body: &str| read(&[], body.as_bytes()).unwrap().begins_session();
    assert!(begins(r#"{"id":1,"method":"initialize"}"#));
    assert!(begins(
        r#"[{"id":1,"method":"ping"},{"id":2,"method":"initialize"},{"id":3,"method":"ping"}]"#
    ));
    assert!(!begins(r#"{"id":1,"method":"initialized"}"#));
    assert!(!begins(r#"[{"id":1,"method":"ping"}]"#));
    assert!(!begins(r#"{"id":1,"result":{"method":"initialize"}}"#));
}

#[test]
fn body_is_borrowed_and_not_shown() {
    let body = br#"{"method":"tools/call","params":{"name":"a-secret-name"}}"#;
    let calls = read(&[], body).unwrap();
    let call = calls.iter().next().unwrap();
    assert!(matches!(call.target, std::borrow::Cow::Borrowed(_)));
    assert_eq!(
        format!("{calls:?}"),
        "McpCalls { calls: 1, begins_session: false, .. }"
    );
}

// conformance 266, 268, 271
#[test]
fn body_with_a_subscription_that_cannot_be_read_is_rejected() {
    for params in [
        "",
        r#","params":[]"#,
        r#","params":{}"#,
        // serde reads a struct from an array too.
        r#","params":{"notifications":[null,null,null,["file:///a"]]}"#,
        r#","params":{"notifications":null}"#,
        r#","params":{"notifications":{"resourceSubscriptions":"file:///a"}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":["file:///a",1]}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":[null,"file:///a"]}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":{"0":"file:///a"}}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":[],"resourceSubscription\u0073":["file:///a"]}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":[],"resourcesubscriptions":["file:///a"]}}"#,
        r#","params":{"notifications":{"resourceſubscriptions":["file:///a"]}}"#,
        r#","params":{"notifications":{"__proto__":{"resourceSubscriptions":["file:///a"]}}}"#,
        r#","params":{"notifications":{},"notifications":{"resourceSubscriptions":["file:///a"]}}"#,
        r#","params":{"notifications":{"resourceSubscriptions":["file:///a"]},"notifications":{}}"#,
        r#","params":{"notifications":{},"Notifications":{"resourceSubscriptions":["file:///a"]}}"#,
        r#","params":{"Notifications":{"resourceSubscriptions":["file:///a"]},"notifications":{}}"#,
        r#","params":{"notifications":{},"__proto__":{}}"#,
    ] {
        let body = message(&format!(r#""method":"subscriptions/listen"{params}"#));
        assert_eq!(error(body.as_bytes()), -32600, "{body}");
        assert_eq!(error(format!("[{body}]").as_bytes()), -32600, "{body}");
        // For another method it means nothing.
        let body = message(&format!(r#""method":"x/y"{params}"#));
        assert!(calls(&body).is_empty());
    }
    let listen = |filter: &str| {
        calls(&message(&format!(
            r#""method":"subscriptions/listen","params":{{"notifications":{filter}}}"#
        )))
    };
    assert!(listen("{}").is_empty());
    let other =
        r#""method":"x/y","params":{"notifications":{"resourceSubscriptions":["file:///a"]}}"#;
    assert!(calls(&message(other)).is_empty());
    assert!(listen(r#"{"toolsListChanged":true,"resourceSubscriptions":null}"#).is_empty());
    assert_eq!(
        listen(r#"{"resourceSubscriptions" : [ "file:///a" , "file:\/\/\/b" ] }"#),
        ["Resource file:///a", "Resource file:///b"]
    );
}

// conformance 266, 268, 271
#[test]
fn body_that_completes_an_argument_calls_the_prompt_or_the_template() {
    let complete = |reference: &str| {
        message(&format!(
            r#""method":"completion/complete","params":{{"ref":{reference},"argument":{{"name":"a","value":"b"}}}}"#
        ))
    };
    for (reference, called) in [
        (
            r#"{"type":"ref/prompt","name":"review"}"#,
            vec!["Prompt review"],
        ),
        (
            r#"{"uri":"file:\/\/\/{name}","type":"ref/resource"}"#,
            vec!["Template file:///{name}"],
        ),
        // The type decides nothing.
        (
            r#"{"type":"ref/prompt","uri":"file:///a","name":"review","title":"a"}"#,
            vec!["Template file:///a", "Prompt review"],
        ),
        (r#"{"name":"review"}"#, vec!["Prompt review"]),
    ] {
        let body = complete(reference);
        assert_eq!(calls(&body), called, "{body}");
        assert_eq!(calls(&format!("[{body}]")), called, "{body}");
    }
    for reference in [
        "{}",
        "null",
        r#"{"type":"ref/prompt"}"#,
        // serde reads such an object from an array too.
        r#"["ref/prompt","review"]"#,
        r#"{"type":"ref/prompt","name":null}"#,
        r#"{"type":"ref/prompt","name":"a","uri":1}"#,
        r#"{"type":"ref/prompt","name":"a","n\u0061me":"review"}"#,
        r#"{"type":"ref/prompt","name":"a","Name":"review"}"#,
        r#"{"type":"ref/resource","name":"a","URI":"file:///a"}"#,
        r#"{"type":"ref/prompt","name":"a","__proto__":{"name":"review"}}"#,
        r#"{"name":"a"},"ref":{"name":"review"}"#,
        r#"{"name":"a"},"Ref":{"name":"review"}"#,
        r#"{"name":"a"},"__proto__":{"ref":{"name":"review"}}"#,
    ] {
        let body = complete(reference);
        assert_eq!(error(body.as_bytes()), -32600, "{body}");
        assert_eq!(error(format!("[{body}]").as_bytes()), -32600, "{body}");
        // For another method it means nothing.
        assert!(calls(&body.replace("completion/complete", "x/y")).is_empty());
    }
    let without = message(r#""method":"completion/complete""#);
    assert_eq!(error(without.as_bytes()), -32600);
}

#[test]
fn body_with_more_than_1000_calls_is_rejected() {
    let batch = |calls: usize| {
        let call = message(r#""method":"tools/call","params":{"name":"a"}"#);
        let other = message(r#""method":"ping""#);
        format!(
            "[{},{}]",
            vec![other; 1_001].join(","),
            vec![call; calls].join(",")
        )
    };
    assert_eq!(calls(&batch(1_000)).len(), 1_000);
    assert_eq!(error(batch(1_001).as_bytes()), -32600);

    let listen = |uris: usize| {
        let uris = vec![r#""file:///a""#; uris].join(",");
        message(&format!(
            r#""method":"subscriptions/listen","params":{{"notifications":{{"resourceSubscriptions":[{uris}]}}}}"#
        ))
    };
    assert_eq!(calls(&listen(1_000)).len(), 1_000);
    assert_eq!(error(listen(1_001).as_bytes()), -32600);
    let both = format!("[{},{}]", listen(1_000), listen(1));
    assert_eq!(error(both.as_bytes()), -32600);
}

#[test]
fn body_that_lists_a_directory_calls_the_resource_with_a_slash() {
    for (uri, called) in [
        ("file:///a", "Resource file:///a/"),
        ("file:///a/", "Resource file:///a/"),
    ] {
        let params = format!(r#""params":{{"uri":"{uri}"}}"#);
        let body = message(&format!(r#""method":"resources/directory/read",{params}"#));
        assert_eq!(calls(&body), [called]);
    }
    assert_eq!(
        error(message(r#""method":"resources/directory/read""#).as_bytes()),
        -32600
    );
}
