//! The counters and states of a verifier in the text format of Prometheus 0.0.4.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write},
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    health::{IntrospectionState, IssuerHealth, KeyState},
    stats::{
        RevocationStats, Stats,
        transmitters::{Signal, TransmitterState},
    },
};

/// Returns every metric. A metric without a series has its head only, so that its name does not depend on the state.
pub(crate) fn text(stats: &Stats, health: &[IssuerHealth]) -> String {
    let mut text = Text(String::with_capacity(4096));
    requests(&mut text, stats);
    fetches(&mut text, stats);
    introspections(&mut text, stats);
    text.head(
        "replay_failures_total",
        "counter",
        "DPoP proofs that the replay store could not record",
    );
    for (result, count) in [("full", stats.replay.full), ("failed", stats.replay.failed)] {
        text.sample("replay_failures_total", &[("result", result)], count);
    }
    signals(&mut text, &stats.revocation);
    states(&mut text, &configured(health));
    text.0
}

fn requests(text: &mut Text, stats: &Stats) {
    text.head(
        "requests_total",
        "counter",
        "Requests by issuer, outcome and code",
    );
    for it in stats.requests() {
        let issuer = ("issuer", it.issuer.unwrap_or_default());
        let code = ("code", it.code.unwrap_or_default());
        text.sample(
            "requests_total",
            &[issuer, ("outcome", it.outcome), code],
            it.count,
        );
    }
}

fn fetches(text: &mut Text, stats: &Stats) {
    text.head("key_fetches_total", "counter", "Fetches of keys by result");
    for it in &stats.issuers {
        let fetches = &it.key_fetches;
        let known = [
            ("succeeded", fetches.succeeded),
            ("not_sent", fetches.not_sent),
        ];
        text.results("key_fetches_total", &it.issuer, known, &fetches.failed);
    }
    text.head(
        "key_changes_total",
        "counter",
        "Fetches that changed the usable keys",
    );
    for it in &stats.issuers {
        let changes = it.key_fetches.keys_changed;
        text.sample("key_changes_total", &[("issuer", &it.issuer)], changes);
    }
}

fn introspections(text: &mut Text, stats: &Stats) {
    text.head(
        "introspections_total",
        "counter",
        "Introspection requests by result",
    );
    for it in &stats.issuers {
        let requests = &it.introspections;
        let known = [
            ("succeeded", requests.succeeded),
            ("not_sent", requests.not_sent),
        ];
        text.results("introspections_total", &it.issuer, known, &requests.failed);
    }
    text.head(
        "introspection_duration_seconds",
        "histogram",
        "How long introspection requests took",
    );
    for it in &stats.issuers {
        let issuer = ("issuer", &*it.issuer);
        let duration = &it.introspections.duration;
        let mut at_most = 0;
        for (bound, count) in &duration.buckets {
            at_most += count;
            let bound = match *bound {
                Duration::MAX => "+Inf".to_owned(),
                bound => bound.as_secs_f64().to_string(),
            };
            text.sample(
                "introspection_duration_seconds_bucket",
                &[issuer, ("le", &bound)],
                at_most,
            );
        }
        text.sample(
            "introspection_duration_seconds_sum",
            &[issuer],
            duration.sum.as_secs_f64(),
        );
        text.sample("introspection_duration_seconds_count", &[issuer], at_most);
    }
}

fn signals(text: &mut Text, stats: &RevocationStats) {
    let name = "revocations_unknown_issuer_total";
    text.head(name, "counter", "Rules whose issuer is not configured");
    text.sample(name, &[], stats.unknown_issuer);

    let name = "security_events_total";
    text.head(name, "counter", "Signals of the issuers by outcome");
    for it in &stats.transmitters {
        let mut count = |outcome, event, code, count: u64| {
            let sender = [("transmitter", &*it.issuer), ("kind", it.signal.name())];
            let what = [("outcome", outcome), ("event", event), ("code", code)];
            text.sample(name, &[&sender[..], &what].concat(), count);
        };
        it.applied
            .iter()
            .for_each(|(event, n)| count("applied", event, "", *n));
        let ignored = it.ignored.iter();
        ignored.for_each(|(event, reason, n)| count("ignored", event, reason, *n));
        it.rejected
            .iter()
            .for_each(|(code, n)| count("rejected", "", code, *n));
    }

    // Only security events have a stream.
    let streams = || {
        stats
            .transmitters
            .iter()
            .filter(|it| it.signal == Signal::SecurityEvent)
    };
    let mut of_each = |name, help, is_so: fn(&TransmitterState) -> bool| {
        text.head(name, "gauge", help);
        for it in streams() {
            let labels = [("transmitter", &*it.issuer)];
            text.sample(name, &labels, u8::from(is_so(it)));
        }
    };
    of_each(
        "stream_paused",
        "Whether the stream is paused or disabled",
        |it| it.stream.is_degraded(),
    );
    of_each(
        "stream_silent",
        "Whether no verification event arrives",
        |it| it.is_silent,
    );
    let name = "verification_requests_total";
    text.head(
        name,
        "counter",
        "Requests for verification events by result",
    );
    for it in streams() {
        let requests = &it.verification_requests;
        let succeeded = [("succeeded", requests.succeeded)];
        for (result, count) in succeeded.into_iter().chain(requests.failed.iter().copied()) {
            let labels = [("transmitter", &*it.issuer), ("result", result)];
            text.sample(name, &labels, count);
        }
    }
}

fn states(text: &mut Text, states: &BTreeMap<&str, &IssuerHealth>) {
    let mut of_each = |name, kind, help, value: &dyn Fn(&IssuerHealth) -> Option<f64>| {
        text.head(name, kind, help);
        for (issuer, health) in states {
            if let Some(value) = value(health) {
                text.sample(name, &[("issuer", issuer)], Number(value));
            }
        }
    };
    of_each(
        "keys_trusted_seconds",
        "gauge",
        "How long the keys are still trusted",
        &|it| Some(trusted_seconds(it)),
    );
    let name = "keys_last_success_timestamp_seconds";
    of_each(
        name,
        "gauge",
        "When the last successful fetch of keys began",
        &|it| {
            let since_epoch = it.last_success?.duration_since(UNIX_EPOCH).ok()?;
            Some(since_epoch.as_secs_f64())
        },
    );
    let name = "introspection_credentials_rejected";
    of_each(
        name,
        "gauge",
        "Whether the issuer rejects the credentials of this service",
        &|it| {
            let state = &it.introspection()?.state;
            let is_rejected = matches!(state, IntrospectionState::CredentialsRejected { .. });
            Some(f64::from(u8::from(is_rejected)))
        },
    );
    of_each(
        "clock_difference_seconds",
        "gauge",
        "How far this clock is ahead of the issuer's",
        &|it| Some(it.clock_difference?.ahead as f64),
    );
    of_each(
        "revocation_rules",
        "gauge",
        "Revocation rules that can still match a token",
        &|it| Some(it.revocation()?.rules as f64),
    );
    let name = "revocations_applied_total";
    of_each(
        name,
        "counter",
        "Rules that rejected more tokens than before",
        &|it| Some(it.revocation()?.applied as f64),
    );
    let name = "revocations_collapsed_total";
    of_each(
        name,
        "counter",
        "Rules that were replaced by one about all tokens",
        &|it| Some(it.revocation()?.collapsed as f64),
    );
    of_each(
        "revocation_log_in_doubt",
        "gauge",
        "Whether revocation rules may be missing",
        &|it| {
            let log = it.revocation()?.log.as_ref()?;
            Some(f64::from(u8::from(log.is_degraded())))
        },
    );
}

/// Returns the state of each configured issuer. Of several entries with one URL, which would be one series, it is the
/// one whose keys are trusted for the shortest time. Issuers that an `IssuerResolver` found may be many.
fn configured(health: &[IssuerHealth]) -> BTreeMap<&str, &IssuerHealth> {
    let mut states = BTreeMap::<&str, &IssuerHealth>::new();
    for it in health.iter().filter(|it| !it.is_resolved) {
        let is_worse = |known: &&IssuerHealth| trusted_seconds(it) < trusted_seconds(known);
        if states.get(&*it.issuer).is_none_or(is_worse) {
            states.insert(&it.issuer, it);
        }
    }
    states
}

/// Returns how long requests are still served after a failed fetch. An idle service fetches nothing and lets its keys
/// expire, which is not a failure.
fn trusted_seconds(health: &IssuerHealth) -> f64 {
    match health.state {
        _ if health.last_error.is_none() => f64::INFINITY,
        KeyState::Stale { trusted_for } => trusted_for.as_secs_f64(),
        KeyState::NotFetched | KeyState::Unavailable { .. } => 0.0,
        _ => f64::INFINITY,
    }
}

struct Text(String);

/// Writing to a `String` cannot fail.
impl Text {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.0,
            "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}"
        );
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.0, "{PREFIX}{name}{{");
        for (place, (label, value)) in labels.iter().enumerate() {
            let comma = if place == 0 { "" } else { "," };
            let _ = write!(self.0, "{comma}{label}=\"");
            // A URL of the settings may have these characters. Unescaped, they would end the label or the line.
            for character in value.chars() {
                match character {
                    '\\' => self.0.push_str(r"\\"),
                    '"' => self.0.push_str(r#"\""#),
                    '\n' => self.0.push_str(r"\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        let _ = writeln!(self.0, "}} {value}");
    }

    fn results(
        &mut self,
        name: &str,
        issuer: &str,
        known: [(&str, u64); 2],
        failed: &[(&'static str, u64)],
    ) {
        for (result, count) in known.into_iter().chain(failed.iter().copied()) {
            self.sample(name, &[("issuer", issuer), ("result", result)], count);
        }
    }
}

/// Rust writes `inf`, and Prometheus `+Inf`.
struct Number(f64);

impl Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            number => number.fmt(f),
        }
    }
}

const PREFIX: &str = "okta_verifier_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_cannot_end_its_line() {
        let mut text = Text(String::new());
        text.sample("x", &[("issuer", "a\"b\\c\nd"), ("le", "1")], 7);
        assert_eq!(
            text.0,
            "okta_verifier_x{issuer=\"a\\\"b\\\\c\\nd\",le=\"1\"} 7\n"
        );
    }

    #[test]
    fn number_is_written_as_prometheus_reads_it() {
        for (number, expected) in [(f64::INFINITY, "+Inf"), (0.0, "0"), (-2.5, "-2.5")] {
            assert_eq!(Number(number).to_string(), expected);
        }
    }
}
