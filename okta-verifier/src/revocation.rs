//! Revocation: rules about tokens that are no longer accepted although they have not expired, which the issuer's
//! signals and the operator make, and which each request is checked against.

mod active_transmitter;
mod event;
mod event_token;
mod receiver;
mod rule;
mod stream;
mod subject;
mod transmitter;

pub(crate) use active_transmitter::{ActiveTransmitter, Target};
pub use event::{Event, Reaction};
pub(crate) use receiver::Receiver;
pub use rule::{Rule, SubjectClaim};
pub use stream::{StreamStatus, TransmitterState};
pub use transmitter::Transmitter;
