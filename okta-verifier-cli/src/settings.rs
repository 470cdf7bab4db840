//! The settings of the service that a command is about: a TOML file, or the environment variables `OKTA_*`.

use std::{fs, path::Path};

use okta_verifier::{Verifier, settings::Settings};

/// Builds the verifier of the service from the file, or from the environment if there is none.
///
/// # Errors
///
/// Returns what is wrong with the settings. The text contains no secret of the file.
pub(crate) fn verifier(file: Option<&Path>) -> Result<Verifier, String> {
    let Some(path) = file else {
        return Verifier::from_env().map_err(|error| error.to_string());
    };
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let document = toml::Deserializer::parse(&text).map_err(|error| {
        // `Display` would quote the line, which may contain a secret.
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map_or(1, |before| before.matches('\n').count() + 1);
        format!("{name}: line {line} is not TOML")
    })?;
    let settings = Settings::read(document).map_err(|error| format!("{name}: {error}"))?;
    settings
        .verifier()
        .map_err(|error| format!("{name}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str, text: &str) -> String {
        let path =
            std::env::temp_dir().join(format!("okta-verifier-{}-{name}", std::process::id()));
        fs::write(&path, text).unwrap();
        let error = verifier(Some(&path)).unwrap_err();
        fs::remove_file(&path).unwrap();
        error
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
            let error = error(name, text);
            assert!(error.contains(part), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn settings_file_that_is_missing_is_named() {
        let error = verifier(Some(Path::new("/nowhere/okta.toml"))).unwrap_err();
        assert!(error.starts_with("/nowhere/okta.toml: "), "{error}");
    }
}
