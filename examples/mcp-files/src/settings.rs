//! The settings of the MCP server, from the environment.

use std::{env, net::SocketAddr};

use http::Uri;
use okta_verifier::{ConfigError, Issuer, Resource, Verifier};

/// The settings that do not concern the issuer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The URL of the server, as clients know it. It is the identifier of the resource, so it is never taken from
    /// a request.
    pub(crate) url: String,
    /// The origins of the web pages that may call the server.
    pub(crate) origins: Vec<String>,
    /// Whether clients of the protocol versions before 2026-07-28 get a session.
    pub(crate) sessions: bool,
}

impl Settings {
    /// Reads `MCP_URL`, `MCP_ORIGINS` and `MCP_SESSIONS`.
    pub(crate) fn from_env(address: SocketAddr) -> Result<Self, String> {
        let url = variable("MCP_URL")?.unwrap_or_else(|| format!("http://{address}/mcp"));
        // The page of the MCP Inspector.
        let origins =
            variable("MCP_ORIGINS")?.unwrap_or_else(|| "http://localhost:6274".to_owned());
        let origins = origins
            .split(',')
            .map(str::trim)
            .filter(|it| !it.is_empty());
        let origins = origins.map(origin).collect::<Result<_, _>>()?;
        let sessions = match variable("MCP_SESSIONS")?.as_deref() {
            None | Some("on") => true,
            Some("off") => false,
            Some(_) => return Err("MCP_SESSIONS must be on or off".to_owned()),
        };
        Ok(Self {
            url,
            origins,
            sessions,
        })
    }

    /// Returns a verifier that accepts the tokens of `issuer` for `audience`, and serves the metadata of this server.
    pub(crate) fn verifier(&self, issuer: Issuer, audience: &str) -> Result<Verifier, ConfigError> {
        let resource = Resource::new(&self.url)
            .audience(audience)
            .name("Files")
            // What a new client needs. It learns of the others from the challenges.
            .scopes(["files:read"]);
        Verifier::builder()
            .issuer(issuer)
            .resource(resource)
            .build()
    }

    /// Returns the issuer of the environment and its audience, or `None` if `OKTA_ISSUER` is not set.
    pub(crate) fn issuer() -> Result<Option<(Issuer, String)>, Box<dyn std::error::Error>> {
        // An empty `OKTA_ISSUER` is a mistake that must be reported. It must not make the server trust a mock.
        if env::var_os("OKTA_ISSUER").is_none() {
            return Ok(None);
        }
        let issuer = Issuer::from_env()?;
        let audience =
            env::var("OKTA_AUDIENCE").map_err(|error| format!("OKTA_AUDIENCE: {error}"))?;
        Ok(Some((issuer, audience.trim().to_owned())))
    }
}

/// Checks an origin: a scheme, a host and perhaps a port.
fn origin(text: &str) -> Result<String, String> {
    let uri: Option<Uri> = text.parse().ok();
    let host = uri.as_ref().and_then(Uri::host);
    // The path of a URI without one is `/`.
    let is_origin = uri
        .as_ref()
        .is_some_and(|uri| format!("{text}/") == uri.to_string());
    match host {
        Some(host) if is_origin && !host.contains('*') => Ok(text.to_owned()),
        _ => Err(
            "MCP_ORIGINS must be origins such as https://app.example.com, separated by commas"
                .to_owned(),
        ),
    }
}

fn variable(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
