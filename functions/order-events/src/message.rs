//! Messages: plain text in short sentences.

use domain::order::{OrderLine, VendorOrder, VendorOrderId};
use domain::pricing::Totals;
use domain::{Money, OrderId, ProductId, Timestamp};
pub(crate) use platform::mail::Message;

/// The marketplace's name, and the base URL of its pages.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    name: String,
    url: String,
}

impl Site {
    pub(crate) fn new(name: &str, url: &str) -> Self {
        Self { name: one_line(name), url: url.trim_end_matches('/').to_owned() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The buyer's page of an order. The token is in the fragment, which browsers do not send to servers.
    pub(crate) fn order_link(&self, order: OrderId, token: &str) -> String {
        platform::order_link(&self.url, order, token)
    }

    /// The operator's page of an order, which requires a sign-in.
    pub(crate) fn operator_order_link(&self, order: OrderId) -> String {
        format!("{}/operate/orders/{order}", self.url)
    }

    /// The vendor's page of a product, which requires a sign-in.
    pub(crate) fn product_link(&self, product: ProductId) -> String {
        format!("{}/desk/products/{product}", self.url)
    }

    /// The vendor's page of a vendor order, which requires a sign-in.
    pub(crate) fn vendor_order_link(&self, vendor_order: VendorOrderId) -> String {
        format!("{}/desk/orders/{vendor_order}", self.url)
    }
}

/// A message that is being written, paragraph by paragraph.
#[derive(Debug, Default)]
pub(crate) struct Draft(Vec<String>);

impl Draft {
    /// Begins a message. It does not address the reader by name: names are typed in by whoever orders, so the
    /// marketplace would mail a stranger's text to any address.
    pub(crate) fn new() -> Self {
        Self(vec!["Hello,".to_owned()])
    }

    pub(crate) fn paragraph(mut self, paragraph: impl Into<String>) -> Self {
        self.0.push(paragraph.into());
        self
    }

    pub(crate) fn paragraph_if(self, condition: bool, paragraph: impl FnOnce() -> String) -> Self {
        if condition { self.paragraph(paragraph()) } else { self }
    }

    /// Units of the lines of a vendor order, one line each; none of which there are no units.
    pub(crate) fn units(self, vendor_order: &VendorOrder, units: impl Fn(usize, &OrderLine) -> u32) -> Self {
        let lines = vendor_order.lines.iter().enumerate().map(|(at, line)| (units(at, line), line));
        let lines = lines.filter(|(units, _)| *units > 0);
        let lines = lines.map(|(units, line)| format!("- {units} x {}", called(line, units)));
        self.paragraph(lines.collect::<Vec<_>>().join("\n"))
    }

    /// The vendor orders with their prices, and the totals.
    pub(crate) fn bill<'a>(mut self, vendor_orders: impl Iterator<Item = &'a VendorOrder>, totals: &Totals) -> Self {
        for vendor_order in vendor_orders {
            let mut text = vec![format!("From {}:", one_line(vendor_order.vendor.name.as_str()))];
            text.extend(priced(&vendor_order.lines));
            self = self.paragraph(text.join("\n"));
        }
        self.paragraph(sums(totals))
    }

    /// A vendor order with its prices and SKUs, as its vendor sees it.
    pub(crate) fn bill_of_vendor_order(self, vendor_order: &VendorOrder) -> Self {
        let numbered = vendor_order.lines.iter().map(|line| match &line.sku {
            Some(sku) => format!("{} (your number: {})", priced_line(line), one_line(sku)),
            None => priced_line(line),
        });
        self.paragraph(numbered.collect::<Vec<_>>().join("\n")).paragraph(sums(&vendor_order.totals))
    }

    pub(crate) fn finish(self, subject: String, site: &Site) -> Message {
        let mut text = self.paragraph(site.name.clone()).0.join("\n\n");
        text.push('\n');
        Message { subject: one_line(&subject), text }
    }
}

fn priced(lines: &[OrderLine]) -> Vec<String> {
    lines.iter().map(priced_line).collect()
}

fn priced_line(line: &OrderLine) -> String {
    format!("- {} x {}: {}", line.quantity, called(line, line.quantity), amount(line.total))
}

/// The title of a line, and how much so many units are when it is sold by measure.
fn called(line: &OrderLine, units: u32) -> String {
    let title = one_line(&line.title);
    line.sale_unit.map_or_else(|| title.clone(), |unit| format!("{title} ({})", unit.measure_of(units)))
}

fn sums(totals: &Totals) -> String {
    let mut text = vec![format!("Goods: {}", amount(totals.items))];
    if !totals.discount.is_zero() {
        text.push(format!("Discount: -{}", amount(totals.discount)));
    }
    if let Some(shipping) = totals.shipping {
        text.push(format!("Delivery: {}", amount(shipping)));
    }
    if let Some(tax) = totals.tax.filter(|tax| !tax.is_zero()) {
        text.push(format!("Tax: {}", amount(tax)));
    }
    text.push(format!("Total: {}", amount(totals.total)));
    text.join("\n")
}

/// The day of a time, in UTC: `2027-01-31`.
pub(crate) fn day(at: Timestamp) -> String {
    at.to_string().chars().take_while(|character| *character != 'T').collect()
}

/// An amount as people read it: `1 250 000.00 UZS`.
pub(crate) fn amount(money: Money) -> String {
    let decimal = money.decimal();
    let (whole, fraction) = decimal.split_at(decimal.find('.').unwrap_or(decimal.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut grouped = String::with_capacity(decimal.len() + 8);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction} {}", money.currency())
}

/// The text with control characters and line breaks replaced by blanks, so that a title cannot add lines to a message.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() || is_break(character) { ' ' } else { character }).collect()
}

const fn is_break(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use domain::Currency;

    use super::*;

    #[test]
    fn amounts_are_grouped() {
        let text = |minor, currency| amount(Money::new(minor, currency));
        assert_eq!(text(125_000_000, Currency::UZS), "1 250 000.00 UZS");
        assert_eq!(text(-100_050, Currency::USD), "-1 000.50 USD");
        assert_eq!(text(999, Currency::JPY), "999 JPY");
        assert_eq!(text(0, Currency::KWD), "0.000 KWD");
    }

    #[test]
    fn a_text_stays_on_its_line() {
        assert_eq!(one_line("Bowl\r\nBcc: all\u{2028}x"), "Bowl  Bcc: all x");
    }
}
