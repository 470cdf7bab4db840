//! The settings file: the issuers of the tenants, and what the routes require.

use std::{error::Error, fmt, fs, path::Path};

use okta_verifier::{
    OwnedPolicy,
    settings::{Settings, SettingsError},
};

/// What the routes require. Each route has a field, so that no route is open because a name is misspelled.
#[derive(Debug)]
pub(crate) struct Policies {
    pub(crate) read: OwnedPolicy,
    pub(crate) pay: OwnedPolicy,
    pub(crate) audit: OwnedPolicy,
}

/// The settings file cannot be used. Each problem has the path of the setting, and contains no secret.
#[derive(Debug)]
pub(crate) struct WrongSettings(Vec<String>);

/// Reads the file and checks every setting in it.
///
/// # Errors
///
/// Returns one problem if the file cannot be read or has a wrong structure, and otherwise all problems.
pub(crate) fn read(path: &Path) -> Result<(Settings, Policies), WrongSettings> {
    let text = fs::read_to_string(path)
        .map_err(|error| WrongSettings::one(format!("the file {path:?}: {error}")))?;
    // The parser's own error quotes the line, which may contain a secret.
    let data = toml::Deserializer::parse(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        WrongSettings::one(format!("the file {path:?}: line {line} is not TOML"))
    })?;
    let settings = Settings::read(data).map_err(|error| WrongSettings::one(error.to_string()))?;
    // The builder is not used. Making it finds every wrong setting, also if there are wrong policies.
    match (Policies::of(&settings), settings.builder()) {
        (Ok(policies), Ok(_)) => Ok((settings, policies)),
        (policies, builder) => {
            let errors = [policies.err(), builder.err()].into_iter().flatten();
            let problems = errors.flat_map(|error| WrongSettings::from(error).0);
            Err(WrongSettings(problems.collect()))
        }
    }
}

impl Policies {
    fn of(settings: &Settings) -> Result<Self, SettingsError> {
        let [read, pay, audit] = settings.required_policies(["read", "pay", "audit"])?;
        Ok(Self {
            read: read.clone(),
            pay: pay.clone(),
            audit: audit.clone(),
        })
    }
}

impl WrongSettings {
    fn one(problem: String) -> Self {
        Self(vec![problem])
    }

    /// Returns the problems, each with the path of the setting.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl From<SettingsError> for WrongSettings {
    fn from(error: SettingsError) -> Self {
        let problems = error.problems();
        Self(
            problems
                .map(|(path, problem)| format!("{path}: {problem}"))
                .collect(),
        )
    }
}

impl fmt::Display for WrongSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl Error for WrongSettings {}
