//! Links within the project lead somewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

use super::{all_documents, lines_outside_code, root, text};

const ON_DOCS_RS: &str = "okta-verifier/src/_documentation/links.md";

#[test]
fn every_link_leads_to_a_file_and_its_heading() {
    // The targets in `links.md` are modules: the next test and rustdoc check them.
    for document in all_documents().into_iter().filter(|it| it != ON_DOCS_RS) {
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
    let inline = text.split("](").skip(1);
    let inline = inline.filter_map(|rest| Some(rest.split_once(')')?.0));
    let defined = definitions(&lines).map(|(_, target)| target);
    let targets = inline.chain(defined).map(str::to_owned);
    targets.filter(|it| !it.starts_with("http")).collect()
}

/// The lines `[reference]: target`.
fn definitions<'a>(lines: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let lines = lines.iter().filter_map(|line| line.strip_prefix('['));
    lines.filter_map(|line| line.split_once("]: "))
}

/// The guides of the core crate are on docs.rs too, where a path of the project leads nowhere. A link from one to another is
/// a reference, whose definition in `links.md` is a module.
#[test]
fn every_link_of_a_guide_leads_to_its_page_on_docs_rs() {
    let on_docs_rs = text(ON_DOCS_RS);
    let on_docs_rs: Vec<_> = on_docs_rs.lines().collect();
    let on_docs_rs: BTreeMap<_, _> = definitions(&on_docs_rs).collect();
    let mut used = BTreeSet::new();
    for document in all_documents() {
        let Some(path) = document.strip_prefix("okta-verifier/docs/") else {
            continue;
        };
        let folder = Path::new(path).parent().expect("a folder");
        let text = text(&document);
        let lines: Vec<_> = lines_outside_code(&text).collect();
        let defined: BTreeMap<_, _> = definitions(&lines).collect();
        for line in &lines {
            let line: String = line.split('`').step_by(2).collect(); // without code
            for inline in line.split("](").skip(1) {
                let is_there = inline.starts_with(['#']) || inline.starts_with("https://");
                assert!(is_there, "{document}: {line}");
            }
            for rest in line.split("][").skip(1) {
                let (reference, _) = rest.split_once(']').expect("a reference");
                assert!(defined.contains_key(reference), "{document}: [{reference}]");
            }
        }
        for (reference, target) in defined {
            let target = tidied(&folder.join(target)).display().to_string();
            assert_eq!(reference, target, "{document}");
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let module = file
                .trim_end_matches(".md")
                .replace('/', "::")
                .replace('-', "_");
            let anchor = if anchor.is_empty() {
                String::new()
            } else {
                format!("#{anchor}")
            };
            let module = format!("crate::_documentation::{module}{anchor}");
            assert_eq!(
                on_docs_rs.get(reference),
                Some(&module.as_str()),
                "links.md: {reference}"
            );
            used.insert(reference.to_owned());
        }
    }
    let unused: Vec<_> = on_docs_rs
        .keys()
        .filter(|it| !used.contains(**it))
        .collect();
    assert!(unused.is_empty(), "links.md: {unused:?}");
}

#[test]
fn every_guide_is_a_page_on_docs_rs() {
    let pages = text("okta-verifier/src/_documentation.rs");
    let manifest = text("okta-verifier/Cargo.toml");
    for packaged in [
        "/docs/**/*.md",
        "/docs/alerts.yml",
        "/src/_documentation/*.md",
    ] {
        assert!(manifest.contains(&format!("\"{packaged}\"")), "{packaged}");
    }
    for document in all_documents() {
        if let Some(file) = document.strip_prefix("okta-verifier/docs/") {
            assert!(
                pages.contains(&format!("\"{file}\"")),
                "{document} is no page"
            );
        }
    }
}

/// A package's README is shown where the rest of the project is not.
#[test]
fn every_link_of_a_packages_readme_is_absolute() {
    for document in all_documents() {
        if document.starts_with("okta-verifier") && document.ends_with("/README.md") {
            let links = links(&text(&document));
            assert!(links.is_empty(), "{document}: {links:?}");
        }
    }
}

/// As GitHub makes it.
pub(super) fn slug(heading: &str) -> String {
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
