//! Copies the exporter of the page about metrics out of the page, so that the tests of the alert rules run the code that
//! users copy.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let page = "../../okta-verifier/docs/cookbook/metrics.md";
    println!("cargo::rerun-if-changed={page}");
    let page = fs::read_to_string(page).expect("the page about metrics");
    let (_, section) = page
        .split_once("\n## prometheus-client\n")
        .expect("its section");
    let (_, block) = section.split_once("\n```rust\n").expect("a block of code");
    let (code, _) = block.split_once("\n```\n").expect("the end of the block");
    let target = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&target).join("exporter.rs"), code).expect("a file");
}
