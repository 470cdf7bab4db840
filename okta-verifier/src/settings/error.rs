//! The errors of settings that are data.

use std::{fmt, io, path::Path};

/// The structure of the data is wrong: an unknown or missing key, a key that is written twice, or a value of a
/// wrong type.
///
/// The text names the path of the setting, and does not contain values of secrets.
///
/// ```
/// use okta_verifier::settings::Settings;
///
/// let read = |text: &str| Settings::read(toml::Deserializer::parse(text).expect("TOML"));
/// let error = read("issuers = [{ provider = \"okta\", urls = [] }]").unwrap_err();
/// assert_eq!(error.path(), "issuers[0].urls");
/// assert!(error.to_string().contains("unknown field `urls`"));
///
/// let text = r#"
///     [[issuers]]
///     provider = "okta"
///     url = "https://acme.okta.com/oauth2/default"
///     audiences = ["api://default"]
///     client_ids = ["0oa1web"]
/// "#;
/// assert!(read(text).is_ok());
/// ```
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct StructureError {
    path: String,
    problem: String,
}

impl StructureError {
    pub(super) fn new(path: String, error: &dyn std::error::Error) -> Self {
        Self {
            // The crate writes a dot for the root.
            path: match path.as_str() {
                "." => "settings".to_owned(),
                _ => printable(&path),
            },
            problem: printable(error.to_string().trim_end()),
        }
    }

    /// The problem of the value at this path.
    pub(super) fn at(path: String, problem: &str) -> Self {
        Self {
            path: printable(&path),
            problem: problem.to_owned(),
        }
    }

    /// The data is not in the format of the deserializer.
    pub(super) fn unreadable() -> Self {
        Self {
            path: "settings".to_owned(),
            problem: "the data cannot be read, because it is not in its format".to_owned(),
        }
    }

    /// Returns the path of the setting, such as `issuers[1].client_ids`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// Prints the text of `Display`, because a `main` that returns an error prints it with `Debug`.
impl fmt::Debug for StructureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Settings are wrong. The text has one line for each problem, with the path of the setting and what to write
/// instead.
///
/// ```
/// use okta_verifier::settings::Settings;
///
/// let settings = Settings::read(toml::Deserializer::parse(r#"
///     fetch_timeout = "1h"
///     [[issuers]]
///     provider = "okta"
///     url = "https://acme.okta.com"
///     audiences = ["api://default"]
///     client_ids = []
/// "#)?)?;
/// let error = settings.verifier().unwrap_err();
/// let paths: Vec<_> = error.problems().map(|(path, _)| path).collect();
/// assert_eq!(paths, ["fetch_timeout", "issuers[0].client_ids"]);
/// assert!(error.to_string().starts_with("fetch_timeout: write 50 ms to 30 s"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SettingsError {
    problems: Vec<(String, String)>,
}

impl SettingsError {
    /// Returns the problems, each with the path of the setting and what is wrong with it.
    pub fn problems(&self) -> impl Iterator<Item = (&str, &str)> {
        let problems = self.problems.iter();
        problems.map(|(path, problem)| (path.as_str(), problem.as_str()))
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (path, problem)) in self.problems().enumerate() {
            let line = if place == 0 { "" } else { "\n" };
            write!(f, "{line}{path}: {problem}")?;
        }
        Ok(())
    }
}

/// Prints the text of `Display`, because a `main` that returns an error prints it with `Debug`.
impl fmt::Debug for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for SettingsError {}

/// Escapes the characters with which a key or a value of the data could end a line of the log, or mislead its reader.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => printable.push(character),
            _ => printable.extend(character.escape_debug()),
        }
    }
    printable
}

/// The problems found so far.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(String, String)>);

impl Problems {
    pub(super) fn one(path: &str, problem: &dyn fmt::Display) -> Self {
        let mut problems = Self::default();
        problems.add(path, problem);
        problems
    }

    pub(super) fn add(&mut self, path: &str, problem: &dyn fmt::Display) {
        let problem = problem.to_string();
        // Some errors begin with the name of the setting.
        let repeated = problem
            .strip_prefix(path)
            .and_then(|rest| rest.strip_prefix(": "));
        let problem = repeated.unwrap_or(&problem);
        self.0.push((printable(path), printable(problem)));
    }

    /// Records that a file cannot be read. The error of the system does not contain the file's content.
    pub(super) fn unreadable(&mut self, path: &str, file: &Path, error: &io::Error) {
        let file = file.display();
        self.add(
            path,
            &format_args!("the file {file} cannot be read: {error}"),
        );
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_result<T>(self, value: T) -> Result<T, SettingsError> {
        match self.0.is_empty() {
            true => Ok(value),
            false => Err(self.into()),
        }
    }
}

impl From<Problems> for SettingsError {
    fn from(problems: Problems) -> Self {
        Self {
            problems: problems.0,
        }
    }
}
