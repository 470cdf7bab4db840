//! The compact form: three parts, one spelling (RFC 7515 §7.1).

use super::super::case::{Case, accepted, invalid};
use super::Row;

/// What happens to a good token's text.
type Respell = fn(String) -> String;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        accepted("an untouched token", &[33])
            .okta(|token| token)
            .respelled(|token| token),
        invalid("an encrypted token", &[33, 60, 95, 210]).okta(|token| token.encrypted()),
    ];
    let texts = [
        ("an opaque token", "2YotnFZFEjr1zCsicMWpAA"),
        ("two parts", "a.b"),
        ("three parts of nothing", ".."),
        ("three parts of no JSON", "a.b.c"),
        ("four parts", "a.b.c.d"),
        ("five parts of no JSON", "a.b.c.d.e"),
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
        ("with header and payload exchanged", &[36, 40], |token| {
            let [header, payload, signature] = parts(&token);
            [payload, header, signature].join(".")
        }),
        ("with a dot at its end", &[33], |token| format!("{token}.")),
        ("with a dot before it", &[33], |token| format!(".{token}")),
        ("with padding", &[34, 35], |token| format!("{token}==")),
        ("with too much padding", &[34, 35], |token| {
            format!("{token}====")
        }),
        ("with one character less", &[14, 35], |token| {
            token[..token.len() - 1].to_owned()
        }),
        ("with one character more", &[14, 35], |token| {
            format!("{token}A")
        }),
        ("with a length that no bytes have", &[35], |token| {
            format!("{token}AAA")
        }),
        ("with stray bits at its end", &[35], stray_bits),
        ("with a plus sign", &[34], |token| replace_last(token, '+')),
        ("with a slash", &[34], |token| replace_last(token, '/')),
        ("with a tilde", &[34], |token| replace_last(token, '~')),
        ("in small letters", &[3], |token| token.to_lowercase()),
        ("in capitals", &[3], |token| token.to_uppercase()),
        ("with its signature twice", &[33], |token| {
            format!("{token}.{}", parts(&token)[2])
        }),
        ("with two parts more", &[33], |token| format!("{token}.a.b")),
    ];
    cases.extend(spellings.map(|(name, requirements, respell)| {
        invalid(format!("a good token {name}"), requirements)
            .okta(|token| token)
            .respelled(respell)
    }));
    cases
}

fn parts(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    [(); 3].map(|()| parts.next().expect("a token has three parts"))
}

fn replace_last(mut token: String, character: char) -> String {
    token.pop();
    token.push(character);
    token
}

/// 64 bytes are 86 characters, and the last one's four lower bits are none of theirs: another
/// character there decodes to the same signature, where a decoder lets it.
fn stray_bits(mut token: String) -> String {
    let last = token.pop().expect("a token has an end");
    let next = match last {
        'A' => 'B',
        'Q' => 'R',
        'g' => 'h',
        'w' => 'x',
        other => unreachable!("{other} ends no signature of 64 bytes"),
    };
    token.push(next);
    token
}
