//! `okta-verifier/docs/why-401.md` has a row for every error code and reason, and no others.

use std::{collections::BTreeSet, fs, path::Path};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the first cells of the page's rows that are one word of code, such as `expired`.
fn rows() -> BTreeSet<String> {
    let page = read("docs/why-401.md");
    let first = |line: &str| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned());
    let is_word = |cell: &String| !cell.contains('`');
    page.lines().filter_map(first).filter(is_word).collect()
}

/// Returns the values of `VerifyError::code`.
fn codes() -> BTreeSet<String> {
    codes_in("src/error/verify.rs")
}

/// Returns the values of the first `code` method of a file, read from its source so that none is missing.
fn codes_in(path: &str) -> BTreeSet<String> {
    let source = read(path);
    let (_, body) = source.split_once("fn code(").expect("a method `code`");
    let (body, _) = body.split_once("\n    }\n").expect("its end");
    texts(body).collect()
}

/// Returns the texts between quotation marks.
fn texts(source: &str) -> impl Iterator<Item = String> {
    source.split('"').skip(1).step_by(2).map(str::to_owned)
}

/// Returns the code of every reason why a token was rejected or not verified, or the name of its variant if the
/// enum has no codes.
/// `ConfigError` occurs at start-up only, a `VerifyError` has a code, and a `ConnectFailure` is a part of a reason.
fn reasons() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/error");
    let mut reasons = BTreeSet::new();
    for file in fs::read_dir(folder).unwrap() {
        let source = read(file.unwrap().path());
        for item in source
            .split("\npub enum ")
            .flat_map(|it| it.split("\npub(crate) enum "))
            .skip(1)
        {
            let (name, rest) = item.split_once(' ').unwrap();
            let (body, _) = rest.split_once("\n}").expect("its end");
            // The codes of a `ConnectFailure` are those of `UnavailableReason::Connect`.
            if matches!(name, "ConfigError" | "VerifyError" | "ConnectFailure") {
                continue;
            }
            let methods = source.split_once(&format!("\nimpl {name} {{"));
            let methods = methods.and_then(|(_, rest)| rest.split_once("\n}\n"));
            match methods.and_then(|(methods, _)| methods.split_once("fn code(")) {
                Some((_, code)) => reasons.extend(texts(code)),
                None => reasons.extend(body.lines().filter_map(variant)),
            }
        }
    }
    reasons
}

/// Returns the name in `    Timeout,`, `    Status {` or `    Other(…),`.
fn variant(line: &str) -> Option<String> {
    let name = line.strip_prefix("    ")?;
    name.starts_with(|first: char| first.is_ascii_uppercase())
        .then(|| {
            name.chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect()
        })
}

/// Returns the codes of rejections that have no `VerifyError`.
fn rejections() -> impl Iterator<Item = String> {
    let source = read("src/http/codes.rs");
    let (_, constants) = source
        .split_once("// The codes of rejections")
        .expect("the constants");
    let (constants, _) = constants.split_once("\n\n").expect("their end");
    let codes: Vec<_> = texts(constants).collect();
    codes.into_iter()
}

#[test]
fn why_401_has_a_row_for_every_code() {
    let (rows, codes, reasons) = (rows(), codes(), reasons());
    // Shows that the source is read at all:
    assert!(codes.contains("expired") && codes.contains("unavailable"));
    assert!(reasons.contains("parts") && reasons.contains("replayed"));
    let mut known: BTreeSet<_> = codes.union(&reasons).cloned().collect();
    known.extend(rejections());
    let missing: Vec<_> = known.difference(&rows).collect();
    assert!(
        missing.is_empty(),
        "okta-verifier/docs/why-401.md has no row for {missing:?}"
    );
    let unknown: Vec<_> = rows.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "okta-verifier/docs/why-401.md has rows for unknown codes: {unknown:?}"
    );
}

#[test]
fn why_401_has_the_code_of_every_reason_for_503() {
    let page = read("docs/why-401.md");
    let (_, table) = page
        .split_once("| reason code | reason |")
        .expect("the table");
    let (table, _) = table.split_once("\n\n").expect("its end");
    let first = |line: &str| Some(line.strip_prefix("| `")?.split_once('`')?.0.to_owned());
    let shown: Vec<String> = table.lines().filter_map(first).collect();
    let distinct: BTreeSet<_> = shown.iter().cloned().collect();
    assert_eq!(distinct, codes_in("src/error/unavailable.rs"));
    assert_eq!(distinct.len(), shown.len(), "a code has two rows");
}

#[test]
fn why_401_names_the_introspection_modes_for_opaque_tokens() {
    let page = read("docs/why-401.md");
    for reason in ["parts", "alphabet"] {
        let start = format!("| `{reason}` |");
        let row = page.lines().find(|line| line.starts_with(&start)).unwrap();
        assert!(
            row.contains("`Introspection::opaque_tokens` or `every_token`"),
            "{row}"
        );
    }
}
