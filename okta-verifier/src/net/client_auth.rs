//! Client authentication at the issuer's endpoints (RFC 6749 §2.3, RFC 7523 §2.2).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::form_urlencoded;

use crate::{
    crypto::{SigningKey, random_bytes},
    error::UnavailableReason,
    token::BASE64URL,
};

/// The credentials of this service, prepared for use.
pub(crate) enum ClientAuth {
    /// The value of the `Authorization` header.
    Basic(SecretString),
    Post {
        client_id: String,
        secret: SecretString,
    },
    PrivateKeyJwt {
        client_id: String,
        kid: Option<String>,
        key: Box<SigningKey>,
    },
    /// A public client, which identifies itself without authentication.
    Public { client_id: String },
    /// No client at all.
    Anonymous,
}

impl ClientAuth {
    /// Prepares `client_secret_basic`. The client ID and the secret are form-urlencoded separately, so that
    /// a colon in one of them is not mistaken for the separator (RFC 6749 §2.3.1).
    pub(crate) fn basic(client_id: &str, secret: &SecretString) -> Self {
        let mut pair: String = form_urlencoded::byte_serialize(client_id.as_bytes()).collect();
        pair.push(':');
        pair.extend(form_urlencoded::byte_serialize(
            secret.expose_secret().as_bytes(),
        ));
        Self::Basic(format!("Basic {}", STANDARD.encode(pair)).into())
    }

    /// Returns a form with `parameters` and the credentials for `endpoint`. `now` is in seconds since 1970.
    pub(crate) fn form(
        &self,
        endpoint: &str,
        parameters: &[(&str, &str)],
        now: u64,
    ) -> Result<Form, UnavailableReason> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(parameters);
        let mut authorization = None;
        match self {
            Self::Basic(value) => authorization = Some(value.clone()),
            Self::Post { client_id, secret } => {
                body.append_pair("client_id", client_id);
                body.append_pair("client_secret", secret.expose_secret());
            }
            Self::PrivateKeyJwt {
                client_id,
                kid,
                key,
            } => {
                let assertion = assertion(client_id, kid.as_deref(), key, endpoint, now)
                    .ok_or(UnavailableReason::NoRandomness)?;
                body.append_pair("client_assertion_type", ASSERTION_TYPE);
                body.append_pair("client_assertion", &assertion);
            }
            Self::Public { client_id } => {
                body.append_pair("client_id", client_id);
            }
            Self::Anonymous => {}
        }
        Ok(Form {
            authorization,
            media_type: "application/x-www-form-urlencoded",
            body: body.finish().into(),
        })
    }
}

/// Returns a client assertion (RFC 7523 §3). The `jti` is new each time, because a server may accept each
/// `jti` only once. Returns `None` if the random number generator is unavailable or signing fails.
fn assertion(
    client_id: &str,
    kid: Option<&str>,
    key: &SigningKey,
    audience: &str,
    now: u64,
) -> Option<String> {
    let mut header = json!({ "alg": key.algorithm().name(), "typ": "JWT" });
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now.saturating_add(LIFETIME),
        "jti": BASE64URL.encode(random_bytes::<16>()?),
    });
    let signed = format!(
        "{}.{}",
        BASE64URL.encode(header.to_string()),
        BASE64URL.encode(claims.to_string())
    );
    let signature = key.sign(signed.as_bytes()).ok()?;
    Some(format!("{signed}.{}", BASE64URL.encode(signature)))
}

/// Reads the private key of a PEM document (RFC 7468 §10).
pub(crate) fn private_key(pem: &SecretString) -> Result<SigningKey, &'static str> {
    let pem = pem.expose_secret().trim();
    let body = pem
        .strip_prefix("-----BEGIN PRIVATE KEY-----")
        .and_then(|rest| rest.strip_suffix("-----END PRIVATE KEY-----"))
        .ok_or(NOT_PKCS8)?;
    let text: String = body.split_ascii_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|_| NOT_PKCS8)?;
    SigningKey::from_pkcs8(&der).map_err(
        |_| "the private key is neither RSA with 2048 to 8192 bits nor EC on P-256; create one of these",
    )
}

/// A form, or a JSON object, to send to the issuer. `Debug` shows no fields, because the form contains a token and
/// credentials.
pub(crate) struct Form {
    authorization: Option<SecretString>,
    media_type: &'static str,
    body: SecretString,
}

impl Form {
    /// Returns a JSON object to send with an access token (RFC 6750 §2.1).
    pub(crate) fn json(access_token: &SecretString, body: String) -> Self {
        let value = format!("Bearer {}", access_token.expose_secret());
        Self {
            authorization: Some(value.into()),
            media_type: "application/json",
            body: body.into(),
        }
    }

    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(ExposeSecret::expose_secret)
    }

    pub(crate) fn body(&self) -> &str {
        self.body.expose_secret()
    }

    /// Returns whether `bytes`, a part of a response, repeat a part of the token or of the credentials, as they were sent or
    /// decoded.
    pub(crate) fn is_repeated_in(&self, bytes: &[u8]) -> bool {
        let authorization = self.authorization().unwrap_or_default();
        let basic = authorization.strip_prefix("Basic ");
        let basic = basic.and_then(|it| STANDARD.decode(it).ok());
        let basic = basic.unwrap_or_default();
        let plain = [self.body().as_bytes(), &basic].map(decoded);
        let sent = [self.body().as_bytes(), authorization.as_bytes(), &basic];
        let sent = sent.into_iter().chain(plain.iter().map(Vec::as_slice));
        let sent: Vec<&[u8]> = sent.filter(|sent| !sent.is_empty()).collect();
        let found = |part: &[u8]| {
            let mut sent = sent.iter();
            sent.any(|sent| memchr::memmem::find(sent, part).is_some())
        };
        // The endpoint may encode the text in another way than this service.
        [bytes, &decoded(bytes)]
            .into_iter()
            .any(|bytes| bytes.windows(REPEATED).any(found))
    }
}

/// Returns the names and values of a form, decoded (RFC 6749 Appendix B).
fn decoded(form: &[u8]) -> Vec<u8> {
    let pairs = form_urlencoded::parse(form);
    let pairs = pairs.flat_map(|(name, value)| [name, value]);
    pairs
        .flat_map(|text| text.into_owned().into_bytes())
        .collect()
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(_) => "client_secret_basic",
            Self::Post { .. } => "client_secret_post",
            Self::PrivateKeyJwt { .. } => "private_key_jwt",
            Self::Public { .. } => "none",
            Self::Anonymous => "anonymous",
        })
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form").finish_non_exhaustive()
    }
}

const NOT_PKCS8: &str = "the private key is not PKCS#8 in PEM, which begins with -----BEGIN PRIVATE KEY-----; convert other forms with openssl pkcs8 -topk8 -nocrypt";
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The lifetime of an assertion in seconds. It is longer than the clock skew and the duration of a request
/// together, and shorter than Okta's limit of one hour.
const LIFETIME: u64 = 120;
/// The length in bytes from which a repeated part is detected. A shorter part also occurs by chance, and
/// reveals little.
const REPEATED: usize = 12;

#[cfg(test)]
mod tests;
