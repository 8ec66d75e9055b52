//! What waits for the operator: each list on a page of its own.

use api::{Path, Problem};
use axum::extract::State;
use browser::Reply;
use domain::dispute::Dispute;
use domain::marketplace::OperatorPermission;
use domain::order::VendorOrder;
use domain::payment::{Payment, PaymentState, Refund};
use domain::vendor::Paper;
use domain::{Code, PageRequest, Slice};
use pages::parts::{anchor, badge, muted, pager, plain, table};
use pages::{Html, Texts, date_time, money};

use crate::App;
use crate::operate_orders::ORDERS;
use crate::operate_vendors::VENDORS;
use crate::shown::{Sheet, listed_at, next_page};
use crate::states;
use crate::who::Operating;

const PER_PAGE: u16 = 50;

/// A list of what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// Payments of another amount than the order's.
    AmountMismatches,
    FailedRefunds,
    OpenDisputes,
    /// The vendor orders that were not shipped in time, which are cancelled if nobody does anything.
    LateOrders,
    ExpiredPapers,
}

/// A page of a list.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Vec<Html>>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

impl Rows {
    fn of<T>(found: Slice<T>, row: impl Fn(&T) -> Vec<Html>) -> Self {
        Self { rows: found.items.iter().map(row).collect(), next: found.next }
    }
}

impl Waiting {
    pub(crate) const ALL: [Self; 5] =
        [Self::AmountMismatches, Self::FailedRefunds, Self::OpenDisputes, Self::LateOrders, Self::ExpiredPapers];

    /// How the list is called in addresses.
    const fn word(self) -> &'static str {
        match self {
            Self::AmountMismatches => "amount-mismatches",
            Self::FailedRefunds => "failed-refunds",
            Self::OpenDisputes => "open-disputes",
            Self::LateOrders => "late-orders",
            Self::ExpiredPapers => "expired-papers",
        }
    }

    pub(crate) fn path(self) -> String {
        format!("/operate/waiting/{}", self.word())
    }

    pub(crate) const fn name(self, t: &'static Texts) -> &'static str {
        match self {
            Self::AmountMismatches => t.op_amount_mismatches,
            Self::FailedRefunds => t.op_failed_refunds,
            Self::OpenDisputes => t.op_open_disputes,
            Self::LateOrders => t.op_late_orders,
            Self::ExpiredPapers => t.op_expired_papers,
        }
    }

    pub(crate) const fn permission(self) -> OperatorPermission {
        match self {
            Self::AmountMismatches | Self::FailedRefunds | Self::OpenDisputes => OperatorPermission::ReadMoney,
            Self::LateOrders => OperatorPermission::ReadOrders,
            Self::ExpiredPapers => OperatorPermission::ReadVendors,
        }
    }

    pub(crate) fn table(self, t: &'static Texts, rows: &[Vec<Html>]) -> Html {
        let columns: &[&str] = match self {
            Self::AmountMismatches | Self::FailedRefunds => &[t.order_number, t.amount, t.date],
            Self::OpenDisputes => &[t.order_number, t.amount, t.desk_due],
            Self::LateOrders => &[t.order_number, t.desk_shop, t.desk_due, t.state],
            Self::ExpiredPapers => &[t.desk_shop, t.desk_kind, t.desk_expires],
        };
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        table(self.name(t), &columns, rows)
    }

    pub(crate) async fn page(self, app: &App, by: &Operating, page: &PageRequest) -> Result<Rows, Problem> {
        let (t, language, desk) = (by.person.t(), by.person.language(), &app.operator);
        let order = |id: domain::OrderId| anchor(&format!("{ORDERS}/{id}"), &id.number());
        let time = |at: Option<domain::Timestamp>| plain(&at.map(|at| date_time(at, language)).unwrap_or_default());
        let amount = |amount: Option<domain::Money>| plain(&amount.map(|one| money(one, language)).unwrap_or_default());
        Ok(match self {
            Self::AmountMismatches => {
                let row = |payment: &Payment| {
                    let taken = payment.captured.unwrap_or(payment.amount);
                    vec![order(payment.order), amount(Some(taken)), time(Some(payment.created_at))]
                };
                Rows::of(desk.payments_in_state(PaymentState::AmountMismatch, page).await?, row)
            }
            Self::FailedRefunds => {
                let row = |refund: &Refund| {
                    vec![order(refund.order), amount(Some(refund.amount)), time(Some(refund.created_at))]
                };
                Rows::of(desk.failed_refunds(page).await?, row)
            }
            Self::OpenDisputes => {
                let row = |dispute: &Dispute| {
                    vec![order(dispute.order), amount(dispute.amount), time(dispute.evidence_due_at)]
                };
                Rows::of(desk.open_disputes(page).await?, row)
            }
            Self::LateOrders => {
                let row = |late: &VendorOrder| {
                    let (tone, state) = states::of_vendor_order(t, late.state);
                    vec![order(late.order), plain(late.vendor.name.as_str()), time(late.due_at()), badge(tone, state)]
                };
                Rows::of(desk.late_vendor_orders(page).await?, row)
            }
            Self::ExpiredPapers => {
                let row = |paper: &Paper| {
                    vec![
                        anchor(&format!("{VENDORS}/{}", paper.vendor), &paper.vendor.to_string()),
                        plain(states::document(t, paper.kind)),
                        time(Some(paper.expires_at)),
                    ]
                };
                Rows::of(desk.expired_papers(by.person.visitor.now, page).await?, row)
            }
        })
    }
}

pub(crate) async fn show_waiting(
    State(app): State<App>,
    by: Operating,
    Path(list): Path<String>,
) -> Result<Reply, Problem> {
    let list = Waiting::ALL.into_iter().find(|one| one.word() == list).ok_or_else(|| Problem::of(Code::NotFound))?;
    by.operator.may(list.permission())?;
    let (t, path, after) = (by.person.t(), list.path(), by.person.asked("after"));
    let found = list.page(&app, &by, &PageRequest { limit: PER_PAGE, cursor: after.clone() }).await?;
    let mut sheet = Sheet::of_operator(&app, &by, "/operate", list.name(t));
    sheet.part(if found.rows.is_empty() { muted(t.no_products) } else { list.table(t, &found.rows) });
    let first = after.is_some().then(|| listed_at(&path, &[], None));
    sheet.part(pager(t, first, next_page(&path, &[], found.next.as_deref())));
    Ok(sheet.reply())
}
