//! The page about log events and codes names every event and every code of the sources, and no others.

use std::{collections::BTreeSet, fs, path::Path};

use super::{root, text};

const PAGE: &str = "okta-verifier/docs/log-events.md";
const CODES: &str = "okta-verifier/src/http/codes.rs";
const CRATES: [&str; 5] = ["", "-actix", "-axum", "-redis", "-tower"];
const LEVELS: [&str; 5] = ["trace", "debug", "info", "warn", "error"];

/// An event: its message, its target, its level and its fields in the order of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    message: String,
    target: String,
    level: String,
    fields: Vec<String>,
}

/// The events of one source, whose target begins with the name of the crate unless the source names another.
fn events(source: &str, package: &str) -> Vec<Event> {
    let constants = constants(source);
    let mut events = Vec::new();
    for level in LEVELS {
        for (at, start) in source.match_indices(&format!("tracing::{level}!(")) {
            let arguments = arguments(&source[at + start.len()..]);
            let (message, fields) = arguments.split_last().expect("a message");
            let message =
                string(message).unwrap_or_else(|| panic!("the message is no text: {message}"));
            let mut event = Event {
                message,
                target: package.to_owned(),
                level: level.to_owned(),
                fields: Vec::new(),
            };
            for field in fields {
                if let Some(target) = field.strip_prefix("target:") {
                    let target = target.trim();
                    let constant = constants.iter().find(|(name, _)| name == target);
                    let constant = constant.map(|(_, value)| value.clone());
                    event.target = constant.or_else(|| string(target)).expect("a target");
                } else {
                    let (name, _) = field.split_once('=').unwrap_or((field, ""));
                    let name = name.trim().trim_start_matches(['%', '?']);
                    event.fields.push(name.to_owned());
                }
            }
            events.push(event);
        }
    }
    events
}

/// Returns the arguments of a macro from its opening parenthesis on.
fn arguments(source: &str) -> Vec<String> {
    let (mut depth, mut is_text, mut is_escaped) = (0, false, false);
    let mut arguments = vec![String::new()];
    for character in source.chars() {
        let argument = arguments.last_mut().expect("one at least");
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        argument.push(character);
    }
    let arguments = arguments.iter().map(|it| it.trim().to_owned());
    arguments.filter(|it| !it.is_empty()).collect()
}

/// Returns the value of a string literal.
fn string(literal: &str) -> Option<String> {
    let text = literal.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(text.replace("\\\"", "\""))
}

/// Returns the names and the values of the constants that are texts.
fn constants(source: &str) -> Vec<(String, String)> {
    let constant = |line: &str| {
        let rest = line.strip_prefix("pub(super) ").unwrap_or(line);
        let (name, value) = rest.strip_prefix("const ")?.split_once(": &str = ")?;
        Some((name.to_owned(), string(value.strip_suffix(';')?)?))
    };
    source.lines().filter_map(constant).collect()
}

/// Returns the path and the text of each source below a folder, without tests.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                found.extend(files(&path));
            }
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            let source = fs::read_to_string(&path).expect("a source");
            found.push((path.display().to_string(), source));
        }
    }
    found
}

fn events_in_code() -> Vec<(String, Event)> {
    let mut found = Vec::new();
    for name in CRATES {
        let package = format!("okta_verifier{}", name.replace('-', "_"));
        for (path, source) in files(&root().join(format!("okta-verifier{name}/src"))) {
            let events = events(&source, &package);
            // Every event is written with the path of its macro, so that this test finds it.
            for hidden in [
                "use tracing::{debug",
                "use tracing::{error",
                "tracing::event!",
                "use tracing::debug",
            ] {
                assert!(!source.contains(hidden), "{path}: {hidden}");
            }
            found.extend(events.into_iter().map(|event| (path.clone(), event)));
        }
    }
    found
}

/// Returns the cells of the rows of the tables under a heading.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = page
        .split_once(&format!("\n## {heading}\n"))
        .expect(heading);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| {
        let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
        Some(cells.split(" | ").map(|it| it.trim().to_owned()).collect())
    });
    // Without the head of the table.
    rows.filter(|row: &Vec<String>| row[0].starts_with('`'))
        .collect()
}

/// Returns the texts between backticks.
fn spans(cell: &str) -> Vec<String> {
    let spans = cell.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

fn events_on_the_page() -> BTreeSet<Event> {
    let rows = rows(&text(PAGE), "Events");
    let event = |row: &Vec<String>| Event {
        message: row[0].trim_matches('`').to_owned(),
        target: row[1].trim_matches('`').to_owned(),
        level: row[2].trim_matches('`').to_owned(),
        fields: spans(&row[3]),
    };
    rows.iter().map(event).collect()
}

#[test]
fn log_events_of_the_page_are_those_of_the_code() {
    let code: BTreeSet<_> = events_in_code()
        .into_iter()
        .map(|(_, event)| event)
        .collect();
    assert!(code.len() > 20, "{code:#?}");
    let page = events_on_the_page();
    let missing: Vec<_> = code.difference(&page).collect();
    assert!(missing.is_empty(), "{PAGE} has no row for {missing:#?}");
    let unknown: Vec<_> = page.difference(&code).collect();
    assert!(unknown.is_empty(), "the code has no event for {unknown:#?}");
}

#[test]
fn log_events_about_keys_and_introspection_name_the_issuer() {
    let mut seen = 0;
    for (path, event) in events_in_code() {
        if path.contains("/keys/") || path.contains("/introspection/") {
            seen += 1;
            assert!(event.fields.contains(&"issuer".to_owned()), "{event:?}");
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn log_event_that_is_added_to_the_code_is_found() {
    let planted = r#"
        const TARGET: &str = "planted::target";
        fn planted() {
            tracing::warn!(
                target: TARGET,
                issuer,
                %error,
                cause = cause(&error, ["a", "b"]),
                "planted, \"quoted\" (event)"
            );
        }
    "#;
    let planted = planted.replace("        const", "const");
    let event = Event {
        message: "planted, \"quoted\" (event)".to_owned(),
        target: "planted::target".to_owned(),
        level: "warn".to_owned(),
        fields: ["issuer", "error", "cause"].map(str::to_owned).to_vec(),
    };
    assert!(!events_on_the_page().contains(&event));
    assert_eq!(events(&planted, "okta_verifier"), [event]);
}

/// Returns the values of each method `code` in a source.
fn codes_of_methods(source: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for body in source.split(" const fn code(").skip(1) {
        let (body, _) = body.split_once("\n    }\n").expect("its end");
        codes.extend(body.split('"').skip(1).step_by(2).map(str::to_owned));
    }
    codes
}

/// Returns the codes of rejections that have no `VerifyError`.
fn codes_of_rejections() -> BTreeSet<String> {
    let codes: BTreeSet<_> = constants(&text(CODES))
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    assert!(codes.len() >= 7, "{codes:?}");
    codes
}

fn is_stable_name(code: &str) -> bool {
    let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    code.chars().all(is_part)
}

fn first_cells(page: &str, heading: &str) -> BTreeSet<String> {
    let rows = rows(page, heading);
    rows.iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect()
}

#[test]
fn codes_of_the_page_are_those_of_the_code() {
    // `VerifyError` is in this file, and so is `MalformedTokenError`, whose codes are reasons.
    let source = text("okta-verifier/src/error/verify.rs");
    let (verify, malformed) = source
        .split_once("pub enum MalformedTokenError")
        .expect("it");
    let mut codes = codes_of_methods(verify);
    assert!(codes.contains("expired") && codes.contains("unavailable"));
    codes.extend(codes_of_rejections());
    assert!(codes.iter().all(|code| is_stable_name(code)), "{codes:?}");
    assert_eq!(codes, first_cells(&text(PAGE), "Codes"));

    let mut reasons = codes_of_methods(malformed);
    for file in ["mcp", "proof", "unavailable"] {
        reasons.extend(codes_of_methods(&text(&format!(
            "okta-verifier/src/error/{file}.rs"
        ))));
    }
    assert!(reasons.contains("duplicate_member") && reasons.contains("replayed"));
    assert!(
        reasons.iter().all(|code| is_stable_name(code)),
        "{reasons:?}"
    );
    assert_eq!(reasons, first_cells(&text(PAGE), "Reason codes"));
}

#[test]
fn fields_of_the_event_about_a_rejection_are_described() {
    let events = events_in_code();
    let is_rejection = |event: &Event| event.target == "okta_verifier::rejected";
    let rejections: Vec<_> = events
        .iter()
        .filter(|(_, event)| is_rejection(event))
        .collect();
    let [(_, event)] = &rejections[..] else {
        panic!("one event: {rejections:?}");
    };
    let described: Vec<_> = rows(&text(PAGE), "The event about a rejection")
        .iter()
        .map(|row| row[0].trim_matches('`').to_owned())
        .collect();
    assert_eq!(described, event.fields);
}
