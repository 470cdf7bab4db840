//! What to do about each failure.

use okta_verifier::error::{ConnectFailure, UnavailableReason};
use url::Url;

use super::checks::Place;

/// How to make Keycloak introspect the tokens of other clients.
pub(super) const KEYCLOAK_AUDIENCE: &str = "Keycloak reports every token as inactive whose aud lacks the client that introspects: in a client scope of the \
     calling clients, add an audience mapper with this service's client";

/// How to test the URL of proofs.
pub(super) const DPOP: &str = "to test it, send a request with a proof along the path of the clients, through every proxy: 401 invalid_dpop_proof with \
     the reason_code url in the log means that the service knows another URL than the client, and unknown_url that it trusts no host which the proxy names. A replay store that is set in code is not \
     checked here: 503 unavailable with the reason_code replay_store means that it fails, and the warning \"DPoP replay store failed\" \
     in the log has the cause";

/// Returns what to do if metadata or keys cannot be fetched. `issuer` is the configured URL.
pub(super) fn of_fetch(reason: &UnavailableReason, issuer: &str, place: Place) -> String {
    let setting = place.url();
    match reason {
        UnavailableReason::Connect { failure, .. } => connect(*failure, place),
        UnavailableReason::Transport { .. } => {
            "a proxy or a firewall may end the connection; try again, and request the issuer with curl from this machine"
                .to_owned()
        }
        UnavailableReason::Timeout => format!(
            "a firewall may drop the packets, the issuer may be slow, or the server may not speak TLS on this port: check the port in {}, allow \
             the connection, or raise {}",
            place.url(),
            place.fetch_timeout()
        ),
        UnavailableReason::Status { status: 404 | 410, .. } => format!(
            "check the path of {setting}: Okta has /oauth2/{{id}} at its end, Keycloak /realms/{{realm}}"
        ),
        UnavailableReason::Status { status: 429, .. } => {
            "the issuer limits the rate of requests; wait, and find out which other processes send them".to_owned()
        }
        UnavailableReason::Status { .. } => {
            "the issuer, or a proxy before it, fails; look at its status page and at its log".to_owned()
        }
        UnavailableReason::Redirect { .. } => format!(
            "redirects are never followed: if the issuer has moved, set {setting} to its new URL; otherwise a proxy wants a login"
        ),
        UnavailableReason::ContentType { .. } | UnavailableReason::Malformed { .. } => format!(
            "something else than the issuer responds, such as the login page of a proxy, or {setting} is another page of the server"
        ),
        UnavailableReason::ContentEncoding { .. } => {
            "a proxy compresses every response; configure it to respect Accept-Encoding: identity".to_owned()
        }
        UnavailableReason::TooLarge { .. } | UnavailableReason::TooManyKeys { .. } => {
            "no known issuer sends that much; check that the URL is the issuer's".to_owned()
        }
        UnavailableReason::OtherIssuer { issuer: named } => other_issuer(issuer, named, &setting),
        UnavailableReason::ForeignUrl { .. } => {
            "if that host belongs to the issuer, add its origin to allow_origins (Issuer::allow_origin)".to_owned()
        }
        UnavailableReason::NoUsableKey { .. } => {
            "the operator of the issuer must publish keys with kid, RSA keys of 2048 bits or more; for a single key without kid, set allow_missing_key_id"
                .to_owned()
        }
        _ => "the guide \"Why do I get 401?\" explains this code".to_owned(),
    }
}

fn connect(failure: ConnectFailure, place: Place) -> String {
    match failure {
        ConnectFailure::Dns => format!(
            "check the host in {}, and resolve it on this machine; in a cluster, port 53 may be blocked",
            place.url()
        ),
        ConnectFailure::Refused => format!(
            "nothing listens there, or a firewall rejects: check the host and the port in {}, and the variables HTTPS_PROXY and NO_PROXY",
            place.url()
        ),
        ConnectFailure::Certificate => format!(
            "check the clock of this machine and the date of the certificate; for a private CA, or a proxy that decrypts TLS, set {}; an \
             image may lack the package ca-certificates",
            place.ca_file()
        ),
        ConnectFailure::Tls => format!(
            "the server may speak plain HTTP on this port, or no TLS above 1.1; check the port in {}",
            place.url()
        ),
        _ => "no route to the host, or a proxy that rejected the connection; check HTTPS_PROXY and the firewall".to_owned(),
    }
}

/// Returns what to do if the metadata names another issuer.
fn other_issuer(configured: &str, named: &str, setting: &str) -> String {
    if named.ends_with('…') {
        return format!(
            "set {setting} to the issuer in the metadata, if that is yours; its text is too long to be shown here"
        );
    }
    let same = |url: &str| url.strip_suffix('/').unwrap_or(url).to_owned();
    if same(configured) == same(named) {
        return format!("they differ in the slash at the end only: set {setting} to {named}");
    }
    let write =
        format!("set {setting} to {named}, if that is your issuer and the iss of its tokens");
    let (Ok(one), Ok(other)) = (Url::parse(configured), Url::parse(named)) else {
        return write;
    };
    match one.path() == other.path() && one.origin() != other.origin() {
        true => format!(
            "{write}. The path is the same and the host is not: Keycloak writes into iss the host of the request that fetched the token, \
             unless a fixed one is configured, so set its option hostname (KC_HOSTNAME) and use that URL here; Okta with a custom \
             domain: write the name that its tokens have, and the other one as also_known_as"
        ),
        false => write,
    }
}

/// Returns what to do if introspection does not work.
pub(super) fn of_introspection(reason: &UnavailableReason) -> String {
    let text = match reason {
        UnavailableReason::CredentialsRefused => {
            "the client ID or the secret is wrong or was withdrawn, or the client must authenticate in another way: client_secret_basic, \
             client_secret_post or private_key_jwt"
        }
        UnavailableReason::Status { status: 403, .. } => {
            "the credentials are known, but the client may not introspect tokens; allow it at the issuer"
        }
        UnavailableReason::Status { status: 400, .. } => {
            "the endpoint does not accept the request; check that introspection.endpoint is an introspection endpoint (RFC 7662), and how \
             the client must authenticate"
        }
        UnavailableReason::Status {
            status: 404 | 410, ..
        } => "this URL is not that of an introspection endpoint; correct introspection.endpoint",
        UnavailableReason::Malformed { .. } => {
            "an invented token must get {\"active\": false}: another service responds, or the endpoint calls every token active"
        }
        UnavailableReason::NoIntrospectionEndpoint => {
            "the metadata names no endpoint; set introspection.endpoint"
        }
        UnavailableReason::ForeignUrl { .. } => {
            "if that host belongs to the issuer, set introspection.endpoint, or add its origin to allow_origins"
        }
        _ => "check the connection from this machine to the introspection endpoint",
    };
    text.to_owned()
}

impl Place {
    fn url(self) -> String {
        match self {
            Self::Environment => "OKTA_ISSUER".to_owned(),
            Self::File(index) => format!("issuers[{index}].url"),
        }
    }

    fn ca_file(self) -> &'static str {
        match self {
            Self::Environment => "OKTA_CA_FILE",
            Self::File(_) => "ca_file",
        }
    }

    fn fetch_timeout(self) -> &'static str {
        match self {
            Self::Environment => "VerifierBuilder::fetch_timeout",
            Self::File(_) => "fetch_timeout",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_about_another_issuer_names_the_difference() {
        let advice = |configured, named| other_issuer(configured, named, "OKTA_ISSUER");
        for (configured, named, part) in [
            (
                "https://a.test/oauth2/default",
                "https://a.test/oauth2/default/",
                "slash at the end only: set OKTA_ISSUER to https://a.test/oauth2/default/",
            ),
            (
                "http://keycloak:8080/realms/acme",
                "https://sso.acme.test/realms/acme",
                "KC_HOSTNAME",
            ),
            (
                "https://a.test/oauth2/default",
                "https://a.test/oauth2/aus1",
                "set OKTA_ISSUER to https://a.test/oauth2/aus1",
            ),
            (
                "https://a.test",
                "not a URL",
                "set OKTA_ISSUER to not a URL",
            ),
            ("https://a.test", "https://a.te…", "too long"),
        ] {
            let advice = advice(configured, named);
            assert!(advice.contains(part), "{advice}");
        }
        let other_path = advice("https://a.test/x", "https://b.test/y");
        assert!(!other_path.contains("Keycloak"), "{other_path}");
    }
}
