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
    revocation::{EventHook, Revocations, Transmitter, UniversalLogout},
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

const SECRET: &str = "Bearer the-secret-of-the-stream";
const HOOK_SECRET: &str = "the-secret-of-the-event-hook-of-acme";
const ENDPOINT: &str = "https://api.acme.test/events/universal-logout";
const CLIENT: &str = "0oa1universal";

/// A verifier whose revocations receive each signal that has a secret or a token beside its body.
fn every_signal() -> Fixture {
    let okta = TestIssuer::new("api://orders");
    let transmitter = Transmitter::okta(okta.org_url()).audience(EVENT_AUDIENCE);
    let logout = UniversalLogout::okta(okta.org_url(), ENDPOINT, CLIENT);
    let revocations = Revocations::builder()
        .forgets_at_restart()
        .transmitter(transmitter.keys(okta.jwks()).authorization(SECRET))
        .event_hook(EventHook::okta(okta.org_url(), HOOK_SECRET))
        .universal_logout(logout.keys(okta.jwks()))
        .build()
        .expect("valid settings");
    let verifier = Verifier::builder()
        .issuer(okta.issuer().any_client_id())
        .revocations(revocations.clone())
        .build()
        .expect("valid settings");
    Fixture {
        okta,
        verifier,
        revocations,
    }
}

/// A body that never comes. It fails the test if it is read.
struct Never;

impl Body for Never {
    type Data = io::Cursor<Vec<u8>>;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Self::Data>>>> {
        panic!("the body of a request that is not authenticated is read");
    }
}

// conformance 308
#[tokio::test]
async fn body_of_a_request_with_a_wrong_secret_is_not_read() {
    let fixture = every_signal();
    let service = || RevocationService::<fn(String) -> String>::new(&fixture.revocations);
    let forged = fixture
        .okta
        .universal_logout(ENDPOINT, CLIENT)
        .foreign_key()
        .sign();
    let forged = format!("Bearer {forged}");
    for (service, wrong, status) in [
        (service(), "Bearer wrong", 400),
        (service().hooks(), "wrong", 401),
        (service().universal_logouts(), "Bearer wrong", 401),
        (service().universal_logouts(), &forged, 401),
    ] {
        let request = Request::post("/any/path").header("authorization", wrong);
        let request = request.body(Never).expect("valid");
        let response = service.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), status);
        // RFC 9110 §11.6.1
        let has_challenge = response.headers().contains_key("www-authenticate");
        assert_eq!(has_challenge, status == 401);
        let request = Request::put("/any/path").header("authorization", wrong);
        let request = request.body(Never).expect("valid");
        let response = service.oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), 405);
    }
}

// conformance 292, 294
#[tokio::test]
async fn event_hook_has_a_route() {
    let fixture = every_signal();
    let send = async |method: &str, secret: &str, body: Chunks| {
        let service = RevocationService::<fn(String) -> String>::new(&fixture.revocations);
        let request = Request::builder().method(method).uri("/events/hook");
        let request = request.header("authorization", secret);
        let request = request
            .header("x-okta-verification-challenge", "abc")
            .body(body);
        let response = service.hooks().oneshot(request.expect("valid")).await;
        let response = response.expect("infallible");
        (response.status().as_u16(), response.into_body())
    };
    let nothing = || Chunks::new("", 1);
    assert_eq!(send("GET", "wrong", nothing()).await.0, 401);
    let verified = send("GET", HOOK_SECRET, nothing()).await;
    assert_eq!(verified, (200, r#"{"verification":"abc"}"#.to_owned()));

    let ada = fixture.okta.token("ada").sign();
    let suspended = fixture.okta.hook("user.lifecycle.suspend", "ada").body();
    let mut broken = Chunks::new(&suspended[..suspended.len() - 1], 100);
    broken.breaks_off = true;
    for (secret, body, status) in [
        ("wrong", Chunks::new(&suspended, 7), 401),
        (HOOK_SECRET, Chunks::new("not JSON", 7), 204),
        (HOOK_SECRET, broken, 503),
        (
            HOOK_SECRET,
            Chunks::new(&" ".repeat(Revocations::MAX_HOOK + 1), 65_536),
            503,
        ),
    ] {
        assert_eq!(send("POST", secret, body).await, (status, String::new()));
    }
    assert_eq!(fixture.call(&ada).await, 200);
    // A delivery is larger than a security event may be.
    let padded = format!("{}{suspended}", " ".repeat(Revocations::MAX_EVENT + 1));
    assert_eq!(
        send("POST", HOOK_SECRET, Chunks::new(&padded, 1_024))
            .await
            .0,
        204
    );
    assert_eq!(fixture.call(&ada).await, 401);
    assert_eq!(fixture.call(&fixture.okta.token("bob").sign()).await, 200);
}
