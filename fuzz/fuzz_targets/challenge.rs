//! Every challenge is parsed by another parser, which finds the values that were written.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (value, realm) in okta_verifier::fuzz::challenge(data) {
        let challenges = http_auth::parse_challenges(&value).expect("RFC 9110 §11.6.1");
        assert_eq!(challenges.len(), 1, "{value}");
        let (name, value_read) = &challenges[0].params[0];
        assert_eq!(
            (*name, value_read.to_unescaped()),
            ("realm", realm),
            "{value}"
        );
    }
});
