//! The codes of rejections, and the slots in which rejections are counted.

use crate::stats::REJECTION_SLOTS;

// The codes of rejections that have no `VerifyError`. RFC 6750 has no error code for a request without
// credentials (§3.1).
pub(super) const NO_CREDENTIALS: &str = "no_credentials";
pub(super) const INVALID_REQUEST: &str = "invalid_request";
pub(super) const INSUFFICIENT_SCOPE: &str = "insufficient_scope";
pub(super) const INSUFFICIENT_USER_AUTHENTICATION: &str = "insufficient_user_authentication";
pub(super) const FORBIDDEN: &str = "forbidden";
pub(super) const UNREADABLE_CLAIMS: &str = "unreadable_claims";
pub(super) const MISSING_LAYER: &str = "missing_layer";
pub(super) const MISCONFIGURED_LAYER: &str = "misconfigured_layer";
/// Counts the rejections by the application, which have codes of their own. No rejection has this code.
pub(super) const APPLICATION: &str = "application";

/// Every code of a rejection. Rejections are counted by the position of their code, so that no text that a client
/// chooses can add a counter. The last code stands for all others.
pub(crate) const CODES: [&str; 39] = [
    NO_CREDENTIALS,
    INVALID_REQUEST,
    INSUFFICIENT_SCOPE,
    INSUFFICIENT_USER_AUTHENTICATION,
    FORBIDDEN,
    UNREADABLE_CLAIMS,
    MISSING_LAYER,
    MISCONFIGURED_LAYER,
    "malformed",
    "encrypted",
    "algorithm_not_allowed",
    "algorithm_mismatch",
    "type_not_allowed",
    "missing_key_id",
    "unknown_key_id",
    "bad_signature",
    "unknown_issuer",
    "org_authorization_server",
    "missing_claim",
    "invalid_claim",
    "expired",
    "not_yet_valid",
    "issued_in_future",
    "wrong_audience",
    "not_an_access_token",
    "client_not_allowed",
    "binding_unchecked",
    "bound_token_as_bearer",
    "not_bound",
    "binding_required",
    "binding_mismatch",
    "no_certificate",
    "invalid_dpop_proof",
    "use_dpop_nonce",
    "inactive",
    "revoked",
    "unavailable",
    APPLICATION,
    "other",
];

/// Returns the position of a code in [`CODES`].
pub(super) fn slot(code: &str) -> usize {
    let known = CODES.iter().position(|known| *known == code);
    known.unwrap_or(CODES.len() - 1)
}

const _: () = assert!(CODES.len() <= REJECTION_SLOTS);
