//! Tests of the example as a process: its printed lines work, and it reports wrong settings.

use std::{fs, path::PathBuf};

use example_support::process::{Example, fails};
use okta_verifier_testing::MockOkta;

const PROGRAM: &str = env!("CARGO_BIN_EXE_multi-tenant");

#[test]
fn printed_lines_get_the_printed_result() {
    let results = Example::start(PROGRAM, &[]).run_printed_lines();
    for result in [200, 401, 403] {
        assert!(results.contains(&result), "no line shows a {result}");
    }
    if cfg!(unix) {
        assert_eq!(results.iter().filter(|it| **it == 0).count(), 2);
    }
    assert!(results.len() >= 12, "{results:?}");
}

/// A settings file, which is removed at the end of its test.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("multi-tenant-{name}-{}.toml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).expect("a file in the temporary directory");
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn settings(issuers: &[&MockOkta]) -> String {
    let issuers = issuers.iter().map(|okta| {
        format!(
            "[[issuers]]\nprovider = \"okta\"\nurl = \"{}\"\naudiences = [\"api://default\"]\n\
             client_ids = \"*\"\n",
            okta.issuer_url()
        )
    });
    let issuers: String = issuers.collect();
    format!(
        "{issuers}[policies]\nread = {{ scope = \"orders:read\" }}\npay = {{ scope = \"payments:write\" }}\n\
         audit = {{ group = \"auditor\" }}\n"
    )
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn signal_makes_the_process_read_its_settings_file_again() {
    use std::time::{Duration, Instant};

    let (acme, globex) = (MockOkta::start().await, MockOkta::start().await);
    let file = File::new("signal", &settings(&[&acme]));
    let example = Example::start(PROGRAM, &[("SETTINGS", file.path())]);
    let call = |okta: &MockOkta| {
        let jwt = okta.token("ada").scope("orders:read").sign();
        example.call("/orders", &jwt)
    };
    assert_eq!((call(&acme), call(&globex)), (200, 401));

    // A bad file does not end the process, and the next signal is handled too.
    file.write("issuers = [");
    example.hang_up();
    assert_eq!((call(&acme), call(&globex)), (200, 401));

    file.write(&settings(&[&globex]));
    example.hang_up();
    let end = Instant::now() + Duration::from_secs(60);
    while call(&globex) != 200 {
        assert!(Instant::now() < end, "the new file is not in effect");
    }
    assert_eq!(call(&acme), 401);
}

#[test]
fn settings_file_of_the_readme_is_the_one_of_the_demo() {
    let readme = include_str!("../../README.md");
    assert!(readme.contains(include_str!("../../settings.toml")));
}

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let fails_with = |path: &str| fails(PROGRAM, &[("PORT", "0"), ("SETTINGS", path)]);
    assert!(fails_with("").contains("the file \"\": "));
    let org_server = "[[issuers]]\nprovider = \"okta\"\nurl = \"https://acme.okta.com\"\n\
         audiences = [\"api://orders\"]\nclient_ids = \"*\"\n";
    let file = File::new("wrong", org_server);
    let output = fails_with(file.path());
    for expected in ["policies.pay: ", "issuers[0]: ", "/oauth2/"] {
        assert!(output.contains(expected), "{output}");
    }
}
