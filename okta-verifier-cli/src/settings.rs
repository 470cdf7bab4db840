//! The settings of the service that a command is about: a TOML file, or the environment variables `OKTA_*`.

use std::{borrow::Cow, fmt, fs, path::Path};

use okta_verifier::{OwnedPolicy, Verifier, settings::Settings};

/// What is wrong with the settings. The text contains no secret of the file.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The file cannot be read, is not TOML, or has an unknown or missing key.
    Unreadable(String),
    /// Every wrong setting, each with its path.
    Wrong(Vec<String>),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(text) => f.write_str(text),
            Self::Wrong(texts) => f.write_str(&texts.join("\n")),
        }
    }
}

/// The verifier of the service, and the policies of its file.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) verifier: Verifier,
    /// Each policy with its name.
    pub(crate) policies: Vec<(String, OwnedPolicy)>,
}

/// Reads the settings of the service from the file, or from the environment, which has no policies, if there is none.
///
/// # Errors
///
/// Returns what is wrong with the settings.
pub(crate) fn service(file: Option<&Path>) -> Result<Service, Problem> {
    let Some(path) = file else {
        let verifier =
            Verifier::from_env().map_err(|error| Problem::Wrong(vec![error.to_string()]))?;
        let policies = Vec::new();
        return Ok(Service { verifier, policies });
    };
    let text = read(path)?;
    let named = |text: &dyn fmt::Display| format!("{}: {text}", shown(path));
    let document = toml::Deserializer::parse(&text).map_err(|error| {
        // `Display` would quote the line, which may contain a secret.
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        Problem::Unreadable(named(&format_args!("line {line} is not TOML")))
    })?;
    let settings = Settings::read(document).map_err(|error| Problem::Unreadable(named(&error)))?;
    let verifier = settings.verifier().map_err(|error| {
        let problems = error.problems();
        Problem::Wrong(
            problems
                .map(|(path, text)| format!("{path}: {text}"))
                .collect(),
        )
    })?;
    let policies = settings.policies();
    let policies = policies.map(|(name, policy)| (name.to_owned(), policy.clone()));
    Ok(Service {
        verifier,
        policies: policies.collect(),
    })
}

/// Returns the text of the file.
///
/// # Errors
///
/// Returns an error if the file cannot be read or is not UTF-8.
pub(crate) fn read(path: &Path) -> Result<String, Problem> {
    fs::read_to_string(path)
        .map_err(|error| Problem::Unreadable(format!("{}: {error}", shown(path))))
}

/// Returns the path of a file, unless a part of it is as long as a token, which may have been written in its place. A job
/// of a CI system keeps what the command writes.
pub(crate) fn shown(path: &Path) -> Cow<'_, str> {
    match path.iter().any(|part| part.len() > MAX_NAME) {
        true => "(a path that is not shown, because it may be a token)".into(),
        false => path.to_string_lossy(),
    }
}

/// The longest name of a file or directory that is shown, in bytes. Tokens are longer, unless they are opaque.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(name: &str, text: &str) -> Problem {
        let path =
            std::env::temp_dir().join(format!("okta-verifier-{}-{name}", std::process::id()));
        fs::write(&path, text).expect("a writable directory");
        let problem = service(Some(&path)).expect_err("wrong settings");
        fs::remove_file(&path).expect("the file is there");
        problem
    }

    #[test]
    fn settings_with_an_error_are_rejected_without_a_secret() {
        for (name, text, part) in [
            (
                "syntax",
                "realm = \"x\"\nclient_secret = \"hush hush\n",
                "line 2 is not TOML",
            ),
            (
                "unknown",
                "client_secret = \"hush hush\"\nissuers = []\n",
                "unknown field",
            ),
            ("empty", "issuers = []\n", "issuer"),
        ] {
            let problem = problem(name, text).to_string();
            assert!(problem.contains(part), "{problem}");
            assert!(!problem.contains("hush"), "{problem}");
        }
    }

    #[test]
    fn settings_file_that_is_missing_is_named() {
        let problem = service(Some(Path::new("/nowhere/okta.toml"))).expect_err("no file");
        assert!(matches!(problem, Problem::Unreadable(_)));
        assert!(
            problem.to_string().starts_with("/nowhere/okta.toml: "),
            "{problem}"
        );
    }
}
