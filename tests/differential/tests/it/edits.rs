//! Edits of a text: of a signed token, or of its JSON before signing.

use crate::random::Random;

/// Applies one to three small edits.
pub(crate) fn some(random: &mut Random, text: &str, pieces: &[&str]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        one(random, &mut bytes, pieces);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn one(random: &mut Random, bytes: &mut Vec<u8>, pieces: &[&str]) {
    let at = random.below(bytes.len() + 1);
    let end = (at + 1 + random.below(8)).min(bytes.len());
    match random.below(7) {
        0 if at < bytes.len() => bytes[at] = 0x20 + random.below(0x5F) as u8,
        1 if at < bytes.len() => bytes[at] ^= 1 << random.below(7),
        2 => drop(bytes.drain(at..end)),
        3 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        4 => bytes.truncate(bytes.len() - random.below(4).min(bytes.len())),
        5 if at < bytes.len() => {
            let other = random.below(bytes.len());
            bytes.swap(at, other);
        }
        _ => {
            let piece = random.one(pieces).bytes();
            bytes.splice(at..at, piece);
        }
    }
}

/// The text that edits insert into a token.
pub(crate) const OF_A_TOKEN: [&str; 10] =
    [".", "=", "==", " ", "\n", "A", "AAAA", "-_", "%2E", "é"];

/// The text that edits insert into its JSON.
pub(crate) const OF_JSON: [&str; 16] = [
    " ", "\n", ",", "\"", "{", "}", "[", "]", "\\u0000", "\\ud800", "0", "e9", ".5", "-", "null",
    "\u{feff}",
];

/// Adds a second member of an existing name, at the end or at the beginning.
pub(crate) fn doubled(random: &mut Random, object: &str, name: &str, value: &str) -> String {
    let inner = &object[1..object.len() - 1];
    match random.below(3) {
        0 => format!("{{\"{name}\":{value},{inner}}}"),
        1 => format!("{{{inner},\"{name}\":{value}}}"),
        // The same name, escaped.
        _ => {
            let first = name.bytes().next().unwrap_or_default();
            format!("{{{inner},\"\\u{first:04x}{}\":{value}}}", &name[1..])
        }
    }
}
