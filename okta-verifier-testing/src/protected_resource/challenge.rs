//! The challenges of `WWW-Authenticate` (RFC 9110 §11.6.1).

/// One challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    scheme: String,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) is_quoted: bool,
}

impl Challenge {
    /// Returns whether the challenge has this scheme, which is case-insensitive.
    pub(super) fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// Returns the value of a parameter, whose name is case-insensitive.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let parameter = parameters.find(|it| it.name.eq_ignore_ascii_case(name))?;
        Some(&parameter.value)
    }

    pub(super) fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters.iter()
    }

    /// Returns the scopes, sorted.
    pub(super) fn scopes(&self) -> Vec<&str> {
        let scopes = self.value("scope").unwrap_or_default().split(' ');
        let mut scopes: Vec<&str> = scopes.filter(|scope| !scope.is_empty()).collect();
        scopes.sort_unstable();
        scopes
    }
}

/// Parses the challenges of one line. Returns `None` if the line is malformed.
pub(super) fn parse(line: &str) -> Option<Vec<Challenge>> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = token(rest)?;
        match after.trim_start().strip_prefix('=') {
            // A parameter of the challenge before.
            Some(value) => {
                let (parameter, after) = parameter(word, value.trim_start())?;
                challenges.last_mut()?.parameters.push(parameter);
                rest = after;
            }
            // A scheme. Its first parameter follows after a space.
            None => {
                challenges.push(Challenge {
                    scheme: word.to_owned(),
                    parameters: Vec::new(),
                });
                let is_alone = after.is_empty() || after.starts_with(',');
                if !is_alone && !after.starts_with(' ') {
                    return None;
                }
                rest = after.trim_start();
                if !is_alone && !rest.starts_with(',') {
                    continue;
                }
            }
        }
        rest = rest.trim_start();
        if !rest.is_empty() {
            rest = rest.strip_prefix(',')?.trim_start();
            // RFC 9110 §5.6.1: a sender writes no empty element.
            if rest.is_empty() {
                return None;
            }
        }
    }
    (!challenges.is_empty()).then_some(challenges)
}

fn parameter<'l>(name: &str, value: &'l str) -> Option<(Parameter, &'l str)> {
    let (value, is_quoted, rest) = match value.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = unquote(quoted)?;
            (value, true, rest)
        }
        None => {
            let (value, rest) = token(value)?;
            (value.to_owned(), false, rest)
        }
    };
    let parameter = Parameter {
        name: name.to_owned(),
        value,
        is_quoted,
    };
    Some((parameter, rest))
}

/// Splits off a token (RFC 9110 §5.6.2).
fn token(text: &str) -> Option<(&str, &str)> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let end = text.find(|c| !is_allowed(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Splits off a quoted string whose first quote is removed already (RFC 9110 §5.6.4).
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            c if c.is_control() && c != '\t' => return None,
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_parsed_with_their_parameters() {
        let line = r#"Bearer realm="a, \"b\"", scope="r w" ,error=invalid_token, DPoP algs="ES256 EdDSA", Negotiate"#;
        let challenges = parse(line).unwrap();
        let schemes: Vec<&str> = challenges.iter().map(|it| it.scheme.as_str()).collect();
        assert_eq!(schemes, ["Bearer", "DPoP", "Negotiate"]);
        assert_eq!(challenges[0].value("realm"), Some("a, \"b\""));
        assert_eq!(challenges[0].scopes(), ["r", "w"]);
        assert_eq!(challenges[0].value("Error"), Some("invalid_token"));
        assert!(challenges[0].parameters().nth(1).unwrap().is_quoted);
        assert!(!challenges[0].parameters().nth(2).unwrap().is_quoted);
        assert_eq!(challenges[1].value("algs"), Some("ES256 EdDSA"));
    }

    #[test]
    fn malformed_challenges_are_not_parsed() {
        for line in [
            "",
            "=",
            r#"realm="x""#,
            r#"Bearer realm="x"#,
            r#"Bearer realm="x" scope="y""#,
            r#"Bearer realm="x","#,
            r#"Bearer realm=,"#,
            r#"Bearer scope=read write"#,
            r#"Bearer error_description="a "b" c""#,
            r#"Bearer resource_metadata=https://x/"#,
            "Bearer realm=\"a\u{7}\"",
            r#"Bearer realm="x\"#,
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
