//! A flood of invented key IDs against one verifier, with honest callers next to it, in real time.
//!
//! `cargo run --bin unknown-keys -- 10` (in `tests/e2e/`) floods for that many seconds, or longer, until a key
//! that is rotated during the flood is accepted. It prints a table, and exits with 1 if a bound is
//! exceeded.

use std::{
    env,
    error::Error,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use okta_verifier::{Verifier, adapter::RequestCredentials};
use okta_verifier_testing::{MockOkta, Rotation};
use tokio::time::sleep;

const SENDERS: u64 = 4;
/// The maximum number of invented IDs that a sender sends per millisecond.
const AT_ONCE: u64 = 10;
const HONEST_CALLERS: usize = 20;
const HONEST_PAUSE: Duration = Duration::from_millis(500);
/// The number of fetches that unknown keys may cause at once; each interval allows one more.
const BURST: u64 = 3;
const REFILL: Duration = Duration::from_secs(10);
/// The tolerance for the fetch itself and for other load on the machine.
const TOLERANCE: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    unauthorized: AtomicU64,
    server_errors: AtomicU64,
    served: AtomicU64,
    rejected: AtomicU64,
    stop: AtomicBool,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seconds = match env::args().nth(1) {
        Some(text) => text.parse().map_err(|_| "usage: unknown-keys [SECONDS]")?,
        None => 10,
    };
    let okta = MockOkta::start().await;
    let issuer = okta.issuer("api://default").any_client_id();
    let verifier = Verifier::builder().issuer(issuer).build()?;
    verifier.warm_up().await?;
    okta.reset_hits();

    let counters = Arc::new(Counters::default());
    let begin = Instant::now();
    let mut tasks = Vec::new();
    let invented = Invented::new(&okta);
    for sender in 0..SENDERS {
        let (verifier, counters) = (verifier.clone(), counters.clone());
        let invented = invented.clone();
        tasks.push(tokio::spawn(async move {
            let mut number = 0;
            while !counters.stop.load(Ordering::Relaxed) {
                for _ in 0..AT_ONCE {
                    number += 1;
                    let token = invented.token(sender, number);
                    counters.sent.fetch_add(1, Ordering::Relaxed);
                    match status(&verifier, &token).await {
                        401 => counters.unauthorized.fetch_add(1, Ordering::Relaxed),
                        500.. => counters.server_errors.fetch_add(1, Ordering::Relaxed),
                        _ => 0,
                    };
                }
                sleep(Duration::from_millis(1)).await;
            }
        }));
    }
    for caller in 0..HONEST_CALLERS {
        let (verifier, counters) = (verifier.clone(), counters.clone());
        let token = okta.token(format!("caller {caller}")).sign();
        tasks.push(tokio::spawn(async move {
            while !counters.stop.load(Ordering::Relaxed) {
                match status(&verifier, &token).await {
                    200 => counters.served.fetch_add(1, Ordering::Relaxed),
                    _ => counters.rejected.fetch_add(1, Ordering::Relaxed),
                };
                sleep(HONEST_PAUSE).await;
            }
        }));
    }

    // By now the flood has exhausted the rate limit.
    sleep(Duration::from_secs(1)).await;
    okta.rotate(Rotation::Overlap);
    let rotated = okta.token("ada").sign();
    let began = Instant::now();
    let mut rotated_after = None;
    while rotated_after.is_none() && began.elapsed() < REFILL + 2 * TOLERANCE {
        if status(&verifier, &rotated).await == 200 {
            rotated_after = Some(began.elapsed());
        } else {
            sleep(Duration::from_millis(20)).await;
        }
    }
    sleep(Duration::from_secs(seconds).saturating_sub(begin.elapsed())).await;
    counters.stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await?;
    }

    let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let (sent, fetches) = (of(&counters.sent), okta.hits().keys as u64);
    let most_fetches = BURST + begin.elapsed().as_secs() / REFILL.as_secs();
    let rows = [
        (
            "invented key IDs sent",
            sent.to_string(),
            "-".to_owned(),
            sent > 0,
        ),
        (
            "of these 401",
            of(&counters.unauthorized).to_string(),
            "all".to_owned(),
            of(&counters.unauthorized) == sent,
        ),
        (
            "of these 5xx",
            of(&counters.server_errors).to_string(),
            "0".to_owned(),
            of(&counters.server_errors) == 0,
        ),
        (
            "fetches of the keys",
            fetches.to_string(),
            format!("at most {most_fetches}"),
            fetches <= most_fetches,
        ),
        (
            "honest requests served",
            of(&counters.served).to_string(),
            "all".to_owned(),
            of(&counters.served) > 0 && of(&counters.rejected) == 0,
        ),
        (
            "time until a rotated key is accepted",
            rotated_after.map_or("never".to_owned(), |time| {
                format!("{:.1} s", time.as_secs_f64())
            }),
            format!("at most {} s", (REFILL + TOLERANCE).as_secs()),
            rotated_after.is_some_and(|time| time <= REFILL + TOLERANCE),
        ),
    ];
    println!("| in {:.0} s | | bound |", begin.elapsed().as_secs_f64());
    println!("|---|---|---|");
    for (name, value, bound, kept) in &rows {
        let broken = if *kept { "" } else { " (broken)" };
        println!("| {name} | {value}{broken} | {bound} |");
    }
    let kept = rows.iter().all(|(.., kept)| *kept);
    Ok(if kept {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Returns the status of the response to a request with this token.
async fn status(verifier: &Verifier, token: &str) -> u16 {
    let authorization = format!("Bearer {token}");
    let credentials = RequestCredentials::new([authorization.as_bytes()]);
    match verifier.authenticate(&credentials).await {
        Ok(_) => 200,
        Err(rejection) => rejection.status().as_u16(),
    }
}

/// Makes tokens with acceptable claims and distinct key IDs. Their signatures are invalid, but are not
/// checked before the key is known.
#[derive(Clone)]
struct Invented {
    payload_and_signature: Arc<str>,
}

impl Invented {
    fn new(okta: &MockOkta) -> Self {
        let token = okta.token("mallory").sign();
        let (_, rest) = token.split_once('.').expect("three parts");
        Self {
            payload_and_signature: rest.into(),
        }
    }

    fn token(&self, sender: u64, number: u64) -> String {
        let header = format!(r#"{{"alg":"RS256","kid":"invented-{sender}-{number}"}}"#);
        let header = URL_SAFE_NO_PAD.encode(header);
        format!("{header}.{}", self.payload_and_signature)
    }
}
