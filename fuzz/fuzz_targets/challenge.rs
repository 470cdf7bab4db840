//! Every challenge parses, by another one's parser, and says what was put in.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    for (value, realm) in okta_verifier::fuzz::challenge(data) {
        let challenges = http_auth::parse_challenges(&value).expect("RFC 9110 §11.6.1");
        assert_eq!(challenges.len(), 1, "{value}");
        let (name, said) = &challenges[0].params[0];
        assert_eq!((*name, said.to_unescaped()), ("realm", realm), "{value}");
    }
});
