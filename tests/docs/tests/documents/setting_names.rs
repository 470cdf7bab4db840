//! The names of each setting, in code, in a file and in the environment, are in one table of the documents.

use std::collections::BTreeSet;

use okta_verifier::settings::Settings;
use serde_json::{Value, json};

use super::{root, sources, text};

const DOCUMENT: &str = "okta-verifier/docs/choosing-settings.md";
const SECTION: &str = "## Names in code, in a file and in the environment";
const IN_CODE_ONLY: &str = "in code only";

/// The types whose public methods are settings.
const TYPES: [&str; 10] = [
    "ClientAuthentication",
    "DpopNonces",
    "DpopSettings",
    "Introspection",
    "Issuer",
    "IssuerResolver",
    "Resource",
    "RevocationsBuilder",
    "TokenProfile",
    "VerifierBuilder",
];

/// Public methods that set nothing.
const NO_SETTINGS: [&str; 4] = [
    "Issuer::from_env",
    "RevocationsBuilder::build",
    "TokenProfile::new",
    "VerifierBuilder::build",
];

/// The settings that a file does not have, beside those of `IssuerResolver` and `RevocationsBuilder`. A further one is a decision.
const CODE_ONLY: [&str; 5] = [
    "DpopSettings::replay_store",
    "Issuer::allow_insecure_origin",
    "VerifierBuilder::http_client_builder",
    "VerifierBuilder::issuer_resolver",
    "VerifierBuilder::revocations",
];

/// The cells of a row: names in code, in a file and in the environment.
type Row = [String; 3];

fn rows() -> Vec<Row> {
    let document = text(DOCUMENT);
    let (_, section) = document.split_once(SECTION).expect("the section");
    let rows: Vec<Row> = section
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| in code |"))
        .map(|line| {
            let line = line.strip_suffix('|').expect("the end of a row");
            let cells: Vec<_> = line
                .split('|')
                .skip(1)
                .map(|it| it.trim().to_owned())
                .collect();
            cells.try_into().expect("three cells")
        })
        .collect();
    assert!(rows.len() > 80, "{}", rows.len());
    rows
}

/// Returns the texts between backticks in one column.
fn names(rows: &[Row], column: usize) -> BTreeSet<String> {
    let spans = rows
        .iter()
        .flat_map(|row| row[column].split('`').skip(1).step_by(2));
    spans.map(str::to_owned).collect()
}

#[test]
fn names_of_settings_in_a_file_are_those_that_the_code_reads() {
    let mut keys = BTreeSet::new();
    let mut tables = BTreeSet::new();
    collect("", &|value| value, &mut keys, &mut tables);
    assert!(keys.len() > 90, "{keys:#?}");
    let documented = names(&rows(), 1);
    let is_value = |name: &&String| name.starts_with('"');
    let undocumented: Vec<_> = keys.difference(&documented).collect();
    assert!(
        undocumented.is_empty(),
        "{DOCUMENT} lacks {undocumented:#?}"
    );
    let all: BTreeSet<_> = keys.union(&tables).cloned().collect();
    let unknown: Vec<_> = documented
        .difference(&all)
        .filter(|it| !is_value(it))
        .collect();
    assert!(unknown.is_empty(), "the code does not read {unknown:#?}");
}

/// Adds the path of each key below `path`, and of each table. `around` puts a value at that path.
fn collect(
    path: &str,
    around: &dyn Fn(Value) -> Value,
    keys: &mut BTreeSet<String>,
    tables: &mut BTreeSet<String>,
) {
    let Some(fields) = expected(around(json!({ UNKNOWN: 1 })), "unknown field") else {
        panic!("{path:?} is not a table");
    };
    for field in fields {
        let path = match path {
            "" => field.clone(),
            _ => format!("{path}.{field}"),
        };
        let inner = |value: Value| around(json!({ &field: value }));
        let list = |value: Value| inner(json!([value]));
        let is_table = |around: &dyn Fn(Value) -> Value| {
            expected(around(json!({ UNKNOWN: 1 })), "unknown field").is_some()
        };
        if is_table(&inner) {
            tables.insert(path.clone());
            collect(&path, &inner, keys, tables);
        } else if is_table(&list) {
            tables.insert(path.clone());
            collect(&format!("{path}[]"), &list, keys, tables);
        } else if let Some(variants) = expected(inner(json!(UNKNOWN)), "unknown variant") {
            tables.insert(path.clone());
            for variant in variants {
                let table = |value: Value| inner(json!({ &variant: value }));
                match is_table(&table) {
                    true => collect(&format!("{path}.{variant}"), &table, keys, tables),
                    false => drop(keys.insert(format!("{path} = {variant:?}"))),
                }
            }
        } else {
            keys.insert(path);
        }
    }
}

/// A name that no table has.
const UNKNOWN: &str = "no_such_name";

/// Returns the names that the error about [`UNKNOWN`] lists, or `None` if the value causes another error.
fn expected(settings: Value, problem: &str) -> Option<Vec<String>> {
    let error = Settings::read(settings)
        .expect_err("a wrong value")
        .to_string();
    let (_, rest) = error.split_once(&format!("{problem} `{UNKNOWN}`, expected "))?;
    Some(
        rest.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect(),
    )
}

#[test]
fn names_of_settings_in_code_are_those_of_the_public_methods() {
    let rows = rows();
    let is_setting = |name: &String| {
        let owner = name.split_once("::").map(|(owner, _)| owner);
        owner.is_some_and(|owner| TYPES.contains(&owner))
    };
    let documented: BTreeSet<_> = names(&rows, 0).into_iter().filter(is_setting).collect();
    let methods = methods();
    assert!(methods.len() > 80, "{methods:#?}");
    let undocumented: Vec<_> = methods.difference(&documented).collect();
    assert!(
        undocumented.is_empty(),
        "{DOCUMENT} lacks {undocumented:#?}"
    );
    let unknown: Vec<_> = documented.difference(&methods).collect();
    assert!(unknown.is_empty(), "the code has no {unknown:#?}");
}

#[test]
fn setting_in_code_is_in_a_file_too_unless_it_is_listed() {
    let (only, both): (Vec<Row>, Vec<Row>) =
        rows().into_iter().partition(|row| row[1] == IN_CODE_ONLY);
    for row in &both {
        assert!(row[1].contains('`'), "{row:?}: the key in a file");
    }
    let only = names(&only, 0);
    let unlisted: Vec<_> = only
        .iter()
        .filter(|name| {
            let is_of = |owner| name.starts_with(owner);
            !CODE_ONLY.contains(&name.as_str())
                && !is_of("IssuerResolver::")
                && !is_of("RevocationsBuilder::")
        })
        .collect();
    assert!(unlisted.is_empty(), "a file lacks {unlisted:#?}");
    // The section about the file gives the reason for each.
    let document = text(DOCUMENT);
    let (_, section) = document
        .split_once("| in code only | because |")
        .expect("the table");
    let (table, _) = section.split_once("\n\n").expect("the end of the table");
    for name in CODE_ONLY {
        assert!(only.contains(name) && table.contains(name), "{name}");
    }
}

#[test]
fn names_of_variables_are_those_that_the_code_reads() {
    let code = text("okta-verifier/src/env.rs");
    let in_code: BTreeSet<_> = code
        .lines()
        .filter_map(|line| line.strip_prefix("const ")?.split_once(": &str = \"OKTA_"))
        .map(|(_, name)| format!("OKTA_{}", name.trim_end_matches("\";")))
        .collect();
    assert!(in_code.len() > 7, "{in_code:?}");
    let is_variable = |name: &String| name.starts_with("OKTA_");
    let documented: BTreeSet<_> = names(&rows(), 2).into_iter().filter(is_variable).collect();
    assert_eq!(documented, in_code);
    // Their meanings are in the section about them, and in the documentation of the function.
    let document = text(DOCUMENT);
    let (_, section) = document
        .split_once("## Environment variables")
        .expect("the section");
    for name in in_code {
        assert!(
            section.contains(&format!("\n| `{name}` |")),
            "{DOCUMENT}: {name}"
        );
        assert!(
            code.contains(&format!("/// | `{name}` |")),
            "Verifier::from_env: {name}"
        );
    }
}

/// Returns the public methods of the types as `Type::method`, from the sources as rustfmt writes them.
fn methods() -> BTreeSet<String> {
    let code = sources(&root().join("okta-verifier/src"));
    let mut methods = BTreeSet::new();
    let mut owner = None;
    for line in code.lines() {
        if let Some(block) = line.strip_prefix("impl") {
            let name = block.strip_suffix(" {").unwrap_or_default().trim();
            owner = TYPES.into_iter().find(|it| *it == name);
        } else if line == "}" {
            owner = None;
        }
        let Some((owner, rest)) = owner.zip(line.strip_prefix("    pub ")) else {
            continue;
        };
        let name = rest.split_once("fn ").map(|(_, rest)| rest);
        let name = name.and_then(|rest| rest.split(['(', '<']).next());
        methods.extend(name.map(|name| format!("{owner}::{name}")));
    }
    for name in NO_SETTINGS {
        assert!(methods.remove(name), "{name}");
    }
    methods
}
