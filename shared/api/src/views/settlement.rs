//! What is settled on the wire: the same for a vendor and for the operator, as JSON or as a file.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::order::VendorOrderId;
use domain::settlement::{Amounts, SettlementEntry, SettlementTotal, is_final, totals};
use domain::vendor::VendorCard;
use domain::{Code, Currency, OrderId, PageRequest, Period, SettlementId, Slice, TimeBound, Timestamp, VendorId};
use http::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Argument, Json, Problem, Reply};

/// What one change of an order has added to the amounts of one of its vendor orders.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettlementView {
    /// Id of the entry.
    pub id: SettlementId,
    /// When the order was changed.
    pub at: Timestamp,
    /// The vendor.
    pub vendor: VendorCard,
    /// The order.
    pub order_id: OrderId,
    /// The order's number.
    #[schema(examples("7HQ2K-9XY4M"))]
    pub number: String,
    /// The vendor order.
    #[schema(value_type = VendorOrderId)]
    pub vendor_order_id: String,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The amounts, beside these fields.
    #[serde(flatten)]
    pub amounts: Amounts,
}

impl From<&SettlementEntry> for SettlementView {
    fn from(entry: &SettlementEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            vendor: entry.vendor.clone(),
            order_id: entry.order,
            number: entry.order.number(),
            vendor_order_id: VendorOrderId { order: entry.order, ordinal: entry.ordinal }.to_string(),
            currency: entry.currency,
            amounts: entry.amounts,
        }
    }
}

/// The sums of the entries of one vendor in one currency.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettlementTotalView {
    /// The vendor.
    pub vendor: VendorCard,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The sums, beside these fields.
    #[serde(flatten)]
    pub amounts: Amounts,
}

impl From<SettlementTotal> for SettlementTotalView {
    fn from(total: SettlementTotal) -> Self {
        Self { vendor: total.vendor, currency: total.amounts.currency(), amounts: total.amounts }
    }
}

/// What is settled for a time.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettlementStatement {
    /// The first moment of the time.
    pub from: Timestamp,
    /// The first moment after it.
    pub to: Timestamp,
    /// Whether nothing can come into it any more: a quarter of an hour after its end.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The entries of this page, newest first.
    pub items: Vec<SettlementView>,
    /// The sums of the entries of this page, for each vendor and currency. Those of all pages add up to those of the
    /// time.
    pub totals: Vec<SettlementTotalView>,
    /// The cursor of the next page; null when this is the last one.
    #[schema(required = true, examples("eyJway..."))]
    pub next: Option<String>,
}

/// The most entries of a page: 1 to 1,000, by default 100.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(try_from = "u16")]
#[schema(value_type = u16, minimum = 1, maximum = 1_000, default = 100)]
pub struct EntryLimit(u16);

impl TryFrom<u16> for EntryLimit {
    type Error = &'static str;

    fn try_from(limit: u16) -> Result<Self, Self::Error> {
        if (1..=1_000).contains(&limit) { Ok(Self(limit)) } else { Err("a number from 1 to 1000") }
    }
}

impl Default for EntryLimit {
    fn default() -> Self {
        Self(100)
    }
}

impl EntryLimit {
    /// The page with this limit after a cursor.
    pub const fn page(self, cursor: Option<String>) -> PageRequest {
        PageRequest { limit: self.0, cursor }
    }
}

/// Whether the client asks for a file, by its `Accept` header (RFC 9110, 12.5.1): for `text/csv` rather than for JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantsFile(pub bool);

impl Argument for WantsFile {
    const REFUSES: &'static [Code] = &[];
}

impl<S: Send + Sync> FromRequestParts<S> for WantsFile {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(wants_file(&parts.headers)))
    }
}

fn wants_file(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    // The weight of a type in thousandths: of the most specific range that it is in.
    let weight_of = |wanted: &str| {
        let group = wanted.split('/').next().unwrap_or_default();
        let ranges = accepted.split(',').filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?.to_ascii_lowercase();
            let precision = match name.as_str() {
                "*/*" => 0,
                name if name == wanted => 2,
                name if name.strip_suffix("/*") == Some(group) => 1,
                _ => return None,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some((precision, weight.map_or(1_000, thousandths)))
        });
        ranges.max_by_key(|(precision, _)| *precision).map_or(0, |(_, weight)| weight)
    };
    weight_of("text/csv") > weight_of("application/json")
}

/// A weight such as `0.8` in thousandths; of one that is not understood, zero.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<3}");
    digits.parse().ok().filter(|weight| *weight <= 1_000 && fraction.len() <= 3).unwrap_or(0)
}

/// What is settled: as JSON, or as a file, whose next page is named by a `Link` header.
#[derive(Clone, Debug)]
pub enum SettlementReply {
    /// As JSON.
    Statement(Box<SettlementStatement>),
    /// As a CSV file.
    File {
        /// The bytes of the file.
        bytes: Vec<u8>,
        /// Its name.
        name: String,
        /// The query of the next page; none for the last one.
        next: Option<String>,
    },
}

impl Reply for SettlementReply {}

/// The time and the vendor whose entries are asked for.
#[derive(Clone, Copy, Debug)]
pub struct AskedSettlements {
    /// The first moment of the time.
    pub from: TimeBound,
    /// The first moment after it.
    pub to: TimeBound,
    /// The vendor that was named, if one was.
    pub vendor: Option<VendorId>,
    /// The most entries of a page.
    pub limit: EntryLimit,
}

impl AskedSettlements {
    /// # Errors
    /// `invalid` when no moment is in the time.
    pub fn period(&self) -> Result<Period, Problem> {
        Ok(Period::between(("from", Some(self.from)), ("to", Some(self.to)))?)
    }

    /// The reply with these entries: as a file if that is given.
    ///
    /// # Errors
    /// A sum does not fit into 64 bits.
    pub fn reply(
        &self,
        found: Slice<SettlementEntry>,
        file: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<SettlementReply, Problem> {
        let (from, to) = (self.from.time(), self.to.time());
        let Some(bytes) = file else {
            let period = Period { from: Some(from), before: Some(to) };
            return Ok(SettlementReply::Statement(Box::new(SettlementStatement {
                from,
                to,
                is_final: is_final(period, now),
                items: found.items.iter().map(SettlementView::from).collect(),
                totals: totals(&found.items)?.into_iter().map(SettlementTotalView::from).collect(),
                next: found.next,
            })));
        };
        let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
        let name = format!("settlements-{}-{}.csv", day(from), day(to));
        let vendor = self.vendor.map(|vendor| format!("&vendor={vendor}")).unwrap_or_default();
        let query = |next: String| format!("from={from}&to={to}{vendor}&limit={}&cursor={next}", self.limit.0);
        Ok(SettlementReply::File { bytes, name, next: found.next.map(query) })
    }
}

impl IntoResponse for SettlementReply {
    fn into_response(self) -> Response {
        match self {
            Self::Statement(statement) => Json(statement).into_response(),
            Self::File { bytes, name, next } => {
                let mut response = Response::new(axum::body::Body::from(bytes));
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
                if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
                    headers.insert(CONTENT_DISPOSITION, value);
                }
                // Relative to the address that was asked for (RFC 8288).
                if let Some(value) =
                    next.and_then(|next| HeaderValue::try_from(format!("<?{next}>; rel=\"next\"")).ok())
                {
                    headers.insert(LINK, value);
                }
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_sent_to_whoever_prefers_it() {
        let wants = |accept: Option<&str>| {
            let value = accept.map(|accept| (ACCEPT, accept.parse().unwrap()));
            wants_file(&value.into_iter().collect())
        };
        for (accept, is_file) in [
            (None, false),
            (Some("*/*"), false),
            (Some("application/json"), false),
            (Some("text/csv"), true),
            (Some("Text/CSV; charset=utf-8"), true),
            (Some("text/*, application/json;q=0.5"), true),
            (Some("text/csv;q=0.5, */*"), false),
            (Some("text/csv, */*;q=0.1"), true),
            (Some("text/csv;q=0"), false),
            (Some("text/csv;q=nonsense"), false),
            (Some("text/html, image/png"), false),
        ] {
            assert_eq!(wants(accept), is_file, "{accept:?}");
        }
    }
}
