//! The defaults and limits that the documents give are those of the code.

use super::text;

/// A document; below it a phrase of it; below that, by file of the core or by path, the code that makes it
/// true.
const CLAIMS: &str = include_str!("settings.txt");

#[test]
fn every_default_and_limit_is_the_codes() {
    let (mut document, mut phrase, mut proofs) = ("", "", 0);
    for line in CLAIMS.lines() {
        let claim = line.trim_start();
        match line.len() - claim.len() {
            0 => document = claim,
            4 => {
                phrase = claim;
                let written = in_one_line(&text(document));
                assert!(written.contains(phrase), "{document} lacks: {phrase}");
            }
            _ => {
                let (file, code) = claim.split_once(": ").expect("a file and its code");
                let path = match file.contains("/src/") {
                    true => file.to_owned(),
                    false => format!("okta-verifier/src/{file}"),
                };
                let written = in_one_line(&text(&path));
                assert!(
                    written.contains(code),
                    "{document} says {phrase:?}, but {file} no longer {code:?}"
                );
                proofs += 1;
            }
        }
    }
    assert!(proofs > 40, "{proofs}");
}

#[test]
fn every_row_of_the_defaults_is_proved() {
    let page = text("okta-verifier/docs/defaults.md");
    let rows = page.lines().filter(|it| it.starts_with("| "));
    let rows: Vec<_> = rows.filter(|it| !it.starts_with("| what |")).collect();
    assert!(rows.len() > 30, "{}", rows.len());
    for row in rows {
        let is_proved = CLAIMS
            .lines()
            .any(|claim| claim.starts_with("    | ") && row.starts_with(claim.trim_start()));
        assert!(is_proved, "settings.txt lacks: {row}");
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
