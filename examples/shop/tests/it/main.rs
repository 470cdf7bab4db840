//! Tests of the shop: its features, with both outcomes in both frameworks, and its two programs.

mod api;
mod features;
mod glue;

use example_support::process::Example;

#[test]
fn printed_lines_get_the_printed_status() {
    for program in [env!("CARGO_BIN_EXE_shop"), env!("CARGO_BIN_EXE_shop-actix")] {
        let statuses = Example::start(program, &[]).run_printed_lines();
        for status in [200, 201, 202, 204, 400, 401, 403, 422] {
            assert!(
                statuses.contains(&status),
                "no line of {program} shows a {status}"
            );
        }
    }
}
