//! What the commands write to standard output: lines of text, or JSON with one object per line.
//!
//! Text has colours on a terminal only, and not if `NO_COLOR` is set. A failed write is ignored: it means that the
//! reader has closed the pipe, and the exit code still reports the result.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// Writes the results of a command to standard output.
pub(crate) struct Output<W = anstream::Stdout> {
    json: bool,
    stream: W,
}

/// The outcome of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    #[serde(rename = "ok")]
    Passed,
    #[serde(rename = "warn")]
    Warned,
    #[serde(rename = "fail")]
    Failed,
    #[serde(rename = "skip")]
    Skipped,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self {
            json,
            stream: anstream::stdout(),
        }
    }
}

impl<W: Write> Output<W> {
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Writes the result of one check: `ok    keys        2 usable`, with the hint in a second line.
    ///
    /// The JSON object has the members `state`, `name`, `text` and `hint`.
    pub(crate) fn finding(&mut self, state: State, name: &str, text: &str, hint: Option<&str>) {
        if self.json {
            self.object(&serde_json::json!({
                "state": state, "name": name, "text": text, "hint": hint,
            }));
            return;
        }
        let (style, word) = state.shown();
        let (text, name) = (printable(text), printable(name));
        let hint = hint.map_or(String::new(), |hint| {
            format!("\n{:18}-> {}", "", printable(hint))
        });
        let _ = self.write(&format!("{style}{word:5}{style:#} {name:11} {text}{hint}"));
    }

    /// Writes a line of text, or nothing if JSON was chosen.
    pub(crate) fn line(&mut self, text: &str) {
        if !self.json {
            let _ = self.write(&printable(text));
        }
    }

    /// Writes an object if JSON was chosen, or nothing otherwise.
    pub(crate) fn object(&mut self, value: &impl Serialize) {
        if let (true, Ok(text)) = (self.json, serde_json::to_string(value)) {
            let _ = self.write(&printable_json(&text));
        }
    }

    fn write(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.stream, "{line}")?;
        self.stream.flush()
    }
}

impl State {
    fn shown(self) -> (Style, &'static str) {
        let style = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
        match self {
            Self::Passed => (style(AnsiColor::Green), "ok"),
            Self::Warned => (style(AnsiColor::Yellow), "warn"),
            Self::Failed => (style(AnsiColor::Red).bold(), "FAIL"),
            Self::Skipped => (Style::new().dimmed(), "skip"),
        }
    }
}

/// Escapes the characters with which a text from the network could control the terminal or mislead its reader.
fn printable(text: &str) -> String {
    let escape = |character: char| match is_deceptive(character) {
        true => character.escape_unicode().collect(),
        false => String::from(character),
    };
    text.chars().map(escape).collect()
}

/// Escapes the same characters in JSON, where they occur within strings only.
fn printable_json(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_deceptive(character) {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter();
            text.extend(units.map(|unit| format!("\\u{unit:04x}")));
        } else {
            text.push(character);
        }
    }
    text
}

/// Returns whether a character controls the terminal, is invisible, ends a line or changes the direction of the text.
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: bool, text: &str, hint: Option<&str>) -> String {
        let stream = anstream::StripStream::new(Vec::new());
        let mut output = Output { json, stream };
        output.finding(State::Warned, "clock", text, hint);
        String::from_utf8(output.stream.into_inner()).unwrap()
    }

    #[test]
    fn output_escapes_control_characters() {
        let line = written(false, "\u{1b}[2Jgone\r\n", None);
        assert_eq!(line, "warn  clock       \\u{1b}[2Jgone\\u{d}\\u{a}\n");
    }

    #[test]
    fn output_escapes_characters_that_mislead_the_reader() {
        let hostile = "\u{9b}2J\u{202e}a\u{2066}\u{200b}\u{2028}\u{feff}\u{7f}\u{e0041}é";
        let line = written(false, hostile, Some(hostile));
        let escaped = r"\u{9b}2J\u{202e}a\u{2066}\u{200b}\u{2028}\u{feff}\u{7f}\u{e0041}é";
        assert_eq!(line.matches(escaped).count(), 2, "{line}");
        let line = written(true, hostile, None);
        assert!(!line.trim_end().contains(is_deceptive), "{line}");
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["text"], hostile);
    }

    #[test]
    fn output_puts_the_hint_into_a_line_of_its_own() {
        let lines = written(false, "71 s ahead", Some("set the clock"));
        assert_eq!(
            lines,
            "warn  clock       71 s ahead\n                  -> set the clock\n"
        );
    }

    #[test]
    fn output_as_json_is_one_object_per_line() {
        let line = written(true, "71 s \"ahead\"\n", None);
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["state"], "warn");
        assert_eq!(object["text"], "71 s \"ahead\"\n");
        assert_eq!(line.matches('\n').count(), 1);
    }
}
