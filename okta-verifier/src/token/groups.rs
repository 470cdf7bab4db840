use serde_json::value::RawValue;

use super::json::{self, Object};

/// The names in a groups claim, whatever its shape: one string, strings, or objects with a
/// `value` (RFC 7643 §4.1.2). `None`: another shape.
pub(super) fn groups(value: &str) -> Option<Box<[Box<str>]>> {
    if let Some(one) = json::string(value) {
        return Some(Box::new([one.into()]));
    }
    if let Some(names) = json::strings(value) {
        return Some(names.into_iter().map(Into::into).collect());
    }
    // No derived struct, which serde_json would also read from an array, `[["Admins"]]`.
    let members: Vec<&RawValue> = serde_json::from_str(value).ok()?;
    let name = |member: &RawValue| {
        let member = Object::parse(member.get()).ok()?;
        json::string(member.get("value")?).map(Into::into)
    };
    members.into_iter().map(name).collect()
}
