use std::{thread, time::Duration};

use super::*;

const URL: &str = "https://issuer.test";

fn stats(counters: &Counters) -> Stats {
    counters.snapshot(
        &["first", "second"],
        ReplayStats::default(),
        RevocationStats::default(),
    )
}

fn issuers(counters: &Counters) -> Vec<(String, u64)> {
    let rows = stats(counters).issuers.into_iter();
    rows.map(|it| (it.issuer, it.accepted)).collect()
}

#[test]
fn counters_of_all_threads_are_summed() {
    let counters = Counters::default();
    let issuer = counters.configured(URL);
    thread::scope(|scope| {
        for _ in 0..3 * STRIPES {
            scope.spawn(|| {
                for _ in 0..1_000 {
                    issuer.requests().accept();
                    issuer.requests().reject(1);
                    counters.unassigned().admit_anonymous();
                }
            });
        }
    });
    let (all, stats) = (3 * STRIPES as u64 * 1_000, stats(&counters));
    assert_eq!(
        (stats.anonymous, stats.accepted(), stats.rejected()),
        (all, all, all)
    );
    assert_eq!(stats.issuers[0].rejected, [("second", all)]);
}

#[test]
fn counters_beyond_the_last_slot_count_nothing() {
    let counters = Counters::default();
    counters.unassigned().reject(REJECTION_SLOTS);
    assert_eq!(stats(&counters).rejected(), 0);
}

#[test]
fn counters_of_a_removed_issuer_stay_and_continue() {
    let counters = Counters::default();
    counters.configured(URL).requests().accept();
    assert_eq!(issuers(&counters), [(URL.to_owned(), 1)]);
    counters.configured(URL).requests().accept();
    assert_eq!(issuers(&counters), [(URL.to_owned(), 2)]);
}

#[test]
fn counters_of_settings_that_were_never_used_are_left_out() {
    let counters = Counters::default();
    drop(counters.configured("https://misspelt.test"));
    let used = counters.configured(URL);
    assert_eq!(issuers(&counters), [(URL.to_owned(), 0)]);
    drop(used);
}

#[test]
fn counters_have_a_bounded_number_of_rows() {
    let counters = Counters::default();
    for number in 0..MAX_ROWS + 100 {
        counters
            .configured(&format!("https://{number}.test"))
            .requests()
            .accept();
    }
    let rows = issuers(&counters);
    assert_eq!(rows.len(), MAX_ROWS + 1);
    assert_eq!(rows.last(), Some(&("other".to_owned(), 100)));
    assert_eq!(stats(&counters).accepted(), MAX_ROWS as u64 + 100);
}

#[test]
fn counters_of_unused_rows_make_room_for_other_issuers() {
    let counters = Counters::default();
    for number in 0..MAX_ROWS {
        counters.configured(&format!("https://{number}.test"));
    }
    counters.configured(URL).requests().accept();
    assert_eq!(issuers(&counters), [(URL.to_owned(), 1)]);
}

#[test]
fn counters_of_failures_are_kept_by_code() {
    let counters = Counters::default();
    let issuer = counters.configured(URL);
    let fetches = issuer.key_fetches();
    for code in ["timeout", "status", "timeout"] {
        fetches.fail(code);
    }
    fetches.succeed(false);
    fetches.succeed(true);
    fetches.not_sent();
    let fetches = stats(&counters).issuers.remove(0).key_fetches;
    assert_eq!(fetches.failed, [("timeout", 2), ("status", 1)]);
    let others = (fetches.succeeded, fetches.keys_changed, fetches.not_sent);
    assert_eq!(others, (2, 1, 1));
}

#[test]
fn histogram_has_every_duration_in_one_bucket() {
    let durations = Durations::default();
    for millis in [0, 5, 6, 1_000, 1_001, 3_600_000] {
        durations.add(Duration::from_millis(millis));
    }
    let histogram = durations.snapshot();
    let used = histogram.buckets.iter().filter(|(_, count)| *count > 0);
    let used: Vec<_> = used.map(|(bound, count)| (*bound, *count)).collect();
    let millis = Duration::from_millis;
    assert_eq!(
        used,
        [
            (millis(5), 2),
            (millis(10), 1),
            (millis(1_000), 1),
            (millis(2_500), 1),
            (Duration::MAX, 1)
        ]
    );
    assert_eq!(histogram.sum, millis(3_602_012));
    assert!(BOUNDS.is_sorted());
}

#[test]
fn request_counts_are_all_requests() {
    let counters = Counters::default();
    let issuer = counters.configured(URL);
    issuer.requests().accept();
    issuer.requests().reject(0);
    issuer.requests().drop_request();
    counters.unassigned().admit_anonymous();
    counters.unassigned().reject(1);
    counters.unassigned().drop_request();
    let stats = stats(&counters);
    let series: Vec<_> = stats
        .requests()
        .map(|it| (it.issuer, it.outcome, it.code, it.count))
        .collect();
    assert_eq!(
        series,
        [
            (None, "anonymous", None, 1),
            (None, "dropped", None, 1),
            (None, "rejected", Some("second"), 1),
            (Some(URL), "accepted", None, 1),
            (Some(URL), "dropped", None, 1),
            (Some(URL), "rejected", Some("first"), 1),
        ]
    );
}
