//! Entry points of the fuzz targets `authorization` and `challenge`.

use super::{Challenges, Credentials, Remedy, RequestCredentials, Scheme, is_b64token};

/// Parses field lines, and a query after the first NUL.
pub fn authorization(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = parts.next().unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n');
    let query = parts
        .next()
        .and_then(|query| std::str::from_utf8(query).ok());
    let presented = RequestCredentials::new(lines).query(query);
    for dpop in [false, true] {
        let Ok(Credentials::Token(_, token)) = presented.credentials(dpop, LARGEST_TOKEN) else {
            continue;
        };
        assert!(!token.is_empty() && token.len() <= LARGEST_TOKEN);
        assert!(!text.contains(&b'\n'), "one line");
        assert!(!is_b64token(token) || !token.contains(&b' '));
    }
}

/// Returns every challenge of a realm together with the realm. A list of scopes follows the first NUL.
pub fn challenge(data: &[u8]) -> Vec<(String, String)> {
    let Ok(text) = std::str::from_utf8(data) else {
        return Vec::new();
    };
    let (realm, scope) = text.split_once('\0').unwrap_or((text, "orders:read"));
    let Ok(challenges) = Challenges::new(realm).and_then(Challenges::with_dpop) else {
        return Vec::new();
    };
    let remedy = Remedy {
        scopes: vec!["orders:read", "!#[]~"],
        acr_values: Some(vec!["phrh", "urn:okta:loa:2fa:any"]),
        max_age: Some(300),
        lacks_scope: true,
        lacks_authentication: true,
    };
    let mut values = vec![
        challenges.bare.clone(),
        challenges.invalid_request.clone(),
        challenges.invalid_token.clone(),
    ];
    if let Some(dpop) = &challenges.dpop {
        values.extend([&dpop.bare, &dpop.invalid_proof, &dpop.use_nonce].map(Clone::clone));
    }
    for scheme in [Scheme::Bearer, Scheme::Dpop] {
        values.extend(challenges.insufficient_scope(scheme, scope));
        values.extend(challenges.insufficient_authentication(scheme, &remedy));
    }
    let texts = values
        .iter()
        .map(|value| value.to_str().unwrap_or_default());
    texts
        .map(|text| (text.to_owned(), realm.to_owned()))
        .collect()
}

/// The largest token size that the setting allows, in bytes.
const LARGEST_TOKEN: usize = 64 * 1024;
