//! The bodies that the layer passes on: that of the request to the server, and that of the response.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use okta_verifier::{VerifiedToken, Verifier, VoidReason};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a request as [`McpService`](super::McpService) sends it to the server: the bytes of a `POST`, which
    /// the layer has read, or the original body of another request.
    ///
    /// Its frames contain [`Bytes`]. The size hint of a body that was read is exact. `Debug` shows no bytes.
    pub struct McpRequestBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[project = SourceProjection]
    enum Source<B> {
        Read { bytes: Bytes, trailers: Option<HeaderMap> },
        Original { #[pin] body: B },
    }
}

impl<B> McpRequestBody<B> {
    pub(super) fn read(bytes: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self {
            source: Source::Read { bytes, trailers },
        }
    }

    pub(super) fn original(body: B) -> Self {
        Self {
            source: Source::Original { body },
        }
    }
}

impl<B: Body> Body for McpRequestBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project().source.project() {
            SourceProjection::Read { bytes, trailers } => {
                Poll::Ready(next(bytes, trailers).map(Ok))
            }
            SourceProjection::Original { body } => poll_bytes(body, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Read { bytes, trailers } => bytes.is_empty() && trailers.is_none(),
            Source::Original { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Read { bytes, .. } => SizeHint::with_exact(bytes.len() as u64),
            Source::Original { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for McpRequestBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpRequestBody").finish_non_exhaustive()
    }
}

pin_project! {
    /// The body of a response of [`McpService`](super::McpService): that of the server, or that of a rejection.
    ///
    /// Its frames contain [`Bytes`]. The [`Default`] is empty, and `From<String>` makes a body of a text, so that
    /// [`VerifyLayer`](crate::VerifyLayer) and [`ProblemDetailsLayer`](crate::ProblemDetailsLayer) can be outside.
    /// `Debug` shows no bytes.
    pub struct McpResponseBody<R> {
        #[pin]
        content: Content<R>,
    }
}

pin_project! {
    #[project = ContentProjection]
    enum Content<R> {
        Text { bytes: Bytes },
        Server { #[pin] body: R },
        // Ends with the token.
        Stream { #[pin] body: R, void: Void },
    }
}

type Void = Pin<Box<dyn Future<Output = VoidReason> + Send>>;

impl<R> McpResponseBody<R> {
    pub(super) fn text(text: Vec<u8>) -> Self {
        Self {
            content: Content::Text { bytes: text.into() },
        }
    }

    pub(super) fn server(body: R) -> Self {
        Self {
            content: Content::Server { body },
        }
    }

    /// Returns a body that ends when the token is void.
    pub(super) fn stream(body: R, verifier: &Verifier, token: &VerifiedToken) -> Self {
        let void = Box::pin(verifier.until_void(token));
        Self {
            content: Content::Stream { body, void },
        }
    }
}

impl<R: Body> Body for McpResponseBody<R> {
    type Data = Bytes;
    type Error = R::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let mut content = self.project().content;
        match content.as_mut().project() {
            ContentProjection::Text { bytes } => Poll::Ready(next(bytes, &mut None).map(Ok)),
            ContentProjection::Server { body } => poll_bytes(body, cx),
            ContentProjection::Stream { body, void } => {
                // The end of the token comes first, so that a stream that is always ready ends too.
                let Poll::Ready(reason) = void.as_mut().poll(cx) else {
                    return poll_bytes(body, cx);
                };
                tracing::debug!(reason = reason.code(), "event stream ended with its token");
                // The server's body is dropped, so that the server ends its work.
                content.set(Content::Text {
                    bytes: Bytes::new(),
                });
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Text { bytes } => bytes.is_empty(),
            Content::Server { body } | Content::Stream { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Text { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Content::Server { body } => body.size_hint(),
            // The stream may end earlier.
            Content::Stream { .. } => SizeHint::default(),
        }
    }
}

impl<R> Default for McpResponseBody<R> {
    fn default() -> Self {
        Self::text(Vec::new())
    }
}

impl<R> From<String> for McpResponseBody<R> {
    fn from(text: String) -> Self {
        Self::text(text.into())
    }
}

impl<R> fmt::Debug for McpResponseBody<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpResponseBody").finish_non_exhaustive()
    }
}

/// Returns the next frame of a body that is in memory: its bytes, and then its trailers.
fn next(bytes: &mut Bytes, trailers: &mut Option<HeaderMap>) -> Option<Frame<Bytes>> {
    if bytes.is_empty() {
        return trailers.take().map(Frame::trailers);
    }
    Some(Frame::data(std::mem::take(bytes)))
}

/// Polls a body, and converts its data. The conversion copies nothing if the data are [`Bytes`].
fn poll_bytes<B: Body>(
    body: Pin<&mut B>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    let frame = ready!(body.poll_frame(cx));
    let to_bytes = |mut data: B::Data| data.copy_to_bytes(data.remaining());
    Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(to_bytes))))
}
