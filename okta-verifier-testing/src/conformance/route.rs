//! The routes of the API that the table is for.

/// What a route demands. The paths are public: the module's page lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// Nothing.
    Health,
    /// Any token.
    Me,
    /// A scope.
    Orders,
    /// A group.
    Admin,
    /// Claims that hold a `department`.
    Claims,
    /// A scope, and a user who authenticated strongly and lately.
    Transfer,
    /// Any token, or no credentials.
    Maybe,
    /// A scope, behind an optional layer.
    MaybeOrders,
    /// Any token, and no layer stands before it.
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
            Self::Forgotten => "/forgotten",
        }
    }
}
