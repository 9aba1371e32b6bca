//! Points in time as MessagePack has them: an extension of its own, in three sizes.

use chrono::{DateTime, FixedOffset};
use rmpv::Value as Pack;

/// The type of the extension.
const TIMESTAMP: i8 = -1;

/// In the smallest size that it fits in. The offset from UTC is not kept: there is no place for it.
pub(crate) fn timestamp(date: &DateTime<FixedOffset>) -> Pack {
    let (seconds, nanoseconds) = (date.timestamp(), date.timestamp_subsec_nanos());
    let bytes = match (u64::try_from(seconds), nanoseconds) {
        (Ok(seconds), 0) if u32::try_from(seconds).is_ok() => {
            (seconds as u32).to_be_bytes().to_vec()
        }
        (Ok(seconds), _) if seconds < 1 << 34 => (u64::from(nanoseconds) << 34 | seconds)
            .to_be_bytes()
            .to_vec(),
        _ => [&nanoseconds.to_be_bytes()[..], &seconds.to_be_bytes()].concat(),
    };
    Pack::Ext(TIMESTAMP, bytes)
}

/// The point in time that an extension is; none if it is something else.
pub(crate) fn date(kind: i8, bytes: &[u8]) -> Option<DateTime<FixedOffset>> {
    if kind != TIMESTAMP {
        return None;
    }
    let (seconds, nanoseconds) = match bytes.len() {
        4 => (i64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            let seconds = i64::try_from(both & ((1 << 34) - 1)).ok()?;
            (seconds, u32::try_from(both >> 34).ok()?)
        }
        12 => {
            let (nanoseconds, seconds) = bytes.split_at(4);
            (
                i64::from_be_bytes(seconds.try_into().ok()?),
                u32::from_be_bytes(nanoseconds.try_into().ok()?),
            )
        }
        _ => return None,
    };
    DateTime::from_timestamp(seconds, nanoseconds).map(|date| date.fixed_offset())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time_come_back() {
        for (text, size) in [
            ("1970-01-01T00:00:00Z", 4),
            ("2106-02-07T06:28:15Z", 4),
            ("2106-02-07T06:28:16Z", 8),
            ("2024-01-02T03:04:05.000000001Z", 8),
            ("1969-12-31T23:59:59Z", 12),
            ("9999-12-31T23:59:59.999999999Z", 12),
        ] {
            let then = DateTime::parse_from_rfc3339(text).expect("a date");
            let Pack::Ext(kind, bytes) = timestamp(&then) else {
                panic!("no extension");
            };
            assert_eq!(bytes.len(), size, "{text}");
            assert_eq!(date(kind, &bytes), Some(then), "{text}");
        }
        assert_eq!(date(-1, b"abc"), None);
        assert_eq!(date(5, b"abcd"), None);
    }
}
