//! Sends requests of the conformance table to servers on okta-verifier and on the verifiers of other projects, and prints
//! what came of it as Markdown, for docs/design/comparison.md.
//!
//! All servers trust one issuer on loopback, over https with an authority of its own, which publishes one RS256 key as Okta
//! does. Only numbers are printed about a server: which bad requests another library accepts is for its authors first. The
//! run fails if okta-verifier itself does not give each response that it promises, or if a server cannot be measured.
//!
//! ci/others installs what the servers need, and runs this program. `others NAME..` is for the servers with these names.
//! With the variable `EXPLAIN`, it names each response of okta-verifier that is not as promised.

mod requests;
mod servers;
mod tally;

use std::{collections::BTreeMap, env, path::PathBuf, process::ExitCode};

use okta_verifier_testing::{
    Certificate, MockOkta,
    conformance::{self, Answer, Issuers},
};
use serde_json::Value;

use requests::Sent;
use servers::{Round, SERVERS, Server, Settings};
use tally::{Pair, Tally};

#[tokio::main]
async fn main() -> ExitCode {
    match compare().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("others: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn compare() -> Result<(), String> {
    let names: Vec<String> = env::args().skip(1).collect();
    let built = env::var_os("OTHERS").ok_or("OTHERS is not set; run ci/others")?;
    let built = PathBuf::from(built);
    let directory = built.join("certificates");
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;

    let (authority, certificate) = Certificate::with_authority(["127.0.0.1"]);
    servers::write_certificates(&directory, &authority).await?;
    let okta = MockOkta::builder().tls(certificate).start().await;
    let okta = okta.map_err(|error| error.to_string())?;
    let jwk = keep_rs256(&okta);
    let issuers = Issuers::fetching(&okta);
    let settings = Settings {
        issuer: okta.issuer_url().to_owned(),
        audience: AUDIENCE.to_owned(),
        token: okta.token("ada").scope("orders:read").sign(),
        jwk,
        certificates: directory,
        built,
    };
    let (sent, left_out) = requests::select(&issuers);

    let mut rows = Vec::new();
    let mut is_flawless = true;
    for server in SERVERS {
        if !names.is_empty() && !names.iter().any(|name| server.name == name) {
            continue;
        }
        eprintln!("{} ({})", server.name, server.language);
        let tally = send_all(server, &settings, &issuers, &sent).await?;
        let rounds = server.measure(&settings).await;
        let rounds = rounds.map_err(|error| format!("{}: {error}", server.name))?;
        is_flawless &= server.name != CONTROL || tally.is_flawless();
        rows.push(row(server, &tally, &rounds));
    }
    print(&sent, &left_out, &rows);
    match is_flawless {
        true => Ok(()),
        false => Err(format!(
            "{CONTROL} did not give each response that it promises"
        )),
    }
}

/// Sends every request, and starts the server again whenever it has ended.
async fn send_all(
    server: &Server,
    settings: &Settings,
    issuers: &Issuers,
    sent: &[Sent],
) -> Result<Tally, String> {
    let failed = |error| format!("{}: {error}", server.name);
    let mut tally = Tally::default();
    let mut running = server.start(settings).await.map_err(failed)?;
    warm_up(server, &running, settings).await?;
    for one in sent
        .iter()
        .filter(|it| server.has_http || !it.is_about_http)
    {
        let request = one.case.request(issuers);
        let mut answer = exchange(&running, &request).await;
        if answer.is_none() && running.ends().await {
            // Either this request ended it, or an earlier one that was answered before: the request is sent again to tell.
            running = server.start(settings).await.map_err(failed)?;
            answer = exchange(&running, &request).await;
            tally.server_errors += usize::from(answer.is_some());
            if answer.is_none() && running.ends().await {
                running = server.start(settings).await.map_err(failed)?;
            }
        }
        tally.count(one, answer.as_ref());
        if server.name == CONTROL && env::var_os("EXPLAIN").is_some() {
            explain(one, answer.as_ref());
        }
    }
    tally.server_errors += usize::from(running.ends().await);
    running.end().await;
    Ok(tally)
}

/// Sends good requests until one is served, so that the server has its keys.
async fn warm_up(
    server: &Server,
    running: &servers::Running,
    settings: &Settings,
) -> Result<(), String> {
    let message = format!(
        "GET /me HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
        running.address, settings.token
    );
    for _ in 0..20 {
        let answer = conformance::exchange(running.address, message.as_bytes()).await;
        if answer.is_ok_and(|it| it.status() == 200) {
            return Ok(());
        }
    }
    Err(format!("{} does not accept a valid token", server.name))
}

async fn exchange(running: &servers::Running, request: &conformance::Request) -> Option<Answer> {
    let message = request.to_http1(&running.address.to_string());
    conformance::exchange(running.address, &message).await.ok()
}

/// Prints what okta-verifier did wrong, and only okta-verifier.
fn explain(sent: &Sent, answer: Option<&Answer>) {
    let mut alone = Tally::default();
    alone.count(sent, answer);
    if !alone.is_flawless() {
        let status = answer.map(Answer::status);
        eprintln!("  {}: received {status:?}", sent.case.name());
    }
}

/// Withdraws the keys that are not for RS256, which Okta does not publish. Returns the one that is left.
fn keep_rs256(okta: &MockOkta) -> String {
    let set: Value = serde_json::from_str(&okta.jwks()).expect("the text is a JWK set");
    let mut left = String::new();
    for key in set["keys"].as_array().into_iter().flatten() {
        match key["alg"] == "RS256" {
            true => left = key.to_string(),
            false => okta.withdraw(key["kid"].as_str().unwrap_or_default()),
        }
    }
    left
}

fn row(server: &Server, tally: &Tally, rounds: &[Round]) -> String {
    let challenges = match server.has_http {
        true => format!("{} of {}", tally.challenges_right, tally.challenges),
        false => "-".to_owned(),
    };
    let cached = median(rounds.iter().filter_map(|it| Some(it.cached? / it.raw)));
    let cost = median(rounds.iter().map(|it| it.verify / it.raw)).unwrap_or(f64::NAN);
    let cost = match cached {
        Some(cached) => format!("{cost:.2}, cached {cached:.3}"),
        None => format!("{cost:.2}"),
    };
    let pair = |part: Pair, whole: Pair| {
        let of = |part, whole| format!("{part} of {whole}");
        let standard = of(part.standard, whole.standard);
        format!("{standard} | {}", of(part.our_reading, whole.our_reading))
    };
    format!(
        "| {} | {} | {} | {} | {} | {} of {} | {} | {challenges} | {cost} |",
        server.name,
        server.version(),
        server.language,
        pair(tally.good_rejected, tally.good),
        pair(tally.bad_accepted, tally.bad),
        tally.forged_accepted,
        tally.forged,
        tally.server_errors,
    )
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn print(sent: &[Sent], left_out: &[(String, &str)], rows: &[String]) {
    let http = sent.iter().filter(|it| it.is_about_http).count();
    println!(
        "{} requests of {}; {} of them for a library without HTTP.\n",
        sent.len(),
        sent.len() + left_out.len(),
        sent.len() - http
    );
    println!("| {COLUMNS} |");
    println!("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|");
    rows.iter().for_each(|row| println!("{row}"));
    println!("\nPackages that had to be added, because a library does not declare them:\n");
    for server in SERVERS.iter().filter(|it| !it.undeclared.is_empty()) {
        println!(
            "- {} ({}): {}",
            server.name,
            server.language,
            server.undeclared.join(", ")
        );
    }
    println!("\nRequests that are left out:\n");
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, reason) in left_out {
        reasons.entry(reason).or_default().push(name);
    }
    for (reason, names) in reasons {
        println!("- {}, because {reason}:", names.len());
        names.iter().for_each(|name| println!("  - {name}"));
    }
}

const COLUMNS: &str = " | version | language | good rejected | the same, by our reading | bad accepted | the same, by our reading | \
     forged accepted | server errors | challenges right | over the signature alone";

/// The server that must give each response.
const CONTROL: &str = "okta-verifier";
/// The audience of the conformance table.
const AUDIENCE: &str = "api://conformance";
