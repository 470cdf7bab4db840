//! The scripts of a revocation log, their arguments and their replies.

use std::time::Duration;

use okta_verifier::revocation::LogEntry;
use redis::Value;

use super::position::{EntryId, Position, Tag};
use crate::connection::Command;

/// The keys of a log. They share a hash tag, so a cluster has both in one slot.
pub(super) struct Keys {
    /// The stream of entries. An entry has the fields `t`, the tag of its append, and `r`, the rule.
    pub(super) entries: String,
    /// The hash with the fields `birth`, the name of the log, and `keep`, the longest time in milliseconds for which
    /// an instance has asked to keep its entries.
    log: String,
}

impl Keys {
    pub(super) fn new(prefix: &str) -> Self {
        Self {
            entries: format!("{prefix}{{rules}}:entries"),
            log: format!("{prefix}{{rules}}:log"),
        }
    }

    fn eval(&self, script: &str, is_reply: fn(&Value) -> bool) -> Command {
        let mut command = redis::cmd("EVAL");
        command.arg(script).arg(2).arg(&self.entries).arg(&self.log);
        Command { command, is_reply }
    }
}

/// Divides entries into batches, each for one append. The limits bound the time of a script and the size of a command.
pub(super) fn batches(entries: &[LogEntry]) -> impl Iterator<Item = &[LogEntry]> {
    let mut rest = entries;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |entry: &&LogEntry| {
            bytes += entry.as_str().len();
            bytes <= MAX_BYTES
        };
        let length = rest.iter().take(MAX_APPENDED).take_while(fits).count();
        // An entry is much shorter than a batch may be, so none is left over.
        let (batch, others) = rest.split_at(length);
        rest = others;
        (length > 0).then_some(batch)
    })
}

pub(super) fn append(keys: &Keys, tag: Tag, entries: &[LogEntry], keep: Duration) -> Command {
    let mut eval = keys.eval(APPEND, |value| matches!(value, Value::Int(_)));
    let keep = u64::try_from(keep.as_millis()).unwrap_or(u64::MAX);
    let command = &mut eval.command;
    command.arg(Tag::random().to_string()).arg(tag.to_string());
    command.arg(keep.min(MAX_KEEP));
    for entry in entries {
        command.arg(entry.as_str());
    }
    eval
}

/// Returns the command that reads what follows `position`, or the first entries.
pub(super) fn read(keys: &Keys, position: Option<&Position>) -> Command {
    let mut eval = keys.eval(READ, |value| Parts::of(value).is_some());
    let birth = position.map(|position| position.birth.to_string());
    let last = position.and_then(|position| position.last);
    let (id, tag) = last.map_or_else(Default::default, |(id, tag)| {
        (id.to_string(), tag.to_string())
    });
    let command = &mut eval.command;
    command
        .arg(Tag::random().to_string())
        .arg(birth.unwrap_or_default());
    command.arg(id).arg(tag).arg(MAX_READ).arg(MAX_BYTES);
    eval
}

/// The reply to a read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) position: Position,
    pub(super) is_complete: bool,
    /// Whether the entries follow the position of the read. If not, they are the first ones of the log.
    pub(super) is_continuous: bool,
}

impl Page {
    /// Interprets the reply to a read after `position`. Returns `None` if the reply contradicts itself or the position.
    pub(super) fn parse(reply: &Value, position: Option<&Position>) -> Option<Self> {
        let parts = Parts::of(reply)?;
        let after = match (parts.is_continuous, position) {
            (true, Some(position)) if position.birth == parts.birth => position.last,
            (false, _) => None,
            (true, _) => return None,
        };
        let ids = after.iter().map(|(id, _)| *id);
        let ids = ids.chain(parts.entries.iter().map(|entry| entry.id));
        let last = parts.entries.last().map(|entry| (entry.id, entry.tag));
        // A page that is neither complete nor brings an entry would be read for ever.
        let is_page = ids.is_sorted_by(|one, next| one < next)
            && parts.entries.len() <= MAX_READ
            && (parts.is_complete || !parts.entries.is_empty());
        is_page.then(|| Self {
            position: Position {
                birth: parts.birth,
                last: last.or(after),
            },
            is_complete: parts.is_complete,
            is_continuous: parts.is_continuous,
            entries: parts.entries,
        })
    }
}

/// The parts of a reply to a read.
struct Parts {
    birth: Tag,
    is_continuous: bool,
    is_complete: bool,
    entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: EntryId,
    pub(super) tag: Tag,
    pub(super) rule: LogEntry,
}

impl Parts {
    fn of(reply: &Value) -> Option<Self> {
        let Value::Array(parts) = reply else {
            return None;
        };
        let [
            birth,
            Value::Int(is_continuous),
            Value::Int(is_complete),
            Value::Array(entries),
        ] = &parts[..]
        else {
            return None;
        };
        let flag = |number: &i64| match number {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        Some(Self {
            birth: Tag::parse(text(birth)?)?,
            is_continuous: flag(is_continuous)?,
            is_complete: flag(is_complete)?,
            entries: entries.iter().map(Entry::of).collect::<Option<_>>()?,
        })
    }
}

impl Entry {
    fn of(value: &Value) -> Option<Self> {
        let Value::Array(parts) = value else {
            return None;
        };
        let [id, Value::Array(fields)] = &parts[..] else {
            return None;
        };
        let fields: Vec<_> = fields.iter().map(text).collect::<Option<_>>()?;
        // Anything else was not written by this crate, or by a version whose rules this one would miss.
        let ["t", tag, "r", rule] = fields[..] else {
            return None;
        };
        Some(Self {
            id: EntryId::parse(text(id)?)?,
            tag: Tag::parse(tag)?,
            rule: LogEntry::parse(rule)?,
        })
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

/// Arguments: a name for the log if it has none, the tag, the time to keep in milliseconds, and the entries. Returns
/// the number of entries.
///
/// The entries are trimmed by the longest time that any instance has asked for, because instances may have different
/// settings while they are deployed. The newest entry is never trimmed: instances that have read everything still find
/// the last entry that they have read after the next append.
const APPEND: &str = "\
redis.call('HSETNX', KEYS[2], 'birth', ARGV[1])
local keep = tonumber(ARGV[3])
local kept = tonumber(redis.call('HGET', KEYS[2], 'keep') or '0') or 0
if keep > kept then
  redis.call('HSET', KEYS[2], 'keep', ARGV[3])
else
  keep = kept
end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local oldest = redis.call('TIME')[1] * 1000 - keep
if newest and oldest > 0 then
  local id = newest[1]
  if oldest <= tonumber(string.match(id, '^%d+')) then id = string.format('%.0f', oldest) end
  redis.call('XTRIM', KEYS[1], 'MINID', '~', id)
end
for at = 4, #ARGV do redis.call('XADD', KEYS[1], '*', 't', ARGV[2], 'r', ARGV[at]) end
return #ARGV - 3
";

/// Arguments: a name for the log if it has none, the name that the position has, the ID and the tag of its last entry,
/// and the maximum numbers of entries and of bytes. Returns the name of the log, whether it is continuous, whether the
/// entries are all that it has, and the entries.
///
/// `PERSIST` changes nothing, but is a write: a replica rejects it, and so does a primary without enough replicas. In
/// contrast to other writes it is allowed if the memory is full. The name is stored by the first read already, so that
/// a log that is emptied before its first entry is noticed too.
const READ: &str = "\
redis.call('PERSIST', KEYS[2])
local birth = redis.call('HGET', KEYS[2], 'birth')
if not birth then
  birth = ARGV[1]
  redis.call('HSET', KEYS[2], 'birth', birth)
end
local continuous = birth == ARGV[2]
local after = '0-0'
if continuous and ARGV[3] ~= '' then
  local last = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])[1]
  continuous = last ~= nil and last[2][2] == ARGV[4]
  if continuous then after = ARGV[3] end
end
local entries, bytes, complete = {}, 0, false
while not complete and #entries < tonumber(ARGV[5]) and bytes < tonumber(ARGV[6]) do
  local more = redis.call('XRANGE', KEYS[1], '(' .. after, '+', 'COUNT', 100)
  complete = #more < 100
  for _, entry in ipairs(more) do
    after = entry[1]
    entries[#entries + 1] = entry
    for _, field in ipairs(entry[2]) do bytes = bytes + #field end
  end
end
return {birth, continuous and 1 or 0, complete and 1 or 0, entries}
";

/// The maximum number of entries per append.
const MAX_APPENDED: usize = 500;
/// The maximum number of entries per read.
const MAX_READ: usize = 1_000;
/// The length at which an append or a read takes no further entries. A read may exceed it by the length of 100
/// entries, and remains shorter than the longest reply that a connection accepts.
const MAX_BYTES: usize = 256 * 1024;
/// 100 years, which a script can calculate with.
const MAX_KEEP: u64 = 100 * 366 * 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(count: usize, length: usize) -> Vec<LogEntry> {
        let entry = LogEntry::parse(&"x".repeat(length)).unwrap();
        vec![entry; count]
    }

    #[test]
    fn batches_have_limits_and_leave_out_no_entry() {
        for (count, length, expected) in [
            (0, 1, vec![]),
            (1, 4096, vec![1]),
            (1_001, 1, vec![500, 500, 1]),
            (130, 4096, vec![64, 64, 2]),
        ] {
            let entries = entries(count, length);
            let lengths: Vec<_> = batches(&entries).map(<[_]>::len).collect();
            assert_eq!(lengths, expected);
        }
    }
}
