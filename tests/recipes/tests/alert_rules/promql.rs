//! The names in an expression of PromQL: enough of its grammar for the rules of this project.

/// What an expression names.
#[derive(Debug, Default)]
pub struct Names {
    pub metrics: Vec<String>,
    /// Each matcher: the metric, the label, and the value.
    pub matchers: Vec<(String, String, String)>,
    /// The labels of `without`, `by`, `on`, `ignoring` and `group_left`.
    pub grouping: Vec<String>,
}

const GROUPING: [&str; 6] = [
    "by",
    "group_left",
    "group_right",
    "ignoring",
    "on",
    "without",
];
const OTHER: [&str; 14] = [
    "abs",
    "absent",
    "and",
    "avg_over_time",
    "count",
    "count_over_time",
    "increase",
    "max",
    "min",
    "offset",
    "or",
    "sum",
    "sum_over_time",
    "unless",
];

/// Returns the names in the expression.
///
/// # Panics
///
/// Panics if the expression has a word that is neither a metric of this project nor known here.
pub fn names(expression: &str) -> Names {
    let mut names = Names::default();
    let mut rest = expression;
    let is_part = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    while let Some(start) = rest.find(is_part) {
        let word = &rest[start..];
        let (word, after) = word.split_at(word.find(|it| !is_part(it)).unwrap_or(word.len()));
        rest = after;
        if word.starts_with(|it: char| it.is_ascii_digit()) {
            continue; // a number or a duration
        }
        if GROUPING.contains(&word) {
            let (labels, after) = enclosed(rest, '(', ')').expect("a list of labels");
            rest = after;
            let labels = labels.split(',').map(str::trim).filter(|it| !it.is_empty());
            names.grouping.extend(labels.map(str::to_owned));
        } else if word.contains("okta_verifier") {
            names.metrics.push(word.to_owned());
            if let Some((matchers, after)) = enclosed(rest, '{', '}') {
                rest = after;
                for matcher in matchers.split(',') {
                    let (label, value) = matcher.split_once(['=', '!']).expect("a matcher");
                    let values = value
                        .trim_start_matches(['=', '~'])
                        .trim_matches('"')
                        .split('|');
                    names.matchers.extend(
                        values.map(|value| {
                            (word.to_owned(), label.trim().to_owned(), value.to_owned())
                        }),
                    );
                }
            }
        } else {
            assert!(OTHER.contains(&word), "unknown word {word} in {expression}");
        }
    }
    names
}

/// The text in the brackets with which the text begins, and the text after them.
fn enclosed(text: &str, open: char, close: char) -> Option<(&str, &str)> {
    text.trim_start().strip_prefix(open)?.split_once(close)
}
