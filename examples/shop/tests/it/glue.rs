//! Counts the lines that connect okta-verifier with the rest.

use std::{collections::BTreeMap, fs, path::Path};

const SHARED: [&str; 4] = ["audit.rs", "document.rs", "run.rs", "shop.rs"];

#[test]
fn glue_is_at_most_60_lines_with_axum_and_64_with_actix_web() {
    for (framework, most) in [("axum.rs", 60), ("actix.rs", 64)] {
        let mut counts = BTreeMap::new();
        for file in SHARED.iter().chain([&framework]) {
            count(file, &mut counts);
        }
        let total: usize = counts.values().sum();
        println!("{framework}: {total} lines of glue: {counts:?}");
        assert!(
            (30..=most).contains(&total),
            "{framework}: {total}: {counts:?}"
        );
    }
}

/// Adds the number of lines of glue in a file to `counts`, by their subject. Empty lines and comments do not count.
fn count(file: &str, counts: &mut BTreeMap<String, usize>) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let text = fs::read_to_string(source.join(file)).expect("a source file");
    let mut begun: Option<&str> = None;
    for line in text.lines().map(str::trim) {
        if let Some(subject) = line.strip_prefix("// glue: ") {
            assert_eq!(begun.replace(subject), None, "{file}: {line}");
        } else if line == "// end of glue" {
            assert!(begun.take().is_some(), "{file}: {line}");
        } else if let Some(subject) = line.split(" // glue: ").nth(1).or(begun)
            && !line.is_empty()
            && !line.starts_with("//")
        {
            *counts.entry(subject.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(begun, None, "{file}: the glue does not end");
}
