//! The requests for verification events: under a paused clock with scripted responses, and over sockets on loopback.

use std::sync::atomic::AtomicUsize;

use secret_scan::logged;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tracing::Level;
use url::Url;

use super::*;
use crate::{
    keys::Metadata,
    net::{
        Clients, IssuerClock, JsonResponse, PlainHttp, Revalidated,
        http_client::tests::scripted::Script,
    },
};

const ISSUER: &str = "https://ssf.test/realms/a";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "management-token-0123456789";
const MINUTE: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_secs(3);

fn verification(issuer: &str, token: ManagementToken) -> Arc<Verification> {
    secret_scan::public(issuer);
    let settings = Transmitter::new(issuer)
        .audience("https://receiver.test")
        .stream_id("stream-1")
        .verification_secret(SECRET)
        .verify_every(10 * MINUTE, token);
    let states = States::new(issuer, &settings.verification_secrets);
    Verification::new(&settings, &Arc::new(states)).unwrap()
}

fn metadata(issuer: &str) -> Metadata {
    let url = Url::parse(issuer).unwrap();
    Metadata {
        issuer: issuer.into(),
        document: None,
        origins: Vec::new(),
        plain_http: PlainHttp::new(true, Vec::new()).for_requests(&url),
        url,
    }
}

fn connection(fetch: Fetch, issuer: &str, endpoint: Option<&str>) -> Connection {
    let endpoint = endpoint.map(str::to_owned);
    Connection {
        fetch,
        endpoint: Location::verification_endpoint(endpoint, metadata(issuer)),
        deadline: DEADLINE,
    }
}

/// What the transmitter responds, and the requests that it has received.
#[derive(Clone)]
struct Scripted(Arc<Mutex<Responses>>);

struct Responses {
    /// The URL and the document of the metadata.
    document: (String, String),
    response: Result<(), UnavailableReason>,
    hangs: bool,
    /// The URL, `Authorization` and the body of each POST.
    posts: Vec<[String; 3]>,
}

impl Scripted {
    fn new() -> Self {
        let document =
            json!({"issuer": ISSUER, "verification_endpoint": format!("{ISSUER}/verify")});
        Self(Arc::new(Mutex::new(Responses {
            document: (
                "https://ssf.test/realms/a/.well-known/ssf-configuration".to_owned(),
                document.to_string(),
            ),
            response: Ok(()),
            hangs: false,
            posts: Vec::new(),
        })))
    }

    fn set(&self, change: impl FnOnce(&mut Responses)) {
        change(&mut self.0.lock().unwrap());
    }

    fn take_posts(&self) -> Vec<[String; 3]> {
        std::mem::take(&mut self.0.lock().unwrap().posts)
    }

    fn connection(&self) -> Connection {
        let (gets, posts) = (self.clone(), self.clone());
        let script = Script::new(move |url, _| {
            let (at, document) = gets.0.lock().unwrap().document.clone();
            let is_there = url == at;
            async move {
                if !is_there {
                    return Err(status(404, None));
                }
                let body = document.into_bytes();
                let fresh_for = Duration::ZERO;
                Ok(Revalidated::Modified(
                    JsonResponse { body, fresh_for },
                    None,
                ))
            }
        });
        let script = script.posts(move |url, form| {
            let mut state = posts.0.lock().unwrap();
            let authorization = form.authorization().unwrap_or_default().to_owned();
            state
                .posts
                .push([url.to_owned(), authorization, form.body().to_owned()]);
            let (response, hangs) = (state.response.clone(), state.hangs);
            async move {
                if hangs {
                    std::future::pending::<()>().await;
                }
                response.map(|()| Vec::new())
            }
        });
        connection(Fetch::Scripted(script), ISSUER, None)
    }
}

/// Returns a connection to a transmitter that responds to nothing.
pub(in crate::revocation) fn connection_that_hangs() -> Connection {
    let transmitter = Scripted::new();
    transmitter.set(|it| it.hangs = true);
    transmitter.connection()
}

fn status(status: u16, retry_after: Option<Duration>) -> UnavailableReason {
    UnavailableReason::Status {
        status,
        retry_after,
    }
}

/// Lets the task run for this time.
async fn pass(time: Duration) {
    let end = tokio::time::Instant::now() + time;
    while tokio::time::Instant::now() < end {
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

/// Runs the future under a paused clock, and returns what it logs at `info` and above.
fn logged_while_paused(future: impl Future<Output = ()>) -> Vec<(Level, String)> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    let lines = logged(|| runtime.block_on(future)).into_iter();
    let lines = lines.filter(|line| line.level <= Level::INFO);
    lines.map(|line| (line.level, line.text)).collect()
}

// conformance 301
#[tokio::test(start_paused = true)]
async fn verification_endpoint_that_may_not_be_used_receives_no_request() {
    let at = "https://ssf.test/realms/a/.well-known/ssf-configuration";
    let document = |issuer: &str, endpoint: &str| {
        json!({"issuer": issuer, "verification_endpoint": endpoint}).to_string()
    };
    for (document, code) in [
        (document(ISSUER, "https://other.test/verify"), "foreign_url"),
        (document(ISSUER, "http://ssf.test/verify"), "foreign_url"),
        (document(ISSUER, "https://a@ssf.test/verify"), "foreign_url"),
        (document(ISSUER, "/verify"), "foreign_url"),
        (
            document("https://ssf.test/realms/b", "https://ssf.test/v"),
            "issuer_mismatch",
        ),
        (
            json!({ "issuer": ISSUER }).to_string(),
            "malformed_response",
        ),
        ("<html>".to_owned(), "malformed_response"),
    ] {
        let transmitter = Scripted::new();
        transmitter.set(|it| it.document = (at.to_owned(), document));
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        let error = verification
            .request(&transmitter.connection())
            .await
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.to_string().contains(".verification_endpoint(..)"));
        assert!(transmitter.take_posts().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn verification_request_has_the_stream_and_a_state_of_this_service() {
    for at in [
        "https://ssf.test/.well-known/ssf-configuration/realms/a",
        "https://ssf.test/realms/a/.well-known/ssf-configuration",
    ] {
        let transmitter = Scripted::new();
        transmitter.set(|it| it.document.0 = at.to_owned());
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        verification
            .request(&transmitter.connection())
            .await
            .unwrap();
        let [url, authorization, body] = transmitter.take_posts().remove(0);
        assert_eq!(url, format!("{ISSUER}/verify"));
        assert!(authorization == format!("Bearer {TOKEN}"));
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["stream_id"], "stream-1");
        assert_eq!(body.as_object().unwrap().len(), 2);
        let state = body["state"].as_str().unwrap();
        assert!(verification.states.time_of(state, Now::read()).is_some());
    }
}

#[test]
fn verification_is_requested_once_per_interval_by_one_task() {
    let lines = logged_while_paused(async {
        let transmitter = Scripted::new();
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        verification.begin(); // not connected yet
        verification.connect(transmitter.connection());
        for _ in 0..100 {
            verification.begin();
        }
        pass(Duration::from_secs(5)).await;
        assert_eq!(transmitter.take_posts().len(), 1);
        for _ in 0..10 {
            pass(10 * MINUTE - Duration::from_secs(5)).await;
            let early = transmitter.take_posts().len();
            verification.verify(Now::read().unix, Now::read());
            pass(2 * MINUTE + Duration::from_secs(6)).await;
            // The event that has arrived puts the next request off.
            assert!(early + transmitter.take_posts().len() <= 1);
        }
        let stats = verification.request_stats();
        assert!((2..=12).contains(&stats.succeeded) && stats.failed.is_empty());
    });
    assert_eq!(lines, []);
}

// conformance 302
#[test]
fn verification_that_brings_no_event_is_a_silence_and_is_logged_once() {
    let lines = logged_while_paused(async {
        let transmitter = Scripted::new();
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        verification.connect(transmitter.connection());
        assert!(!verification.is_silent(Now::read()));
        verification.begin();
        pass(29 * MINUTE).await;
        assert!(!verification.is_silent(Now::read()));
        pass(2 * MINUTE).await;
        assert!(verification.is_silent(Now::read()));
        pass(60 * MINUTE).await;
        assert_eq!(verification.silences(), 1);
        verification.verify(Now::read().unix, Now::read());
        assert!(!verification.is_silent(Now::read()));
        pass(MINUTE).await;
    });
    let [(error, silent), (info, again)] = &lines[..] else {
        panic!("{} lines", lines.len());
    };
    assert_eq!((*error, *info), (Level::ERROR, Level::INFO));
    assert!(silent.contains("no verification event arrives") && silent.contains(ISSUER));
    assert!(again.contains("verification events arrive again"));
}

#[test]
fn verification_request_that_fails_backs_off_and_is_logged_once() {
    for failure in [
        status(401, None),
        status(500, None),
        UnavailableReason::Timeout,
    ] {
        let code = failure.code();
        let lines = logged_while_paused(async {
            let transmitter = Scripted::new();
            transmitter.set(|it| it.response = Err(failure));
            let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
            verification.connect(transmitter.connection());
            verification.begin();
            pass(5 * MINUTE).await;
            let posts = transmitter.take_posts().len();
            assert!((10..=40).contains(&posts), "{posts}");
            let failed = verification.request_stats().failed;
            assert_eq!(failed, [(code, u64::try_from(posts).unwrap())]);
            transmitter.set(|it| it.response = Ok(()));
            pass(MINUTE).await;
            assert_eq!(transmitter.take_posts().len(), 1);
        });
        let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
        assert_eq!(levels, [Level::WARN, Level::INFO]);
        assert!(lines[0].1.contains("verification request failed"));
        assert!(lines[1].1.contains("verification request recovered"));
    }
}

#[test]
fn verification_request_beyond_the_rate_of_the_transmitter_is_no_failure() {
    let lines = logged_while_paused(async {
        let transmitter = Scripted::new();
        transmitter.set(|it| it.response = Err(status(429, Some(Duration::from_secs(30)))));
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        verification.connect(transmitter.connection());
        verification.begin();
        pass(9 * MINUTE).await;
        assert_eq!(transmitter.take_posts().len(), 1);
        assert_eq!(verification.request_stats().failed, [("status", 1)]);
    });
    assert_eq!(lines, []);
}

#[test]
fn verification_request_that_hangs_ends_and_does_not_hide_the_silence() {
    let lines = logged_while_paused(async {
        let transmitter = Scripted::new();
        transmitter.set(|it| it.hangs = true);
        let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
        verification.connect(transmitter.connection());
        verification.begin();
        pass(35 * MINUTE).await;
        assert!(transmitter.take_posts().len() > 10);
        assert!(verification.is_silent(Now::read()));
    });
    let levels: Vec<_> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::WARN, Level::ERROR]);
}

#[test]
fn verification_continues_after_the_function_for_the_token_panics() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let token = ManagementToken::new(move || {
        let call = counted.fetch_add(1, Ordering::Relaxed);
        async move {
            assert!(call > 0, "a bug of the function");
            Ok::<_, std::io::Error>(TOKEN.to_owned())
        }
    });
    let lines = logged_while_paused(async move {
        let transmitter = Scripted::new();
        let verification = verification(ISSUER, token);
        verification.connect(transmitter.connection());
        verification.begin();
        pass(MINUTE).await;
        assert_eq!(transmitter.take_posts().len(), 1);
        let failed = verification.request_stats().failed;
        assert_eq!(failed, [("management_token", 1)]);
    });
    assert_eq!(lines.len(), 2);
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn verification_task_ends_with_its_receiver() {
    let transmitter = Scripted::new();
    let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
    verification.connect(transmitter.connection());
    verification.begin();
    pass(Duration::from_secs(5)).await;
    assert_eq!(transmitter.take_posts().len(), 1);
    assert_eq!(Arc::strong_count(&verification), 1);
    drop(verification);
    pass(60 * MINUTE).await;
    assert!(transmitter.take_posts().is_empty());
    assert_eq!(Arc::strong_count(&transmitter.0), 1); // the task is gone too
}

#[test]
fn verification_begins_again_on_another_runtime() {
    let transmitter = Scripted::new();
    let verification = verification(ISSUER, ManagementToken::fixed(TOKEN));
    verification.connect(transmitter.connection());
    verification.begin(); // there is no runtime
    for minutes in [15, 40] {
        logged_while_paused(async {
            verification.begin();
            // The paused clock of the second runtime begins at the same time as that of the first one.
            pass(minutes * MINUTE).await;
        });
        assert!(!transmitter.take_posts().is_empty());
    }
}

/// Responds to each POST with these bytes, and returns the URL.
async fn server(response: impl Into<Vec<u8>>) -> String {
    let response = response.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(&response).await;
        }
    });
    format!("http://{address}")
}

async fn request_over_http(issuer: &str) -> Result<(), RequestError> {
    let mut clients = Clients::new(None, Vec::new(), DEADLINE);
    let clock = Arc::new(IssuerClock::new(issuer));
    let fetch = clients.fetch(["http"], &clock).unwrap();
    let endpoint = format!("{issuer}/verify");
    let verification = verification(issuer, ManagementToken::fixed(TOKEN));
    let connection = connection(fetch, issuer, Some(&endpoint));
    verification.request(&connection).await
}

// conformance 301
#[tokio::test]
async fn verification_request_follows_no_redirect_and_shows_no_token() {
    let redirect = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://other.test/{TOKEN}\r\ncontent-length: 0\r\n\r\n"
    );
    let error = request_over_http(&server(redirect).await)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "redirect");
    assert!(error.to_string().contains("(not shown"));
    assert!(!format!("{error} {error:?}").contains(TOKEN));
}

#[tokio::test]
async fn verification_response_is_judged_by_its_status_alone() {
    let length = 1_u64 << 40;
    for (head, code) in [
        ("401 Unauthorized", Some("status")),
        ("404 Not Found", Some("status")),
        ("429 Too Many Requests", Some("status")),
        ("204 No Content", None),
        ("200 OK", None),
    ] {
        // The body is announced as larger than any memory, and never ends.
        let length = if head.starts_with("204") { 0 } else { length };
        let response = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n");
        let sent = request_over_http(&server(response).await).await;
        assert_eq!(sent.err().map(|error| error.code()), code, "{head}");
    }
}

#[tokio::test]
async fn verification_request_to_a_dead_transmitter_fails() {
    let error = request_over_http("http://127.0.0.1:1").await.unwrap_err();
    assert_eq!(error.code(), "connection_refused");
    let error = request_over_http(&server("no http\r\n\r\n").await).await;
    assert_eq!(error.unwrap_err().code(), "transport");
}
