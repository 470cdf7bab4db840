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
    /// The resource of files, whose layer requires a scope.
    Files,
    /// Requires another scope, behind the layer of the files.
    FilesWrite,
    /// Requires another scope, behind an optional layer of the files that requires a scope.
    MaybeFilesWrite,
    /// The resource of mail, whose layer requires nothing else.
    Mail,
    /// Requires a scope, behind the layer of mail.
    MailSend,
    /// Requires a group, behind the layer of mail.
    MailAdmin,
    /// Requires a recent, strong authentication of the user, behind the layer of mail.
    MailTransfer,
    /// Any token, behind a layer that names no resource.
    Unnamed,
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
            Self::Files => "/files",
            Self::FilesWrite => "/files/write",
            Self::MaybeFilesWrite => "/maybe/files/write",
            Self::Mail => "/mail",
            Self::MailSend => "/mail/send",
            Self::MailAdmin => "/mail/admin",
            Self::MailTransfer => "/mail/transfer",
            Self::Unnamed => "/unnamed",
        }
    }

    /// Returns the URL of the metadata that the challenges of the route name, or `None` without a resource.
    pub(super) fn metadata(self) -> Option<&'static str> {
        match self {
            Self::Files | Self::FilesWrite | Self::MaybeFilesWrite => {
                Some("https://api.example.com/.well-known/oauth-protected-resource/files")
            }
            Self::Mail | Self::MailSend | Self::MailAdmin | Self::MailTransfer => {
                Some("https://api.example.com/.well-known/oauth-protected-resource/mail")
            }
            _ => None,
        }
    }
}
