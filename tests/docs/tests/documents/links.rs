//! Links within the project lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::{all_documents, root, text};

#[test]
fn every_link_leads_to_a_file_and_its_heading() {
    for document in all_documents() {
        let folder = Path::new(&document).parent().expect("a folder");
        for link in links(&text(&document)) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => PathBuf::from(&document),
                _ => tidied(&folder.join(path)),
            };
            assert!(root().join(&target).exists(), "{document}: {link}");
            if !anchor.is_empty() {
                let target = text(&target.display().to_string());
                let mut headings = lines_outside_code(&target).filter(|it| it.starts_with('#'));
                let is_there = headings.any(|heading| slug(heading) == anchor);
                assert!(is_there, "{document}: no heading for {link}");
            }
        }
    }
}

fn links(text: &str) -> Vec<String> {
    let lines: Vec<_> = lines_outside_code(text).collect();
    let text = lines.join("\n");
    let targets = text.split("](").skip(1);
    let targets = targets.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()));
    targets.filter(|it| !it.starts_with("http")).collect()
}

fn lines_outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

/// As GitHub makes it.
fn slug(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = words
        .chars()
        .filter(|it| it.is_alphanumeric() || "- _".contains(*it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// Without `..`.
fn tidied(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(tidied.pop(), "out of the project: {path:?}"),
            _ => tidied.push(component),
        }
    }
    tidied
}
