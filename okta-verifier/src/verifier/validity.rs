//! [`Verifier::until_void`]: how long a token stays valid after it was accepted, for connections that outlive
//! the request.

use std::{
    fmt,
    future::{pending, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{runtime::Handle, time::sleep_until};

use super::{ActiveIssuer, Verifier};
use crate::{
    sync::{
        clock::{End, Now},
        retirement::Retirement,
    },
    verified_token::{Evidence, VerifiedToken},
};

/// Why a token is no longer valid: the result of [`Verifier::until_void`].
///
/// `Display` gives a fixed text, which contains nothing of the token.
///
/// ```
/// use okta_verifier::VoidReason;
///
/// /// Returns whether the client can continue with a new token at once.
/// fn may_reconnect(reason: VoidReason) -> bool {
///     matches!(reason, VoidReason::Expired)
/// }
///
/// assert!(may_reconnect(VoidReason::Expired));
/// assert!(!may_reconnect(VoidReason::KeyWithdrawn));
/// assert_eq!(VoidReason::KeyWithdrawn.code(), "key_withdrawn");
/// assert_eq!(VoidReason::Expired.to_string(), "the token has expired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VoidReason {
    /// `exp` has passed by more than the leeway.
    Expired,
    /// The issuer no longer publishes the key that signed the token.
    KeyWithdrawn,
    /// The issuer was removed or its settings were replaced, or the verifier never had the issuer: the token
    /// was accepted by another verifier.
    IssuerRemoved,
    /// A revocation rule matches the token, or the token is so old that a rule may be forgotten. It can occur only with
    /// [`VerifierBuilder::revocations`](crate::VerifierBuilder::revocations).
    Revoked,
    /// The future was polled outside a tokio runtime, so it cannot wait for the end of the token.
    NoRuntime,
}

impl VoidReason {
    /// Returns a stable name for logs and metrics, in lower case with underscores.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::KeyWithdrawn => "key_withdrawn",
            Self::IssuerRemoved => "issuer_removed",
            Self::Revoked => "revoked",
            Self::NoRuntime => "no_runtime",
        }
    }
}

impl fmt::Display for VoidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the token has expired",
            Self::KeyWithdrawn => "the key that signed the token was withdrawn",
            Self::IssuerRemoved => {
                "the issuer of the token was removed, or its settings were replaced"
            }
            Self::Revoked => "the token was revoked",
            Self::NoRuntime => "the end of the token cannot be awaited outside a tokio runtime",
        })
    }
}

impl Verifier {
    /// Waits until the token is no longer valid, and returns the reason. A service uses this method for a
    /// connection that lives longer than one request, such as a WebSocket: it ends the connection when the
    /// future completes.
    ///
    /// The future completes when one of these is the case, and at once if it is the case already:
    ///
    /// - The token has expired: its `exp` plus the [leeway](crate::Issuer::leeway) has passed (RFC 7519 §4.1.4).
    /// - The key that signed the token was withdrawn: a fetch returned a key set without this key.
    /// - The issuer was removed or its settings were replaced by [`set_issuers`](Self::set_issuers), or the
    ///   [`IssuerResolver`](crate::IssuerResolver) no longer returns these settings, or its cache has evicted them.
    /// - The token was accepted by another verifier, which may have other issuers.
    /// - A rule of the [`Revocations`](crate::revocation::Revocations) matches the token.
    ///
    /// Expiry by the wall clock is noticed within a second, or within 30 s if the wall clock was set or the
    /// machine was suspended. The time also counts by the monotonic clock from this call on, so that a wall
    /// clock that is set back does not make the token valid for longer. Create the future once for each
    /// connection and poll it again and again; a new future in each iteration of a loop begins to count again.
    ///
    /// While the future waits, it requests the keys of the issuer when they are due, as requests do, so that a
    /// withdrawn key is also noticed in a service without requests. It does not complete because the issuer is
    /// unavailable, for however long: new requests are then rejected with 503 after
    /// [`stale_if_error`](crate::Issuer::stale_if_error), and connections stay open until their tokens expire.
    ///
    /// The token is not introspected again. If a connection must end when the issuer revokes its token and no rule
    /// says so, limit the time that it stays open, or introspect the token from time to time. A token that was accepted by
    /// introspection alone has no key; if the response has no `exp`, it counts as expired after a minute.
    ///
    /// The future borrows nothing and is cancel-safe. It takes about 500 bytes, has no task of its own, and wakes
    /// up every 30 s. It needs a tokio runtime with time enabled.
    ///
    /// ```
    /// # use okta_verifier_testing::{MockOkta, Rotation};
    /// # use okta_verifier::{Verifier, VoidReason};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = MockOkta::start().await;
    /// # let verifier = Verifier::builder().issuer(okta.issuer("api://default").any_client_id()).build()?;
    /// use std::{future::ready, pin::pin};
    /// use tokio::sync::mpsc;
    ///
    /// let token = verifier.verify(&okta.token("ada").sign()).await?;
    /// let (sender, mut messages) = mpsc::channel(8);
    /// sender.send("first").await?;
    ///
    /// let mut void = pin!(verifier.until_void(&token));
    /// let mut received = Vec::new();
    /// let reason = loop {
    ///     tokio::select! {
    ///         biased; // the end of the token first
    ///         reason = &mut void => break reason,
    ///         Some(message) = messages.recv() => received.push(message), // the token is still valid
    ///     }
    /// #   okta.rotate(Rotation::Hard); // the issuer's administrator withdraws its keys
    /// #   verifier.refresh().await?;
    /// };
    /// assert_eq!(received, ["first"]);
    /// assert_eq!(reason, VoidReason::KeyWithdrawn);
    ///
    /// // The token is void, so there is nothing to wait for.
    /// assert_eq!(verifier.until_void(&token).await, VoidReason::KeyWithdrawn);
    /// # Ok(())
    /// # }
    /// ```
    pub fn until_void(
        &self,
        token: &VerifiedToken,
    ) -> impl Future<Output = VoidReason> + Send + use<> {
        let validity = Validity::new(self, token);
        async move {
            match validity {
                Some(validity) => validity.ended(Now::read).await,
                None => VoidReason::IssuerRemoved,
            }
        }
    }
}

/// What the validity of an accepted token depends on.
pub(super) struct Validity {
    verifier: Verifier,
    issuer: Arc<ActiveIssuer>,
    /// `None` if the token was accepted by introspection alone.
    key: Option<Arc<Retirement>>,
    /// The token, or `None` without revocation rules.
    revocable: Option<VerifiedToken>,
    end: End,
}

impl Validity {
    /// Returns `None` if the settings with which the token was accepted are not in use in this verifier.
    fn new(verifier: &Verifier, token: &VerifiedToken) -> Option<Self> {
        Self::until(verifier, token, End::at(token.void_from()))
    }

    pub(super) fn until(verifier: &Verifier, token: &VerifiedToken, end: End) -> Option<Self> {
        let configured = verifier.configured();
        let resolved = || verifier.0.resolved.as_ref()?.of_token(token);
        let issuer = configured.of_token(token).cloned().or_else(resolved)?;
        let key = match token.evidence() {
            Evidence::Key(key) => Some(key.clone()),
            Evidence::IntrospectionResponse => None,
            Evidence::Missing => return None,
        };
        Some(Self {
            verifier: verifier.clone(),
            issuer,
            key,
            revocable: token.revocations().map(|_| token.clone()),
            end,
        })
    }

    /// Waits until the token is void. `clock` reads both clocks.
    pub(super) async fn ended(self, clock: impl Fn() -> Now) -> VoidReason {
        let now = clock();
        // Counted before the check, so that no change after it is missed.
        let changes = self.changes();
        if let Some(reason) = self.void_reason(now) {
            return reason;
        }
        // The timer would panic without a runtime.
        if Handle::try_current().is_err() {
            return VoidReason::NoRuntime;
        }
        let mut issuer = pin!(self.issuer.retirement.wait());
        let mut key = pin!(async {
            match &self.key {
                Some(key) => key.wait().await,
                None => pending().await,
            }
        });
        let mut rules = pin!(self.changed_after(changes));
        let mut timer = pin!(sleep_until(now.instant + self.wait(now)));
        loop {
            poll_fn(|context| {
                // None of these is polled after it completed: a retirement ends the loop, and the timer and the wait for
                // a change of the rules begin again.
                let is_over = issuer.as_mut().poll(context).is_ready()
                    || key.as_mut().poll(context).is_ready()
                    || rules.as_mut().poll(context).is_ready()
                    || timer.as_mut().poll(context).is_ready();
                if is_over {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
            let now = clock();
            rules.set(self.changed_after(self.changes()));
            if let Some(reason) = self.void_reason(now) {
                return reason;
            }
            self.keep_current(now);
            timer.as_mut().reset(now.instant + self.wait(now));
        }
    }

    /// Returns why the token is void at `now`, or `None` if it is valid.
    fn void_reason(&self, now: Now) -> Option<VoidReason> {
        if self.issuer.is_retired() {
            return Some(VoidReason::IssuerRemoved);
        }
        if self.key.as_ref().is_some_and(|key| key.is_retired()) {
            return Some(VoidReason::KeyWithdrawn);
        }
        let revocable = self.revocable.as_ref();
        if revocable.is_some_and(|token| token.check_revocation(now.unix).is_err()) {
            return Some(VoidReason::Revoked);
        }
        (!now.is_before(self.end)).then_some(VoidReason::Expired)
    }

    /// Returns the number of changes of the revocation rules.
    fn changes(&self) -> u64 {
        let rules = self.revocable.as_ref().and_then(|it| it.revocations());
        rules.map_or(0, |rules| rules.changes())
    }

    /// Waits until the revocation rules have changed more often than this.
    async fn changed_after(&self, changes: u64) {
        match self.revocable.as_ref().and_then(|it| it.revocations()) {
            Some(rules) => rules.changed_after(changes).await,
            None => pending().await,
        }
    }

    /// Begins what a request with this token would begin in the background: a fetch of the keys, or a call of
    /// the issuer resolver.
    fn keep_current(&self, now: Now) {
        if self.key.is_some() {
            self.issuer.keys.keep_fresh(now);
        }
        if let Some(resolved) = &self.verifier.0.resolved {
            resolved.keep_current(&self.verifier, &self.issuer, now);
        }
    }

    /// Returns the time until the next check.
    fn wait(&self, now: Now) -> Duration {
        self.end.left(now).min(CHECK_INTERVAL)
    }
}

/// The maximum time between two checks, because a timer notices neither a suspended machine nor a wall clock
/// that was set.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);
