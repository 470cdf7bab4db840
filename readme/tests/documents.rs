//! No document of the project has a block of Rust that nothing compiles.

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package stands in the workspace")
}

/// The Markdown files of a folder of the project.
fn documents(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// What opens a block of code: the words behind the fence.
fn fences(text: &str) -> Vec<&str> {
    let fences = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("```"));
    fences.step_by(2).collect()
}

#[test]
fn every_block_of_rust_is_compiled() {
    let compiled = include_str!("../src/lib.rs");
    for path in [documents("."), documents("docs")].concat() {
        let name = path
            .strip_prefix(root())
            .expect("below it")
            .display()
            .to_string();
        let text = fs::read_to_string(&path).expect("UTF-8");
        let included = compiled.contains(&format!("include_str!(\"../../{name}\")"));
        for fence in fences(&text) {
            assert!(
                !fence.contains("ignore"),
                "{name}: write text for what is not ours"
            );
            if fence.starts_with("rust") {
                assert!(included, "{name}: readme/src/lib.rs does not include it");
            }
            // rustdoc takes a block without a language for Rust.
            assert!(!included || !fence.is_empty(), "{name}: name the language");
        }
        assert!(included || !name.starts_with("docs"), "{name}: include it");
    }
}
