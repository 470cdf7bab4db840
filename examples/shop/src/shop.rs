//! `Shop`: what both frameworks share. Each method is what a route does.

use std::{error::Error, fs, path::Path, sync::mpsc::SyncSender, time::Duration};

use futures_util::{Stream, StreamExt};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use okta_verifier::{
    ApplicationRejection, Caller, OwnedPolicy, Rejection, VerifiedToken, Verifier, VerifierBuilder,
    revocation::{
        BackChannelLogout, Revocations, RevocationsBuilder, RevokeError, Rule, SubjectClaim,
        Transmitter,
    },
    settings::Settings,
};

use crate::{
    orders::{Customer, Order, Orders},
    settings::ShopSettings,
};

const RATE_LIMIT: ApplicationRejection = ApplicationRejection::new(429, "rate_limit");
const NO_SUCH_USER: ApplicationRejection = ApplicationRejection::new(422, "no_such_user");
const LOG_UNAVAILABLE: ApplicationRejection = ApplicationRejection::new(503, "log_unavailable");

const AGAIN: Duration = Duration::from_secs(1);

/// The shop: its settings, its verifier and its orders.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shop {
    pub(crate) settings: ShopSettings,
    pub(crate) verifier: Verifier,
    pub(crate) revocations: Revocations,
    pub(crate) refund: OwnedPolicy,
    pub(crate) lock_out: OwnedPolicy,
    pub(crate) audit: SyncSender<String>,
    limiter: DefaultKeyedRateLimiter<Caller>,
    orders: Orders,
}

impl Shop {
    /// Reads the settings file. `audit` receives a line for each request.
    ///
    /// # Errors
    ///
    /// Returns an error if a file cannot be read, or if a setting is wrong.
    pub fn read(file: &Path, audit: SyncSender<String>) -> Result<Self, Box<dyn Error>> {
        let revocations = Revocations::builder().forgets_at_restart(); // glue: revocation
        Self::read_with(file, audit, revocations, |verifier| verifier)
    }

    /// Reads the settings file of one of several instances. `revocations` has the log that they share, and `share` gives
    /// the verifier the replay store that they share.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`read`](Self::read), and an error if a setting of `revocations` is wrong.
    pub fn read_with(
        file: &Path,
        audit: SyncSender<String>,
        revocations: RevocationsBuilder,
        share: impl FnOnce(VerifierBuilder) -> VerifierBuilder,
    ) -> Result<Self, Box<dyn Error>> {
        // The error of the parser quotes the line, which may contain a secret. Its message does not.
        let text = contents(file)?;
        let mut file: toml::Table = text
            .parse()
            .map_err(|error: toml::de::Error| error.message().to_owned())?;
        let own: ShopSettings = file
            .remove("shop")
            .ok_or("shop: write this table")?
            .try_into()?;
        let secret = contents(&own.events_secret_file)?;
        // glue: settings
        let settings = Settings::read(file)?;
        let [refund, lock_out] = settings.required_policies(["refund", "lock_out"])?;
        // end of glue
        // glue: revocation
        let okta = Transmitter::okta(&own.org)
            .audience(&own.events_audience)
            .authorization(secret.trim());
        let clerks = BackChannelLogout::new(&own.clerks, &own.clerks_client);
        let revocations = revocations
            .session_claim("sid")
            .transmitter(okta)
            .back_channel_logout(clerks)
            .build()?;
        let builder = settings.builder()?.revocations(revocations.clone());
        let verifier = share(builder).build()?;
        // end of glue
        // glue: rate limit
        let limiter = DefaultKeyedRateLimiter::keyed(Quota::per_minute(own.orders_per_minute));
        // end of glue
        Ok(Self {
            settings: own,
            verifier,
            revocations,
            refund: refund.clone(),
            lock_out: lock_out.clone(),
            audit,
            limiter,
            orders: Orders::new(),
        })
    }

    /// Returns the verifier, to fetch the keys before the first request.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Returns the metrics in the text format of Prometheus. Each scrape forgets the callers whose limit is unused again.
    pub(crate) fn metrics(&self) -> String {
        self.limiter.retain_recent(); // glue: rate limit
        self.verifier.prometheus_text() // glue: metrics
    }

    pub(crate) fn place(&self, token: &VerifiedToken, article: &str) -> Result<Order, Rejection> {
        self.admit(token)?;
        let placed = self.orders.place(Customer::of(token), article);
        placed.map_err(|reason| token.reject(reason))
    }

    pub(crate) fn pay(&self, token: &VerifiedToken, id: u64) -> Result<Order, Rejection> {
        let paid = self.orders.pay(&Customer::of(token), id);
        paid.map_err(|reason| token.reject(reason))
    }

    pub(crate) fn refund(&self, token: &VerifiedToken, id: u64) -> Result<Order, Rejection> {
        let refunded = self.orders.refund(id);
        refunded.map_err(|reason| token.reject(reason))
    }

    /// Returns the changes of the customer's orders, until the token is no longer valid.
    pub(crate) fn changes(
        &self,
        token: &VerifiedToken,
    ) -> impl Stream<Item = Order> + Send + 'static + use<> {
        let changes = self.orders.changes(Customer::of(token));
        // glue: stream
        changes.take_until(self.verifier.until_void(token))
        // end of glue
    }

    /// Rejects every token of a user of the administrator's issuer that was issued until now.
    pub(crate) async fn lock_out(
        &self,
        admin: &VerifiedToken,
        user: String,
    ) -> Result<(), Rejection> {
        if user.is_empty() {
            return Err(admin.reject(NO_SUCH_USER));
        }
        let rule = Rule::subject(admin.issuer(), SubjectClaim::Subject, user);
        let revoked = self.revocations.revoke(rule).await;
        revoked.map_err(|error| match error {
            // The rule applies to this instance, and will be written. The administrator learns that it was not yet.
            RevokeError::LogUnavailable => admin.reject(LOG_UNAVAILABLE.retry_after(AGAIN)),
            _ => admin.reject(NO_SUCH_USER),
        })
    }

    // glue: rate limit
    fn admit(&self, token: &VerifiedToken) -> Result<(), Rejection> {
        let checked = self.limiter.check_key(&token.caller());
        checked.map_err(|until| {
            let wait: Duration = until.wait_time_from(DefaultClock::default().now());
            token.reject(RATE_LIMIT.retry_after(wait))
        })
    }
    // end of glue
}

/// Reads a file. The error names it.
fn contents(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}
