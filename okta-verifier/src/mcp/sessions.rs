//! [`McpSessions`]: the sessions of an MCP server, each with its owner.

mod store;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use self::store::{Binding, Holder, Owner, Store};
use super::{McpCalls, McpRejection};
use crate::{
    Rejection, VerifiedToken,
    crypto::{Fingerprint, Fingerprints},
    http::{Anonymous, HeaderMap, HeaderName, StatusCode},
    sync::{clock::Now, outage_log::OutageLog},
};

/// The sessions of an MCP server, each with its owner: the issuer, the subject and the client of the token that
/// began it. Only the owner can use a session.
///
/// A server sends the ID of a session in the field `Mcp-Session-Id`, and accepts each request that has the ID. The ID
/// is therefore a second credential beside the token, and one that the server does not compare with the token: MCP
/// says that sessions must not be used for authentication. This store compares the two:
///
/// | request or response | result |
/// |---|---|
/// | a response names a session that has no owner | the session belongs to the caller |
/// | a request of the owner, also with another token, for example after a refresh | passes, and renews the session |
/// | a request with a session of another owner, or with an unknown one | the same 404 for both, after which a client begins a new session |
/// | a request with more than one session, or with bytes that are not visible ASCII | 400 |
/// | a `DELETE` of the owner that succeeds | the session is removed |
/// | a request that may begin a session, also within another one, and there is no room | 503, and the server does not see the request |
/// | a response names a session of another owner, or more than one | 500 in place of the response, and an event at `error` |
///
/// Requests without a token, which an optional layer admits, have one common owner. A client that begins a session without
/// a token and then logs in gets the 404, and begins a new session with its token.
///
/// Only the field `Mcp-Session-Id` is read. The deprecated transport "HTTP+SSE" has the session in the query of a URL, where it
/// is not protected: turn that transport off. `Last-Event-ID` is not compared either. A server without a store of events finds
/// the events in the session of the request. A server with one, such as an `EventStore` of rmcp, may find them by that ID
/// alone, in other sessions too. The IDs of such a store must be random and must not be derived from the ID of the session.
///
/// The store is that of one process, and is lost when the process ends. If several instances serve the sessions of one
/// another, use a server without sessions, or one that compares the owners itself (`McpLayer::unbound_sessions`).
///
/// A client that disconnects before the response to `initialize` gives its place back, although the server may keep the
/// session that it has begun. Limit the sessions of the server itself, and let it end those that are not used.
///
/// The store has a fixed number of places. A session keeps its place until it ends or until it was not used for the
/// [idle timeout](Self::idle_timeout); nothing evicts it earlier. A response that is still being sent is not a use. Each
/// user has a [share](Self::max_sessions_per_subject) of the places, but an issuer has none: one whose users are many can
/// take all places, so tenants that do not trust each other need a store each. The store contains neither IDs nor claims, but keyed
/// digests, and takes about 150 bytes for each session. Clones share their sessions.
///
/// `McpLayer` of `okta-verifier-tower` has a store of its own unless another one is set. An adapter to another
/// framework calls [`begin`](Self::begin) for each request:
///
/// ```
/// # use http::{HeaderMap, StatusCode};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use okta_verifier::mcp::{McpCalls, McpSessions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let sessions = McpSessions::new();
/// let ada = verifier.verify(&okta.token("ada").sign()).await?;
/// let bob = verifier.verify(&okta.token("bob").sign()).await?;
///
/// // The response to `initialize` names a session, which then belongs to ada.
/// let (mut headers, mut named) = (HeaderMap::new(), HeaderMap::new());
/// named.insert("mcp-session-id", "1868a90c".parse()?);
/// let calls = McpCalls::read(&headers, br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#, None)?;
/// let session = sessions.begin("POST", &headers, Some(&calls), Some(&ada), None)?;
/// session.complete(StatusCode::OK, &named)?;
///
/// headers.insert("mcp-session-id", "1868a90c".parse()?);
/// assert!(sessions.begin("GET", &headers, None, Some(&ada), None).is_ok());
/// let rejected = sessions.begin("GET", &headers, None, Some(&bob), None).unwrap_err();
/// assert_eq!(rejected.into_parts().0.code(), "unknown_session");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct McpSessions {
    limits: Limits,
    shared: Arc<Shared>,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    capacity: usize,
    /// `None` if the share follows from the capacity.
    per_subject: Option<usize>,
    idle: Duration,
}

struct Shared {
    store: Mutex<Store>,
    /// Computes the digests of session IDs. `None` if the random number generator is unavailable: then every ID is
    /// unknown, and no session can be bound.
    fingerprints: Option<Fingerprints>,
    /// Decides which of the rejections of a full store are logged.
    full: OutageLog,
}

impl McpSessions {
    /// Returns an empty store for 10,000 sessions, of which each user may have 625. A session ends one hour after its
    /// last use.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Limits {
            capacity: 10_000,
            per_subject: None,
            idle: Duration::from_secs(60 * 60),
        })
    }

    /// Returns an empty store for this number of sessions. The default is 10,000. With 0, no session can begin.
    ///
    /// ```
    /// # use http::HeaderMap;
    /// # use okta_verifier_testing::TestIssuer;
    /// # use okta_verifier::Verifier;
    /// use std::time::Duration;
    /// use okta_verifier::mcp::{McpCalls, McpSessions};
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
    /// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
    /// # let (ada, bob) = (verifier.verify(&okta.token("ada").sign()).await?, verifier.verify(&okta.token("bob").sign()).await?);
    /// # let headers = HeaderMap::new();
    /// # let calls = McpCalls::read(&headers, br#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}"#, None)?;
    /// let sessions = McpSessions::new()
    ///     .max_sessions(2)
    ///     .max_sessions_per_subject(1)
    ///     .idle_timeout(Duration::from_secs(10 * 60));
    /// let begin = |token| sessions.begin("POST", &headers, Some(&calls), Some(token), None);
    ///
    /// let one = begin(&ada)?; // has its place until it is completed or dropped
    /// assert_eq!(begin(&ada).unwrap_err().into_parts().0.code(), "too_many_sessions");
    /// assert!(begin(&bob).is_ok());
    /// # drop(one);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_sessions(self, capacity: usize) -> Self {
        Self::of(Limits {
            capacity,
            ..self.limits
        })
    }

    /// Returns an empty store in which one user may have this number of sessions, with all clients together. The default
    /// is a sixteenth of [`max_sessions`](Self::max_sessions), and at least 16.
    ///
    /// A user is the issuer and the subject of the token, and the subject of a service is its client. With a share, one
    /// user cannot prevent all others from beginning a session. All requests without a token have one share.
    #[must_use]
    pub fn max_sessions_per_subject(self, sessions: usize) -> Self {
        Self::of(Limits {
            per_subject: Some(sessions),
            ..self.limits
        })
    }

    /// Returns an empty store whose sessions end after this time without a request. The default is one hour. It should
    /// be at least as long as the server keeps its sessions.
    #[must_use]
    pub fn idle_timeout(self, idle: Duration) -> Self {
        Self::of(Limits {
            idle,
            ..self.limits
        })
    }

    fn of(limits: Limits) -> Self {
        let fingerprints = Fingerprints::new();
        if fingerprints.is_none() {
            tracing::error!(
                "the random number generator is unavailable, so MCP sessions are rejected"
            );
        }
        Self {
            limits,
            shared: Arc::new(Shared {
                store: Mutex::default(),
                fingerprints,
                full: OutageLog::default(),
            }),
        }
    }

    /// Checks that the caller owns the session that a request names, and reserves a place for the session that the
    /// request may begin. `calls` is the body of a POST. The caller is the token or the marker that the layer that
    /// verifies tokens inserted.
    ///
    /// The request may be sent to the server if the result is `Ok`. Call [`McpSession::complete`] with each response of the
    /// server. If the session is dropped instead, its reservation is given back.
    ///
    /// # Errors
    ///
    /// Returns the rejection to respond with: 400 if the field is malformed, 404 if the caller does not own the session,
    /// 503 if there is no room for another session, or 500 if there is neither a token nor a marker.
    pub fn begin(
        &self,
        method: &str,
        headers: &HeaderMap,
        calls: Option<&McpCalls<'_>>,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
    ) -> Result<McpSession, McpRejection> {
        self.begin_at(method, headers, calls, token, anonymous, Now::read())
    }

    fn begin_at(
        &self,
        method: &str,
        headers: &HeaderMap,
        calls: Option<&McpCalls<'_>>,
        token: Option<&VerifiedToken>,
        anonymous: Option<&Anonymous>,
        now: Now,
    ) -> Result<McpSession, McpRejection> {
        if token.is_none() && anonymous.is_none() {
            return Err(Rejection::missing_layer().into());
        }
        let mut session = McpSession {
            sessions: self.clone(),
            token: token.cloned(),
            id: None,
            is_delete: method == "DELETE",
            place: None,
        };
        match session_id(headers) {
            Err(MalformedId) => return Err(McpRejection::malformed_session_id(token)),
            Ok(Some(id)) => {
                session.id = self.fingerprint(id);
                // One rejection for both, so that it does not tell which sessions exist.
                if !session.renew(now) {
                    return Err(McpRejection::unknown_session(token));
                }
            }
            Ok(None) => {}
        }
        // Also within a session: a server may begin another one.
        if calls.is_some_and(McpCalls::begins_session) {
            session.place = Some(self.reserve(token, now)?);
        }
        Ok(session)
    }

    /// Reserves a place for a session of a caller.
    fn reserve(&self, token: Option<&VerifiedToken>, now: Now) -> Result<Holder, McpRejection> {
        let holder = token.map_or(Holder::Anonymous, |token| {
            Holder::Subject(token.subject_digest())
        });
        let (capacity, share) = (self.limits.capacity, self.limits.share());
        // Without digests the session could not be bound later.
        let is_reserved = self.shared.fingerprints.is_some()
            && self
                .with_store(|store| store.reserve(holder, capacity, share, now))
                .unwrap_or(false);
        if !is_reserved {
            if self.shared.full.failed(now.instant) {
                tracing::warn!("MCP session store is full (in total or for one subject)");
            }
            return Err(McpRejection::too_many_sessions(token));
        }
        if self.shared.full.succeeded(now.instant) {
            tracing::info!("MCP session store has capacity again");
        }
        Ok(holder)
    }

    fn fingerprint(&self, id: &[u8]) -> Option<Fingerprint> {
        self.shared.fingerprints.as_ref()?.of(id)
    }

    /// Returns `None` after a panic under the lock, when the contents may be inconsistent.
    fn with_store<T>(&self, change: impl FnOnce(&mut Store) -> T) -> Option<T> {
        self.shared
            .store
            .lock()
            .ok()
            .map(|mut store| change(&mut store))
    }
}

impl Limits {
    fn share(self) -> usize {
        self.per_subject
            .unwrap_or_else(|| (self.capacity / 16).max(16))
    }
}

impl Default for McpSessions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for McpSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpSessions")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// The session of one request to an MCP server, until the server responds: the one that the request names, or a
/// reserved place for the one that it may begin.
///
/// ```
/// # use http::{HeaderMap, StatusCode};
/// # use okta_verifier_testing::TestIssuer;
/// # use okta_verifier::Verifier;
/// use okta_verifier::mcp::McpSessions;
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let okta = TestIssuer::new("https://mcp.example.com/mcp");
/// # let verifier = Verifier::builder().issuer(okta.issuer().any_client_id()).build()?;
/// let sessions = McpSessions::new();
/// let ada = verifier.verify(&okta.token("ada").sign()).await?;
/// let bob = verifier.verify(&okta.token("bob").sign()).await?;
/// let (request, mut response) = (HeaderMap::new(), HeaderMap::new());
/// response.insert("mcp-session-id", "1868a90c".parse()?);
///
/// let of_ada = sessions.begin("POST", &request, None, Some(&ada), None)?;
/// assert!(of_ada.complete(StatusCode::OK, &response).is_ok());
///
/// // The server has given the session of ada to bob, so bob must not get the response.
/// let of_bob = sessions.begin("POST", &request, None, Some(&bob), None)?;
/// let rejected = of_bob.complete(StatusCode::OK, &response).unwrap_err();
/// assert_eq!(rejected.into_parts().0.status(), 500);
/// # Ok(())
/// # }
/// ```
#[must_use = "the session of the response has no owner unless `complete` is called"]
pub struct McpSession {
    sessions: McpSessions,
    /// `None` if an optional layer has admitted the request without a token.
    token: Option<VerifiedToken>,
    /// The session that the request names.
    id: Option<Fingerprint>,
    is_delete: bool,
    /// The holder of the place that is reserved, and that is given back on drop.
    place: Option<Holder>,
}

impl McpSession {
    /// Binds the session that the response names to the caller, or removes the session that the caller has deleted.
    ///
    /// # Errors
    ///
    /// Returns the rejection to send in place of the response: 500 if the session cannot be bound, because it
    /// belongs to another owner or the field is malformed, and 503 if there is no room for it. The client must not get the
    /// response, because its session would have no owner.
    pub fn complete(self, status: StatusCode, headers: &HeaderMap) -> Result<(), McpRejection> {
        self.complete_at(status, headers, Now::read())
    }

    fn complete_at(
        mut self,
        status: StatusCode,
        headers: &HeaderMap,
        now: Now,
    ) -> Result<(), McpRejection> {
        if let (true, true, Some(id)) = (self.is_delete, status.is_success(), self.id) {
            let owner = self.owner();
            self.sessions.with_store(|store| store.remove(id, owner));
        }
        let id = match session_id(headers) {
            Ok(None) => return Ok(()),
            Ok(Some(id)) => self.sessions.fingerprint(id),
            Err(MalformedId) => None,
        };
        // The server repeats the session of the request. If a `DELETE` has removed it in the meantime, it stays removed.
        if id.is_some() && id == self.id {
            return Ok(());
        }
        let holder = match self.place {
            Some(holder) => holder,
            // The server begins a session although the request is not `initialize`.
            None => self.sessions.reserve(self.token.as_ref(), now)?,
        };
        self.place = Some(holder);
        let (owner, idle) = (self.owner(), self.sessions.limits.idle);
        let binding = id.and_then(|id| {
            self.sessions
                .with_store(|store| store.bind(id, owner, holder, idle, now))
        });
        match binding {
            Some(Binding::New) => {
                self.place = None; // It is the session's now.
                Ok(())
            }
            Some(Binding::Renewed) => Ok(()),
            Some(Binding::OfAnother) | None => {
                tracing::error!(
                    "the MCP server responded with a session that cannot be bound to the caller, so the response was withheld"
                );
                Err(McpRejection::unbound_session(self.token.as_ref()))
            }
        }
    }

    /// Returns whether the caller owns the session that the request names, and renews it.
    fn renew(&self, now: Now) -> bool {
        let Some(id) = self.id else {
            return false;
        };
        let (owner, idle) = (self.owner(), self.sessions.limits.idle);
        let renewed = self
            .sessions
            .with_store(|store| store.renew(id, owner, idle, now));
        renewed == Some(true)
    }

    /// Returns who calls. The digest is computed only for requests that have or begin a session.
    fn owner(&self) -> Owner {
        match &self.token {
            Some(token) => Owner::Caller(token.caller()),
            None => Owner::Anonymous,
        }
    }
}

impl Drop for McpSession {
    fn drop(&mut self) {
        if let Some(holder) = self.place {
            self.sessions.with_store(|store| store.give_back(holder));
        }
    }
}

impl fmt::Debug for McpSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpSession").finish_non_exhaustive()
    }
}

// A name that is known when the program is compiled need not be parsed for each request.
static SESSION_ID: HeaderName = HeaderName::from_static("mcp-session-id");

/// The field has more than one line, or a value that is empty or not visible ASCII.
#[derive(Debug, PartialEq, Eq)]
struct MalformedId;

/// Returns the session that a message names. The ID has only visible ASCII characters (MCP 2025-11-25, Transports,
/// Session Management).
fn session_id(headers: &HeaderMap) -> Result<Option<&[u8]>, MalformedId> {
    let mut lines = headers.get_all(&SESSION_ID).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(id), None) => match id.as_bytes() {
            [] => Err(MalformedId),
            id if id.iter().all(u8::is_ascii_graphic) => Ok(Some(id)),
            _ => Err(MalformedId),
        },
        (Some(_), Some(_)) => Err(MalformedId),
    }
}
