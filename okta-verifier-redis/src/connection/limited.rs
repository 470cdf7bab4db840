//! `Limited`: a stream that fails if the server sends too much, or sends anything but replies.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream that fails if more than [`MOST`] bytes arrive after the last reply, or if a byte arrives
/// while no command waits for a reply. The crate redis has neither limit: it also reads between
/// commands, and it buffers a reply until the reply is complete.
pub(super) struct Limited<S> {
    stream: S,
    traffic: Arc<Traffic>,
}

/// State that the commands of a connection share with its stream.
#[derive(Default)]
pub(super) struct Traffic {
    unanswered: AtomicUsize,
    /// The bytes read since the last complete reply. A new command does not reset the count, so a reply
    /// that does not end cannot avoid the limit.
    read: AtomicUsize,
    exceeded: AtomicBool,
}

impl Traffic {
    /// Must be called before a command is written.
    pub(super) fn sends(&self) {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
    }

    /// Must be called after the reply was received or the connection was lost. A cancelled command
    /// stays unanswered, because its reply may still arrive.
    pub(super) fn answered(&self) {
        self.read.store(0, Ordering::Relaxed);
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns whether the stream failed because of what the server sent.
    pub(super) fn is_exceeded(&self) -> bool {
        self.exceeded.load(Ordering::Relaxed)
    }

    fn admits(&self, length: usize) -> bool {
        let read = self.read.fetch_add(length, Ordering::Relaxed) + length;
        let admits = length == 0 || read <= MOST && self.unanswered.load(Ordering::Relaxed) > 0;
        if !admits {
            self.exceeded.store(true, Ordering::Relaxed);
        }
        admits
    }
}

impl<S> Limited<S> {
    pub(super) fn new(stream: S, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Limited<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if self.traffic.admits(buffer.filled().len() - before) {
            return Poll::Ready(Ok(()));
        }
        buffer.set_filled(before);
        Poll::Ready(Err(io::ErrorKind::InvalidData.into()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Limited<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// The maximum number of bytes per reply. The reply to `CLUSTER SLOTS` in a cluster with 1,000 servers
/// is shorter; the reply to `SET` is 5 bytes long.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn bytes_are_read_up_to_the_limit_since_the_last_reply() {
        let (ours, mut theirs) = duplex(2 * MOST);
        let traffic = Arc::new(Traffic::default());
        let mut limited = Limited::new(ours, traffic.clone());
        let mut buffer = vec![0; MOST];
        traffic.sends();
        traffic.sends();
        theirs.write_all(&buffer).await.unwrap();
        assert!(limited.read_exact(&mut buffer).await.is_ok());
        traffic.answered();
        theirs.write_all(&buffer).await.unwrap();
        assert!(limited.read_exact(&mut buffer).await.is_ok());
        // Another command does not raise the limit.
        traffic.sends();
        assert!(!traffic.is_exceeded());
        theirs.write_all(b"x").await.unwrap();
        assert!(limited.read(&mut buffer).await.is_err());
        assert!(traffic.is_exceeded());
    }

    #[tokio::test]
    async fn byte_to_which_no_command_belongs_is_an_error() {
        let (ours, mut theirs) = duplex(64);
        let traffic = Arc::new(Traffic::default());
        let mut limited = Limited::new(ours, traffic.clone());
        let mut buffer = [0; 8];
        traffic.sends();
        theirs.write_all(b"+OK\r\n").await.unwrap();
        assert_eq!(limited.read(&mut buffer).await.unwrap(), 5);
        traffic.answered();
        theirs.write_all(b"+").await.unwrap();
        assert!(limited.read(&mut buffer).await.is_err());
        assert!(traffic.is_exceeded());
    }

    #[tokio::test]
    async fn end_of_an_idle_stream_is_not_an_error() {
        let (ours, theirs) = duplex(64);
        drop(theirs);
        let traffic = Arc::new(Traffic::default());
        let mut limited = Limited::new(ours, traffic.clone());
        assert_eq!(limited.read(&mut [0; 8]).await.unwrap(), 0);
        assert!(!traffic.is_exceeded());
    }
}
