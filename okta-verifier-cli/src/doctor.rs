//! `okta-verifier doctor`: checks the settings of a service against its issuers.

mod advice;
mod checks;
mod log;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;

use crate::{
    output::{Output, State},
    settings::{self, Problem},
};
use checks::Place;
use log::Log;

/// Checks the settings of a service against its issuers, and says what to do about each problem.
///
/// The settings are those of the service: OKTA_* in the environment, or a TOML file. The command sends the requests
/// that the service would send: for metadata and keys and, if introspection is configured, one about an invented
/// token.
///
/// Exit codes: 0 every check passed, warnings allowed, 1 a check failed, 2 wrong use or settings that cannot be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Read the settings from this TOML file instead of the environment.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

/// The result of one check. The members are the keys of the JSON output.
#[derive(Debug, Serialize)]
struct Finding {
    /// The issuer, as configured, or `None` for a check of all settings.
    issuer: Option<String>,
    name: &'static str,
    state: State,
    /// The stable code of a failure, as `UnavailableReason::code` returns it.
    code: Option<&'static str>,
    text: String,
    hint: Option<String>,
    milliseconds: Option<u64>,
}

impl Finding {
    fn new(name: &'static str, state: State, text: impl Into<String>) -> Self {
        Self {
            issuer: None,
            name,
            state,
            code: None,
            text: text.into(),
            hint: None,
            milliseconds: None,
        }
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All findings. As JSON, they are one object.
struct Report {
    output: Output,
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        if !self.output.is_json() {
            let Finding { name, text, .. } = &finding;
            self.output
                .finding(finding.state, name, text, finding.hint.as_deref());
        }
        self.findings.push(finding);
    }

    fn end(mut self) -> ExitCode {
        let failed = |finding: &Finding| finding.state == State::Failed;
        let is_ok = !self.findings.iter().any(failed);
        let object = serde_json::json!({ "ok": is_ok, "checks": self.findings });
        self.output.object(&object);
        match is_ok {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        }
    }
}

pub(crate) async fn run(options: Options, output: Output) -> ExitCode {
    let mut report = Report {
        output,
        findings: Vec::new(),
    };
    let file = options.settings.as_deref();
    let log = Log::collect();
    let verifier = match settings::service(file) {
        Ok(service) => service.verifier,
        Err(Problem::Unreadable(text)) => {
            report.add(Finding::new("settings", State::Failed, text));
            report.end();
            return ExitCode::from(WRONG_USE);
        }
        Err(Problem::Wrong(texts)) => {
            for text in texts {
                report.add(Finding::new("settings", State::Failed, text));
            }
            return report.end();
        }
    };
    report.add(settings_are_accepted(file));
    for warning in log.take_warnings() {
        report.add(checks::of_warning(warning));
    }
    // The keys are fetched even if a snapshot is still fresh. The health has each failure.
    let _ = verifier.refresh().await;
    let mut introspection = verifier.check_introspection().await.into_iter();
    for (index, health) in verifier.health().into_iter().enumerate() {
        let place = match file {
            Some(_) => Place::File(index),
            None => Place::Environment,
        };
        report.output.line(&format!("issuer {}", health.issuer));
        let mut findings = checks::of_issuer(&health, &log, place);
        if health.introspection().is_some()
            && let Some(check) = introspection.next()
        {
            findings.push(checks::of_introspection(&check));
        }
        for mut finding in findings {
            finding.issuer = Some(health.issuer.clone());
            report.add(finding);
        }
    }
    if let Some(finding) = file.and_then(checks::of_dpop) {
        report.add(finding);
    }
    report.end()
}

fn settings_are_accepted(file: Option<&Path>) -> Finding {
    let source = match file {
        Some(path) => settings::shown(path).into_owned(),
        None => "OKTA_* of the environment".to_owned(),
    };
    Finding::new("settings", State::Passed, source)
}

/// The exit code of wrong use, which clap has too.
const WRONG_USE: u8 = 2;
