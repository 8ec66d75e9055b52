//! Pages of lists, their bounds in time, and counts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Code, FieldError, Refusal, Timestamp};

/// Which page of a list is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// The most items of the page.
    pub limit: u16,
    /// The cursor of the page before; nothing for the first page.
    pub cursor: Option<String>,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice<T> {
    pub items: Vec<T>,
    /// The cursor of the next page; nothing after the last. It is valid for this list only.
    pub next: Option<String>,
}

/// A time span. What has no bound on a side is open there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// The first time that is in it.
    pub from: Option<Timestamp>,
    /// The first time that is no longer in it.
    pub before: Option<Timestamp>,
}

impl Period {
    /// The span between the values of two query parameters of these names.
    ///
    /// # Errors
    /// `invalid` when no time can be in it: who asks for that has mixed the two up.
    pub fn between(
        (from_name, from): (&str, Option<TimeBound>),
        (before_name, before): (&str, Option<TimeBound>),
    ) -> Result<Self, Refusal> {
        let period = Self { from: from.map(TimeBound::time), before: before.map(TimeBound::time) };
        match (period.from, period.before) {
            (Some(from), Some(before)) if from >= before => {
                let detail = format!("must be later than {from_name}");
                Err(Refusal::fields(Code::Invalid, vec![FieldError::new(before_name, "out_of_range", detail)]))
            }
            _ => Ok(period),
        }
    }

    pub fn contains(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.before.is_none_or(|before| at < before)
    }
}

/// A bound of a [`Period`], as a client writes it: an RFC 3339 time, or a date, which stands for its beginning in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeBound(Timestamp);

impl TimeBound {
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() == "2026-11-30".len() {
            return Timestamp::parse(&format!("{text}T00:00:00Z")).map(Self);
        }
        // A plus sign that was not escaped in a query is read as a blank.
        let mended = match text.rsplit_once(' ') {
            Some((time, offset)) if time.contains(['T', 't']) => format!("{time}+{offset}"),
            _ => text.to_owned(),
        };
        Timestamp::parse(&mended).map(Self)
    }

    pub const fn time(self) -> Timestamp {
        self.0
    }
}

impl<'de> Deserialize<'de> for TimeBound {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("neither an RFC 3339 time nor a date"))
    }
}

impl utoipa::PartialSchema for TimeBound {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("An RFC 3339 time, or a date, which stands for its beginning in UTC."))
            .pattern(Some("^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt][-+0-9:.Zz]+)?$"))
            .examples(["2026-11-21"])
            .into()
    }
}

impl ToSchema for TimeBound {}

/// How many entries a list has, counted up to a maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Count {
    /// The entries that were counted.
    #[schema(minimum = 0)]
    pub count: u32,
    /// Whether there may be more: the counting stopped here, and a page shows `99+`.
    pub at_least: bool,
}

impl Count {
    /// The most that is counted of one list.
    pub const MOST: u32 = 99;

    /// The count when so many entries were found. `is_cut` says that not all were looked at.
    pub fn of(found: usize, is_cut: bool) -> Self {
        let found = u32::try_from(found).unwrap_or(u32::MAX);
        Self { count: found.min(Self::MOST), at_least: is_cut || found > Self::MOST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_time_or_the_beginning_of_a_day() {
        let at = |text: &str| TimeBound::parse(text).map(|bound| bound.time().to_string());
        assert_eq!(at("2026-11-30"), Some("2026-11-30T00:00:00Z".to_owned()));
        assert_eq!(at("2026-11-30T05:00:00+05:00"), at("2026-11-30"));
        assert_eq!(at("2026-11-30T05:00:00 05:00"), at("2026-11-30"), "a plus sign that became a blank");
        for bad in ["", "2026-11", "30.11.2026", "2026-13-01", "2026-11-30T", "yesterday", "2026-11-30 05:00"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_period_has_its_beginning_and_not_its_end() {
        let bound = |text: &str| TimeBound::parse(text);
        let day = Period::between(("from", bound("2026-11-30")), ("before", bound("2026-12-01"))).unwrap();
        let at = |text: &str| Timestamp::parse(text).unwrap();
        assert!(day.contains(at("2026-11-30T00:00:00Z")) && day.contains(at("2026-11-30T23:59:59.999Z")));
        assert!(!day.contains(at("2026-12-01T00:00:00Z")) && !day.contains(at("2026-11-29T23:59:59.999Z")));
        assert!(Period::default().contains(at("1970-01-01T00:00:00Z")));
        assert!(Period::between(("from", bound("2026-12-01")), ("before", bound("2026-12-01"))).is_err());
    }

    #[test]
    fn a_count_says_when_there_may_be_more() {
        assert_eq!(Count::of(99, false), Count { count: 99, at_least: false });
        assert_eq!(Count::of(100, true), Count { count: 99, at_least: true });
        assert_eq!(Count::of(3, true), Count { count: 3, at_least: true });
    }
}
