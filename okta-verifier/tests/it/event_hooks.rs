//! The event hooks of Okta: which deliveries are genuine, what they reject, and what Okta is told.

use std::{
    future::pending,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use okta_verifier::{
    Verifier,
    revocation::{EventHook, Reaction, Revocations, Signal},
};
use okta_verifier_testing::{HookBuilder, TestIssuer};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};
use serde_json::json;
use tokio::{runtime::Runtime, time::timeout};

use crate::support::mock_issuer::{AUDIENCE, result_code};

const SECRET: &str = "the-secret-of-the-event-hook-of-acme";
const CHALLENGE: &str = "x-okta-verification-challenge";

struct Fixture {
    okta: TestIssuer,
    verifier: Verifier,
    revocations: Revocations,
}

impl Fixture {
    fn new(change: impl FnOnce(EventHook) -> EventHook) -> Self {
        let okta = TestIssuer::new(AUDIENCE);
        let hook = change(EventHook::okta(okta.org_url(), SECRET));
        let builder = Revocations::builder().forgets_at_restart();
        let revocations = builder.event_hook(hook).build().unwrap();
        let verifier = Verifier::builder()
            .issuer(okta.issuer().any_client_id())
            .revocations(revocations.clone())
            .build()
            .unwrap();
        Self {
            okta,
            verifier,
            revocations,
        }
    }

    async fn send(&self, body: &[u8]) -> u16 {
        let headers = [("Authorization", SECRET.as_bytes())];
        let response = self.revocations.receive_hook("POST", headers, body).await;
        assert!(response.body().is_empty());
        response.status().as_u16()
    }

    async fn deliver(&self, hook: HookBuilder) {
        assert_eq!(self.send(hook.body().as_bytes()).await, 204);
    }

    async fn code(&self, jwt: &str) -> &'static str {
        result_code(&self.verifier, jwt).await
    }

    /// Returns whether a token of this user at this client is accepted after the delivery.
    async fn accepts_after(&self, user: &str, client: &str, hook: HookBuilder) -> bool {
        let jwt = self.okta.token(user).client_id(client).sign();
        assert_eq!(self.code(&jwt).await, "ok");
        self.deliver(hook).await;
        self.code(&jwt).await == "ok"
    }

    fn ignored(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.revocations.transmitters().remove(0).ignored
    }
}

fn unchanged(hook: EventHook) -> EventHook {
    hook
}

// conformance 292, 309
#[tokio::test]
async fn hook_with_a_wrong_secret_is_rejected_with_401_and_changes_nothing() {
    let fixture = Fixture::new(unchanged);
    let jwt = fixture.okta.token("ada").sign();
    let body = fixture.okta.hook("user.lifecycle.suspend", "ada").body();
    let long = SECRET.repeat(2);
    let secrets: [&[&str]; 6] = [
        &[],
        &[""],
        &[&SECRET[1..]],
        &[&long],
        &["the-secret-of-the-event-hook-of-acmf"],
        &[SECRET, SECRET],
    ];
    for secrets in secrets {
        for method in ["GET", "POST"] {
            let headers = secrets.iter().map(|it| ("authorization", it.as_bytes()));
            let headers = headers.chain([(CHALLENGE, &b"abc"[..])]);
            let response = fixture
                .revocations
                .receive_hook(method, headers, body.as_bytes());
            let response = response.await;
            assert_eq!(response.status(), 401, "{method} {}", secrets.len());
            // RFC 9110 §11.6.1
            assert_eq!(response.headers()["www-authenticate"], "Shared-Secret");
            assert!(response.body().is_empty());
        }
    }
    assert_eq!(fixture.code(&jwt).await, "ok");
    let state = fixture.revocations.transmitters().remove(0);
    assert_eq!(state.rejected, [("authentication_failed", 12)]);
}

// conformance 291
#[tokio::test]
async fn hook_is_verified_with_the_challenge_in_json() {
    let fixture = Fixture::new(unchanged);
    let verify = async |challenges: &[&[u8]]| {
        let headers = challenges
            .iter()
            .map(|it| ("X-Okta-Verification-Challenge", *it));
        let headers = headers.chain([("AUTHORIZATION", SECRET.as_bytes())]);
        let response = fixture.revocations.receive_hook("GET", headers, b"").await;
        (response.status().as_u16(), response.into_body())
    };
    let long = [b'a'; 257];
    let rejected: [&[&[u8]]; 6] = [&[], &[b""], &[&long], &[b"a", b"b"], &[b"a b"], &[b"\xff"]];
    for rejected in rejected {
        assert_eq!(verify(rejected).await, (400, String::new()));
    }
    let longest = [b'a'; 256];
    assert_eq!(verify(&[&longest]).await.0, 200);
    let (status, body) = verify(&[br#"a"\b"#]).await;
    assert_eq!((status, &*body), (200, r#"{"verification":"a\"\\b"}"#));
    let response = fixture.revocations.receive_hook("PUT", [], b"").await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, POST");
}

// conformance 293
#[tokio::test]
async fn hook_that_cannot_be_read_is_accepted_and_counted() {
    let fixture = Fixture::new(unchanged);
    let jwt = fixture.okta.token("ada").sign();
    let body = fixture.okta.hook("user.lifecycle.suspend", "ada").body();
    let malformed: [&[u8]; 6] = [
        b"null",
        b"{}",
        br#"{"data":[]}"#,
        br#"{"data":{"events":{}}}"#,
        br#"{"data":{"events":[]},"data":{"events":[]}}"#,
        b"\xff",
    ];
    for body in malformed {
        assert_eq!(fixture.send(body).await, 204);
    }
    // What breaks off is sent once more.
    for body in [&b""[..], &body.as_bytes()[..body.len() - 1]] {
        assert_eq!(fixture.send(body).await, 503);
    }
    assert_eq!(fixture.code(&jwt).await, "ok");
    let state = fixture.revocations.transmitters().remove(0);
    assert_eq!(state.rejected, [("invalid_request", 6), ("unavailable", 2)]);

    let too_large = vec![b' '; Revocations::MAX_HOOK + 1];
    assert_eq!(fixture.send(&too_large).await, 503);
    // An event that cannot be read does not hide the next one.
    let readable = &fixture.okta.hook("user.lifecycle.suspend", "ada").body();
    let mixed = readable.replacen(
        "\"events\":[",
        "\"events\":[null,7,{},{\"eventType\":7},",
        1,
    );
    assert_eq!(fixture.send(mixed.as_bytes()).await, 204);
    assert_eq!(fixture.code(&jwt).await, "revoked");
    // The four events that cannot be read are counted and logged once.
    let state = fixture.revocations.transmitters().remove(0);
    assert!(state.rejected.contains(&("invalid_request", 7)));
}

// conformance 294
#[tokio::test]
async fn hook_event_about_a_user_rejects_the_tokens_of_the_user() {
    for event in [
        "user.session.end",
        "user.session.clear",
        "user.authentication.universal_logout",
        "user.account.lock",
        "user.account.lock.limit",
        "user.account.update_password",
        "user.account.reset_password",
        "user.lifecycle.deactivate",
        "user.lifecycle.suspend",
        "user.lifecycle.delete.initiated",
        "user.lifecycle.delete.completed",
        "user.mfa.factor.deactivate",
        "user.mfa.factor.reset_all",
    ] {
        let fixture = Fixture::new(unchanged);
        let hook = |user| fixture.okta.hook(event, user);
        assert!(
            !fixture.accepts_after("ada", "0oa1", hook("ada")).await,
            "{event}"
        );
        assert_eq!(fixture.code(&fixture.okta.token("bob").sign()).await, "ok");
        let repeated = hook("ada").and(event, "bob");
        assert!(
            !fixture.accepts_after("bob", "0oa1", repeated).await,
            "{event}"
        );
    }
}

// conformance 294
#[tokio::test]
async fn hook_event_that_concerns_no_token_has_no_effect() {
    let fixture = Fixture::new(unchanged);
    for (event, reason) in [
        ("user.mfa.factor.activate", "reaction"),
        ("user.lifecycle.unsuspend", "reaction"),
        ("user.account.unlock_by_admin", "reaction"),
        ("user.account.locked", "unknown_event"),
        ("user.risk.change", "reaction"),
        ("group.user_membership.add", "unknown_event"),
        ("user.lifecycle.suspended", "unknown_event"),
        ("app.oauth2.as.consent.revokes", "unknown_event"),
    ] {
        let hook = fixture.okta.hook(event, "ada");
        assert!(fixture.accepts_after("ada", "0oa1", hook).await, "{event}");
        assert!(
            fixture.ignored().iter().any(|(_, it, _)| *it == reason),
            "{event}"
        );
    }
    for outcome in ["FAILURE", "SKIPPED", "success", ""] {
        let hook = fixture
            .okta
            .hook("user.lifecycle.suspend", "ada")
            .outcome(outcome);
        assert!(
            fixture.accepts_after("ada", "0oa1", hook).await,
            "{outcome}"
        );
    }
    let without = fixture
        .okta
        .hook("user.lifecycle.suspend", "ada")
        .without("outcome");
    assert!(fixture.accepts_after("ada", "0oa1", without).await);
    assert!(
        fixture
            .ignored()
            .contains(&("user.lifecycle.suspend", "outcome", 3))
    );
    // Nobody is named.
    let nobody = fixture
        .okta
        .hook("user.lifecycle.suspend", "ada")
        .without("target")
        .without("actor");
    assert!(fixture.accepts_after("ada", "0oa1", nobody).await);
    assert!(
        fixture
            .ignored()
            .contains(&("user.lifecycle.suspend", "no_subject", 1))
    );
}

// conformance 295
#[tokio::test]
async fn hook_event_without_a_target_is_about_its_actor() {
    let fixture = Fixture::new(unchanged);
    let uid = |user: &str| {
        let body = fixture.okta.hook("x", user).body();
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        body["data"]["events"][0]["target"][0]["id"].clone()
    };
    // The actor of an event with a target is somebody else, such as an administrator.
    let by_bob = fixture.okta.hook("user.session.clear", "ada");
    let by_bob = by_bob.member("actor", json!({ "type": "User", "id": uid("bob") }));
    assert!(fixture.accepts_after("bob", "0oa1", by_bob.clone()).await);
    let own = by_bob.without("target");
    assert!(!fixture.accepts_after("bob", "0oa1", own).await);
    let by_a_client = fixture
        .okta
        .hook("user.session.clear", "eve")
        .without("target");
    let actor = json!({ "type": "PublicClientApp", "id": uid("eve") });
    assert!(
        fixture
            .accepts_after("eve", "0oa1", by_a_client.member("actor", actor))
            .await
    );
}

// conformance 296
#[tokio::test]
async fn hook_event_about_a_user_at_a_client_rejects_the_tokens_of_both() {
    for event in [
        "application.user_membership.remove",
        "app.oauth2.as.consent.revoke",
        "app.oauth2.as.consent.revoke.user",
    ] {
        let fixture = Fixture::new(unchanged);
        let removed = || fixture.okta.hook(event, "ada").client("0oa1web");
        assert!(
            fixture.accepts_after("ada", "0oa2mobile", removed()).await,
            "{event}"
        );
        assert!(
            fixture.accepts_after("bob", "0oa1web", removed()).await,
            "{event}"
        );
        let fixture = Fixture::new(unchanged);
        assert!(
            !fixture.accepts_after("ada", "0oa1web", removed()).await,
            "{event}"
        );
        // Without the client, all tokens of the user are concerned.
        let fixture = Fixture::new(unchanged);
        let unnamed = fixture.okta.hook(event, "ada");
        assert!(
            !fixture.accepts_after("ada", "0oa2mobile", unnamed).await,
            "{event}"
        );
    }
}

// conformance 296
#[tokio::test]
async fn hook_event_about_a_client_rejects_its_tokens() {
    for event in [
        "application.lifecycle.deactivate",
        "application.lifecycle.delete",
    ] {
        let fixture = Fixture::new(unchanged);
        let retired = || {
            fixture
                .okta
                .hook(event, "the administrator")
                .client("0oa1web")
        };
        assert!(
            fixture.accepts_after("ada", "0oa2mobile", retired()).await,
            "{event}"
        );
        let fixture = Fixture::new(unchanged);
        assert!(
            !fixture.accepts_after("ada", "0oa1web", retired()).await,
            "{event}"
        );
        let fixture = Fixture::new(unchanged);
        let unnamed = fixture.okta.hook(event, "ada");
        assert!(
            fixture.accepts_after("ada", "0oa1web", unnamed).await,
            "{event}"
        );
    }
}

// conformance 295
#[tokio::test]
async fn hook_event_rejects_tokens_until_it_was_published() {
    let fixture = Fixture::new(unchanged);
    let now = SystemTime::now();
    let unix = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let issued = |user: &str, iat: u64| fixture.okta.token(user).claim("iat", iat).sign();
    let minute = Duration::from_secs(60);
    let late = fixture
        .okta
        .hook("user.lifecycle.suspend", "ada")
        .published(now - minute);
    fixture.deliver(late).await;
    assert_eq!(fixture.code(&issued("ada", unix - 61)).await, "revoked");
    assert_eq!(fixture.code(&issued("ada", unix - 30)).await, "ok");
    // A wrong clock does not reject the tokens of tomorrow, and an absent time means now.
    let early = fixture
        .okta
        .hook("user.lifecycle.suspend", "bob")
        .published(now + 1_000 * minute);
    fixture.deliver(early).await;
    let bob = fixture
        .okta
        .token("bob")
        .claim("iat", unix + 3_600)
        .claim("nbf", unix);
    assert_ne!(fixture.code(&bob.sign()).await, "revoked");
    for (user, published) in [("eve", json!("yesterday")), ("dan", json!(7))] {
        let wrong = fixture.okta.hook("user.lifecycle.suspend", user);
        fixture.deliver(wrong.member("published", published)).await;
        assert_eq!(fixture.code(&issued(user, unix - 1)).await, "revoked");
    }
}

#[tokio::test]
async fn hook_setting_changes_what_an_event_does() {
    let fixture = Fixture::new(|hook| {
        hook.on("user.session.end", Reaction::Ignore)
            .on("user.risk.change", Reaction::IssuedBefore)
            .on("system.custom", Reaction::IssuedBefore)
            .secret("another-secret-of-the-event-hook-of-acme")
            .header("x-hook")
    });
    let send = async |secret: &str, event| {
        let headers = [("X-Hook", secret.as_bytes())];
        let body = fixture.okta.hook(event, "ada").body();
        let response = fixture
            .revocations
            .receive_hook("POST", headers, body.as_bytes());
        assert_eq!(response.await.status(), 204);
        fixture.code(&fixture.okta.token("ada").sign()).await
    };
    assert_eq!(send(SECRET, "user.session.end").await, "ok");
    assert_eq!(fixture.ignored(), [("user.session.end", "reaction", 1)]);
    let other = "another-secret-of-the-event-hook-of-acme";
    assert_eq!(send(other, "user.risk.change").await, "revoked");
    // The header of the default setting is not read any more.
    let headers = [("authorization", SECRET.as_bytes())];
    let response = fixture
        .revocations
        .receive_hook("POST", headers, b"{}")
        .await;
    assert_eq!(response.status(), 401);
    let custom = fixture.okta.hook("system.custom", "bob").body();
    let headers = [("x-hook", SECRET.as_bytes())];
    let bob = fixture.okta.token("bob").sign();
    fixture
        .revocations
        .receive_hook("POST", headers, custom.as_bytes())
        .await;
    assert_eq!(fixture.code(&bob).await, "revoked");
}

#[test]
fn hook_settings_that_are_wrong_are_rejected() {
    let build = |hook| {
        Revocations::builder()
            .forgets_at_restart()
            .event_hook(hook)
            .build()
    };
    let hook = || EventHook::okta("https://acme.okta.com", SECRET);
    assert!(build(hook()).is_ok());
    for wrong in [
        EventHook::okta("https://acme.okta.com/oauth2/default", SECRET),
        EventHook::okta("http://acme.okta.com", SECRET),
        EventHook::okta("https://acme.okta.com", ""),
        EventHook::okta("https://acme.okta.com", &SECRET[..31]),
        hook().secret("short"),
        hook().header(""),
        hook().header("a b"),
    ] {
        let error = build(wrong).unwrap_err().to_string();
        assert!(
            !error.contains(SECRET) && error.contains("acme.okta.com"),
            "{error}"
        );
    }
    let twice = Revocations::builder()
        .forgets_at_restart()
        .event_hook(hook())
        .event_hook(hook());
    assert!(twice.build().is_err());
    let other_org = EventHook::okta("https://umbrella.okta.com", SECRET);
    let builder = Revocations::builder()
        .forgets_at_restart()
        .event_hook(hook());
    let error = builder.event_hook(other_org).build().unwrap_err();
    assert!(error.to_string().contains("one secret"), "{error}");
    assert!(!format!("{:?}", hook()).contains(SECRET));
}

// conformance 308
#[tokio::test]
async fn hook_body_is_read_only_after_the_secret_was_verified() {
    let fixture = Fixture::new(unchanged);
    let never = |_| pending::<Vec<u8>>();
    let receive = async |method: &str, secret: &'static str| {
        let headers = [("authorization", secret.as_bytes())];
        let response = (fixture.revocations).receive(Signal::EventHook, method, headers, never);
        let response = timeout(Duration::from_secs(1), response).await;
        response.map_or(0, |response| response.status().as_u16())
    };
    assert_eq!(receive("POST", "guessed").await, 401);
    assert_eq!(receive("PUT", SECRET).await, 405);
    // The request that verifies the hook has no body.
    assert_eq!(receive("GET", "guessed").await, 401);
    assert_eq!(receive("GET", SECRET).await, 400);
    assert_eq!(receive("POST", SECRET).await, 0, "the body is awaited");
}

#[tokio::test]
async fn hook_event_with_more_pairs_than_any_real_one_rejects_all_tokens_of_its_users() {
    let fixture = Fixture::new(unchanged);
    let event = "application.user_membership.remove";
    let one = |place: usize| json!({ "type": "User", "id": format!("00u{place}") });
    let client = |place: usize| json!({ "type": "AppInstance", "id": format!("0oa{place}") });
    let body: serde_json::Value =
        serde_json::from_str(&fixture.okta.hook(event, "ada").body()).unwrap();
    let ada = body["data"]["events"][0]["target"][0].clone();
    // Each pair as a rule would take gigabytes.
    let targets: Vec<_> = std::iter::once(ada)
        .chain((0..15_000).map(one))
        .chain((0..15_000).map(client))
        .collect();
    let hook = fixture.okta.hook(event, "ada").member("target", targets);
    // The token is issued after the hook was made.
    let hook = hook.published(SystemTime::now() + Duration::from_secs(30));
    assert!(hook.body().len() < Revocations::MAX_HOOK);
    assert!(!fixture.accepts_after("ada", "0oa2mobile", hook).await);
}

/// JSON values as text, with the names that decide, in odd places and more than once.
fn json_text() -> impl Strategy<Value = String> {
    let names = [
        "eventType",
        "outcome",
        "result",
        "target",
        "type",
        "id",
        "actor",
        "published",
        "data",
        "events",
        "",
        "\\u0069d",
        "\\ud800",
        "a",
    ];
    let leaves = [
        "null",
        "true",
        "7",
        "-0",
        "1e999",
        "\"\"",
        "\"User\"",
        "\"AppInstance\"",
        "\"SUCCESS\"",
        "\"user.lifecycle.suspend\"",
        "\"application.user_membership.remove\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "\"]}\"",
        "[]",
        "{}",
        "\"00u9\"",
    ];
    select(leaves.to_vec())
        .prop_map(str::to_owned)
        .prop_recursive(6, 64, 6, move |inner| {
            let member = (select(names.to_vec()), inner.clone());
            let member = member.prop_map(|(name, value)| format!("\"{name}\":{value}"));
            prop_oneof![
                vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
                vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
            ]
        })
}

/// An event that almost is one.
fn event_text() -> impl Strategy<Value = String> {
    let member =
        |name: &'static str| json_text().prop_map(move |value| format!("\"{name}\":{value}"));
    let known = [
        "\"eventType\":\"user.lifecycle.suspend\"",
        "\"outcome\":{\"result\":\"SUCCESS\"}",
        "\"target\":[{\"type\":\"User\",\"id\":\"00u9\"}]",
    ];
    let member = prop_oneof![
        select(known.to_vec()).prop_map(str::to_owned),
        member("eventType"),
        member("outcome"),
        member("target"),
        member("actor"),
        member("published"),
        member("debugContext"),
    ];
    let almost = vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(",")));
    prop_oneof![almost, json_text()]
}

static HOOK: LazyLock<(Fixture, Runtime)> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    (Fixture::new(unchanged), runtime.unwrap())
});

/// The number of users so far, each of whom is suspended once.
static USERS: AtomicUsize = AtomicUsize::new(0);

proptest! {
    // conformance 311
    #[test]
    fn hook_event_is_not_hidden_by_others_of_its_delivery(
        before in vec(event_text(), 0..4),
        after in vec(event_text(), 0..4),
    ) {
        let (fixture, runtime) = &*HOOK;
        let user = format!("user-{}", USERS.fetch_add(1, Ordering::Relaxed));
        let suspended = fixture.okta.hook("user.lifecycle.suspend", &user).body();
        let suspended: serde_json::Value = serde_json::from_str(&suspended).unwrap();
        let suspended = suspended["data"]["events"][0].to_string();
        let events = [before, std::vec![suspended], after].concat().join(",");
        let body = format!(r#"{{"eventId":"e1","data":{{"events":[{events}]}}}}"#);
        runtime.block_on(async {
            let jwt = fixture.okta.token(&user).sign();
            let (first, status) = (fixture.code(&jwt).await, fixture.send(body.as_bytes()).await);
            assert_eq!((first, status, fixture.code(&jwt).await), ("ok", 204, "revoked"), "{body}");
        });
    }

    // conformance 311
    #[test]
    fn hook_of_any_bytes_is_answered(
        events in vec(event_text(), 0..4),
        cut in any::<Index>(),
        byte in any::<u8>(),
        bytes in vec(any::<u8>(), 0..200),
    ) {
        let (fixture, runtime) = &*HOOK;
        let whole = format!(r#"{{"data":{{"events":[{}]}}}}"#, events.join(",")).into_bytes();
        let place = cut.index(whole.len());
        let mut changed = whole.clone();
        changed[place] = byte;
        runtime.block_on(async {
            for body in [&whole[..place], &changed, &bytes] {
                let status = fixture.send(body).await;
                assert!(matches!(status, 204 | 503), "{status}");
            }
            assert_eq!(fixture.send(&whole[..place]).await, 503);
        });
    }
}
