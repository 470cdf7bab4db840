//! One rule of tower in one place: what `poll_ready` reserved is used at once or given back.

use std::mem;

/// Takes the service that was polled ready and leaves a fresh clone, which holds no reservation.
///
/// `poll_ready` may have reserved something: a permit of a `ConcurrencyLimit`, a slot of a `Buffer`.
/// The reservation lives in the very value that was polled and ends with `call` or with that value.
///
/// - To call it later, move it into the response future: the clone that stays behind was never
///   polled ready, and calling that one would be wrong.
/// - To refuse, drop it. Kept in place it would hold its permit until the next request of the same
///   connection, and one idle client with a bad token could starve all the others.
pub(crate) fn take<S: Clone>(service: &mut S) -> S {
    let fresh = service.clone();
    mem::replace(service, fresh)
}
