//! The kind of token that an introspection response is about.

use crate::{
    error::VerifyError,
    token::{
        confirmation::Confirmation,
        json::{self, Object},
    },
};

/// The kind of a token. It can only be a reason to reject a token, because Okta responds with `Bearer` for
/// every token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Access,
    /// The token is bound to a key (RFC 9449 §5).
    Dpop,
    /// Another kind. Refresh tokens and ID tokens can be active too (RFC 7662 §2.1).
    Other,
}

impl Kind {
    /// Reads the kind from `token_type`, which is the type of an access token (RFC 6749 §5.1) or
    /// absent (RFC 7662 §2.2). Some servers write `refresh_token` or the like there, and some write
    /// the kind into `token_use` or `typ`.
    ///
    /// # Errors
    ///
    /// One of these members is neither a string nor null.
    pub(super) fn read(object: &Object<'_>) -> Result<Self, VerifyError> {
        let member = |claim| match object.present(claim) {
            None => Ok(None),
            Some(value) => json::string(value)
                .map(Some)
                .ok_or(VerifyError::InvalidClaim { claim }),
        };
        let one_of =
            |text: &str, list: &[&str]| list.iter().any(|it| text.eq_ignore_ascii_case(it));
        let (token_type, token_use, typ) =
            (member("token_type")?, member("token_use")?, member("typ")?);
        let token_type = token_type.as_deref().unwrap_or_default();
        if !one_of(token_type, ACCESS)
            || token_use.is_some_and(|text| !one_of(&text, &["access_token", "access"]))
            || typ.is_some_and(|text| one_of(&text, OTHERS))
        {
            return Ok(Self::Other);
        }
        Ok(match one_of(token_type, &["DPoP"]) {
            true => Self::Dpop,
            false => Self::Access,
        })
    }

    /// Checks that a DPoP token is bound to a key.
    ///
    /// # Errors
    ///
    /// `token_type` is `DPoP`, and the answer has no `cnf.jkt` (RFC 9449 §6.2).
    pub(super) fn check_binding(self, bound_to: Option<&Confirmation>) -> Result<(), VerifyError> {
        let to_a_key = bound_to.is_some_and(|confirmation| confirmation.jkt.is_some());
        match self == Self::Dpop && !to_a_key {
            true => Err(VerifyError::BindingUnchecked),
            false => Ok(()),
        }
    }
}

/// The values of `token_type` for access tokens; empty stands for absent.
const ACCESS: &[&str] = &["", "Bearer", "DPoP"];
/// Keycloak's values of `typ` for other kinds of tokens.
const OTHERS: &[&str] = &["Refresh", "Offline", "ID", "Logout"];
