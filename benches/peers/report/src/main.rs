//! The report: `cargo run --release -p report -- [--quick] [--plot FILE.svg] [--only NAME,NAME]`.
//!
//! Builds every peer, runs every scenario, and prints Markdown to stdout and progress to stderr.

mod building;
mod field;
mod fixture;
mod machine;
mod markdown;
mod numbers;
mod options;
mod plot;
mod process;
mod roster;
mod scenario;

use std::{error::Error, io::Write};

use field::Field;
use options::Options;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let (contestants, mut notes) = building::build(roster::all(), &options);
    let field = Field::new(contestants, options);

    let verifications = scenario::verify::run(&field).await;
    let mut sections = vec![
        machine::describe(&field.options),
        scenario::verify::section(&verifications),
        scenario::refusals::section(&field).await,
    ];
    let layers = scenario::axum::run(&field).await;
    sections.push(scenario::axum::section(&layers));
    let neighbour = scenario::axum::best_neighbour(&layers);
    sections.push(scenario::http::section(&field, neighbour).await);
    sections.push(scenario::herd::section(&field).await);
    sections.push(scenario::rotation::section(&field).await);
    sections.push(scenario::flood::section(&field).await);

    notes.extend(field.failures());
    if !notes.is_empty() {
        sections.push(markdown::list("Left out of this run", &notes));
    }
    std::io::stdout().write_all(sections.join("\n").as_bytes())?;
    if let Some(path) = &field.options.plot {
        plot::draw(path, &verifications)?;
        eprintln!("drew {}", path.display());
    }
    Ok(())
}
