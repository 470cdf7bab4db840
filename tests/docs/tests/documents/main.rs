//! What the documents say of the project is there: code, tests, files, commands, defaults, figures.

mod alerts;
mod commands;
mod figures;
mod links;
mod log_events;
mod metrics;
mod names;
mod setting_names;
mod settings;

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("the package is in tests/docs")
}

/// The Markdown files of a folder of the project.
fn documents(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// A file of the project.
fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown file of the project, by its path.
fn all_documents() -> Vec<String> {
    let found = all_files(".md");
    assert!(found.len() > 20, "{found:?}");
    found
}

/// Every file of the project whose name ends so, by its path.
fn all_files(ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().and_then(|name| name.to_str());
            match name.expect("UTF-8") {
                ".git" | "target" | "node_modules" | "corpus" | "artifacts" => {}
                _ if path.is_dir() => folders.push(path),
                name if name.ends_with(ending) => {
                    let path = path.strip_prefix(root()).expect("below it");
                    found.push(path.display().to_string());
                }
                _ => {}
            }
        }
    }
    found
}

fn lines_outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// What opens a block of code: the words behind the fence.
fn fences(text: &str) -> Vec<&str> {
    let fences = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("```"));
    fences.step_by(2).collect()
}

/// The documents whose code needs the crates of `tests/recipes`.
const RECIPES: [&str; 6] = [
    "okta-verifier/docs/cookbook/graphql.md",
    "okta-verifier/docs/cookbook/lambda.md",
    "okta-verifier/docs/cookbook/metrics.md",
    "okta-verifier/docs/cookbook/other-frameworks.md",
    "okta-verifier/docs/cookbook/rate-limits.md",
    "okta-verifier/docs/cookbook/websockets.md",
];

#[test]
fn every_block_of_rust_is_compiled() {
    let folders = [".", "docs/design", "okta-verifier", "okta-verifier/docs"];
    let folders = folders.into_iter().chain([
        "okta-verifier/docs/cookbook",
        "okta-verifier-tower",
        "okta-verifier-axum",
        "okta-verifier-actix",
        "okta-verifier-redis",
        "okta-verifier-cli",
    ]);
    for path in folders.flat_map(documents) {
        let name = path
            .strip_prefix(root())
            .expect("below it")
            .display()
            .to_string();
        let document = fs::read_to_string(&path).expect("UTF-8");
        let compiling = if RECIPES.contains(&name.as_str()) {
            "tests/recipes/src/lib.rs"
        } else {
            "tests/docs/src/lib.rs"
        };
        let included = text(compiling).contains(&format!("include_str!(\"../../../{name}\")"));
        for fence in fences(&document) {
            assert!(
                !fence.contains("ignore"),
                "{name}: write text for what is not ours"
            );
            if fence.starts_with("rust") {
                assert!(included, "{name}: {compiling} does not include it");
            }
            // rustdoc takes a block without a language for Rust.
            assert!(!included || !fence.is_empty(), "{name}: name the language");
        }
        assert!(included || !name.contains("docs/"), "{name}: include it");
    }
}

/// `package::test`, where the package's directory is at the top level, in `tests/` or in `examples/`.
#[test]
fn every_test_that_security_names_exists() {
    let text = fs::read_to_string(root().join("SECURITY.md")).expect("UTF-8");
    let named: Vec<_> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|word| word.split_once("::"))
        // Such as `Introspection::every_token`, which is not a test.
        .filter(|(package, _)| package.starts_with(|first: char| first.is_ascii_lowercase()))
        .collect();
    assert!(named.len() > 50, "{}", named.len());
    for (package, test) in named {
        let source: String = ["", "tests", "examples"]
            .map(|parent| root().join(parent).join(package))
            .iter()
            .filter(|directory| directory.exists())
            .map(|directory| sources(directory))
            .collect();
        let is_there = source.contains(&format!("fn {test}("));
        assert!(is_there, "SECURITY.md: there is no {package}::{test}");
    }
}

/// All Rust of a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with("node_modules") {
            text += &sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(&path).expect("UTF-8");
        }
    }
    text
}
