use super::Policy;

/// Names a [`Policy`] as a type, for extractors: `Verified<ReadOrders>`.
///
/// ```
/// use okta_verifier::{Policy, Requirement};
///
/// struct ReadOrders;
/// impl Requirement for ReadOrders {
///     const POLICY: Policy = Policy::scope("orders:read");
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` says nothing about what a token must have",
    label = "this type is no `Requirement`",
    note = "write: impl Requirement for {Self} {{ const POLICY: Policy = Policy::scope(\"orders:read\"); }}"
)]
pub trait Requirement {
    /// What a token must have.
    const POLICY: Policy;
}

/// Any valid token will do.
///
/// ```
/// use okta_verifier::{AnyToken, Policy, Requirement};
///
/// /// What an extractor of your own is generic over; `Verified` of the adapters has this default too.
/// struct Caller<R: Requirement = AnyToken>(std::marker::PhantomData<R>);
///
/// impl<R: Requirement> Caller<R> {
///     const POLICY: Policy = R::POLICY;
/// }
/// assert_eq!(format!("{:?}", <Caller>::POLICY), "any token");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AnyToken;

impl Requirement for AnyToken {
    const POLICY: Policy = Policy::any_token();
}
