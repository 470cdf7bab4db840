//! The compact form: three parts, each with exactly one valid encoding (RFC 7515 §7.1).

use super::super::case::{Case, accepted, invalid};
use super::Row;

/// A change to the text of a valid token.
type Respell = fn(String) -> String;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        accepted("an unchanged token", &[33])
            .okta(|token| token)
            .respelled(|token| token),
        invalid("an encrypted token", &[33, 60, 95, 210]).okta(|token| token.encrypted()),
    ];
    let texts = [
        ("an opaque token", "2YotnFZFEjr1zCsicMWpAA"),
        ("two parts", "a.b"),
        ("three empty parts", ".."),
        ("three parts that are not JSON", "a.b.c"),
        ("four parts", "a.b.c.d"),
        ("five parts that are not JSON", "a.b.c.d.e"),
        ("six parts", "a.b.c.d.e.f"),
        ("dots alone", "..."),
    ];
    cases.extend(texts.map(|(name, text)| invalid(name, &[14, 33]).line(format!("Bearer {text}"))));
    let spellings: [Row<Respell>; 20] = [
        ("without its signature", &[33, 60], |token| {
            parts(&token)[..2].join(".")
        }),
        ("with an empty signature", &[60], |token| {
            format!("{}.", parts(&token)[..2].join("."))
        }),
        ("with an empty payload", &[48], |token| {
            format!("{}..{}", parts(&token)[0], parts(&token)[2])
        }),
        ("with an empty header", &[36], |token| {
            format!(".{}", parts(&token)[1..].join("."))
        }),
        ("with header and payload swapped", &[36, 40], |token| {
            let [header, payload, signature] = parts(&token);
            [payload, header, signature].join(".")
        }),
        ("with a trailing dot", &[33], |token| format!("{token}.")),
        ("with a leading dot", &[33], |token| format!(".{token}")),
        ("with padding", &[34, 35], |token| format!("{token}==")),
        ("with too much padding", &[34, 35], |token| {
            format!("{token}====")
        }),
        ("with one character fewer", &[14, 35], |token| {
            token[..token.len() - 1].to_owned()
        }),
        ("with one character more", &[14, 35], |token| {
            format!("{token}A")
        }),
        ("with an impossible length", &[35], |token| {
            format!("{token}AAA")
        }),
        ("with stray trailing bits", &[35], stray_bits),
        ("with a plus sign", &[34], |token| replace_last(token, '+')),
        ("with a slash", &[34], |token| replace_last(token, '/')),
        ("with a tilde", &[34], |token| replace_last(token, '~')),
        ("in lower case", &[3], |token| token.to_lowercase()),
        ("in capitals", &[3], |token| token.to_uppercase()),
        ("with its signature twice", &[33], |token| {
            format!("{token}.{}", parts(&token)[2])
        }),
        ("with two more parts", &[33], |token| format!("{token}.a.b")),
    ];
    cases.extend(spellings.map(|(name, requirements, respell)| {
        invalid(format!("a valid token {name}"), requirements)
            .okta(|token| token)
            .respelled(respell)
    }));
    cases
}

fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    [(); 3].map(|()| parts.next().expect("the token has three parts"))
}

fn replace_last(mut token: String, character: char) -> String {
    token.pop();
    token.push(character);
    token
}

/// Changes the unused bits of the signature. 64 bytes take 86 characters, and the four lower bits of
/// the last character are unused: a lenient decoder decodes the changed text to the same signature.
fn stray_bits(mut token: String) -> String {
    let last = token.pop().expect("the token is not empty");
    let next = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => unreachable!("a signature of 64 bytes cannot end in {other}"),
    };
    token.push(next);
    token
}
