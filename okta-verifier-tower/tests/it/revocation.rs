//! Security events through `RevocationService`, in several chunks and beyond the limit.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::{Body, Frame};
use okta_verifier::{
    Verifier,
    revocation::{Revocations, Transmitter},
};
use okta_verifier_testing::{EVENT_AUDIENCE, TestIssuer};
use okta_verifier_tower::{RevocationService, VerifyLayer};
use tower::{ServiceBuilder, ServiceExt, service_fn};

/// A body of these chunks. It counts how many were read, and may break off.
struct Chunks {
    left: VecDeque<Vec<u8>>,
    breaks_off: bool,
    read: Arc<AtomicUsize>,
}

impl Chunks {
    fn new(event: &str, size: usize) -> Self {
        Self {
            left: event.as_bytes().chunks(size).map(<[u8]>::to_vec).collect(),
            breaks_off: false,
            read: Arc::default(),
        }
    }
}

impl Body for Chunks {
    type Data = io::Cursor<Vec<u8>>;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Self::Data>>>> {
        self.read.fetch_add(1, Ordering::Relaxed);
        let chunk = self.left.pop_front();
        let frame = chunk.map(|chunk| Ok(Frame::data(io::Cursor::new(chunk))));
        let reset = || Err(io::Error::other("the connection was reset"));
        Poll::Ready(frame.or_else(|| self.breaks_off.then(reset)))
    }
}

struct Fixture {
    okta: TestIssuer,
    verifier: Verifier,
    revocations: Revocations,
}

impl Fixture {
    fn new() -> Self {
        let okta = TestIssuer::new("api://orders");
        let transmitter = Transmitter::okta(okta.org_url()).keys(okta.jwks());
        let revocations = Revocations::builder()
            .forgets_at_restart()
            .transmitter(transmitter.audience(EVENT_AUDIENCE))
            .build()
            .expect("valid settings");
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .revocations(revocations.clone())
            .build()
            .expect("valid settings");
        Self {
            okta,
            verifier,
            revocations,
        }
    }

    async fn push(&self, body: Chunks) -> u16 {
        let service = RevocationService::<fn(String) -> String>::new(&self.revocations);
        let request = Request::post("/any/path").body(body).expect("valid");
        let response = service.oneshot(request).await.expect("infallible");
        response.status().as_u16()
    }

    async fn call(&self, jwt: &str) -> u16 {
        let inner = service_fn(async |_: Request<()>| {
            Ok::<_, Infallible>(Response::new(String::from("orders")))
        });
        let service = ServiceBuilder::new().layer(VerifyLayer::new(self.verifier.clone()));
        let request = Request::get("/").header("authorization", format!("Bearer {jwt}"));
        let request = request.body(()).expect("valid");
        let response = service.service(inner).oneshot(request).await;
        response.expect("infallible").status().as_u16()
    }
}

#[tokio::test]
async fn event_body_beyond_the_limit_is_not_read_to_its_end() {
    let fixture = Fixture::new();
    let body = Chunks::new(&"a".repeat(4 * Revocations::MAX_EVENT), 1_024);
    let read = body.read.clone();
    assert_eq!(fixture.push(body).await, 413);
    assert_eq!(
        read.load(Ordering::Relaxed),
        Revocations::MAX_EVENT / 1_024 + 1
    );
}

#[tokio::test]
async fn event_body_that_breaks_off_is_rejected() {
    let fixture = Fixture::new();
    let event = fixture.okta.session_revoked("ada").sign();
    let mut body = Chunks::new(&event[..event.len() - 1], 100);
    body.breaks_off = true;
    assert_eq!(fixture.push(body).await, 400);
    assert_eq!(fixture.call(&fixture.okta.token("ada").sign()).await, 200);
}

#[tokio::test]
async fn event_in_chunks_rejects_the_tokens_of_its_user() {
    let fixture = Fixture::new();
    let (ada, bob) = (
        fixture.okta.token("ada").sign(),
        fixture.okta.token("bob").sign(),
    );
    assert_eq!(fixture.call(&ada).await, 200);
    let event = fixture.okta.session_revoked("ada").sign();
    assert_eq!(fixture.push(Chunks::new(&event, 7)).await, 202);
    assert_eq!(fixture.call(&ada).await, 401);
    assert_eq!(fixture.call(&bob).await, 200);
}
