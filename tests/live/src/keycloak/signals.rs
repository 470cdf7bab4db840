//! What revokes tokens at the server, and the streams of security events that tell of it (SSF 1.0).

use reqwest::Method;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};

use super::{CLIENT_SECRET, PASSWORD, Realm, client, with_attributes};
use crate::http::{self, Answer};

/// The client that receives the security events of a realm.
pub const RECEIVER: &str = "receiver";
/// A client with a URL for logout tokens. The client `web` has none, so that only events tell of its sessions.
pub const PORTAL: &str = "portal";

const CAEP: &str = "https://schemas.openid.net/secevent/caep/event-type/";

/// A stream of security events of a realm.
#[derive(Clone)]
pub struct Stream {
    realm: Realm<'static>,
    pub id: String,
    /// The `aud` of the events.
    pub audience: String,
}

impl Realm<'static> {
    /// Lets the realm send security events about all of its users to a URL, with a value of `Authorization`.
    pub fn create_stream(self, url: &str, authorization: &str) -> Stream {
        let mut realm = self.get("");
        realm["attributes"]["ssf.transmitterEnabled"] = json!("true");
        self.put("", &realm);
        let receiver = json!({
            "optionalClientScopes": ["ssf.read", "ssf.manage"],
            "attributes": { "ssf.enabled": "true", "ssf.validPushUrls": url, "ssf.defaultSubjects": "ALL" },
        });
        self.add_client(&client(RECEIVER, &receiver));
        let events = ["session-revoked", "credential-change"].map(|name| format!("{CAEP}{name}"));
        let stream = json!({
            "delivery": {
                "method": "urn:ietf:rfc:8935", "endpoint_url": url, "authorization_header": authorization,
            },
            "events_requested": events,
        });
        let answer = self.transmitter("streams", &stream).expect(201, "stream");
        let answer = answer.json();
        // The stream has a list, and its events have a text.
        let text = |value: &Value| {
            let text = value.as_str();
            text.unwrap_or_else(|| panic!("a member is missing: {answer}"))
                .to_owned()
        };
        Stream {
            realm: self,
            id: text(&answer["stream_id"]),
            audience: text(&answer["aud"][0]),
        }
    }

    /// Returns an access token for the API of the transmitter.
    pub fn management_token(self) -> String {
        let scope = "ssf.read ssf.manage";
        self.grant(RECEIVER).with("scope", scope).machine().access
    }

    fn transmitter(self, path: &str, body: &Value) -> Answer {
        let url = format!("{}/ssf/transmitter/{path}", self.issuer());
        let request = self.server.client.post(url);
        http::send(json_of(request.bearer_auth(self.management_token()), body))
    }
}

impl Stream {
    /// Requests a verification event (SSF 1.0 §8.1.4.2), and returns the status of the response.
    pub fn verify(&self, state: &str) -> u16 {
        let body = json!({ "stream_id": self.id, "state": state });
        self.realm.transmitter("verify", &body).status
    }

    /// Sets the status of the stream: `enabled`, `paused` or `disabled`.
    pub fn set_status(&self, status: &str) {
        let body = json!({ "stream_id": self.id, "status": status, "reason": "test" });
        let answer = self.realm.transmitter("streams/status", &body);
        answer.expect(200, status);
    }

    /// Sends an event of CAEP about a user, without details.
    pub fn emit(&self, name: &str, user: &str) {
        let body = json!({
            "eventType": format!("{CAEP}{name}"), "event": {},
            "sub_id": { "format": "iss_sub", "iss": self.realm.issuer(), "sub": user },
        });
        let path = format!("ssf/clients/{RECEIVER}/events/emit");
        let answer = self.realm.admin(Method::POST, &path, Some(&body)).json();
        assert_eq!(answer["status"], "dispatched", "{answer}");
    }
}

impl Realm<'_> {
    /// Adds the client [`PORTAL`], whose logout tokens are sent to a URL (OpenID Connect Back-Channel Logout 1.0).
    pub(crate) fn add_portal(self, url: &str) {
        let attributes = [
            ("backchannel.logout.url", url),
            ("backchannel.logout.session.required", "true"),
        ];
        self.add_client(&with_attributes(PORTAL, &attributes));
    }

    /// Ends the session of a client's refresh token, as its user does.
    pub fn log_out_with(self, client_id: &str, refresh_token: &str) {
        let url = format!("{}/protocol/openid-connect/logout", self.issuer());
        let request = self
            .server
            .client
            .post(url)
            .basic_auth(client_id, Some(CLIENT_SECRET));
        http::send(request.form(&[("refresh_token", refresh_token)])).expect(204, "logout");
    }

    /// Sets the password of a user to the same one, as an administrator.
    pub fn reset_password(self, user: &str) {
        let password = json!({ "type": "password", "value": PASSWORD, "temporary": false });
        self.put(&format!("users/{user}/reset-password"), &password);
    }

    /// Ends one session, as an administrator.
    pub fn delete_session(self, sid: &str) {
        self.admin(Method::DELETE, &format!("sessions/{sid}"), None);
    }
}

fn json_of(request: RequestBuilder, body: &Value) -> RequestBuilder {
    let request = request.header("content-type", "application/json");
    request.body(body.to_string())
}
