//! Constructors of cases, one per expected response.

use std::borrow::Cow;

use super::{super::expected::Outcome, Case};

/// Expects 200.
pub(in crate::conformance) fn accepted(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Accepted, name, requirements)
}

/// Expects 401 without an error code.
pub(in crate::conformance) fn plain(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Unauthenticated, name, requirements)
}

/// Expects 400 `invalid_request`.
pub(in crate::conformance) fn malformed(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Malformed, name, requirements)
}

/// Expects 400 `invalid_request` in the challenge of every scheme.
pub(in crate::conformance) fn ambiguous(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Ambiguous, name, requirements)
}

/// Expects 401 `invalid_token`.
pub(in crate::conformance) fn invalid(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::InvalidToken, name, requirements)
}

/// Expects 401 `invalid_dpop_proof`.
pub(in crate::conformance) fn unproved(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::InvalidProof, name, requirements)
}

/// Expects 403 `insufficient_scope`.
pub(in crate::conformance) fn lacks_scope(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::LacksScope, name, requirements)
}

/// Expects 403 without a challenge.
pub(in crate::conformance) fn forbidden(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Forbidden, name, requirements)
}

/// Expects 401 `insufficient_user_authentication`.
pub(in crate::conformance) fn step_up(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::StepUp, name, requirements)
}

/// Expects 401 `insufficient_user_authentication`, with the required scope in the challenge.
pub(in crate::conformance) fn step_up_and_scope(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::StepUpAndScope, name, requirements)
}

/// Expects 503.
pub(in crate::conformance) fn unavailable(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::Unavailable, name, requirements)
}

/// Expects 500.
pub(in crate::conformance) fn missing_layer(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Outcome::MissingLayer, name, requirements)
}
