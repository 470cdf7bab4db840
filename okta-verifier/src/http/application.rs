//! [`ApplicationRejection`]: a rejection that the application itself decides, as constant data.

use std::time::Duration;

/// A rejection that the application itself decides, such as an order that is closed or a quota that is used
/// up. It is constant data: a status and a code of the application's own.
///
/// [`VerifiedToken::reject`](crate::VerifiedToken::reject) and
/// [`Rejection::application`](crate::Rejection::application) make a [`Rejection`](crate::Rejection) of it. The
/// application's rejections then leave the same event in the log as those of the verifier, have the same kind
/// of response, and get the same body from [`ProblemDetails`](crate::ProblemDetails).
///
/// The code is for logs, and the response never contains it. Choose codes that the verifier does not use
/// itself. Counters by code count all rejections of the application under the one code `application`, so that
/// the number of their labels is fixed.
///
/// ```
/// use okta_verifier::{ApplicationRejection, Rejection};
///
/// const ORDER_CLOSED: ApplicationRejection = ApplicationRejection::new(409, "order_closed");
///
/// fn change(is_closed: bool) -> Result<&'static str, Rejection> {
///     match is_closed {
///         false => Ok("changed"),
///         true => Err(Rejection::application(ORDER_CLOSED)),
///     }
/// }
///
/// assert!(change(false).is_ok());
/// let rejection = change(true).unwrap_err();
/// assert_eq!((rejection.status().as_u16(), rejection.code()), (409, "order_closed"));
/// ```
///
/// A 401 must have a challenge (RFC 9110 §15.5.2), which the application cannot write, so it does not
/// compile in a const:
///
/// ```compile_fail
/// # use okta_verifier::ApplicationRejection;
/// const LOGGED_OUT: ApplicationRejection = ApplicationRejection::new(401, "logged_out");
/// ```
///
/// Neither does a code that is not a name:
///
/// ```compile_fail
/// # use okta_verifier::ApplicationRejection;
/// const CLOSED: ApplicationRejection = ApplicationRejection::new(409, "The order is closed.");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationRejection {
    status: u16,
    code: &'static str,
    retry_after: Option<u32>,
}

impl ApplicationRejection {
    /// Returns a rejection with this status and code.
    ///
    /// The status is 503 or from 400 to 499, but not 401, 405, 407, or 426: each of these responses must have
    /// a field that only its author knows (RFC 9110 §15.5). The code consists of lower-case letters, digits and
    /// underscores, begins with a letter, and has at most 64 characters.
    ///
    /// # Panics
    ///
    /// Panics if the status or the code is not allowed. In a const, this is a compile error.
    #[must_use]
    pub const fn new(status: u16, code: &'static str) -> Self {
        assert!(
            is_allowed(status),
            "the status of a rejection must be 503, or from 400 to 499 without 401, 405, 407 and 426"
        );
        assert!(
            is_code(code),
            "a code has at most 64 lower-case letters, digits and underscores, and begins with a letter"
        );
        Self {
            status,
            code,
            retry_after: None,
        }
    }

    /// Adds a `Retry-After` field (RFC 9110 §10.2.3), as is usual for 429 and 503. The time is rounded up to
    /// whole seconds, so that clients do not retry too early, and is at least 1 s. Without this method, the
    /// response has no such field.
    ///
    /// ```
    /// use std::time::Duration;
    /// use okta_verifier::{ApplicationRejection, Rejection};
    ///
    /// const QUOTA: ApplicationRejection = ApplicationRejection::new(429, "quota_used_up");
    ///
    /// let rejection = Rejection::application(QUOTA.retry_after(Duration::from_millis(2_500)));
    /// let response: http::Response<String> = rejection.into_response();
    /// assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &"3".parse()?));
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(whole_seconds(wait));
        self
    }

    pub(super) const fn parts(self) -> (u16, &'static str, Option<u32>) {
        (self.status, self.code, self.retry_after)
    }
}

/// Returns whether a response with this status needs no field that the application would have to write.
/// 401 and 407 need a challenge, 405 needs `Allow`, and 426 needs `Upgrade` (RFC 9110 §15.5).
const fn is_allowed(status: u16) -> bool {
    matches!(status, 400..=499 | 503) && !matches!(status, 401 | 405 | 407 | 426)
}

const fn is_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    let mut index = 0;
    while index < bytes.len() {
        if !matches!(bytes[index], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        index += 1;
    }
    matches!(bytes, [b'a'..=b'z', ..]) && bytes.len() <= 64
}

/// Rounds up to whole seconds, and returns at least 1.
pub(super) const fn whole_seconds(wait: Duration) -> u32 {
    let started = (wait.subsec_nanos() > 0) as u64;
    let seconds = wait.as_secs().saturating_add(started);
    match seconds {
        0 => 1,
        1..=0xFFFF_FFFF => seconds as u32,
        _ => u32::MAX,
    }
}
