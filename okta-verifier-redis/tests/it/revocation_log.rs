//! The revocation log: what it sends, which replies it accepts, and which losses it notices.

use std::time::Duration;

use okta_verifier::revocation::{LogEntry, LogPosition, LogRead, RevocationLog};
use okta_verifier_redis::{RedisConfig, RedisConfigError, RedisRevocationLog};

use crate::{
    BRIEF, LOGIN, NIL, OK,
    fake::{Fake, Reply, bulk},
};

const KEEP: Duration = Duration::from_secs(86_400);
const BIRTH: &str = "00000000000000b1";
const OTHER: &str = "00000000000000b2";
const TAG: &str = "00000000000000a1";

fn log(fake: &Fake) -> RedisRevocationLog {
    let config = RedisConfig::server(fake.address()).plaintext();
    RedisRevocationLog::new(config.timeout(Duration::from_secs(1))).unwrap()
}

fn impatient(fake: &Fake) -> RedisRevocationLog {
    secret_scan::secret(LOGIN);
    let config = RedisConfig::server(fake.address()).plaintext();
    RedisRevocationLog::new(config.login("default", LOGIN).timeout(BRIEF)).unwrap()
}

fn entry(text: &str) -> LogEntry {
    LogEntry::parse(text).unwrap()
}

async fn append(log: &RedisRevocationLog, entries: &[LogEntry]) -> Result<(), String> {
    let answer = log.append(entries, KEEP).await;
    answer.map_err(|error| {
        secret_scan::shown(format!("{error} {error:?}"));
        error.to_string()
    })
}

async fn read(log: &RedisRevocationLog, after: Option<&LogPosition>) -> Result<LogRead, String> {
    let answer = log.read(after).await;
    answer.map_err(|error| {
        secret_scan::shown(format!("{error} {error:?}"));
        error.to_string()
    })
}

/// Returns an array with these replies.
fn array(items: &[String]) -> String {
    format!("*{}\r\n{}", items.len(), items.concat())
}

fn stored(id: &str, tag: &str, rule: &str) -> String {
    array(&[bulk(id), array(&["t", tag, "r", rule].map(bulk))])
}

/// Returns the reply to a read.
fn page(birth: &str, is_continuous: u8, is_complete: u8, entries: &[String]) -> String {
    array(&[
        bulk(birth),
        format!(":{is_continuous}\r\n"),
        format!(":{is_complete}\r\n"),
        array(entries),
    ])
}

fn texts(read: &LogRead) -> Vec<&str> {
    read.entries.iter().map(LogEntry::as_str).collect()
}

#[tokio::test]
async fn revocation_log_reply_of_another_form_is_rejected() {
    let one = || stored("1-1", TAG, "rule");
    let replies = [
        OK.to_owned(),
        NIL.to_owned(),
        ":1\r\n".to_owned(),
        "*0\r\n".to_owned(),
        "*-1\r\n".to_owned(),
        "*9223372036854775807\r\n".to_owned(),
        "*4\r\n$16\r\n".to_owned(),
        "*1\r\n".repeat(200),
        "-ERR hunter2hunter2\r\n".to_owned(),
        "-hunter2hunter2\r\n".to_owned(),
        "-READONLY You can't write against a read only replica.\r\n".to_owned(),
        "-NOREPLICAS Not enough good replicas to write.\r\n".to_owned(),
        "-MOVED 1 127.0.0.1:1\r\n".to_owned(),
        bulk(BIRTH),
        page("", 0, 1, &[]),
        page("00000000000000B1", 0, 1, &[]),
        page("hunter2hunter2", 0, 1, &[]),
        page(BIRTH, 2, 1, &[]),
        page(BIRTH, 0, 2, &[]),
        // Continuous although the read named no log.
        page(BIRTH, 1, 1, &[]),
        // Neither complete nor an entry.
        page(BIRTH, 0, 0, &[]),
        page(BIRTH, 0, 1, &[NIL.to_owned()]),
        page(BIRTH, 0, 1, &[array(&[bulk("1-1")])]),
        page(BIRTH, 0, 1, &[array(&[bulk("1-1"), NIL.to_owned()])]),
        page(BIRTH, 0, 1, &[array(&[bulk("1-1"), array(&[])])]),
        page(BIRTH, 0, 1, &[stored("0-0", TAG, "rule")]),
        page(BIRTH, 0, 1, &[stored("1", TAG, "rule")]),
        page(BIRTH, 0, 1, &[stored("01-1", TAG, "rule")]),
        page(BIRTH, 0, 1, &[stored("-1-1", TAG, "rule")]),
        page(
            BIRTH,
            0,
            1,
            &[stored("18446744073709551616-1", TAG, "rule")],
        ),
        page(BIRTH, 0, 1, &[stored("1-1", "1", "rule")]),
        page(BIRTH, 0, 1, &[stored("1-1", TAG, "")]),
        page(BIRTH, 0, 1, &[stored("1-1", TAG, "r\u{fc}le")]),
        page(BIRTH, 0, 1, &[stored("1-1", TAG, "two\nlines")]),
        page(BIRTH, 0, 1, &[stored("1-1", TAG, &"x".repeat(4097))]),
        page(
            BIRTH,
            0,
            1,
            &[array(&[
                bulk("1-1"),
                array(&["r", "rule", "t", TAG].map(bulk)),
            ])],
        ),
        page(
            BIRTH,
            0,
            1,
            &[array(&[
                bulk("1-1"),
                array(&["t", TAG, "r", "rule", "x", "y"].map(bulk)),
            ])],
        ),
        page(
            BIRTH,
            0,
            1,
            &[array(&[
                ":1\r\n".to_owned(),
                array(&["t", TAG, "r", "rule"].map(bulk)),
            ])],
        ),
        // Twice the same entry, and a falling ID.
        page(BIRTH, 0, 1, &[one(), one()]),
        page(BIRTH, 0, 1, &[stored("2-0", TAG, "rule"), one()]),
        page(
            BIRTH,
            0,
            0,
            &(0..1_001)
                .map(|at| stored(&format!("{at}-1"), TAG, "rule"))
                .collect::<Vec<_>>(),
        ),
        format!("*5\r\n{}", &page(BIRTH, 0, 1, &[one()])[4..]) + ":1\r\n",
    ];
    for reply in &replies {
        let fake = Fake::new(OK);
        fake.reply_to("EVAL", reply.clone());
        let log = impatient(&fake);
        let error = read(&log, None).await.expect_err(reply);
        assert!(!error.contains("hunter2"), "{error}");
    }
    let garbage = Fake::new(OK);
    garbage.reply_to("EVAL", Reply::Bytes(vec![0xFF; 4096]));
    assert!(read(&impatient(&garbage), None).await.is_err());
}

#[tokio::test]
async fn revocation_log_reply_that_contradicts_the_position_is_rejected() {
    let fake = Fake::new(OK);
    let position = LogPosition::new(format!("{BIRTH} 5-0 {TAG}"));
    for reply in [
        page(OTHER, 1, 1, &[]),
        page(BIRTH, 1, 1, &[stored("5-0", TAG, "rule")]),
        page(BIRTH, 1, 1, &[stored("4-9", TAG, "rule")]),
    ] {
        fake.reply_to("EVAL", reply);
        assert!(read(&log(&fake), Some(&position)).await.is_err());
    }
    fake.reply_to("EVAL", page(BIRTH, 1, 1, &[stored("5-1", TAG, "rule")]));
    assert!(read(&log(&fake), Some(&position)).await.is_ok());
}

#[tokio::test]
async fn revocation_log_without_a_reply_is_an_error_in_time() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", Reply::Silence);
    let log = impatient(&fake);
    assert!(read(&log, None).await.is_err());
    assert!(append(&log, &[entry("rule")]).await.is_err());
}

#[tokio::test]
async fn revocation_log_append_is_an_error_unless_each_entry_is_stored() {
    for reply in [
        OK,
        NIL,
        ":0\r\n",
        ":1\r\n",
        ":3\r\n",
        ":-1\r\n",
        "*0\r\n",
        "-OOM hunter2hunter2\r\n",
    ] {
        let fake = Fake::new(OK);
        fake.reply_to("EVAL", reply);
        let answer = append(&impatient(&fake), &[entry("one"), entry("two")]).await;
        let error = answer.expect_err(reply);
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn revocation_log_command_is_sent_once_and_not_again_after_a_lost_connection() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", Reply::Close);
    assert!(append(&log(&fake), &[entry("rule")]).await.is_err());
    assert!(read(&log(&fake), None).await.is_err());
    assert_eq!(fake.count("EVAL"), 2);
}

#[tokio::test]
async fn revocation_log_command_has_both_keys_in_one_slot() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", ":2\r\n");
    let log = log(&fake);
    assert_eq!(
        append(&log, &[entry("one"), entry("two words")]).await,
        Ok(())
    );
    fake.reply_to("EVAL", page(BIRTH, 0, 1, &[]));
    let log = log.key_prefix("orders:").unwrap();
    let position = LogPosition::new(format!("{OTHER} 5-0 {TAG}"));
    read(&log, Some(&position)).await.unwrap();
    let commands = fake.commands();
    let words = |at: usize| {
        commands[at][2..]
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    let [append, read] = [words(0), words(1)];
    let keys = [
        "okta-verifier:revocation:{rules}:entries",
        "okta-verifier:revocation:{rules}:log",
    ];
    assert_eq!((append[0], &append[1..3]), ("2", &keys[..]));
    assert_eq!(append[5..], ["86400000", "one", "two words"]);
    assert_eq!(
        read[..3],
        ["2", "orders:{rules}:entries", "orders:{rules}:log"]
    );
    assert_eq!(read[4..], [OTHER, "5-0", TAG, "1000", "262144"]);
}

#[tokio::test]
async fn revocation_log_of_another_birth_is_not_continuous() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", page(BIRTH, 0, 0, &[stored("1-1", TAG, "one")]));
    let log = log(&fake);
    // A first read has no position that could be lost.
    let first = read(&log, None).await.unwrap();
    assert!(first.is_continuous && !first.is_complete);
    assert_eq!(first.position.as_str(), format!("{BIRTH} 1-1 {TAG}"));
    fake.reply_to("EVAL", page(OTHER, 0, 1, &[stored("1-1", TAG, "one")]));
    for position in [first.position.as_str(), "", "position of another log"] {
        let position = LogPosition::new(position);
        let next = read(&log, Some(&position)).await.unwrap();
        assert!(!next.is_continuous && next.is_complete);
        assert_eq!(texts(&next), ["one"]);
        assert_eq!(next.position.as_str(), format!("{OTHER} 1-1 {TAG}"));
    }
}

#[tokio::test]
async fn revocation_log_position_stays_until_there_is_an_entry() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", page(BIRTH, 0, 1, &[]));
    let log = log(&fake);
    let mut position = read(&log, None).await.unwrap().position;
    assert_eq!(position.as_str(), BIRTH);
    for (entries, expected) in [
        (vec![], BIRTH.to_owned()),
        (
            vec![stored("7-0", TAG, "one")],
            format!("{BIRTH} 7-0 {TAG}"),
        ),
        (vec![], format!("{BIRTH} 7-0 {TAG}")),
    ] {
        fake.reply_to("EVAL", page(BIRTH, 1, 1, &entries));
        let next = read(&log, Some(&position)).await.unwrap();
        assert!(next.is_continuous && next.is_complete);
        position = next.position;
        assert_eq!(position.as_str(), expected);
    }
}

/// Returns the tag of the last append.
fn last_tag(fake: &Fake) -> String {
    let commands = fake.commands();
    commands.last().unwrap()[6].clone()
}

/// The server confirmed the append, and failed before this instance read the entry back.
#[tokio::test]
async fn revocation_log_that_lost_an_entry_which_only_its_writer_knows_is_not_continuous() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", page(BIRTH, 0, 1, &[]));
    let log = log(&fake);
    let position = read(&log, None).await.unwrap().position;
    fake.reply_to("EVAL", ":1\r\n");
    append(&log, &[entry("mine")]).await.unwrap();
    // An incomplete read need not have it yet.
    fake.reply_to("EVAL", page(BIRTH, 1, 0, &[stored("1-0", TAG, "other")]));
    let incomplete = read(&log, Some(&position)).await.unwrap();
    assert!(incomplete.is_continuous);
    // A complete read must have it. If not, the log is read from its beginning, which this reply does not fit.
    fake.reply_to("EVAL", page(BIRTH, 1, 1, &[]));
    let before = fake.count("EVAL");
    assert!(read(&log, Some(&incomplete.position)).await.is_err());
    assert_eq!(fake.count("EVAL"), before + 2);
    // The loss is not forgotten until a read from the beginning succeeds.
    fake.reply_to("EVAL", page(BIRTH, 0, 1, &[stored("1-0", TAG, "other")]));
    let again = read(&log, None).await.unwrap();
    assert!(!again.is_continuous);
    assert_eq!(texts(&again), ["other"]);
    fake.reply_to("EVAL", page(BIRTH, 1, 1, &[]));
    let next = read(&log, Some(&again.position)).await.unwrap();
    assert!(next.is_continuous);
}

#[tokio::test]
async fn revocation_log_that_returns_what_was_appended_is_continuous() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", ":1\r\n");
    let log = log(&fake);
    append(&log, &[entry("mine")]).await.unwrap();
    let tag = last_tag(&fake);
    fake.reply_to("EVAL", page(BIRTH, 0, 1, &[stored("1-0", &tag, "mine")]));
    let first = read(&log, None).await.unwrap();
    assert!(first.is_continuous);
    fake.reply_to("EVAL", page(BIRTH, 1, 1, &[]));
    assert!(
        read(&log, Some(&first.position))
            .await
            .unwrap()
            .is_continuous
    );
}

#[tokio::test]
async fn revocation_log_with_many_entries_is_appended_in_batches() {
    let fake = Fake::new(OK);
    fake.reply_to("EVAL", ":500\r\n");
    let log = log(&fake);
    assert_eq!(append(&log, &vec![entry("rule"); 1_000]).await, Ok(()));
    assert_eq!(fake.count("EVAL"), 2);
    assert_eq!(append(&log, &[]).await, Ok(()));
    assert_eq!(fake.count("EVAL"), 2);
}

#[test]
fn revocation_log_settings_out_of_bounds_are_rejected() {
    let log =
        || RedisRevocationLog::new(RedisConfig::server("redis.internal").plaintext()).unwrap();
    for prefix in ["", "with space:", "{tag}:", "\u{fc}:", &"x".repeat(65)] {
        let error = log().key_prefix(prefix).unwrap_err();
        assert_eq!(error, RedisConfigError::KeyPrefix, "{prefix}");
    }
    assert!(log().key_prefix(&"x".repeat(64)).is_ok());
    let config = RedisConfig::server(format!("redis://:{LOGIN}@redis.internal"));
    let error = RedisRevocationLog::new(config).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    let config = RedisConfig::server("redis.internal")
        .plaintext()
        .login("api", LOGIN);
    let shown = format!("{:?}", RedisRevocationLog::new(config).unwrap());
    assert!(
        shown.contains("{rules}") && !shown.contains("hunter2"),
        "{shown}"
    );
}
