//! `HookBuilder`: builds deliveries of Okta's event hooks, and the tokens of Universal Logout.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::event::org;
use crate::listener;
use crate::test_issuer::TestIssuer;
use crate::token::{TokenBuilder, unix_now, user_id};

/// A builder for a delivery of an event hook of Okta: JSON with one event or several.
///
/// ```
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::{Verifier, revocation::{EventHook, Revocations}};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let okta = TestIssuer::new("api://orders");
/// let secret = "32 random bytes or more, as text";
/// let hook = EventHook::okta(okta.org_url(), secret);
/// let revocations = Revocations::builder().forgets_at_restart().event_hook(hook).build()?;
/// let issuer = okta.issuer().any_client_id();
/// let verifier = Verifier::builder().issuer(issuer).revocations(revocations.clone()).build()?;
/// let send = async |body: String| {
///     let headers = [("authorization", secret.as_bytes())];
///     revocations.receive_hook("POST", headers, body.as_bytes()).await.status()
/// };
/// let (ada, bob) = (okta.token("ada").sign(), okta.token("bob").sign());
///
/// assert_eq!(send(okta.hook("user.lifecycle.suspend", "ada").outcome("FAILURE").body()).await, 204);
/// assert!(verifier.verify(&ada).await.is_ok());
///
/// assert_eq!(send(okta.hook("user.lifecycle.suspend", "ada").body()).await, 204);
/// assert_eq!(verifier.verify(&ada).await.unwrap_err().code(), "revoked");
/// assert!(verifier.verify(&bob).await.is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "the builder does nothing until `.body()` is called"]
pub struct HookBuilder(Vec<Value>);

impl HookBuilder {
    pub(crate) fn new(event: &str, user: &str) -> Self {
        Self(Vec::new()).and(event, user)
    }

    /// Adds another event to the delivery. The methods after it change this one.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let body = okta.hook("user.account.lock", "ada").and("user.account.lock", "bob").body();
    /// assert_eq!(body.matches("user.account.lock").count(), 2);
    /// ```
    pub fn and(mut self, event: &str, user: impl AsRef<str>) -> Self {
        let user = json!({ "type": "User", "id": user_id(user.as_ref()) });
        let administrator = json!({ "type": "User", "id": "00u0administrator" });
        self.0.push(json!({
            "uuid": "f9c7d2e0-0000-4000-8000-000000000000",
            "eventType": event,
            "outcome": { "result": "SUCCESS", "reason": null },
            "actor": administrator,
            "target": [user],
        }));
        self.published(SystemTime::now())
    }

    /// Adds an app to the targets of the event. The ID is that of the OAuth client.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let removed = okta.hook("application.user_membership.remove", "ada").client("0oa1web").body();
    /// ```
    pub fn client(self, id: &str) -> Self {
        listener::public(id);
        let app = json!({ "type": "AppInstance", "id": id });
        self.edit(|event| {
            if let Some(targets) = event["target"].as_array_mut() {
                targets.push(app);
            }
        })
    }

    /// Sets `outcome.result`. Default `SUCCESS`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let failed = okta.hook("user.lifecycle.suspend", "ada").outcome("FAILURE").body();
    /// ```
    pub fn outcome(self, result: &str) -> Self {
        self.edit(|event| event["outcome"]["result"] = json!(result))
    }

    /// Sets when the event happened, for an event that arrives late. Default: now.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    /// let late = okta.hook("user.lifecycle.suspend", "ada").published(an_hour_ago).body();
    /// ```
    pub fn published(self, time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or_default());
        let text = humantime::format_rfc3339_millis(UNIX_EPOCH + millis);
        self.edit(|event| event["published"] = json!(text.to_string()))
    }

    /// Sets a member of the event, such as `actor`.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let own = serde_json::json!({ "type": "User", "id": "00u1ada" });
    /// let signed_out = okta.hook("user.session.end", "ada").member("actor", own).without("target").body();
    /// ```
    pub fn member(self, name: &str, value: impl serde::Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.edit(|event| event[name] = value)
    }

    /// Removes a member of the event.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let timeless = okta.hook("user.session.end", "ada").without("published").body();
    /// ```
    pub fn without(self, name: &str) -> Self {
        self.edit(|event| {
            if let Some(event) = event.as_object_mut() {
                event.remove(name);
            }
        })
    }

    /// Returns the body of the delivery.
    #[must_use]
    pub fn body(&self) -> String {
        json!({
            "eventType": "com.okta.event_hook",
            "eventTypeVersion": "1.0",
            "cloudEventsVersion": "0.1",
            "eventId": "b5a188b9-0000-4000-8000-000000000000",
            "contentType": "application/json",
            "data": { "events": self.0 },
        })
        .to_string()
    }

    fn edit(mut self, edit: impl FnOnce(&mut Value)) -> Self {
        if let Some(event) = self.0.last_mut() {
            edit(event);
        }
        self
    }
}

/// Returns the token of a request of Universal Logout, which `token` was begun for.
pub(crate) fn universal_logout(token: TokenBuilder, org: &str, endpoint: &str) -> TokenBuilder {
    let now = unix_now();
    token
        .typ("global-token-revocation+jwt")
        .claim("iss", org)
        .claim("aud", endpoint)
        .claim("iat", now)
        .claim("nbf", now - 300)
        .claim("exp", now + 300)
}

/// Signals that an Okta org sends without a stream.
impl TestIssuer {
    /// Returns a builder for a delivery of an event hook, with one event about a user.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let suspended = okta.hook("user.lifecycle.suspend", "ada").body();
    /// ```
    pub fn hook(&self, event: &str, user: impl AsRef<str>) -> HookBuilder {
        HookBuilder::new(event, user.as_ref())
    }

    /// Returns a builder for the token that authenticates a request of Universal Logout.
    ///
    /// ```
    /// # let okta = okta_verifier_testing::TestIssuer::new("api://orders");
    /// let endpoint = "https://api.acme.test/events/universal-logout";
    /// let jwt = okta.universal_logout(endpoint, "0oa1client").sign();
    /// let forged = okta.universal_logout(endpoint, "0oa1client").foreign_key().sign();
    /// ```
    pub fn universal_logout(&self, endpoint: &str, client_id: &str) -> TokenBuilder {
        listener::public(client_id);
        universal_logout(self.token(client_id), org(self.issuer_url()), endpoint)
    }
}
