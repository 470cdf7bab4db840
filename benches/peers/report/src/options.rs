//! What the command line asks for, and how long each part then takes.

use std::{env, path::PathBuf};

use crate::roster::{Contestant, Role};

/// The command line.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// Few and short rounds: to see that everything works, not to publish.
    pub(crate) quick: bool,
    /// Where to draw.
    pub(crate) plot: Option<PathBuf>,
    /// Contestants whose name holds one of these words; with none, all.
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

    /// The limit always takes part, since the others are compared with it.
    pub(crate) fn wants(&self, contestant: &Contestant) -> bool {
        let named = |word: &String| contestant.name.contains(word.as_str());
        contestant.is(Role::Raw) || self.only.is_empty() || self.only.iter().any(named)
    }

    /// Rounds of one slice a contestant.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 11 }
    }

    /// A slice, in milliseconds of CPU time.
    pub(crate) fn slice(&self) -> u64 {
        if self.quick { 60 } else { 150 }
    }

    /// Rounds of what takes a fresh process each time.
    pub(crate) fn runs(&self) -> usize {
        if self.quick { 1 } else { 3 }
    }

    /// Seconds of wrk.
    pub(crate) fn http_seconds(&self) -> u64 {
        if self.quick { 1 } else { 2 }
    }

    /// For how long an honest caller is watched.
    pub(crate) fn watched(&self) -> u64 {
        if self.quick { 500 } else { 1_000 }
    }
}
