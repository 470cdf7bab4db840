//! Markdown tables and lists.

/// Returns a heading, a paragraph, and a table with names in the first column and numbers elsewhere.
pub(crate) fn table(
    heading: &str,
    paragraph: &str,
    columns: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut text = format!(
        "### {heading}\n\n{paragraph}\n\n| {} |\n|---|",
        columns.join(" | ")
    );
    text += &"---:|".repeat(columns.len() - 1);
    text.push('\n');
    for row in rows {
        text += &format!("| {} |\n", row.join(" | "));
    }
    text
}

/// Returns a heading and a list.
pub(crate) fn list(heading: &str, items: &[String]) -> String {
    let items: String = items.iter().map(|item| format!("- {item}\n")).collect();
    format!("### {heading}\n\n{items}")
}
