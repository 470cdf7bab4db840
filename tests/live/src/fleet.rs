//! Two instances of a service that share a revocation log, and the deliveries of the server to them.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use okta_verifier::revocation::{
    BackChannelLogout, ManagementToken, Revocations, Transmitter, TransmitterState,
    VerificationRequestStats,
};
use okta_verifier::{Issuer, Verifier};
use okta_verifier_axum::{Verified, VerifyLayer, revocation_routes};
use okta_verifier_testing::MemoryRevocationLog;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::jwt;
use crate::keycloak::{API, PORTAL, Realm, Stream};
use crate::process::within;

/// How long an event may take, also one that the server delivers again. Its first back-off is seconds long.
const DELIVERY: Duration = Duration::from_secs(90);
/// How long another instance may take to read a rule from the log. It reads five times a second.
const SHARED: Duration = Duration::from_secs(10);

const AUTHORIZATION: &str = "Bearer authorization-of-the-test-stream";
const VERIFICATION_SECRET: &str = "verification-secret-of-the-test-stream";

/// Two instances of a service. The server pushes its security events to the first one, and sends the logout
/// tokens of the client [`PORTAL`] to the second one.
pub struct Fleet {
    pub realm: Realm<'static>,
    pub stream: Stream,
    deliveries: Arc<Deliveries>,
    instances: [Instance; 2],
    client: Client,
    runtime: Runtime,
}

/// What the server delivered: a security event or a logout token.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub path: String,
    pub header: Value,
    pub claims: Value,
    /// The status of the response.
    pub status: u16,
}

struct Instance {
    address: SocketAddr,
    app: Router,
    verifier: Verifier,
    revocations: Revocations,
    server: Option<Server>,
    /// What closes the connections while it is stopped.
    closed: Option<JoinHandle<()>>,
}

struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

/// The first event about a user that arrives.
struct HeldBack {
    user: String,
    jti: Option<Value>,
}

#[derive(Default)]
struct Deliveries {
    received: Mutex<Vec<Delivery>>,
    /// The event that is answered with 503.
    held_back: Mutex<Option<HeldBack>>,
    /// The number of connections to a stopped instance.
    closed: AtomicU64,
}

impl Fleet {
    /// Starts a fleet that accepts the tokens of a realm, and registers it there for security events, and
    /// for the logouts of the client [`PORTAL`].
    pub fn start(realm: Realm<'static>) -> Self {
        Self::with(realm, |transmitter| transmitter)
    }

    /// Starts a fleet that requests verification events by itself.
    pub fn start_verifying(realm: Realm<'static>, interval: Duration) -> Self {
        let request = move || async move {
            // The client of these tests is blocking.
            tokio::task::spawn_blocking(move || realm.management_token()).await
        };
        let token = ManagementToken::new(request);
        Self::with(realm, |transmitter| {
            transmitter.verify_every(interval, token.clone())
        })
    }

    fn with(realm: Realm<'static>, settings: impl Fn(Transmitter) -> Transmitter) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listeners = [(); 2].map(|()| listen(&runtime, SocketAddr::from(([127, 0, 0, 1], 0))));
        // The stream needs the address of an instance, and the settings of the instances need the stream.
        let [events, logouts] = listeners
            .each_ref()
            .map(|listener| listener.local_addr().expect("bound"));
        let stream = realm.create_stream(&format!("http://{events}/events/ssf"), AUTHORIZATION);
        realm.add_portal(&format!("http://{logouts}/events/logout"));
        let deliveries = Arc::new(Deliveries::default());
        let log = MemoryRevocationLog::new();
        let instances = listeners.map(|listener| {
            let transmitter = Transmitter::new(realm.issuer())
                .audience(&stream.audience)
                .stream_id(&stream.id)
                .authorization(AUTHORIZATION)
                .verification_secret(VERIFICATION_SECRET);
            let revocations = Revocations::builder()
                .session_claim("sid")
                .transmitter(settings(transmitter))
                .back_channel_logout(BackChannelLogout::new(realm.issuer(), PORTAL))
                .log(log.clone())
                .build()
                .expect("valid settings");
            let issuer = Issuer::keycloak(realm.issuer(), API).any_client_id();
            let verifier = Verifier::builder()
                .issuer(issuer)
                .revocations(revocations.clone())
                .fetch_timeout(Duration::from_secs(10))
                .build()
                .expect("valid settings");
            let mut instance = Instance {
                address: listener.local_addr().expect("bound"),
                app: app(&verifier, &revocations, &deliveries),
                verifier,
                revocations,
                server: None,
                closed: None,
            };
            instance.serve(&runtime, listener);
            instance
        });
        for instance in &instances {
            let ready = runtime.block_on(instance.verifier.warm_up());
            ready.expect("keys and log are there");
        }
        Self {
            realm,
            stream,
            deliveries,
            instances,
            client: Client::builder()
                .no_proxy()
                .pool_max_idle_per_host(0) // an instance that stops waits for its connections
                .build()
                .expect("a client"),
            runtime,
        }
    }

    /// Asserts that both instances accept a token.
    #[track_caller]
    pub fn accepts(&self, token: &str) {
        for (index, instance) in self.instances.iter().enumerate() {
            assert_eq!(self.call(instance, token), 200, "instance {index}");
        }
    }

    /// Asserts that both instances reject a token because it is revoked: the one that was told of it at once, and the
    /// other one after its next read of the log.
    #[track_caller]
    pub fn rejects(&self, token: &str, told: &Delivery) {
        let is_told = |index: usize| (index == 1) == (told.path == "/events/logout");
        for (index, instance) in self.instances.iter().enumerate() {
            if is_told(index) {
                assert_eq!(
                    self.call(instance, token),
                    401,
                    "the instance that was told"
                );
            }
        }
        for instance in &self.instances {
            within(SHARED, "both instances reject the token", || {
                (self.call(instance, token) == 401).then_some(())
            });
            let outcome = self.runtime.block_on(instance.verifier.verify(token));
            let error = outcome.expect_err("the response was 401");
            assert_eq!(error.code(), "revoked", "{error}");
        }
    }

    /// Waits for the first delivery of these properties to which the response was a success, and returns it.
    #[track_caller]
    pub fn delivered(&self, what: &str, is_it: impl Fn(&Delivery) -> bool) -> Delivery {
        let success = |it: &&Delivery| (200..300).contains(&it.status) && is_it(it);
        within(DELIVERY, what, || {
            self.deliveries().iter().find(success).cloned()
        })
    }

    /// Waits for the first delivery of these properties, whatever the response was, and returns it.
    #[track_caller]
    pub fn answered(&self, what: &str, is_it: impl Fn(&Delivery) -> bool) -> Delivery {
        within(DELIVERY, what, || {
            self.deliveries().iter().find(|it| is_it(it)).cloned()
        })
    }

    /// Waits for the first security event about a user, and asserts that it has been accepted.
    #[track_caller]
    pub fn event_about(&self, user: &str) -> Delivery {
        self.delivered("an event about the user", |it| {
            it.is_event() && it.is_about(user)
        })
    }

    /// Returns all deliveries so far, in the order of the responses.
    pub fn deliveries(&self) -> Vec<Delivery> {
        lock(&self.deliveries.received).clone()
    }

    /// Returns the events and logouts about a user that were delivered before the next events about `marker`. The server
    /// delivers an event in seconds, and one that it did not send earlier than these two is none.
    pub fn all_about(&self, user: &str, marker: &str) -> Vec<Delivery> {
        for count in 1..=2 {
            self.stream.emit("session-revoked", marker);
            within(DELIVERY, "the marker arrives", || {
                let all = self.deliveries();
                (all.iter().filter(|it| it.is_about(marker)).count() == count).then_some(())
            });
        }
        let mut all = self.deliveries();
        all.retain(|it| it.is_about(user));
        all
    }

    /// Answers the next event about a user with 503, each time that it arrives.
    pub fn hold_back_next(&self, user: &str) {
        let user = user.to_owned();
        *lock(&self.deliveries.held_back) = Some(HeldBack { user, jti: None });
    }

    /// Accepts the event that was held back.
    pub fn let_through(&self) {
        *lock(&self.deliveries.held_back) = None;
    }

    /// Stops the instance that receives the events. Its port closes each connection from then on.
    pub fn stop_receiver(&mut self) {
        let receiver = &mut self.instances[0];
        let server = receiver.server.take().expect("it runs");
        server.stop.send(()).expect("it runs");
        self.runtime.block_on(server.task).expect("it has stopped");
        let listener = listen(&self.runtime, receiver.address);
        let deliveries = self.deliveries.clone();
        receiver.closed = Some(self.runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                drop(connection);
                deliveries.closed.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }

    /// Waits until the server has tried to deliver to the stopped instance.
    #[track_caller]
    pub fn fails_to_deliver(&self) {
        within(DELIVERY, "the server tries to deliver", || {
            (self.deliveries.closed.load(Ordering::Relaxed) > 0).then_some(())
        });
    }

    /// Starts it again.
    pub fn start_receiver(&mut self) {
        let receiver = &mut self.instances[0];
        let closed = receiver.closed.take().expect("it was stopped");
        closed.abort();
        let _ = self.runtime.block_on(closed); // the port is free after it
        let listener = listen(&self.runtime, receiver.address);
        receiver.serve(&self.runtime, listener);
    }

    /// Asserts that the instance that still runs accepts a token.
    #[track_caller]
    pub fn running_instance_accepts(&self, token: &str) {
        assert_eq!(self.call(&self.instances[1], token), 200);
    }

    /// Returns the token of a new login that is issued in a later second than now: a rule about a user rejects what was
    /// issued in its own second too.
    pub fn later_login(&self, user: &'static str) -> String {
        let token = || self.realm.grant("web").user(user).access;
        let issued_at = |token: &str| jwt::claims(token)["iat"].as_u64().expect("a time");
        let first = issued_at(&token());
        within(SHARED, "a second passes", || {
            Some(token()).filter(|token| issued_at(token) > first)
        })
    }

    /// Returns the state of the stream at each instance.
    pub fn streams(&self) -> [TransmitterState; 2] {
        self.instances
            .each_ref()
            .map(|instance| instance.revocations.transmitters().remove(0))
    }

    /// Waits until the state of the stream is such at both instances.
    #[track_caller]
    pub fn streams_become(&self, what: &str, is_it: impl Fn(&TransmitterState) -> bool) {
        within(DELIVERY, what, || {
            self.streams().iter().all(&is_it).then_some(())
        });
    }

    /// Waits until the server has answered a request for a verification event, and returns the requests of each instance.
    #[track_caller]
    pub fn requests_succeed(&self) -> [VerificationRequestStats; 2] {
        within(DELIVERY, "a request for a verification event", || {
            let requests = self.streams().map(|stream| stream.verification_requests);
            let succeeded = requests.iter().any(|requests| requests.succeeded > 0);
            succeeded.then_some(requests)
        })
    }

    /// Returns the transmitters that the health of each instance reports as degraded.
    pub fn degraded_streams(&self) -> [Vec<String>; 2] {
        self.instances.each_ref().map(|instance| {
            let health = instance.verifier.health().remove(0);
            health
                .revocation()
                .expect("there are revocations")
                .degraded_streams
                .clone()
        })
    }

    /// Returns a `state` for a verification event that the instances accept.
    pub fn verification_state(&self) -> String {
        let state = self.instances[1]
            .revocations
            .verification_state(&self.realm.issuer());
        state.expect("there is a secret")
    }

    fn call(&self, instance: &Instance, token: &str) -> u16 {
        let request = self
            .client
            .get(format!("http://{}/orders", instance.address));
        let answer = request.bearer_auth(token).send();
        answer.expect("the instance responds").status().as_u16()
    }
}

impl Delivery {
    /// Returns the name of its only event, without the URI before it, and the payload.
    pub fn event(&self) -> (&str, &Value) {
        let events = self.claims["events"].as_object().expect("an object");
        assert_eq!(events.len(), 1, "{events:?}");
        let (uri, payload) = events.iter().next().expect("one event");
        (uri.rsplit('/').next().expect("a name"), payload)
    }

    fn is_event(&self) -> bool {
        self.path == "/events/ssf"
    }

    /// Returns whether it names this user.
    pub fn is_about(&self, user: &str) -> bool {
        let subject = &self.claims["sub_id"];
        [
            &self.claims["sub"],
            &subject["sub"],
            &subject["user"]["sub"],
        ]
        .iter()
        .any(|sub| **sub == user)
    }
}

impl Instance {
    fn serve(&mut self, runtime: &Runtime, listener: TcpListener) {
        let (stop, stopped) = oneshot::channel();
        let app = self.app.clone();
        let task = runtime.spawn(async move {
            let server = axum::serve(listener, app).with_graceful_shutdown(async {
                let _ = stopped.await;
            });
            server.await.expect("it serves");
        });
        self.server = Some(Server { stop, task });
    }
}

fn listen(runtime: &Runtime, address: SocketAddr) -> TcpListener {
    runtime
        .block_on(TcpListener::bind(address))
        .expect("the port is free")
}

fn app(verifier: &Verifier, revocations: &Revocations, deliveries: &Arc<Deliveries>) -> Router {
    let deliveries = deliveries.clone();
    let record = move |request: Request, next: Next| {
        let deliveries = deliveries.clone();
        async move { deliveries.record(request, next).await }
    };
    let receiver = revocation_routes(revocations).layer(middleware::from_fn(record));
    Router::new()
        .route("/orders", get(async |_: Verified| "orders"))
        .route_layer(VerifyLayer::new(verifier.clone()))
        .merge(receiver)
}

impl Deliveries {
    /// Passes a delivery on, and records it with the status of the response.
    async fn record(&self, request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = body::to_bytes(body, 1 << 20).await.expect("a short body");
        let token = match parts.uri.path() {
            "/events/logout" => url::form_urlencoded::parse(&bytes)
                .find_map(|(name, value)| (name == "logout_token").then(|| value.into_owned()))
                .expect("a logout token"),
            _ => String::from_utf8(bytes.to_vec()).expect("a token"),
        };
        let mut delivery = Delivery {
            path: parts.uri.path().to_owned(),
            header: jwt::header(&token),
            claims: jwt::claims(&token),
            status: 0,
        };
        let response = if self.holds_back(&delivery) {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        } else {
            next.run(Request::from_parts(parts, Body::from(bytes)))
                .await
        };
        delivery.status = response.status().as_u16();
        lock(&self.received).push(delivery);
        response
    }

    fn holds_back(&self, delivery: &Delivery) -> bool {
        let mut held_back = lock(&self.held_back);
        let Some(event) = held_back
            .as_mut()
            .filter(|event| delivery.is_about(&event.user))
        else {
            return false;
        };
        let jti = &delivery.claims["jti"];
        event.jti.get_or_insert_with(|| jti.clone()) == jti
    }
}

/// Returns the subject of an event of Keycloak about one session of a user, or about all of them.
pub fn session_subject(issuer: &str, user: &str, session: &str) -> Value {
    json!({
        "format": "complex", "user": user_subject(issuer, user),
        "session": { "format": "opaque", "id": session },
    })
}

/// Returns the subject of an event of Keycloak about a user.
pub fn user_subject(issuer: &str, user: &str) -> Value {
    json!({ "format": "iss_sub", "iss": issuer, "sub": user })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
