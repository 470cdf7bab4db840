//! The table `dpop` of settings that are data.

use std::{fs, path::PathBuf};

use serde::Deserialize;

use super::error::Problems;
use crate::{
    dpop::{DpopNonces, DpopSettings},
    duration::DurationText,
};

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Dpop {
    base_url: Option<String>,
    #[serde(default)]
    forwarded_host: bool,
    window: Option<Window>,
    replay_capacity: Option<usize>,
    replay_capacity_per_caller: Option<usize>,
    nonces: Option<Nonces>,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Window {
    past: DurationText,
    future: DurationText,
}

/// The secret of the nonces: a random one, or one that the instances of a service share.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Nonces {
    Random,
    Shared {
        secret_file: PathBuf,
        previous_secret_file: Option<PathBuf>,
    },
}

impl Dpop {
    /// Returns the settings, or `None` if there is a problem.
    pub(super) fn settings(&self, problems: &mut Problems) -> Option<DpopSettings> {
        let mut settings = match (&self.base_url, self.forwarded_host) {
            (Some(url), false) => DpopSettings::base_url(url),
            (None, true) => DpopSettings::forwarded_host(),
            (Some(_), true) | (None, false) => {
                problems.add(
                    "dpop",
                    &"write either base_url = \"https://api.example.com\" or forwarded_host = true",
                );
                return None;
            }
        };
        if let Some(Window { past, future }) = &self.window {
            settings = settings.window(past.0, future.0);
        }
        if let Some(proofs) = self.replay_capacity {
            settings = settings.replay_capacity(proofs);
        }
        if let Some(proofs) = self.replay_capacity_per_caller {
            settings = settings.replay_capacity_per_caller(proofs);
        }
        let mut secret = |key: &str, file: &PathBuf| {
            let path = format!("dpop.nonces.shared.{key}");
            let secret = fs::read(file);
            secret
                .inspect_err(|error| problems.unreadable(&path, file, error))
                .ok()
        };
        let nonces = match &self.nonces {
            None => return Some(settings),
            Some(Nonces::Random) => DpopNonces::random(),
            Some(Nonces::Shared {
                secret_file,
                previous_secret_file,
            }) => {
                let nonces = DpopNonces::shared(secret("secret_file", secret_file)?);
                match previous_secret_file {
                    Some(file) => nonces.or_previous(secret("previous_secret_file", file)?),
                    None => nonces,
                }
            }
        };
        Some(settings.nonces(nonces))
    }
}
