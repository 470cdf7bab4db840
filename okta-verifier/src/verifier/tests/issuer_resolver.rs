//! The issuer resolver: what its results mean, how often it is called, and how long its settings are used.

mod cache;
mod limits;
mod results;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use okta_verifier_testing::TestIssuer;

use crate::{
    Issuer, IssuerResolver, Verifier, VerifierBuilder,
    adapter::RequestCredentials,
    error::{UnavailableReason, VerifyError},
};

const AUDIENCE: &str = "api://orders";
const PATTERN: &str = "https://*.login.test/oauth2/default";

/// A database of tenants.
#[derive(Clone, Default)]
struct Database {
    rows: Arc<Mutex<HashMap<String, Row>>>,
    calls: Arc<AtomicUsize>,
    in_flight: Arc<AtomicUsize>,
    most_in_flight: Arc<AtomicUsize>,
}

/// What a query about an issuer does. Without a row, the issuer does not exist.
#[derive(Clone)]
enum Row {
    Found(Issuer),
    Slow(Issuer),
    Fails,
    Hangs,
    Panics,
}

impl Database {
    /// Returns a database with the settings of these issuers.
    fn of<'t>(tenants: impl IntoIterator<Item = &'t TestIssuer>) -> Self {
        let database = Self::default();
        for tenant in tenants {
            database.set(tenant, Row::Found(settings(tenant)));
        }
        database
    }

    fn set(&self, tenant: &TestIssuer, row: Row) {
        let url = tenant.issuer_url().to_owned();
        self.rows.lock().unwrap().insert(url, row);
    }

    fn remove(&self, tenant: &TestIssuer) {
        self.rows.lock().unwrap().remove(tenant.issuer_url());
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn resolver(&self) -> IssuerResolver {
        self.resolver_of([PATTERN])
    }

    fn resolver_of<P: Into<String>>(
        &self,
        patterns: impl IntoIterator<Item = P>,
    ) -> IssuerResolver {
        let database = self.clone();
        IssuerResolver::new(patterns, move |iss| database.clone().query(iss))
    }

    async fn query(self, iss: String) -> Result<Option<Issuer>, std::io::Error> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let _in_flight = InFlight::new(&self);
        let row = self.rows.lock().unwrap().get(&iss).cloned();
        match row {
            Some(Row::Found(issuer)) => Ok(Some(issuer)),
            Some(Row::Slow(issuer)) => {
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
                Ok(Some(issuer))
            }
            Some(Row::Fails) => Err(std::io::Error::other(format!("no row about {iss}"))),
            Some(Row::Hangs) => std::future::pending().await,
            Some(Row::Panics) => panic!("a bug of the resolver"),
            None => Ok(None),
        }
    }
}

/// Counts a query while it runs.
struct InFlight(Arc<AtomicUsize>);

impl InFlight {
    fn new(database: &Database) -> Self {
        let now = database.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        database.most_in_flight.fetch_max(now, Ordering::SeqCst);
        Self(database.in_flight.clone())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tenant(name: &str) -> TestIssuer {
    TestIssuer::new(AUDIENCE).at(format!("https://{name}.login.test/oauth2/default"))
}

/// Returns the settings of the tenant without a choice of clients.
fn undecided(tenant: &TestIssuer) -> Issuer {
    Issuer::okta(tenant.issuer_url(), AUDIENCE).keys(tenant.jwks())
}

fn settings(tenant: &TestIssuer) -> Issuer {
    undecided(tenant).any_client_id()
}

fn builder(resolver: IssuerResolver) -> VerifierBuilder {
    Verifier::builder().issuer_resolver(resolver)
}

fn verifier(database: &Database) -> Verifier {
    builder(database.resolver()).build().unwrap()
}

async fn code(verifier: &Verifier, jwt: &str) -> &'static str {
    let result = verifier.verify(jwt).await;
    // The response to a request is the same.
    result.map_or_else(|error| error.code(), |_| "ok")
}

/// Returns the status of the response to a request with this token, and its `Retry-After`.
async fn response(verifier: &Verifier, jwt: &str) -> (u16, Option<String>) {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    match verifier.authenticate(&credentials).await {
        Ok(_) => (200, None),
        Err(rejection) => {
            let retry_after = rejection.headers().find(|(name, _)| name == "retry-after");
            let retry_after = retry_after.map(|(_, value)| value.to_str().unwrap().to_owned());
            (rejection.status().as_u16(), retry_after)
        }
    }
}

/// Returns whether the result is ready without a wait, and is a token.
fn is_accepted_at_once(verifier: &Verifier, jwt: &str) -> bool {
    let authorization = format!("Bearer {jwt}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    let result = verifier.authenticate(&credentials).into_ready();
    result.is_ok_and(|result| result.is_ok())
}

async fn reason(verifier: &Verifier, jwt: &str) -> (Duration, UnavailableReason) {
    match verifier.verify(jwt).await {
        Err(VerifyError::Unavailable {
            retry_after,
            source,
        }) => (retry_after, source),
        result => panic!("{result:?}"),
    }
}

/// Lets the tasks run that are ready.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn pass(time: Duration) {
    tokio::time::advance(time).await;
    settle().await;
}

fn counts(verifier: &Verifier) -> (usize, usize, u64) {
    verifier.0.resolved.as_ref().unwrap().counts()
}
