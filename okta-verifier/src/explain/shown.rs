//! [`Shown`]: values of a token as text for a terminal.

use memchr::memmem;

/// Writes values of one token so that they can be shown: escaped and bounded, and without any part of the token.
#[derive(Clone, Copy)]
pub(crate) struct Shown<'t> {
    token: &'t [u8],
}

impl<'t> Shown<'t> {
    pub(crate) fn of(token: &'t [u8]) -> Self {
        Self { token }
    }

    /// Writes a value. It is put in quotation marks unless it consists of characters that are common in
    /// identifiers, so that a value cannot look like the text around it.
    pub(crate) fn text(self, value: &str) -> String {
        let text = self.escaped(value, MAX_BYTES);
        let is_plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!&*+=%|".contains(&byte);
        match !value.is_empty() && cut(value, MAX_BYTES).bytes().all(is_plain) || text == PART {
            true => text,
            false => format!("\"{text}\""),
        }
    }

    /// Writes the text of an error, which may name what an issuer sent.
    pub(crate) fn message(self, error: &impl ToString) -> String {
        self.escaped(&error.to_string(), MAX_MESSAGE)
    }

    fn escaped(self, value: &str, limit: usize) -> String {
        let kept = cut(value, limit);
        if self.repeats(kept) {
            return PART.to_owned();
        }
        let mut text = String::new();
        for character in kept.chars() {
            match character {
                '"' | '\\' if limit == MAX_BYTES => text.extend(['\\', character]),
                // Other characters may be invisible, change the direction of the text, or look like ASCII.
                ' '..='~' | '\u{c0}'..='\u{24f}' => text.push(character),
                other => text.extend(other.escape_unicode()),
            }
        }
        // An escape is longer than what it stands for.
        let end = cut(&text, limit).len();
        let is_cut = end < text.len() || kept.len() < value.len();
        text.truncate(end);
        if is_cut {
            text.push('…');
        }
        text
    }

    /// Writes the first values of a list, and the number of the others.
    pub(crate) fn list<T: AsRef<str>>(self, values: impl IntoIterator<Item = T>) -> String {
        let mut values = values.into_iter();
        let mut text: Vec<String> = (values.by_ref().take(MAX_VALUES))
            .map(|value| self.text(value.as_ref()))
            .collect();
        match values.count() {
            0 => {}
            more => text.push(format!("and {more} more")),
        }
        match text.is_empty() {
            true => "none".to_owned(),
            false => text.join(", "),
        }
    }

    /// Returns whether the text contains a part of the token. A claim may repeat the header of its own token.
    fn repeats(self, text: &str) -> bool {
        let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        text.as_bytes().windows(PART_BYTES).any(|window| {
            window.iter().all(is_of_token) && memmem::find(self.token, window).is_some()
        })
    }
}

/// Writes a number of seconds in its two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut texts = Vec::new();
    for (length, unit) in units {
        let count = rest / length;
        rest %= length;
        if count > 0 || (texts.is_empty() && length == 1) {
            texts.push(format!("{count} {unit}"));
        }
    }
    texts.truncate(2);
    texts.join(" ")
}

/// Returns the beginning of the text, of at most `limit` bytes.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

const MAX_BYTES: usize = 128;
const MAX_MESSAGE: usize = 512;
const MAX_VALUES: usize = 3;
/// So many consecutive bytes of a token are a part of it.
const PART_BYTES: usize = 16;
const PART: &str = "(a part of the token)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_value_has_no_control_and_no_invisible_character() {
        let shown = Shown::of(b"");
        for (value, expected) in [
            ("api://default", "api://default"),
            ("", "\"\""),
            ("a b", "\"a b\""),
            ("a\" -> b", "\"a\\\" -> b\""),
            ("\u{1b}[31mred", "\"\\u{1b}[31mred\""),
            ("a\r\nok", "\"a\\u{d}\\u{a}ok\""),
            ("\u{202e}evil", "\"\\u{202e}evil\""),
            (
                "\u{2066}\u{200b}\u{feff}",
                "\"\\u{2066}\\u{200b}\\u{feff}\"",
            ),
            ("\u{9b}2J", "\"\\u{9b}2J\""),
            ("аpi", "\"\\u{430}pi\""), // Cyrillic
            ("Zoë", "\"Zoë\""),
        ] {
            assert_eq!(shown.text(value), expected);
        }
    }

    #[test]
    fn shown_value_is_cut_to_128_bytes() {
        let shown = Shown::of(b"");
        assert_eq!(shown.text(&"a".repeat(128)), "a".repeat(128));
        assert_eq!(
            shown.text(&"a".repeat(1_000_000)),
            format!("{}…", "a".repeat(128))
        );
        let escaped = shown.text(&"\u{202e}".repeat(1_000));
        assert!(escaped.len() <= 128 + "\"\"…".len(), "{escaped}");
        assert!(shown.text(&"é".repeat(1_000)).len() <= 128 + "\"\"…".len());
    }

    #[test]
    fn shown_list_has_three_values_at_most() {
        let shown = Shown::of(b"");
        let values: Vec<String> = (0..5_000).map(|number| format!("api://{number}")).collect();
        assert_eq!(shown.list(&values[..1]), "api://0");
        assert_eq!(
            shown.list(&values),
            "api://0, api://1, api://2, and 4997 more"
        );
        assert_eq!(shown.list([""; 0]), "none");
    }

    #[test]
    fn shown_value_never_repeats_a_part_of_the_token() {
        let shown = Shown::of(b"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2ln");
        assert_eq!(shown.text("see eyJhbGciOiJFUzI1NiJ9"), PART);
        assert_eq!(shown.text("I1NiJ9.eyJzdWIiOi"), PART);
        assert_eq!(shown.text("eyJhbGciOiJFUzI"), "eyJhbGciOiJFUzI"); // 15 bytes
    }

    #[test]
    fn duration_has_its_two_largest_units() {
        for (seconds, expected) in [
            (0, "0 s"),
            (59, "59 s"),
            (192, "3 min 12 s"),
            (3_600, "1 h"),
            (7_261, "2 h 1 min"),
            (86_400 * 3 + 5, "3 d 5 s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
        assert!(duration(u64::MAX).ends_with(" h"));
    }
}
