//! [`Caller`]: a key for counters and limits per caller, which reveals nothing about the caller.

use std::{fmt, sync::OnceLock};

use crate::crypto::{MacKey, random_bytes};

/// Who calls: a keyed digest of the issuer, the client and the subject of a token, from
/// [`VerifiedToken::caller`](crate::VerifiedToken::caller).
///
/// Use it as the key of a rate limit, a quota or a count per caller. It has 16 bytes, is `Copy`, and does not
/// contain the user's ID. All tokens of one subject from one client have the same caller, whichever verifier of
/// this process verified them, and a user has another caller for each client. The key of the digest is random
/// and is generated once per process, so the value of a caller differs from one process to the next: do not
/// store it, and do not share it between instances. `Debug` hides it.
///
/// Two callers are equal only with a probability of about 2^-128, because the digest is a truncated
/// HMAC-SHA256 (RFC 2104 §5) over the lengths and the texts of the three values.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use std::collections::HashMap;
///
/// use okta_verifier::{Caller, VerifiedToken};
///
/// /// Counts a request, and returns whether the caller may send another one.
/// fn count(requests: &mut HashMap<Caller, u32>, token: &VerifiedToken) -> bool {
///     let count = requests.entry(token.caller()).or_default();
///     *count += 1;
///     *count <= 2
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("api://orders");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let mut requests = HashMap::new();
/// for allowed in [true, true, false] {
///     let token = verifier.verify(&okta.token("ada").sign()).await?; // another token each time
///     assert_eq!(count(&mut requests, &token), allowed);
/// }
/// let bob = verifier.verify(&okta.token("bob").sign()).await?;
/// assert!(count(&mut requests, &bob));
/// assert_eq!(format!("{:?}", bob.caller()), "Caller(..)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Caller([u8; 16]);

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(..)")
    }
}

/// The key of this process for the digests of callers. A MAC is used, and not a fingerprint, because a
/// [`Caller`] is given to other code, whose hashers may reveal it.
pub(crate) struct CallerKey(MacKey);

impl CallerKey {
    /// Returns the key of this process, or `None` if the random number generator is unavailable.
    pub(crate) fn of_process() -> Option<&'static Self> {
        static KEY: OnceLock<CallerKey> = OnceLock::new();
        if let Some(key) = KEY.get() {
            return Some(key);
        }
        let new = Self(MacKey::new(&random_bytes::<32>()?));
        Some(KEY.get_or_init(|| new))
    }

    /// Returns the caller with this issuer, client and subject. The lengths of the texts are part of the
    /// message, so that ("ab", "c") and ("a", "bc") differ.
    pub(crate) fn caller(&self, identity: [&str; 3]) -> Caller {
        let mut message = PURPOSE.to_vec();
        for text in identity {
            message.extend((text.len() as u64).to_be_bytes());
            message.extend(text.as_bytes());
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&self.0.sign(&message)[..16]);
        Caller(digest)
    }
}

/// Omits the key.
impl fmt::Debug for CallerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallerKey(..)")
    }
}

/// Keeps the digests apart from those that the same key may have for another purpose.
const PURPOSE: &[u8] = b"okta-verifier caller\0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caller_depends_on_each_value_and_on_where_each_ends() {
        let key = CallerKey::of_process().unwrap();
        let caller = key.caller(["issuer", "client", "ada"]);
        assert_eq!(key.caller(["issuer", "client", "ada"]), caller);
        for other in [
            ["issuer2", "client", "ada"],
            ["issuer", "client2", "ada"],
            ["issuer", "client", "eve"],
            ["issuer", "", "ada"],
            ["issuer", "", "clientada"],
            ["issuerc", "lient", "ada"],
            ["issuer", "clienta", "da"],
            ["issuer", "ada", "client"],
            ["issuer", "client", "ada\0"],
        ] {
            assert_ne!(key.caller(other), caller, "{other:?}");
        }
    }

    #[test]
    fn caller_differs_from_one_process_to_the_next() {
        let process = |secret: u8| CallerKey(MacKey::new(&[secret; 32]));
        let identity = ["issuer", "client", "ada"];
        assert_ne!(process(1).caller(identity), process(2).caller(identity));
    }

    #[test]
    fn caller_is_hidden_in_debug_output() {
        let key = CallerKey::of_process().unwrap();
        assert_eq!(format!("{:?}", key.caller(["a", "b", "c"])), "Caller(..)");
        assert_eq!(format!("{key:?}"), "CallerKey(..)");
    }
}
