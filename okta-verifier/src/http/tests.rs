//! Tests of the credentials of a request, and of the responses to a rejected request and to one for metadata.

mod application;
mod challenge;
mod credentials;
mod metadata;
mod problem_details;
mod properties;
mod rejection;

use super::Challenges;

fn challenges() -> Challenges {
    Challenges::new("api").expect("a valid realm")
}

/// Returns the parameters of a Bearer challenge. The parser follows RFC 9110 §11.2 and §5.6.4 and is
/// independent of the code that writes challenges.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut rest = value.strip_prefix("Bearer ").expect("the scheme");
    let mut parameters = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").expect("a quoted string");
        assert!(name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'_')));
        let mut text = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            match characters.next().expect("a closing quote") {
                (_, '\\') => text.push(characters.next().expect("an escaped character").1),
                (at, '"') => break at + 1,
                (_, character) => text.push(character),
            }
        };
        parameters.push((name.to_owned(), text));
        match quoted[end..].strip_prefix(", ") {
            Some(more) => rest = more,
            None => {
                assert_eq!(&quoted[end..], "");
                return parameters;
            }
        }
    }
}
