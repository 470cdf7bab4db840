//! The command line, and the duration of each part of a run.

use std::{env, path::PathBuf};

use crate::roster::{Contestant, Role};

/// The command line.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Whether to run few and short rounds, only to check that everything works. Do not publish the
    /// result.
    pub(crate) quick: bool,
    /// The file of the plot.
    pub(crate) plot: Option<PathBuf>,
    /// If not empty, only contestants whose name contains one of these words take part.
    pub(crate) only: Vec<String>,
}

impl Options {
    pub(crate) fn read() -> Result<Self, String> {
        let mut options = Self::default();
        let mut words = env::args().skip(1);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--quick" => options.quick = true,
                "--plot" => options.plot = Some(value()?.into()),
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("unknown: {word}")),
            }
        }
        Ok(options)
    }

    /// Returns whether the contestant takes part. The lower bound always does, because the others are
    /// compared with it.
    pub(crate) fn wants(&self, contestant: &Contestant) -> bool {
        let named = |word: &String| contestant.name.contains(word.as_str());
        contestant.is(Role::Raw) || self.only.is_empty() || self.only.iter().any(named)
    }

    /// The number of rounds, with one slice per contestant.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 11 }
    }

    /// The length of a slice, in milliseconds of CPU time.
    pub(crate) fn slice(&self) -> u64 {
        if self.quick { 60 } else { 150 }
    }

    /// The number of rounds of scenarios that need a new process each time.
    pub(crate) fn runs(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// The number of seconds that wrk runs.
    pub(crate) fn http_seconds(&self) -> u64 {
        if self.quick { 1 } else { 2 }
    }

    /// How long an honest caller is measured, in milliseconds.
    pub(crate) fn watched(&self) -> u64 {
        if self.quick { 500 } else { 1_000 }
    }
}
