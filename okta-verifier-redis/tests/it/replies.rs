//! How replies are interpreted: `OK` is first use, nil is replay, and everything else is an error.

use okta_verifier::dpop::ProofUse;

use crate::{
    NIL, OK,
    fake::{Fake, Reply},
    first_use, impatient, patient, use_proof,
};

// conformance 170
#[tokio::test]
async fn redis_reply_other_than_ok_and_nil_is_an_error() {
    let deep = "*1\r\n".repeat(200);
    let long = format!("${}\r\n{}", 1 << 20, "x".repeat(1 << 20));
    let error_with_password = "-hunter2hunter2 hunter2hunter2\r\n";
    for reply in [
        ":1\r\n",
        ":0\r\n",
        "+ok\r\n",
        "+\r\n",
        "+QUEUED\r\n",
        "$2\r\nOK\r\n",
        "*0\r\n",
        "*1\r\n+OK\r\n",
        "#t\r\n",
        ",1\r\n",
        "=6\r\ntxt:OK\r\n",
        "-ERR syntax error\r\n",
        "-OOM command not allowed when used memory > 'maxmemory'.\r\n",
        "-READONLY You can't write against a read only replica.\r\n",
        "-NOAUTH Authentication required.\r\n",
        "-MOVED 3999 127.0.0.1:6381\r\n",
        "-ASK 3999 127.0.0.1:6381\r\n",
        "-CLUSTERDOWN The cluster is down\r\n",
        "-TRYAGAIN later\r\n",
        "!5\r\nERR x\r\n",
        "-\r\n",
        error_with_password,
        "HTTP/1.1 200 OK\r\n\r\n",
        "OK\r\n",
        "\r\n",
        "\0\0\0\0",
        "+O",
        "$5\r\nOK",
        "$-9\r\n",
        "$9223372036854775807\r\n",
        "*9223372036854775807\r\n",
        "%9223372036854775807\r\n",
        "%-1\r\n",
        "|1\r\n+a\r\n+b\r\n+OK\r\n",
        "~-1\r\n",
        ">1\r\n+OK\r\n",
        "(\r\n",
        "+\u{FFFD}\r\n",
        &deep,
        &long,
    ] {
        let fake = Fake::new(reply);
        let store = impatient(&fake);
        let answer = use_proof(&store).await;
        assert_ne!(answer, Ok(ProofUse::First), "{reply:?}");
        // The next proof is not accepted either, on this connection or a new one.
        let next = use_proof(&store).await;
        assert_ne!(next, Ok(ProofUse::First), "{reply:?}");
        let text = format!("{answer:?} {next:?}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let garbage = Fake::new(Reply::Bytes(vec![0xFF; 4096]));
    assert!(use_proof(&patient(&garbage)).await.is_err());
}

/// If the connection stayed open, the reply to one proof could be taken for the reply to another.
#[tokio::test]
async fn redis_connection_is_closed_after_an_unexpected_reply() {
    let fake = Fake::new(":1\r\n+OK\r\n+OK\r\n");
    let store = patient(&fake);
    let unexpected = format!("Redis server {} sent an unexpected reply", fake.address());
    assert_eq!(use_proof(&store).await, Err(unexpected));
    crate::until(async || (fake.closed() == 1).then_some(())).await;
    for proof in 0..10 {
        assert!(first_use(&store, proof).await.is_err());
    }
}

// conformance 170
#[tokio::test]
async fn redis_command_sets_the_proof_once_for_the_given_time() {
    let fake = Fake::new(NIL);
    let store = patient(&fake);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::Replayed));
    fake.reply(OK);
    assert_eq!(use_proof(&store).await, Ok(ProofUse::First));
    let other = store.key_prefix("other:").unwrap();
    assert_eq!(use_proof(&other).await, Ok(ProofUse::First));
    let digest = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let [one, other] = ["okta-verifier:dpop:", "other:"].map(|prefix| {
        let key = format!("{prefix}{digest}");
        ["SET", &key, "1", "NX", "PX", "421337"].map(str::to_owned)
    });
    assert_eq!(fake.commands(), [one.clone(), one, other]);
    assert_eq!(fake.connections(), 1);
}
