//! The mode with `OKTA_ISSUER` set: the API trusts that issuer.

use std::{env, error::Error, fmt::Write, net::SocketAddr};

use okta_verifier::Verifier;

use crate::{paste::Paste, run::print_error};

/// Returns a verifier from the environment, and how to get a token that it accepts.
///
/// # Errors
///
/// Returns an error that names the variable if a setting is missing or wrong.
pub(crate) async fn start(
    example: &str,
    api: SocketAddr,
    paste: Paste<'_>,
) -> Result<(Verifier, String), Box<dyn Error>> {
    let verifier = Verifier::from_env()?;
    // This error is not fatal: an API that starts while its issuer is unavailable responds with 503
    // until the issuer recovers.
    if let Err(error) = verifier.warm_up().await {
        print_error(example, &error);
        let status = paste.expectation(503);
        eprintln!("  requests with a token get {status} until the issuer is available");
    }
    let guide = guide(
        &env::var("OKTA_ISSUER")?,
        env::var("OKTA_PROFILE").is_ok_and(|profile| profile == "rfc9068"),
        api,
        paste,
    )?;
    Ok((verifier, guide))
}

fn guide(
    issuer: &str,
    rfc9068: bool,
    api: SocketAddr,
    paste: Paste<'_>,
) -> Result<String, std::fmt::Error> {
    let token_endpoint = if rfc9068 {
        "$TOKEN_ENDPOINT".to_owned()
    } else {
        format!("{}/v1/token", issuer.trim_end_matches('/'))
    };
    let mut text = String::new();
    writeln!(text, "This API accepts access tokens of {issuer}\n")?;
    if rfc9068 {
        writeln!(
            text,
            "# TOKEN_ENDPOINT is `token_endpoint` in the issuer's metadata:"
        )?;
        writeln!(text, "curl -s {issuer}/.well-known/openid-configuration\n")?;
    } else {
        writeln!(
            text,
            "# In Okta: an API Services app, the scope orders:read in this authorization"
        )?;
        writeln!(
            text,
            "# server, and an access policy that lets the app have it."
        )?;
    }
    writeln!(text, "# CLIENT_ID must be one of OKTA_CLIENT_IDS.")?;
    writeln!(
        text,
        "curl -s -u \"$CLIENT_ID:$CLIENT_SECRET\" -d grant_type=client_credentials -d scope=orders:read {token_endpoint}\n"
    )?;
    writeln!(text, "# TOKEN is `access_token` in the response.")?;
    for path in ["/me", "/orders", "/admin"] {
        writeln!(text, "{}", paste.line(api, path, Some("$TOKEN")))?;
    }
    writeln!(
        text,
        "\n# /admin requires a user's token with the group Admins: a `groups` claim in Okta,"
    )?;
    writeln!(text, "# or the claim that OKTA_GROUPS_CLAIM names.\n")?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guide_names_the_issuers_token_endpoint() {
        let api = SocketAddr::from(([127, 0, 0, 1], 3000));
        let okta = guide(
            "https://acme.okta.com/oauth2/default",
            false,
            api,
            Paste::Curl,
        )
        .expect("text");
        assert!(okta.contains(" https://acme.okta.com/oauth2/default/v1/token\n"));
        assert!(okta.contains(
            "curl -i -H \"Authorization: Bearer $TOKEN\" http://127.0.0.1:3000/orders\n"
        ));

        let other = guide("https://issuer.example", true, api, Paste::Curl).expect("text");
        assert!(!other.contains("/v1/token"));
        assert!(other.contains("https://issuer.example/.well-known/openid-configuration"));
    }
}
