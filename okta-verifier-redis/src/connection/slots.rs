//! Hash slots of a cluster: the slot of a key, and the servers of the slots.

use redis::Value;

use super::address::Address;

pub(super) const SLOTS: usize = 16_384;

/// Returns the slot of a key: CRC-16/XMODEM of its hash tag, or of the whole key if it has no hash tag.
pub(super) fn slot(key: &[u8]) -> usize {
    usize::from(crc16(hash_tag(key).unwrap_or(key))) % SLOTS
}

/// Returns the text between the first `{` and the next `}`, or `None` if there is no such text or if it
/// is empty.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let open = key.iter().position(|byte| *byte == b'{')? + 1;
    let length = key[open..].iter().position(|byte| *byte == b'}')?;
    (length > 0).then(|| &key[open..open + length])
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc: u16, _| match crc >> 15 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

/// The primary `server` serves the slots `first..=last`.
#[derive(Debug, PartialEq)]
pub(super) struct Range {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) server: Address,
}

/// Parses the reply of `sender` to `CLUSTER SLOTS`: arrays of first slot, last slot, the primary and
/// its replicas. A missing host stands for the host of `sender`. Returns `None` if the reply does not
/// have this form.
pub(super) fn ranges(reply: &Value, sender: &Address) -> Option<Vec<Range>> {
    let Value::Array(entries) = reply else {
        return None;
    };
    let parsed: Option<Vec<_>> = entries.iter().map(|entry| range(entry, sender)).collect();
    parsed.filter(|ranges| !ranges.is_empty())
}

fn range(entry: &Value, sender: &Address) -> Option<Range> {
    let Value::Array(parts) = entry else {
        return None;
    };
    let [
        Value::Int(first),
        Value::Int(last),
        Value::Array(primary),
        ..,
    ] = &parts[..]
    else {
        return None;
    };
    let [host, Value::Int(port), ..] = &primary[..] else {
        return None;
    };
    let host = match host {
        Value::Nil => &*sender.host,
        Value::BulkString(host) if host.is_empty() => &*sender.host,
        Value::BulkString(host) => std::str::from_utf8(host).ok()?,
        _ => return None,
    };
    let (first, last) = (usize::try_from(*first).ok()?, usize::try_from(*last).ok()?);
    (first <= last && last < SLOTS).then_some(Range {
        first,
        last,
        server: Address::new(host, u16::try_from(*port).ok()?)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_is_that_of_the_cluster_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (key, expected) in [
            ("foo", 12_182),
            ("bar", 5_061),
            ("{foo}.x", 12_182),
            ("y{foo}{bar}", 12_182),
        ] {
            assert_eq!(slot(key.as_bytes()), expected, "{key}");
        }
        // A tag that is empty or not closed does not count.
        assert_eq!(hash_tag(b"foo{}{bar}"), None);
        assert_eq!(hash_tag(b"foo{bar"), None);
        assert_eq!(hash_tag(b"foo{{bar}}zap"), Some(&b"{bar"[..]));
    }

    fn entry(first: i64, last: i64, host: Value, port: i64) -> Value {
        let primary = Value::Array(vec![
            host,
            Value::Int(port),
            Value::BulkString(b"id".into()),
        ]);
        let replica = Value::Array(vec![Value::BulkString(b"10.0.0.9".into()), Value::Int(1)]);
        Value::Array(vec![Value::Int(first), Value::Int(last), primary, replica])
    }

    fn text(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    #[test]
    fn slots_reply_with_a_wrong_entry_is_rejected() {
        let sender = Address::new("10.0.0.1", 7000).unwrap();
        for wrong in [
            Value::Nil,
            Value::Okay,
            Value::Array(vec![]),
            entry(-1, 5, text("a"), 1),
            entry(6, 5, text("a"), 1),
            entry(0, 16_384, text("a"), 1),
            entry(0, 5, text("a"), 0),
            entry(0, 5, text("a"), 65_536),
            entry(0, 5, text("?"), 1),
            entry(0, 5, Value::Int(1), 1),
            Value::Array(vec![Value::Int(0), Value::Int(5)]),
        ] {
            let reply = Value::Array(vec![entry(0, 5, text("a"), 1), wrong.clone()]);
            assert_eq!(ranges(&reply, &sender), None, "{wrong:?}");
            assert_eq!(ranges(&wrong, &sender), None, "{wrong:?}");
        }
    }

    #[test]
    fn slots_reply_names_the_primary_of_each_range() {
        let sender = Address::new("10.0.0.1", 7000).unwrap();
        let reply = Value::Array(vec![
            entry(0, 100, text("10.0.0.2"), 7001),
            entry(101, 16_383, Value::Nil, 7002),
        ]);
        let ranges = ranges(&reply, &sender).unwrap();
        let shown: Vec<_> = ranges
            .iter()
            .map(|it| (it.first, it.last, it.server.to_string()))
            .collect();
        assert_eq!(
            shown,
            [
                (0, 100, "10.0.0.2:7001".to_owned()),
                (101, 16_383, "10.0.0.1:7002".to_owned())
            ]
        );
    }
}
