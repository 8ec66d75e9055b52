//! What the operator and the vendors settle: the entries of a time, and these as a file.

use domain::order::VendorOrderId;
use domain::settlement::{Amounts, SettlementEntry};
use domain::vendor::{Member, Permission};
use domain::{Code, Money, PageRequest, Period, Refusal, Slice, VendorId};
use product_file::escape_formula;

use crate::{Desk, Error, Operator};

impl Desk {
    /// The vendor's own entries of a time, newest first.
    pub async fn settlements(
        &self,
        member: &Member,
        period: Period,
        page: &PageRequest,
    ) -> Result<Slice<SettlementEntry>, Error> {
        member.may(Permission::ReadMoney)?;
        Ok(self.orders.settlements(Some(member.vendor()), period, page).await?)
    }
}

impl Operator {
    /// The entries of a time, newest first: of all vendors, or of one.
    pub async fn settlements(
        &self,
        vendor: Option<VendorId>,
        period: Period,
        page: &PageRequest,
    ) -> Result<Slice<SettlementEntry>, Error> {
        Ok(self.orders.settlements(vendor, period, page).await?)
    }
}

/// The entries as a CSV file in UTF-8, with a header. A name that a spreadsheet would take for a formula has an
/// apostrophe before it; amounts are numbers, which may be negative.
pub fn settlement_file(entries: &[SettlementEntry]) -> Result<Vec<u8>, Refusal> {
    let mut rows = csv::Writer::from_writer(Vec::new());
    let header = ["at", "id", "vendor_id", "vendor", "number", "vendor_order_id", "currency"];
    let failed = |cause: String| Refusal::because(Code::Internal, cause);
    let written = rows.write_record(header.iter().chain(Amounts::NAMES));
    written.map_err(|error| failed(error.to_string()))?;
    for entry in entries {
        let vendor_order = VendorOrderId { order: entry.order, ordinal: entry.ordinal };
        let cells = [
            entry.at.to_string(),
            entry.id.to_string(),
            entry.vendor.id.to_string(),
            escape_formula(entry.vendor.name.as_str()).into_owned(),
            entry.order.number(),
            vendor_order.to_string(),
            entry.currency.to_string(),
        ];
        let written = rows.write_record(cells.into_iter().chain(entry.amounts.each().map(Money::decimal)));
        written.map_err(|error| failed(error.to_string()))?;
    }
    rows.into_inner().map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use domain::examples::{NOW, vendor_card};
    use domain::{Currency, OrderId, SettlementId};

    use super::*;

    fn entry(number: u8, vendor: u128, name: &str, currency: Currency, minor: i64) -> SettlementEntry {
        let amount = Money::new(minor, currency);
        SettlementEntry {
            id: SettlementId::new(NOW, [number; 10]),
            order: OrderId::from_bits(1),
            ordinal: 1,
            vendor: vendor_card(VendorId::from_bits(vendor), name),
            at: NOW,
            currency,
            amounts: Amounts { goods: amount, due: amount, ..Amounts::zero(currency) },
        }
    }

    #[test]
    fn a_spreadsheet_evaluates_no_name_and_reads_amounts_as_numbers() {
        let entries = [entry(1, 1, "=1+1", Currency::USD, -1_250), entry(2, 2, "Ташкент, \"Чорсу\"", Currency::USD, 5)];
        let file = String::from_utf8(settlement_file(&entries).unwrap()).unwrap();
        let lines: Vec<&str> = file.lines().collect();
        assert!(lines[0].starts_with("at,id,vendor_id,vendor,number,vendor_order_id,currency,goods,delivery,"));
        assert!(lines[1].contains(",'=1+1,") && lines[1].contains(",-12.50,"), "{}", lines[1]);
        assert!(lines[2].contains(",\"Ташкент, \"\"Чорсу\"\"\","), "{}", lines[2]);
        assert_eq!(lines.len(), 3);
    }
}
