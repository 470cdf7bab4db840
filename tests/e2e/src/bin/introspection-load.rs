//! Introspection under hostile load, in real time: unknown clients send invented tokens to a verifier
//! whose introspection endpoint fails on them, and one client sends too many good tokens.
//!
//! `cargo run --bin introspection-load -- 10` (in `tests/e2e/`) runs for that many seconds per row. It prints
//! two tables, and exits with 1 if too few honest requests are served.

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use okta_verifier::{
    Algorithm, Verifier,
    adapter::RequestCredentials,
    introspection::{ClientAuthentication, Introspection},
};
use okta_verifier_testing::{CLIENT_ID, CLIENT_SECRET, Fault, MockOkta, TokenBuilder};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

const HONEST_CALLERS: usize = 20;
/// Each honest caller sends two requests per second.
const HONEST_PERIOD: Duration = Duration::from_millis(500);
const MAX_AGE: Duration = Duration::from_secs(10);
const GREEDY_TOKENS: usize = 400;
const GREEDY_PER_SECOND: u32 = 400;
const INVENTED_PER_SECOND: [u32; 2] = [50, 500];
/// The required percentage of served honest requests next to invented tokens.
const SERVED_BESIDE_STRANGERS: f64 = 99.0;
/// The required percentage of served requests of each other client next to a greedy one.
const SERVED_BESIDE_GREEDY: f64 = 95.0;

#[derive(Default)]
struct Caller {
    sent: AtomicU64,
    served: AtomicU64,
}

impl Caller {
    fn percent(&self) -> f64 {
        let [served, sent] =
            [&self.served, &self.sent].map(|count| count.load(Ordering::Relaxed) as f64);
        100.0 * served / sent.max(1.0)
    }
}

/// A number of callers whose requests are counted.
struct Crowd {
    callers: Vec<Arc<Caller>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Crowd {
    /// Starts one caller per token, which repeats its request until `stop`.
    fn start(verifier: &Verifier, tokens: Vec<String>, stop: &Arc<AtomicBool>) -> Self {
        let callers: Vec<Arc<Caller>> = tokens.iter().map(|_| Arc::default()).collect();
        let count = tokens.len() as u32;
        let tasks = tokens.into_iter().zip(callers.clone()).zip(0..);
        let tasks = tasks.map(|((token, caller), number)| {
            let (verifier, stop) = (verifier.clone(), stop.clone());
            tokio::spawn(async move {
                sleep(HONEST_PERIOD * number / count).await;
                let mut ticks = interval(HONEST_PERIOD);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !stop.load(Ordering::Relaxed) {
                    ticks.tick().await;
                    caller.sent.fetch_add(1, Ordering::Relaxed);
                    if is_served(&verifier, &token).await {
                        caller.served.fetch_add(1, Ordering::Relaxed);
                    }
                }
            })
        });
        Self {
            tasks: tasks.collect(),
            callers,
        }
    }

    async fn end(&mut self) -> Result<(), Box<dyn Error>> {
        for task in self.tasks.drain(..) {
            task.await?;
        }
        Ok(())
    }

    fn sent(&self) -> u64 {
        let sent = |caller: &Arc<Caller>| caller.sent.load(Ordering::Relaxed);
        self.callers.iter().map(sent).sum()
    }

    fn percent(&self) -> f64 {
        let served = |caller: &Arc<Caller>| caller.served.load(Ordering::Relaxed);
        let served: u64 = self.callers.iter().map(served).sum();
        100.0 * served as f64 / self.sent().max(1) as f64
    }

    /// Returns the percentage of the caller that was served least.
    fn least(&self) -> f64 {
        let percent = self.callers.iter().map(|caller| caller.percent());
        percent.fold(100.0, f64::min)
    }
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seconds = match env::args().nth(1) {
        Some(text) => text
            .parse()
            .map_err(|_| "usage: introspection-load [SECONDS]")?,
        None => 10,
    };
    let time = Duration::from_secs(seconds);
    let mut good = true;
    println!(
        "{HONEST_CALLERS} honest callers with signed tokens and as many with opaque ones, 2 requests per second each, \
         max_age 10 s, {seconds} s per row:\n"
    );
    println!(
        "| the endpoint, about an invented token | invented tokens per second | signed tokens served | opaque tokens served | introspection requests |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (name, fault) in [
        ("500", Fault::Status(500)),
        ("401", Fault::Status(401)),
        (
            "400 `unauthorized_client`",
            Fault::OauthError(400, "unauthorized_client"),
        ),
        ("closes the connection", Fault::Drop),
        ("never answers", Fault::Hang),
    ] {
        for rate in INVENTED_PER_SECOND {
            good &= beside_strangers(name, &fault, rate, time).await?;
        }
    }
    println!(
        "\nThe same honest callers with signed tokens, next to one client with {GREEDY_TOKENS} tokens and {GREEDY_PER_SECOND} requests per second:\n"
    );
    println!(
        "| the greedy client's tokens | its requests served | of the other clients | of the one served least | introspection requests |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (name, subjects) in [("of one subject", 1), ("of 400 subjects", GREEDY_TOKENS)] {
        good &= beside_greedy(name, subjects, time).await?;
    }
    if !good {
        println!("\ntoo few honest requests were served");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}

async fn beside_strangers(
    name: &str,
    fault: &Fault,
    rate: u32,
    time: Duration,
) -> Result<bool, Box<dyn Error>> {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta)?;
    let (signed, opaque) = honest(&okta);
    // The opaque tokens were active before the flood.
    for token in &opaque {
        if !is_served(&verifier, token).await {
            return Err("an opaque token is not served before the flood".into());
        }
    }
    verifier.warm_up().await?;
    okta.fault_for_unknown_tokens(fault.clone());
    okta.reset_hits();
    let stop = Arc::new(AtomicBool::new(false));
    let mut signed = Crowd::start(&verifier, signed, &stop);
    let mut opaque = Crowd::start(&verifier, opaque, &stop);
    let flood = flood(rate, time, |number| {
        let verifier = verifier.clone();
        async move { is_served(&verifier, &format!("invented-{number}")).await }
    });
    flood.await?;
    stop.store(true, Ordering::Relaxed);
    signed.end().await?;
    opaque.end().await?;
    let [of_signed, of_opaque] = [signed.percent(), opaque.percent()];
    println!(
        "| {name} | {rate} | {of_signed:.1} % of {} | {of_opaque:.1} % of {} | {} |",
        signed.sent(),
        opaque.sent(),
        okta.hits().introspection,
    );
    Ok(of_signed.min(of_opaque) >= SERVED_BESIDE_STRANGERS)
}

async fn beside_greedy(
    name: &str,
    subjects: usize,
    time: Duration,
) -> Result<bool, Box<dyn Error>> {
    let okta = MockOkta::start().await;
    let verifier = verifier(&okta)?;
    let (signed, _) = honest(&okta);
    let greedy: Arc<[String]> = (0..GREEDY_TOKENS)
        .map(|number| {
            let subject = format!("greedy {}", number % subjects);
            sign(okta.token(subject).client_id("0oa1greedy"))
        })
        .collect();
    verifier.warm_up().await?;
    okta.reset_hits();
    let stop = Arc::new(AtomicBool::new(false));
    let mut others = Crowd::start(&verifier, signed, &stop);
    let flood = flood(GREEDY_PER_SECOND, time, |number| {
        let (verifier, greedy) = (verifier.clone(), greedy.clone());
        async move { is_served(&verifier, &greedy[number as usize % GREEDY_TOKENS]).await }
    });
    let (sent, served) = flood.await?;
    stop.store(true, Ordering::Relaxed);
    others.end().await?;
    println!(
        "| {name} | {:.1} % of {sent} | {:.1} % of {} | {:.1} % | {} |",
        100.0 * served as f64 / sent as f64,
        others.percent(),
        others.sent(),
        others.least(),
        okta.hits().introspection,
    );
    Ok(others.least() >= SERVED_BESIDE_GREEDY)
}

/// Sends this many requests per second, whether or not earlier ones have ended. Returns how many were
/// sent and how many of them were served.
async fn flood<F>(
    per_second: u32,
    time: Duration,
    request: impl Fn(u32) -> F,
) -> Result<(u32, u32), Box<dyn Error>>
where
    F: Future<Output = bool> + Send + 'static,
{
    let count = per_second * time.as_secs() as u32;
    let mut ticks = interval(Duration::from_secs(1) / per_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut requests = Vec::new();
    for number in 0..count {
        ticks.tick().await;
        requests.push(tokio::spawn(request(number)));
    }
    let mut served = 0;
    for request in requests {
        served += u32::from(request.await?);
    }
    Ok((count, served))
}

fn verifier(okta: &MockOkta) -> Result<Verifier, Box<dyn Error>> {
    let client = ClientAuthentication::client_secret_basic(CLIENT_ID, CLIENT_SECRET);
    let introspection = Introspection::every_token(client).max_age(MAX_AGE);
    let issuer = okta.issuer("api://default").any_client_id();
    Ok(Verifier::builder()
        .issuer(issuer.introspection(introspection))
        .build()?)
}

/// Returns the tokens of honest callers, each with its own client and subject: signed and opaque.
fn honest(okta: &MockOkta) -> (Vec<String>, Vec<String>) {
    let of = |token: TokenBuilder, number: usize| sign(token.client_id(format!("0oa2{number}")));
    (0..HONEST_CALLERS)
        .map(|number| {
            let subject = format!("honest {number}");
            let signed = of(okta.token(subject.clone()), number);
            let opaque = of(okta.opaque_token(subject), HONEST_CALLERS + number);
            (signed, opaque)
        })
        .unzip()
}

fn sign(token: TokenBuilder) -> String {
    token.algorithm(Algorithm::ES256).sign()
}

async fn is_served(verifier: &Verifier, token: &str) -> bool {
    let line = format!("Bearer {token}");
    let credentials = RequestCredentials::new([line.as_bytes()]);
    verifier.authenticate(&credentials).await.is_ok()
}
