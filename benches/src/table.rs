//! The Markdown table that a run prints.

/// Prints the head of the table.
#[allow(clippy::print_stdout, reason = "the table is the result")]
pub fn begin() {
    println!("| figure | measured | must | aim |");
    println!("|---|---|---|---|");
}

/// Prints a row. A dash means that the figure has no target.
#[allow(clippy::print_stdout, reason = "the table is the result")]
pub fn row(figure: &str, measured: &str, must: &str, aim: &str) {
    println!("| {figure} | {measured} | {must} | {aim} |");
}

/// Prints a row without a target.
pub fn fact(figure: &str, measured: &str) {
    row(figure, measured, "—", "—");
}
