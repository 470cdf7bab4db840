//! Settings from environment variables.

use std::{env, fs, time::Duration};

use crate::{crypto::Algorithm, error::ConfigError, issuer::Issuer, verifier::Verifier};

impl Issuer {
    /// Returns the issuer that the environment configures, for a verifier with further settings. The
    /// variables are those of [`Verifier::from_env`], except `OKTA_CA_FILE`, which is a setting of the
    /// verifier.
    ///
    /// ```no_run
    /// use okta_verifier::{Issuer, Verifier, dpop::DpopSettings};
    ///
    /// let verifier = Verifier::builder()
    ///     .issuer(Issuer::from_env()?)
    ///     .dpop(DpopSettings::base_url("https://api.example.com"))
    ///     .build()?;
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error that names the variable if a variable is missing, or if its value has the wrong
    /// form. Whether the issuer can be used is checked by
    /// [`VerifierBuilder::build`](crate::VerifierBuilder::build).
    pub fn from_env() -> Result<Self, ConfigError> {
        issuer_from_vars(process_variable)
    }
}

impl Verifier {
    /// Builds a verifier for the one issuer that the environment configures. With
    /// [`Issuer::from_env`], the verifier can have further settings.
    ///
    /// | variable | |
    /// |---|---|
    /// | `OKTA_ISSUER` | required, such as `https://acme.okta.com/oauth2/default` |
    /// | `OKTA_AUDIENCE` | required, such as `api://default` |
    /// | `OKTA_CLIENT_IDS` | required: client IDs separated by commas, or `*` for any |
    /// | `OKTA_LEEWAY_SECONDS` | 0 to 300, default 60 |
    /// | `OKTA_ALGORITHMS` | such as `RS256,ES256`; default: every supported one |
    /// | `OKTA_GROUPS_CLAIM` | default `groups` |
    /// | `OKTA_PROFILE` | `okta` (default), or `rfc9068` for other issuers |
    /// | `OKTA_CA_FILE` | a file of CA certificates in PEM, in addition to those of the system |
    ///
    /// ```no_run
    /// let verifier = okta_verifier::Verifier::from_env()?;
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns an error if a variable is missing or wrong, or if the verifier cannot be built. An error
    /// about a variable names the variable and says what to set.
    pub fn from_env() -> Result<Self, ConfigError> {
        verifier_from_vars(process_variable)
    }
}

fn process_variable(name: &str) -> Option<String> {
    Some(env::var_os(name)?.to_string_lossy().into_owned())
}

fn verifier_from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Verifier, ConfigError> {
    let file = var(CA_FILE).map(|file| file.trim().to_owned());
    let mut builder = Verifier::builder().issuer(issuer_from_vars(var)?);
    if let Some(file) = file.filter(|file| !file.is_empty()) {
        let pem = fs::read(&file)
            .map_err(|error| wrong(CA_FILE, format!("{file:?} cannot be read: {error}")))?;
        builder = builder.ca_certificates(pem);
    }
    builder.build().map_err(name_the_variable)
}

// The look-up is an argument, because a test cannot change the environment without unsafe code.
fn issuer_from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Issuer, ConfigError> {
    let optional = |name| var(name).map(|value| value.trim().to_owned());
    let required = |variable, example: &str| match optional(variable) {
        Some(value) if !value.is_empty() => Ok(value),
        Some(_) => Err(wrong(variable, format!("it is empty; write {example}"))),
        None => Err(wrong(variable, format!("it is not set; write {example}"))),
    };
    let url = required(
        ISSUER,
        "the issuer's URL, such as https://acme.okta.com/oauth2/default",
    )?;
    let audience = required(
        AUDIENCE,
        "the aud of the access tokens, such as api://default",
    )?;
    if audience.contains(is_quote_or_space) {
        let problem =
            "the audience contains a quote or a space; write one audience, without quotes";
        return Err(wrong(AUDIENCE, problem.to_owned()));
    }
    let mut issuer = match optional(PROFILE).as_deref() {
        None | Some("okta") => Issuer::okta(url, audience),
        Some("rfc9068") => Issuer::rfc9068(url, audience),
        Some(_) => return Err(wrong(PROFILE, "write okta or rfc9068".to_owned())),
    };
    issuer = match required(
        CLIENT_IDS,
        "the client IDs separated by commas, or * to accept any client",
    )?
    .as_str()
    {
        "*" => issuer.any_client_id(),
        list if list.contains('*') => {
            let problem = "* accepts every client; write * alone, or the IDs alone";
            return Err(wrong(CLIENT_IDS, problem.to_owned()));
        }
        list => {
            let ids = list_of(CLIENT_IDS, list)?;
            if ids
                .iter()
                .any(|id| id.contains(is_quote_or_space) || id.contains(';'))
            {
                let problem = "a client ID contains a quote, a space or a semicolon; write the IDs without quotes, separated by commas";
                return Err(wrong(CLIENT_IDS, problem.to_owned()));
            }
            ids.into_iter().fold(issuer, Issuer::client_id)
        }
    };
    if let Some(seconds) = optional(LEEWAY_SECONDS) {
        let seconds = seconds
            .parse()
            .map_err(|_| wrong(LEEWAY_SECONDS, "write whole seconds, 0 to 300".to_owned()))?;
        issuer = issuer.leeway(Duration::from_secs(seconds));
    }
    if let Some(list) = optional(ALGORITHMS) {
        let names = list_of(ALGORITHMS, &list)?;
        let algorithms: Result<Vec<Algorithm>, _> = names.into_iter().map(str::parse).collect();
        issuer =
            issuer.algorithms(algorithms.map_err(|error| wrong(ALGORITHMS, error.to_string()))?);
    }
    if let Some(claim) = optional(GROUPS_CLAIM) {
        issuer = issuer.groups_claim(claim);
    }
    Ok(issuer)
}

// Quotes around a value become a part of it in some files of variables.
fn is_quote_or_space(it: char) -> bool {
    it.is_whitespace() || it == '"' || it == '\''
}

fn list_of<'l>(variable: &'static str, list: &'l str) -> Result<Vec<&'l str>, ConfigError> {
    let items: Vec<_> = list.split(',').map(str::trim).collect();
    if items.iter().any(|item| item.is_empty()) {
        return Err(wrong(
            variable,
            "write a list separated by single commas".to_owned(),
        ));
    }
    Ok(items)
}

/// Adds the name of the variable to an error about its setting. Any other error is returned unchanged.
fn name_the_variable(error: ConfigError) -> ConfigError {
    let variable = match &error {
        ConfigError::IssuerUrl { .. } | ConfigError::OrgAuthorizationServer { .. } => ISSUER,
        ConfigError::Leeway { .. } => LEEWAY_SECONDS,
        ConfigError::GroupsClaim { .. } => GROUPS_CLAIM,
        ConfigError::CaCertificates => CA_FILE,
        _ => return error,
    };
    wrong(variable, error.to_string())
}

fn wrong(variable: &'static str, problem: String) -> ConfigError {
    ConfigError::Environment { variable, problem }
}

const ISSUER: &str = "OKTA_ISSUER";
const AUDIENCE: &str = "OKTA_AUDIENCE";
const CLIENT_IDS: &str = "OKTA_CLIENT_IDS";
const LEEWAY_SECONDS: &str = "OKTA_LEEWAY_SECONDS";
const ALGORITHMS: &str = "OKTA_ALGORITHMS";
const GROUPS_CLAIM: &str = "OKTA_GROUPS_CLAIM";
const PROFILE: &str = "OKTA_PROFILE";
const CA_FILE: &str = "OKTA_CA_FILE";

#[cfg(test)]
mod tests;
