//! Scripts, steps, benches and packages that the documents name.

use super::{all_documents, all_files, root, text};

#[test]
fn every_script_and_folder_that_is_named_exists() {
    for document in all_documents() {
        for word in words(&text(&document)) {
            let Some((first, _)) = word.split_once('/') else {
                continue;
            };
            if !root().join(first).is_dir() || first.starts_with("..") {
                continue;
            }
            // A guide names the examples of its reader's project.
            if document.starts_with("okta-verifier/docs/") && first == "examples" {
                continue;
            }
            // `fuzz/seeds/TARGET`, `docs/*.md`, and what a run makes.
            let parts = word.split('/');
            let fixed: Vec<_> = parts
                .take_while(|part| {
                    !part.contains(['*', '{']) && part.chars().any(|it| it.is_lowercase())
                })
                .take_while(|part| !["artifacts", "corpus", "target"].contains(part))
                .collect();
            let path = fixed.join("/");
            assert!(root().join(&path).exists(), "{document}: {word}");
        }
    }
}

#[test]
fn every_step_bench_and_package_that_is_named_exists() {
    let steps = text("ci/steps.js");
    let packages = packages();
    for document in all_documents() {
        let text = text(&document);
        for line in text.lines() {
            for program in ["ci/check ", "ci/full "] {
                for named in step_names(line, program) {
                    let is_there = steps.contains(&format!("{{ name: '{named}'"));
                    assert!(is_there, "{document}: {program}{named}");
                }
            }
        }
        for named in after(&text, "--bench ") {
            let file = root().join(format!("benches/benches/{named}.rs"));
            let folder = root().join(format!("benches/benches/{named}/main.rs"));
            let is_there = named == "X" || file.exists() || folder.exists();
            assert!(is_there, "{document}: --bench {named}");
        }
        for line in text.lines().filter(|line| line.contains("cargo ")) {
            for named in after(line, " -p ") {
                assert!(packages.contains(&named), "{document}: -p {named}");
            }
        }
    }
}

/// The words that follow `program` to the end of the code: `ci/check clippy deny`.
fn step_names<'a>(line: &'a str, program: &'a str) -> impl Iterator<Item = &'a str> {
    let rests = line.split(program).skip(1);
    let rests = rests.filter_map(|rest| rest.split(['`', '#']).next());
    let words = rests.flat_map(str::split_whitespace);
    words.filter(|word| !word.starts_with('-') && *word != "all" && *word != "STEP")
}

/// Of a table's row.
pub(super) fn first_cell(line: &str) -> Option<&str> {
    Some(line.strip_prefix("| ")?.split_once(" |")?.0)
}

/// The words that follow `what`.
fn after(text: &str, what: &str) -> Vec<String> {
    let rests = text.split(what).skip(1);
    let end = |it: char| !it.is_ascii_alphanumeric() && !"-_".contains(it);
    let word = |rest: &str| rest.split(end).next().unwrap_or_default().to_owned();
    rests.map(word).filter(|it| !it.is_empty()).collect()
}

/// What white space and punctuation part.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = |it: char| it.is_whitespace() || "`()[]|,;:#\"'".contains(it);
    text.split(parts).map(|it| it.trim_end_matches(['.', '/']))
}

fn packages() -> Vec<String> {
    let mut found = Vec::new();
    for manifest in all_files("Cargo.toml") {
        let manifest = text(&manifest);
        let names = manifest
            .lines()
            .filter_map(|it| it.strip_prefix("name = \""));
        found.extend(names.map(|it| it.trim_end_matches('"').to_owned()));
    }
    found
}
