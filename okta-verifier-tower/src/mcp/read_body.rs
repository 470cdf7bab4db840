//! `ReadBody`: the body of a request while it arrives.

use bytes::{Buf, BufMut, Bytes};
use http::{HeaderMap, header::CONTENT_LENGTH};
use http_body::Frame;
use okta_verifier::mcp::McpCalls;

/// The bytes and the trailers of a body that have arrived. It never holds more than [`McpCalls::MAX_BODY`] bytes, and
/// allocates at most twice the number of bytes that have arrived, whatever the request announces.
#[derive(Default)]
pub(super) struct ReadBody {
    /// The first frame, which is not copied. Most bodies have one frame.
    first: Bytes,
    /// All frames, if there are several. They are joined as they arrive, because many small frames would take more
    /// memory than their bytes.
    joined: Vec<u8>,
    trailers: Option<HeaderMap>,
}

/// The body has more than [`McpCalls::MAX_BODY`] bytes.
#[derive(Debug)]
pub(super) struct TooLarge;

impl ReadBody {
    /// Adds a frame.
    pub(super) fn push<D: Buf>(&mut self, frame: Frame<D>) -> Result<(), TooLarge> {
        let mut data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    self.trailers = Some(trailers);
                }
                return Ok(());
            }
        };
        let held = self.first.len() + self.joined.len();
        if data.remaining() > McpCalls::MAX_BODY - held {
            return Err(TooLarge);
        }
        if held == 0 {
            self.first = data.copy_to_bytes(data.remaining());
            return Ok(());
        }
        let needed = held + data.remaining();
        if needed > self.joined.capacity() {
            // The capacity doubles, but never exceeds the limit.
            let capacity = needed.max(2 * held).min(McpCalls::MAX_BODY);
            self.joined.reserve_exact(capacity - self.joined.len());
        }
        self.joined
            .extend_from_slice(&std::mem::take(&mut self.first));
        self.joined.put(data);
        Ok(())
    }

    /// Returns the whole body and its trailers.
    pub(super) fn finish(self) -> (Bytes, Option<HeaderMap>) {
        let bytes = if self.joined.is_empty() {
            self.first
        } else {
            self.joined.into()
        };
        (bytes, self.trailers)
    }
}

/// Returns whether a request says itself that its body is too large. `lower` is the lower bound of the body's size hint.
pub(super) fn announces_too_much(headers: &HeaderMap, lower: u64) -> bool {
    let limit = McpCalls::MAX_BODY as u64;
    let exceeds = |length: &str| length.parse::<u64>().is_ok_and(|length| length > limit);
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    lower > limit || lengths.any(|length| length.to_str().is_ok_and(exceeds))
}
