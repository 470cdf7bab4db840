//! The one table that a run prints, in Markdown.

/// Begins the table.
#[allow(clippy::print_stdout, reason = "the table is the result")]
pub fn begin() {
    println!("| figure | measured | must | aim |");
    println!("|---|---|---|---|");
}

/// One row. A dash stands where there is no target.
#[allow(clippy::print_stdout, reason = "the table is the result")]
pub fn row(figure: &str, measured: &str, must: &str, aim: &str) {
    println!("| {figure} | {measured} | {must} | {aim} |");
}

/// A row without a target.
pub fn fact(figure: &str, measured: &str) {
    row(figure, measured, "—", "—");
}
