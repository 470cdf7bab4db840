//! [`ProblemDetails`]: the body of a rejection, as problem details (RFC 9457) or in a format of the
//! application's own. A body says nothing that the status and the challenge do not say.

use std::{fmt, sync::Arc};

use http::HeaderValue;
use serde::Serialize;
use url::Url;

use super::{Rejection, challenge};
use crate::error::ConfigError;

/// The body of rejections: problem details in JSON (RFC 9457), or a format of the application's own.
///
/// A rejection itself has an empty body. `ProblemDetailsLayer` of `okta-verifier-tower` and
/// `okta-verifier-axum`, and `ProblemDetailsMiddleware` of `okta-verifier-actix`, write a body with this type.
/// A handler that builds its responses itself calls [`content_type`](Self::content_type) and
/// [`body`](Self::body).
///
/// | member | value |
/// |---|---|
/// | `type` | `about:blank`, or the URI of [`with_type`](Self::with_type) |
/// | `title` | the phrase of the status, such as `Forbidden` |
/// | `status` | the status, as a number |
/// | `error`, `error_description`, `scope`, `acr_values`, `resource_metadata` | the parameters of the same names in `WWW-Authenticate`, if they are there |
/// | `max_age` | the same, as a number |
///
/// There are no other members. The exact reason would tell an attacker which check a forged token failed, so
/// the body contains neither [`Rejection::code`] nor [`Rejection::error`]. The field `Accept` is not
/// negotiated: a client that asks for another format gets this one (RFC 9110 §12.4.1).
///
/// ```
/// use okta_verifier::{ProblemDetails, Rejection};
///
/// let details = ProblemDetails::new();
/// assert_eq!(details.content_type(), "application/problem+json");
/// assert_eq!(
///     details.body(&Rejection::insufficient_scope("orders:read")?),
///     concat!(
///         r#"{"type":"about:blank","title":"Forbidden","status":403,"error":"insufficient_scope","#,
///         r#""error_description":"The access token lacks a required scope","scope":"orders:read"}"#,
///     ),
/// );
/// // No challenge, so there is nothing to add.
/// assert_eq!(
///     details.body(&Rejection::missing_layer()),
///     r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#,
/// );
/// # Ok::<(), okta_verifier::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct ProblemDetails(Arc<Format>);

enum Format {
    ProblemJson {
        type_uri: Box<str>,
    },
    Custom {
        content_type: HeaderValue,
        write: Box<dyn Fn(&Rejection) -> String + Send + Sync>,
    },
}

impl ProblemDetails {
    /// Returns problem details with the type `about:blank`, which says that the problem has no other
    /// meaning than its status (RFC 9457 §4.2.1).
    #[must_use]
    pub fn new() -> Self {
        Self::of_type("about:blank")
    }

    /// Returns problem details with this `type`, an absolute URI at which the API documents its rejections
    /// (RFC 9457 §3.1.1). It is the same for every rejection.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::ProblemDetails`] if `uri` is not an absolute URI in ASCII.
    ///
    /// ```
    /// use okta_verifier::{ProblemDetails, Rejection};
    ///
    /// let details = ProblemDetails::with_type("https://api.example.com/problems#rejected")?;
    /// let body = details.body(&Rejection::missing_layer());
    /// assert!(body.starts_with(r#"{"type":"https://api.example.com/problems#rejected","#));
    ///
    /// assert!(ProblemDetails::with_type("/problems").is_err());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn with_type(uri: &str) -> Result<Self, ConfigError> {
        // `Url::parse` would remove white space and encode other characters.
        let is_ascii = uri.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_ascii || Url::parse(uri).is_err() {
            return Err(ConfigError::ProblemDetails {
                problem: "the type must be an absolute URI in ASCII, such as https://api.example.com/problems",
            });
        }
        Ok(Self::of_type(uri))
    }

    fn of_type(uri: &str) -> Self {
        Self(Arc::new(Format::ProblemJson {
            type_uri: uri.into(),
        }))
    }

    /// Returns a format of the application's own. `write` returns the body of a rejection.
    ///
    /// Write only what the client may know: the status, and what the challenge says. In particular, write
    /// [`Rejection::code`] only if [`Rejection::is_application`], and never write [`Rejection::error`] or the
    /// text of the rejection. `write` runs once for each rejection, and must not block.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError::ProblemDetails`] if `content_type` is not a media type, with or without
    /// parameters.
    ///
    /// ```
    /// use okta_verifier::{ApplicationRejection, ProblemDetails, Rejection};
    ///
    /// let house = ProblemDetails::custom("application/json", |rejection| {
    ///     let code = if rejection.is_application() { rejection.code() } else { "unauthorized" };
    ///     format!(r#"{{"errors":[{{"code":"{code}"}}]}}"#)
    /// })?;
    /// let closed = Rejection::application(ApplicationRejection::new(409, "order_closed"));
    /// assert_eq!(house.content_type(), "application/json");
    /// assert_eq!(house.body(&closed), r#"{"errors":[{"code":"order_closed"}]}"#);
    ///
    /// assert!(ProblemDetails::custom("json", |_| String::new()).is_err());
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    pub fn custom(
        content_type: &str,
        write: impl Fn(&Rejection) -> String + Send + Sync + 'static,
    ) -> Result<Self, ConfigError> {
        let wrong = ConfigError::ProblemDetails {
            problem: "the content type must be a media type, such as application/json",
        };
        let is_media_type = |text: &str| match text.split_once('/') {
            Some((top, rest)) => !top.is_empty() && !rest.is_empty(),
            None => false,
        };
        match HeaderValue::from_str(content_type) {
            Ok(value) if is_media_type(content_type) => Ok(Self(Arc::new(Format::Custom {
                content_type: value,
                write: Box::new(write),
            }))),
            _ => Err(wrong),
        }
    }

    /// Returns the value of `Content-Type`.
    #[must_use]
    pub fn content_type(&self) -> HeaderValue {
        match &*self.0 {
            Format::ProblemJson { .. } => HeaderValue::from_static("application/problem+json"),
            Format::Custom { content_type, .. } => content_type.clone(),
        }
    }

    /// Returns the body of a rejection.
    #[must_use]
    pub fn body(&self, rejection: &Rejection) -> String {
        match &*self.0 {
            Format::ProblemJson { type_uri } => Members::of(type_uri, rejection).to_json(),
            Format::Custom { write, .. } => write(rejection),
        }
    }

    /// Returns whether a response with `rejection` in its extensions is still that rejection, without a
    /// body. For adapters to other frameworks: only such a response gets the [`body`](Self::body).
    ///
    /// `status` is the status of the response, and `has_field` says whether it has a header field. A response
    /// with another status is a gRPC response, or one in which the application hides the rejection. A
    /// `Content-Type` says that an inner layer has written a body.
    ///
    /// ```
    /// use okta_verifier::{ProblemDetails, Rejection};
    ///
    /// let rejection = Rejection::insufficient_scope("orders:read")?;
    /// let is_bare = |response: &http::Response<()>| {
    ///     let headers = response.headers();
    ///     ProblemDetails::is_bare(&rejection, response.status().as_u16(), |name| headers.contains_key(name))
    /// };
    /// assert!(is_bare(&rejection.clone().into_response()));
    /// assert!(!is_bare(&rejection.clone().into_grpc_response()));
    /// # Ok::<(), okta_verifier::ConfigError>(())
    /// ```
    #[must_use]
    pub fn is_bare(rejection: &Rejection, status: u16, has_field: impl Fn(&str) -> bool) -> bool {
        let written = ["content-type", "content-encoding", "grpc-status"];
        status == rejection.status().as_u16() && !written.into_iter().any(has_field)
    }
}

impl Default for ProblemDetails {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ProblemDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ProblemDetails");
        match &*self.0 {
            Format::ProblemJson { type_uri } => shown.field("type", type_uri),
            Format::Custom { content_type, .. } => shown.field("content_type", content_type),
        };
        shown.finish_non_exhaustive()
    }
}

/// The members of the JSON object, in this order.
#[derive(Serialize)]
struct Members<'a> {
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr_values: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_metadata: Option<String>,
}

impl<'a> Members<'a> {
    /// Reads the members from the challenges, so that they cannot say more than the challenges do. If there
    /// is one challenge for each scheme, they report the same error or only one of them reports an error.
    fn of(type_uri: &'a str, rejection: &Rejection) -> Self {
        let status = rejection.status();
        let mut members = Members {
            r#type: type_uri,
            title: status.canonical_reason(),
            status: status.as_u16(),
            error: None,
            error_description: None,
            scope: None,
            acr_values: None,
            max_age: None,
            resource_metadata: None,
        };
        for (name, text) in rejection.challenges().flat_map(challenge::parameters) {
            let member = match name {
                "error" => &mut members.error,
                "error_description" => &mut members.error_description,
                "scope" => &mut members.scope,
                "acr_values" => &mut members.acr_values,
                "resource_metadata" => &mut members.resource_metadata,
                "max_age" => {
                    members.max_age = members.max_age.or(text.parse().ok());
                    continue;
                }
                _ => continue,
            };
            member.get_or_insert(text);
        }
        members
    }

    fn to_json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers can always be written as JSON")
    }
}
