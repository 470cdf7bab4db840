//! `Shop`: what both frameworks share. Each method is what a route does.

use std::{error::Error, fs, path::Path, sync::mpsc::SyncSender, time::Duration};

use futures_util::{Stream, StreamExt};
use governor::{
    DefaultKeyedRateLimiter, Quota,
    clock::{Clock, DefaultClock},
};
use okta_verifier::{
    ApplicationRejection, Caller, OwnedPolicy, Rejection, VerifiedToken, Verifier,
    revocation::{BackChannelLogout, Revocations, Rule, SubjectClaim, Transmitter},
    settings::Settings,
};

use crate::{
    orders::{Customer, Order, Orders},
    settings::ShopSettings,
};

const RATE_LIMIT: ApplicationRejection = ApplicationRejection::new(429, "rate_limit");
const NO_SUCH_USER: ApplicationRejection = ApplicationRejection::new(422, "no_such_user");

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
        // glue: settings
        let mut file: toml::Table = fs::read_to_string(file)?.parse()?;
        let own = file.remove("shop").ok_or("shop: write this table")?;
        let verifier = Settings::read(file)?;
        let [refund, lock_out] = verifier.required_policies(["refund", "lock_out"])?;
        // end of glue
        let settings: ShopSettings = own.try_into()?;
        let secret = fs::read_to_string(&settings.events_secret_file)?;
        // glue: revocation
        let okta = Transmitter::okta(&settings.org)
            .audience(&settings.events_audience)
            .authorization(secret.trim());
        let clerks = BackChannelLogout::new(&settings.clerks, &settings.clerks_client);
        let revocations = Revocations::builder()
            .forgets_at_restart()
            .session_claim("sid")
            .transmitter(okta)
            .back_channel_logout(clerks)
            .build()?;
        let builder = verifier.builder()?.revocations(revocations.clone());
        // end of glue
        Ok(Self {
            limiter: DefaultKeyedRateLimiter::keyed(Quota::per_minute(settings.orders_per_minute)),
            settings,
            verifier: builder.build()?,
            revocations,
            refund: refund.clone(),
            lock_out: lock_out.clone(),
            audit,
            orders: Orders::new(),
        })
    }

    /// Returns the verifier, to fetch the keys before the first request.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Returns the metrics in the text format of Prometheus.
    pub(crate) fn metrics(&self) -> String {
        self.verifier.prometheus_text() // glue: metrics
    }

    /// Forgets the callers whose rate limit is not used any more. Call it now and then.
    pub fn forget_idle_callers(&self) {
        self.limiter.retain_recent(); // glue: rate limit
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
        let rule = Rule::subject(admin.issuer(), SubjectClaim::Subject, user);
        let revoked = self.revocations.revoke(rule).await;
        revoked.map_err(|_| admin.reject(NO_SUCH_USER))
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
