//! Tests of the shop: its features, with both outcomes in both frameworks, and its two programs.

mod api;
mod features;
mod glue;

use example_support::process::{Example, fails};

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

#[test]
fn wrong_settings_are_an_error_not_a_panic() {
    let text = shop::SHOP_TOML.replace("/run/secrets/", "no such directory/");
    let without = |part: &str| text.replace(part, "");
    for (text, expected) in [
        (text.clone(), "No such file"),
        (text.replace("[shop]", "[shop"), "shop: "),
        (without("[shop]"), "write this table"),
    ] {
        let name = format!("shop-wrong-{}.toml", std::process::id());
        let file = std::env::temp_dir().join(name);
        std::fs::write(&file, text).expect("a file in the temporary directory");
        let path = file.to_str().expect("UTF-8");
        let output = fails(
            env!("CARGO_BIN_EXE_shop"),
            &[("PORT", "0"), ("SETTINGS", path)],
        );
        std::fs::remove_file(&file).expect("the file");
        assert!(output.contains(expected), "{output}");
    }
}
