//! How a case begins: with the answer it wants.

use std::borrow::Cow;

use super::{super::expected::Verdict, Case};

/// 200.
pub(in crate::conformance) fn accepted(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Accepted, name, requirements)
}

/// 401 without an error.
pub(in crate::conformance) fn plain(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Unauthenticated, name, requirements)
}

/// 400 `invalid_request`.
pub(in crate::conformance) fn malformed(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Malformed, name, requirements)
}

/// 400 `invalid_request` under every scheme.
pub(in crate::conformance) fn ambiguous(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Ambiguous, name, requirements)
}

/// 401 `invalid_token`.
pub(in crate::conformance) fn invalid(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::InvalidToken, name, requirements)
}

/// 401 `invalid_dpop_proof`.
pub(in crate::conformance) fn unproved(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::InvalidProof, name, requirements)
}

/// 403 `insufficient_scope`.
pub(in crate::conformance) fn lacks_scope(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::LacksScope, name, requirements)
}

/// 403 without a challenge.
pub(in crate::conformance) fn forbidden(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Forbidden, name, requirements)
}

/// 401 `insufficient_user_authentication`.
pub(in crate::conformance) fn step_up(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::StepUp, name, requirements)
}

/// The same, and the scope is named too.
pub(in crate::conformance) fn step_up_and_scope(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::StepUpAndScope, name, requirements)
}

/// 503.
pub(in crate::conformance) fn unavailable(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::Unavailable, name, requirements)
}

/// 500.
pub(in crate::conformance) fn missing_layer(
    name: impl Into<Cow<'static, str>>,
    requirements: &'static [u16],
) -> Case {
    Case::new(Verdict::MissingLayer, name, requirements)
}
