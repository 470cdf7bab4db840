//! Releases the reservation of `poll_ready` when `call` does not follow at once.

/// Releases the reservation of `poll_ready` by replacing the service with a fresh clone.
///
/// `poll_ready` may have reserved something: a permit of a `ConcurrencyLimit`, a slot of a `Buffer`.
/// The service that was polled holds the reservation until it is called or dropped. A request that is
/// rejected, or that has to wait for the issuer, does not call the service now. If the service were
/// kept, an idle connection or a slow issuer would hold the reservation, and a few invalid tokens could
/// block all other requests.
pub(crate) fn release<S: Clone>(service: &mut S) {
    *service = service.clone();
}
