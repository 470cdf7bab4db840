//! The table of `docs/differential.md`.

/// The first column of its rows, sorted.
pub(crate) fn classes() -> Vec<String> {
    let table = include_str!("../../../../docs/differential.md").lines();
    let rows = table.filter_map(|line| line.strip_prefix("| we "));
    let first = rows.filter_map(|row| row.split(" | ").next());
    let mut classes: Vec<_> = first.map(|class| format!("we {class}")).collect();
    classes.sort();
    classes
}
