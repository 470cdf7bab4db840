//! Releases what `poll_ready` reserved, if `call` does not follow at once.

/// Releases the reservation of `poll_ready` by replacing the service with a fresh clone.
///
/// `poll_ready` may have reserved something: a permit of a `ConcurrencyLimit`, a slot of a `Buffer`.
/// The reservation belongs to the value that was polled and ends with `call` or with that value. A
/// request that is rejected, or that has to wait for the issuer, does not call the service now: kept
/// in place, the reservation would be held by an idle connection or by a slow issuer, and a few bad
/// tokens would hold up all other requests.
pub(crate) fn release<S: Clone>(service: &mut S) {
    *service = service.clone();
}
