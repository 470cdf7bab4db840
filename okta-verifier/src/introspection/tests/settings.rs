use std::time::Duration;

use crate::introspection::{Introspect, Introspection, Question};

fn judge(settings: Introspection) -> Result<(), &'static str> {
    settings.judge(Introspect::Undecidable).map(|_| ())
}

// conformance 102
#[test]
fn without_credentials_nothing_is_asked() {
    for settings in [
        Introspection::new("", "secret"),
        Introspection::new("0oa1", ""),
        Introspection::new("0oa1", "").client_secret_post(),
        Introspection::private_key_jwt("", None, "pem"),
        Introspection::private_key_jwt("0oa1", None, ""),
        Introspection::private_key_jwt("0oa1", None, "pem").client_secret_post(),
        Introspection::without_client_authentication(""),
        Introspection::without_client_authentication("0oa1").client_secret_post(),
        Introspection::new("0oa1", "secret").max_in_flight(0),
        Introspection::new("0oa1", "secret").max_in_flight(33),
        Introspection::new("0oa1", "secret").max_age(Duration::from_secs(3_601)),
    ] {
        assert!(judge(settings.clone()).is_err(), "{settings:?}");
    }
    for settings in [
        Introspection::new("0oa1", "secret"),
        Introspection::new("0oa1", "secret").client_secret_post(),
        Introspection::without_client_authentication("0oa1"),
        Introspection::new("0oa1", "secret").max_age(Duration::ZERO),
        Introspection::new("0oa1", "secret").max_in_flight(32),
    ] {
        assert!(judge(settings.clone()).is_ok(), "{settings:?}");
    }
}

#[test]
fn which_tokens_are_asked_about() {
    use Question::{Accepted, Encrypted, Opaque, UnknownKey};
    let asks = |settings: Introspection| {
        let judged = settings.judge(Introspect::Undecidable).unwrap();
        [UnknownKey, Encrypted, Opaque, Accepted].map(|question| judged.asks(question))
    };
    let settings = || Introspection::new("0oa1", "secret");
    let opaque = settings().introspect(Introspect::Opaque);
    let always = settings().introspect(Introspect::Always);
    assert_eq!(asks(settings()), [true, true, false, false]);
    assert_eq!(asks(opaque), [true, true, true, false]);
    assert_eq!(asks(always.clone()), [true, true, true, true]);
    assert_eq!(
        asks(always.signed_tokens_only()),
        [true, false, false, true]
    );
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:?}", Introspection::new("0oa1service", "hunter2hunter2"));
    assert!(
        !shown.contains("hunter2") && !shown.contains("0oa1service"),
        "{shown}"
    );
}

#[test]
fn debug_shows_no_more_of_the_endpoint_than_its_origin() {
    let settings = |url: &str| Introspection::new("0oa1", "secret").endpoint(url);
    for url in [
        "https://issuer.test/ask?key=hunter2",
        "https://user:hunter2@issuer.test/hunter2",
        "hunter2",
    ] {
        let judged = settings(url).judge(Introspect::Opaque).unwrap();
        let shown = format!("{:?} {judged:?}", settings(url));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let shown = format!("{:?}", settings("https://issuer.test/ask?key=hunter2"));
    assert!(shown.contains("https://issuer.test\""), "{shown}");
}
