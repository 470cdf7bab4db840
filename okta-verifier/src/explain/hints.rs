//! What to look at if a check failed, found by comparing the values of a token with the settings. Every function
//! is pure, and no hint repeats a value of the token.

use url::Url;

use crate::token::{
    checks::{Clients, Expected},
    claims::{Claims, Dates},
    profile::{Profile, Provider},
    tenants::{PLACE, is_tenant_id},
};

/// A small difference between two texts that were to be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Slash,
    Scheme,
    Case,
    Space,
    /// At most two letters.
    Spelling,
}

impl Difference {
    pub(crate) fn between(one: &str, other: &str) -> Option<Self> {
        if one == other || one.len().max(other.len()) > MAX_COMPARED {
            return None;
        }
        if without_slash(one) == without_slash(other) {
            Some(Self::Slash)
        } else if let (Some(one), Some(other)) = (without_scheme(one), without_scheme(other))
            && one == other
        {
            Some(Self::Scheme)
        } else if one.to_lowercase() == other.to_lowercase() {
            Some(Self::Case)
        } else if one.trim() == other.trim() {
            Some(Self::Space)
        } else {
            // Two of a few letters would be another word.
            let is_long = one.len().min(other.len()) >= MIN_SPELT;
            (is_long && strsim::osa_distance(one, other) <= MAX_LETTERS).then_some(Self::Spelling)
        }
    }

    /// Returns the hint about the values of this setting.
    pub(crate) fn hint(self, setting: &str) -> String {
        match self {
            Self::Slash => format!(
                "they differ only in the slash at the end; the {setting} must be the same in the settings and in the token"
            ),
            Self::Scheme => format!(
                "they differ only in http and https; correct the {setting} in the settings or at the provider"
            ),
            Self::Case => format!(
                "they differ only in upper and lower case; the {setting} must be the same in the settings and in the token"
            ),
            Self::Space => format!("they differ only in white space around the {setting}"),
            Self::Spelling => format!("is the {setting} misspelt?"),
        }
    }
}

fn without_slash(text: &str) -> &str {
    text.strip_suffix('/').unwrap_or(text)
}

fn without_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"))
}

/// The configured issuer that is most similar to an `iss` that is not configured.
pub(crate) struct Nearest {
    /// The position in the list of the configured issuers.
    pub(crate) position: usize,
    /// How the two differ, if a reason is known.
    pub(crate) hint: Option<String>,
}

/// Returns the configured issuer that is most like the unverified `iss`: one that differs in a way that has a
/// known reason, or the only one. `configured` has the values of `iss` of each issuer, and what is expected of
/// its tokens.
pub(crate) fn nearest_issuer(iss: &str, configured: &[(Vec<&str>, &Expected)]) -> Option<Nearest> {
    let hint = |names: &[&str], expected: &Expected| {
        let small = names.iter().find_map(|name| Difference::between(iss, name));
        match small {
            // One letter may be the tenant or the realm, which the second function names.
            Some(Difference::Spelling) | None => names
                .iter()
                .find_map(|name| other_issuer(iss, name, expected))
                .or_else(|| small.map(|it| it.hint("issuer"))),
            Some(small) => Some(small.hint("issuer")),
        }
    };
    let mut all = configured.iter().enumerate();
    let similar = all.find_map(|(position, (names, expected))| {
        let hint = Some(hint(names, expected)?);
        Some(Nearest { position, hint })
    });
    similar.or_else(|| {
        let (position, hint) = (0, None);
        (configured.len() == 1).then_some(Nearest { position, hint })
    })
}

/// Returns how `iss` differs from the configured issuer, if both are related.
fn other_issuer(iss: &str, name: &str, expected: &Expected) -> Option<String> {
    if iss.len().max(name.len()) > MAX_COMPARED {
        return None;
    }
    if name
        .strip_prefix(iss)
        .is_some_and(|rest| rest.starts_with("/oauth2/"))
    {
        return Some(
            "the token is one of the org authorization server, for Okta's own APIs; /oauth2/default or the ID of another custom authorization server is missing in the URL at which the client requests its token"
                .to_owned(),
        );
    }
    let provider = expected.custom().map(|profile| profile.provider());
    if let Some((before, after)) = name.split_once(PLACE) {
        let tenant = (iss.strip_prefix(before)).and_then(|it| it.strip_suffix(after));
        if tenant.is_some_and(is_tenant_id) {
            return Some(
                "the token is one of a tenant that is not listed; add it to the tenants of Issuer::entra_tenants if its users may call"
                    .to_owned(),
            );
        }
    }
    if provider == Some(&Provider::Entra) {
        let version_1 = "https://sts.windows.net/";
        let (is_1, expects_1) = (iss.starts_with(version_1), name.starts_with(version_1));
        let is_2 = iss.starts_with("https://login.microsoftonline.com/");
        match (is_1, is_2, expects_1) {
            (true, _, false) => {
                return Some("the token has version 1.0; set requestedAccessTokenVersion of the API's registration to 2, or use the constructor for version 1.0".to_owned());
            }
            (_, true, true) => {
                return Some("the token has version 2.0; use Issuer::entra_v2".to_owned());
            }
            (true, ..) | (_, true, _) => {
                return Some("the token is one of another tenant".to_owned());
            }
            _ => {}
        }
    }
    let (one, other) = (Url::parse(iss).ok()?, Url::parse(name).ok()?);
    if one.cannot_be_a_base() || other.cannot_be_a_base() {
        return None;
    }
    let is_same_origin = one.origin() == other.origin();
    let is_same_path = without_slash(one.path()) == without_slash(other.path());
    let is_keycloak = provider == Some(&Provider::Keycloak);
    match (is_same_origin, is_same_path) {
        (false, true) if is_keycloak => Some("the path is the same at another scheme, host or port: unless a fixed hostname is configured, Keycloak writes those of the request that fetched the token into iss; configure the hostname of Keycloak, or let the client request its token at the configured URL".to_owned()),
        (false, true) if one.path().len() > 1 && expected.profile == Profile::Okta => Some("the path is the same at another host: if it is a custom domain or an alias of the configured issuer, add it with Issuer::also_known_as, else the token comes from another org".to_owned()),
        (false, true) if one.path().len() > 1 => Some("the path is the same at another scheme, host or port; configure the issuer exactly as in its metadata".to_owned()),
        (true, false) if is_keycloak => Some("the token is one of another realm of the same server".to_owned()),
        (true, false) if expected.profile == Profile::Okta => Some("the token is one of another authorization server of the same org; compare the ID behind /oauth2/".to_owned()),
        (true, false) => Some("the token is one of another issuer, such as a tenant, at the same host".to_owned()),
        _ => None,
    }
}

/// Returns what to look at if the audience is a wrong one or is absent.
pub(crate) fn wrong_audience(claims: &Claims<'_>, expected: &Expected) -> Option<String> {
    let provider = expected.custom().map(|profile| profile.provider());
    let is_keycloak = provider == Some(&Provider::Keycloak);
    let Some(aud) = claims.aud.as_deref() else {
        return is_keycloak.then(|| "the client has no audience mapper: Keycloak writes no aud for it; add one for this API".to_owned());
    };
    // A longer list costs more to compare, and a person would not write it.
    let compared = aud.iter().take(MAX_AUDIENCES);
    let small = compared.clone().find_map(|aud| {
        let mut configured = expected.audiences.iter();
        configured.find_map(|audience| Difference::between(aud, audience))
    });
    if let Some(small) = small {
        return Some(small.hint("audience"));
    }
    let is_client = |text: &str| {
        let mut names = ["cid", "client_id", "azp", "appid"].iter();
        names.any(|name| claims.text_is(name, text))
    };
    if expected.audiences.iter().any(|it| is_client(it)) {
        return Some("the configured audience is the ID of the client; write the aud of the access tokens, and the client with Issuer::client_id".to_owned());
    }
    if compared.clone().any(|aud| is_client(aud)) {
        return Some(match is_keycloak {
            true => "the audience is the client itself: the token is an ID token, or the client has no audience mapper for this API".to_owned(),
            false => "the audience is the client itself: the token is an ID token, or the provider writes the client into aud unless the client requests an audience; send the access token for this API".to_owned(),
        });
    }
    if is_keycloak && compared.clone().all(|aud| aud == "account") {
        return Some("the client has no audience mapper: account is in every token of Keycloak; add a mapper for this API".to_owned());
    }
    if compared.clone().any(|aud| aud == "api://default") && expected.profile == Profile::Okta {
        return Some("api://default is the audience of Okta's authorization server default; use the audience of the server that issued the token".to_owned());
    }
    Some("the token is for another API: let the client request one for this API, or add the audience to the settings if the token is meant for it".to_owned())
}

/// Returns what to look at if the client is not a configured one. `client` is the ID in the token.
pub(crate) fn client(client: &str, claims: &Claims<'_>, expected: &Expected) -> Option<String> {
    let Clients::Listed(listed) = &expected.clients else {
        return None;
    };
    let mut differences = listed
        .iter()
        .filter_map(|it| Difference::between(client, it));
    if let Some(small) = differences.next() {
        return Some(small.hint("client ID"));
    }
    let aud = claims.aud.as_deref().unwrap_or_default();
    let is_audience = |id: &String| aud.iter().any(|aud| aud == id);
    let hint = match listed.iter().any(is_audience) {
        true => {
            "a configured client ID is the audience of the token; write the ID of the client that requests the tokens"
        }
        false => "if the client may call this API, add its ID to the settings",
    };
    Some(hint.to_owned())
}

/// Returns whether a clock explains the dates that were rejected.
pub(crate) fn clock(dates: Dates, is_expired: bool, now: u64) -> Option<String> {
    let ahead = |date: Option<u64>| date.filter(|date| *date > now).map(|date| date - now);
    match (ahead(dates.nbf), ahead(dates.iat)) {
        (Some(nbf), Some(iat)) if nbf.abs_diff(iat) <= SAME_OFFSET => {
            Some("nbf and iat are ahead by the same time: this machine's clock is behind, or the issuer's is ahead; check NTP".to_owned())
        }
        (Some(_), _) | (_, Some(_)) => {
            Some("if new tokens are rejected too, this machine's clock is behind; check NTP".to_owned())
        }
        (None, None) if is_expired => {
            Some("the client must renew its token; if new tokens are rejected too, this machine's clock is ahead".to_owned())
        }
        (None, None) => None,
    }
}

/// Texts of more bytes are not compared, because a distance costs the product of both lengths.
const MAX_COMPARED: usize = 256;
const MAX_AUDIENCES: usize = 16;
const MAX_LETTERS: usize = 2;
const MIN_SPELT: usize = 6;
/// The difference of two dates that were written at the same time, in seconds.
const SAME_OFFSET: u64 = 5;

#[cfg(test)]
mod tests;
