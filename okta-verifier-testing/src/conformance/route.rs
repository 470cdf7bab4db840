//! The routes of the API under test.

/// A route and what it requires. The documentation of the module `conformance` lists the paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Requires nothing.
    Health,
    /// Requires any token.
    Me,
    /// Requires a scope.
    Orders,
    /// Requires a group.
    Admin,
    /// Requires claims with a `department`.
    Claims,
    /// Requires a scope and a recent, strong authentication of the user.
    Transfer,
    /// Accepts any token or no credentials.
    Maybe,
    /// Requires a scope, behind an optional layer.
    MaybeOrders,
    /// Accepts any token, an expired one as anonymous, or no credentials.
    MaybeExpired,
    /// Requires a scope, behind an optional layer that treats an expired token as anonymous.
    MaybeExpiredOrders,
    /// Requires a bound token.
    Bound,
    /// Requires any token, but has no layer.
    Forgotten,
}

impl Route {
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Me => "/me",
            Self::Orders => "/orders",
            Self::Admin => "/admin",
            Self::Claims => "/claims",
            Self::Transfer => "/transfer",
            Self::Maybe => "/maybe",
            Self::MaybeOrders => "/maybe/orders",
            Self::MaybeExpired => "/maybe/expired",
            Self::MaybeExpiredOrders => "/maybe/expired/orders",
            Self::Bound => "/bound",
            Self::Forgotten => "/forgotten",
        }
    }
}
