//! Settings from the environment.

use super::*;

const GOOD: &[(&str, &str)] = &[
    (ISSUER, "http://127.0.0.1:4011/oauth2/default"),
    (AUDIENCE, "api://default"),
    (CLIENT_IDS, "0oa1, 0oa2"),
];

fn from(changes: &[(&str, Option<&str>)]) -> Result<Verifier, ConfigError> {
    verifier_from_vars(|name| {
        let changed = changes.iter().find(|(changed, _)| *changed == name);
        let value = changed.map_or_else(
            || {
                GOOD.iter()
                    .find(|(given, _)| *given == name)
                    .map(|(_, value)| *value)
            },
            |(_, value)| *value,
        );
        value.map(str::to_owned)
    })
}

const SEPARATED: &str = "a client ID contains a quote, a space or a semicolon; write the IDs without quotes, separated by commas";
const ONE_AUDIENCE: &str =
    "the audience contains a quote or a space; write one audience, without quotes";

/// A user searches the page for the text.
#[test]
fn env_error_is_quoted_among_the_common_mistakes() {
    let page = include_str!("../../docs/common-mistakes.md");
    for change in [
        (ISSUER, None),
        (CLIENT_IDS, None),
        (CLIENT_IDS, Some("\"0oa1\"")),
        (AUDIENCE, Some("\"api://default\"")),
    ] {
        let text = from(&[change]).unwrap_err().to_string();
        assert!(page.contains(&text), "{text}");
    }
}

#[test]
fn env_error_names_the_variable_and_what_to_write() {
    for (variable, value, says) in [
        (
            ISSUER,
            None,
            "it is not set; write the issuer's URL, such as https://acme.okta.com/oauth2/default",
        ),
        (ISSUER, Some(" "), "it is empty"),
        (ISSUER, Some("acme.okta.com"), "write an absolute URL"),
        (
            ISSUER,
            Some("http://acme.okta.com/oauth2/default"),
            "write https",
        ),
        (
            ISSUER,
            Some("https://acme.okta.com"),
            "org authorization server",
        ),
        (AUDIENCE, None, "api://default"),
        (AUDIENCE, Some(""), "it is empty"),
        (CLIENT_IDS, None, "* to accept any client"),
        (CLIENT_IDS, Some("0oa1,,0oa2"), "single commas"),
        (
            CLIENT_IDS,
            Some("0oa1,*"),
            "write * alone, or the IDs alone",
        ),
        (CLIENT_IDS, Some("0oa1 0oa2"), SEPARATED),
        (CLIENT_IDS, Some("0oa1;0oa2"), SEPARATED),
        (CLIENT_IDS, Some("\"0oa1\""), SEPARATED),
        (AUDIENCE, Some("\"api://default\""), ONE_AUDIENCE),
        (AUDIENCE, Some("api://default api://two"), ONE_AUDIENCE),
        (LEEWAY_SECONDS, Some("1m"), "whole seconds, 0 to 300"),
        (LEEWAY_SECONDS, Some("-1"), "whole seconds, 0 to 300"),
        (LEEWAY_SECONDS, Some("301"), "at most 300 s"),
        (ALGORITHMS, Some("RS256,HS256"), "write one of RS256"),
        (ALGORITHMS, Some(""), "single commas"),
        (GROUPS_CLAIM, Some(""), "write the name"),
        (
            GROUPS_CLAIM,
            Some("realm_access.roles"),
            "call .groups_claim_path([..])",
        ),
        (PROFILE, Some("rfc-9068"), "write okta or rfc9068"),
        // Only code can allow http outside loopback.
        (ISSUER, Some("http://keycloak:8080"), "write https"),
    ] {
        let error = from(&[(variable, value)]).unwrap_err();
        let ConfigError::Environment {
            variable: named,
            problem,
        } = &error
        else {
            panic!("{variable}={value:?}: {error}");
        };
        assert_eq!(*named, variable);
        assert!(problem.contains(says), "{variable}={value:?}: {problem}");
    }
}

#[test]
fn env_settings_that_are_complete_build_a_verifier() {
    for changes in [
        &[][..],
        &[(CLIENT_IDS, Some("*"))],
        &[
            (LEEWAY_SECONDS, Some("0")),
            (ALGORITHMS, Some("RS256, ES256")),
            (GROUPS_CLAIM, Some("Groups")),
        ],
        &[
            (PROFILE, Some("rfc9068")),
            (ISSUER, Some("http://localhost:8080")),
        ],
    ] {
        assert!(from(changes).is_ok(), "{changes:?}: {:?}", from(changes));
    }
}
