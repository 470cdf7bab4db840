//! The date and the machine of a run.

use std::{env::consts, fs, process::Command, thread};

use crate::options::Options;

/// Returns the first section of the report. It describes the kind of machine without identifying it.
pub(crate) fn describe(options: &Options) -> String {
    let date = time::OffsetDateTime::now_utc().date();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let quick = if options.quick {
        " A quick run: not to be published."
    } else {
        ""
    };
    format!(
        "## Beside the neighbours\n\n\
         {date}, {} with {cores} cores, {} {}, {}, Node {}.{quick}\n",
        cpu(),
        consts::OS,
        consts::ARCH,
        first_line("rustc", "--version"),
        first_line("node", "--version"),
    )
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or("an unnamed CPU".to_owned(), |(_, name)| {
        name.trim().to_owned()
    })
}

fn first_line(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    text.ok()
        .and_then(|text| Some(text.lines().next()?.to_owned()))
        .unwrap_or("none".to_owned())
}
