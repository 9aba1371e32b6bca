//! Ranges, as Nushell writes them: `1..5`, `1..<5`, `1..3..9`, `1..`.

use pegboard_protocol::{Bound, Range};

use super::number::{self, NotNumber};

/// A range of integers, or of floats if one of its numbers is one.
pub(super) fn range(text: &str) -> Result<Range, NotNumber> {
    let mut parts = text.split("..");
    let (first, second) = (
        parts.next().unwrap_or(""),
        parts.next().ok_or(NotNumber::Other)?,
    );
    let (next, end) = match parts.next() {
        Some(end) => (Some(second), end),
        None => (None, second),
    };
    if parts.next().is_some() || next == Some("") || text == ".." {
        return Err(NotNumber::Other);
    }
    let excluded = end.starts_with('<');
    let end = end.strip_prefix(['<', '=']).unwrap_or(end);
    let numbers = || {
        [Some(first), next, Some(end)]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
    };
    if numbers().all(|text| number::int(text).is_ok()) {
        int_range(first, next, end, excluded)
    } else if numbers().all(|text| number::plain_float(text).is_some()) {
        float_range(first, next, end, excluded)
    } else {
        Err(NotNumber::Other)
    }
}

fn int_range(
    first: &str,
    next: Option<&str>,
    end: &str,
    excluded: bool,
) -> Result<Range, NotNumber> {
    let start = if first.is_empty() {
        0
    } else {
        number::int(first)?
    };
    let end = if end.is_empty() {
        None
    } else {
        Some(number::int(end)?)
    };
    let step = match next {
        Some(next) => number::int(next)?
            .checked_sub(start)
            .ok_or(NotNumber::TooLarge)?,
        None if end.is_some_and(|end| end < start) => -1,
        None => 1,
    };
    leads_to(
        step == 0,
        end.is_some_and(|end| (end < start && step > 0) || (end > start && step < 0)),
    )?;
    Ok(Range::Int {
        start,
        step,
        end: bound(end, excluded),
    })
}

fn float_range(
    first: &str,
    next: Option<&str>,
    end: &str,
    excluded: bool,
) -> Result<Range, NotNumber> {
    let float = |text: &str| number::plain_float(text).ok_or(NotNumber::Other);
    let start = if first.is_empty() { 0.0 } else { float(first)? };
    let end = if end.is_empty() {
        None
    } else {
        Some(float(end)?)
    };
    let step = match next {
        Some(next) => float(next)? - start,
        None if end.is_some_and(|end| end < start) => -1.0,
        None => 1.0,
    };
    leads_to(
        step == 0.0,
        end.is_some_and(|end| (end < start && step > 0.0) || (end > start && step < 0.0)),
    )?;
    Ok(Range::Float {
        start,
        step,
        end: bound(end, excluded),
    })
}

fn leads_to(stands: bool, leads_away: bool) -> Result<(), NotNumber> {
    if stands {
        Err(NotNumber::Because(
            "the second number must differ from the first",
        ))
    } else if leads_away {
        Err(NotNumber::Because(
            "the second number leads away from the end",
        ))
    } else {
        Ok(())
    }
}

fn bound<T>(end: Option<T>, excluded: bool) -> Bound<T> {
    match end {
        None => Bound::Unbounded,
        Some(end) if excluded => Bound::Excluded(end),
        Some(end) => Bound::Included(end),
    }
}
