//! Messages: short sentences in the language of who reads them.

use domain::order::{OrderLine, VendorOrder};
use domain::pricing::Totals;
use domain::{OrderId, ProductId, VendorId};
use pages::mail::{self, MailTexts, one_line};
use pages::{Language, Texts, fill, money};
pub(crate) use platform::mail::Message;

/// The marketplace's name, the base URL of its pages, and the language of whoever has told none.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    name: String,
    url: String,
    main_language: Language,
}

impl Site {
    pub(crate) fn new(name: &str, url: &str, main_language: Language) -> Self {
        Self { name: one_line(name), url: url.trim_end_matches('/').to_owned(), main_language }
    }

    /// The language of the operator, and of whoever has told none that is known.
    pub(crate) fn language_of(&self, tag: Option<&str>) -> Language {
        tag.and_then(Language::from_tag).unwrap_or(self.main_language)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The buyer's page of an order, with its token.
    pub(crate) fn order_link(&self, order: OrderId, token: &str) -> String {
        platform::order_link(&self.url, order, token)
    }

    /// The operator's page of an order, which requires a sign-in.
    pub(crate) fn operator_order_link(&self, order: OrderId) -> String {
        format!("{}/operate/orders/{order}", self.url)
    }

    /// The vendor's page of a product, which requires a sign-in.
    pub(crate) fn product_link(&self, product: ProductId, vendor: VendorId) -> String {
        format!("{}{}", self.url, platform::desk_page(&format!("/products/{product}"), vendor))
    }

    /// The vendor's page of a vendor order, which requires a sign-in.
    pub(crate) fn vendor_order_link(&self, vendor_order: &VendorOrder) -> String {
        let page = format!("/orders/{}", vendor_order.id());
        format!("{}{}", self.url, platform::desk_page(&page, vendor_order.vendor.id))
    }
}

/// A message that is being written in a language, paragraph by paragraph.
#[derive(Debug)]
pub(crate) struct Draft(mail::Draft);

impl Draft {
    pub(crate) fn new(language: Language) -> Self {
        Self(mail::Draft::new(language))
    }

    pub(crate) fn paragraph(self, paragraph: impl Into<String>) -> Self {
        Self(self.0.text(paragraph))
    }

    pub(crate) fn paragraph_if(self, condition: bool, paragraph: impl FnOnce() -> String) -> Self {
        if condition { self.paragraph(paragraph()) } else { self }
    }

    pub(crate) fn code(self, code: &str) -> Self {
        Self(self.0.code(code))
    }

    pub(crate) fn list(self, things: impl Iterator<Item = String>) -> Self {
        Self(self.0.list(things.collect()))
    }

    /// Where to go, and the words in front of it.
    pub(crate) fn link(self, words: &str, href: impl Into<String>) -> Self {
        Self(self.0.link(words, href))
    }

    /// Units of the lines of a vendor order, one line each; none of which there are no units.
    pub(crate) fn units(self, vendor_order: &VendorOrder, units: impl Fn(usize, &OrderLine) -> u32) -> Self {
        let lines = vendor_order.lines.iter().enumerate().map(|(at, line)| (units(at, line), line));
        let lines = lines.filter(|(units, _)| *units > 0);
        self.list(lines.map(|(units, line)| format!("{units} x {}", called(line, units))))
    }

    /// The vendor orders with their prices, and the totals.
    pub(crate) fn bill<'a>(mut self, vendor_orders: impl Iterator<Item = &'a VendorOrder>, totals: &Totals) -> Self {
        let language = self.0.language();
        for vendor_order in vendor_orders {
            let words = fill(MailTexts::of(language).from_shop, &[("shop", vendor_order.vendor.name.as_str())]);
            let lines = vendor_order.lines.iter().map(|line| priced_line(line, language)).collect();
            self = Self(self.0.list_of(words, lines));
        }
        Self(self.0.sums(sums(totals, language)))
    }

    /// A vendor order with its prices and SKUs, as its vendor sees it.
    pub(crate) fn bill_of_vendor_order(self, vendor_order: &VendorOrder) -> Self {
        let language = self.0.language();
        let numbered = vendor_order.lines.iter().map(|line| match &line.sku {
            Some(sku) => {
                let number = fill(MailTexts::of(language).your_number, &[("sku", sku)]);
                format!("{} ({number})", priced_line(line, language))
            }
            None => priced_line(line, language),
        });
        let draft = self.list(numbered);
        Self(draft.0.sums(sums(&vendor_order.totals, language)))
    }

    pub(crate) fn finish(self, subject: &str, site: &Site) -> Message {
        let mail::Mail { subject, text, html } = self.0.finish(subject, &site.name);
        Message { subject, text, html }
    }
}

fn priced_line(line: &OrderLine, language: Language) -> String {
    format!("{} x {}: {}", line.quantity, called(line, line.quantity), money(line.total, language))
}

/// The title of a line, and how much so many units are when it is sold by measure.
fn called(line: &OrderLine, units: u32) -> String {
    let title = line.title.to_string();
    line.sale_unit.map_or_else(|| title.clone(), |unit| format!("{title} ({})", unit.measure_of(units)))
}

fn sums(totals: &Totals, language: Language) -> Vec<(String, String)> {
    let t = Texts::of(language);
    let row = |name: &str, amount| (name.to_owned(), money(amount, language));
    let discount = (!totals.discount.is_zero())
        .then(|| (t.discount_total.to_owned(), format!("-{}", money(totals.discount, language))));
    let tax = totals.tax.filter(|tax| !tax.is_zero());
    let rows = [
        Some(row(t.goods, totals.items)),
        discount,
        totals.shipping.map(|shipping| row(t.delivery, shipping)),
        tax.map(|tax| row(t.tax, tax)),
        Some(row(t.total, totals.total)),
    ];
    rows.into_iter().flatten().collect()
}
