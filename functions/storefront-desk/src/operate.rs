//! The first page of the operator's desk: what waits, and what is late.

use api::Problem;
use axum::extract::State;
use browser::Reply;
use domain::PageRequest;
use domain::marketplace::OperatorPermission;
use domain::payment::PaymentState;
use pages::parts::{Link, actions, anchor, badge, boxed, facts, plain, table};
use pages::{Html, date_time, money};

use crate::App;
use crate::operate_orders::ORDERS;
use crate::operate_vendors::VENDORS;
use crate::shown::{Sheet, counted, may_read};
use crate::states;
use crate::who::Operating;

/// How many of each list are on the first page.
const FIRST: PageRequest = PageRequest { limit: 10, cursor: None };

pub(crate) async fn show_summary(State(app): State<App>, by: Operating) -> Result<Reply, Problem> {
    by.operator.may(OperatorPermission::ReadSummary)?;
    let t = by.person.t();
    let summary = app.operator.summary().await?;
    let waiting = summary.waiting;
    let mut sheet = Sheet::of_operator(&app, &by, "/operate", t.op_summary);
    sheet.tell_done();
    let links = [
        Link::new(format!("{VENDORS}?state=submitted"), t.op_submitted_vendors),
        Link::new(format!("{ORDERS}?state=awaiting_payment"), t.op_unpaid_orders),
    ];
    sheet.part(boxed(
        t.op_waits,
        [
            facts(&[
                (t.op_submitted_vendors.to_owned(), counted(summary.submitted_vendors)),
                (t.op_failed_refunds.to_owned(), counted(waiting.failed_refunds)),
                (t.op_amount_mismatches.to_owned(), counted(waiting.amount_mismatches)),
                (t.op_unmatched_payments.to_owned(), counted(waiting.unmatched_payments)),
                (t.op_open_disputes.to_owned(), counted(waiting.open_disputes)),
                (t.op_late_orders.to_owned(), counted(waiting.late_vendor_orders)),
                (t.op_unpaid_orders.to_owned(), counted(waiting.unpaid_orders)),
            ]),
            actions(t.op_waits, &links),
        ],
    ));
    if may_read(&by.operator, OperatorPermission::ReadMoney) {
        money_parts(&mut sheet, &app, &by).await?;
    }
    if may_read(&by.operator, OperatorPermission::ReadOrders) {
        late_part(&mut sheet, &app, &by).await?;
    }
    if may_read(&by.operator, OperatorPermission::ReadVendors) {
        papers_part(&mut sheet, &app, &by).await?;
    }
    Ok(sheet.reply())
}

async fn money_parts(sheet: &mut Sheet<'_>, app: &App, by: &Operating) -> Result<(), Problem> {
    let (t, language) = (by.person.t(), by.person.language());
    let (refunds, disputes, wrong) = tokio::join!(
        app.operator.failed_refunds(&FIRST),
        app.operator.open_disputes(&FIRST),
        app.operator.payments_in_state(PaymentState::AmountMismatch, &FIRST)
    );
    let (refunds, disputes, wrong) = (refunds?.items, disputes?.items, wrong?.items);
    if !wrong.is_empty() {
        let columns = [t.order_number, t.amount, t.date].map(str::to_owned);
        let row = |payment: &domain::payment::Payment| {
            vec![
                anchor(&format!("{ORDERS}/{}", payment.order), &payment.order.number()),
                plain(&money(payment.captured.unwrap_or(payment.amount), language)),
                plain(&date_time(payment.created_at, language)),
            ]
        };
        let rows: Vec<Vec<Html>> = wrong.iter().map(row).collect();
        sheet.part(boxed(t.op_amount_mismatches, [table(t.op_amount_mismatches, &columns, &rows)]));
    }
    if !refunds.is_empty() {
        let columns = [t.order_number, t.amount, t.date].map(str::to_owned);
        let row = |refund: &domain::payment::Refund| {
            vec![
                anchor(&format!("{ORDERS}/{}", refund.order), &refund.order.number()),
                plain(&money(refund.amount, language)),
                plain(&date_time(refund.created_at, language)),
            ]
        };
        let rows: Vec<Vec<Html>> = refunds.iter().map(row).collect();
        sheet.part(boxed(t.op_failed_refunds, [table(t.op_failed_refunds, &columns, &rows)]));
    }
    if !disputes.is_empty() {
        let columns = [t.order_number, t.amount, t.desk_due].map(str::to_owned);
        let row = |dispute: &domain::dispute::Dispute| {
            vec![
                anchor(&format!("{ORDERS}/{}", dispute.order), &dispute.order.number()),
                plain(&dispute.amount.map(|amount| money(amount, language)).unwrap_or_default()),
                plain(&dispute.evidence_due_at.map(|at| date_time(at, language)).unwrap_or_default()),
            ]
        };
        let rows: Vec<Vec<Html>> = disputes.iter().map(row).collect();
        sheet.part(boxed(t.op_open_disputes, [table(t.op_open_disputes, &columns, &rows)]));
    }
    Ok(())
}

/// The orders that shops have not sent in time, which are cancelled if nobody does anything.
async fn late_part(sheet: &mut Sheet<'_>, app: &App, by: &Operating) -> Result<(), Problem> {
    let (t, language) = (by.person.t(), by.person.language());
    let late = app.operator.late_vendor_orders(&FIRST).await?.items;
    if late.is_empty() {
        return Ok(());
    }
    let columns = [t.order_number, t.desk_shop, t.desk_due, t.state].map(str::to_owned);
    let row = |one: &domain::order::VendorOrder| {
        let (tone, state) = states::of_vendor_order(t, one.state);
        vec![
            anchor(&format!("{ORDERS}/{}", one.order), &one.order.number()),
            plain(one.vendor.name.as_str()),
            plain(&one.due_at().map(|at| date_time(at, language)).unwrap_or_default()),
            badge(tone, state),
        ]
    };
    let rows: Vec<Vec<Html>> = late.iter().map(row).collect();
    sheet.part(boxed(t.op_late_orders, [table(t.op_late_orders, &columns, &rows)]));
    Ok(())
}

async fn papers_part(sheet: &mut Sheet<'_>, app: &App, by: &Operating) -> Result<(), Problem> {
    let (t, language) = (by.person.t(), by.person.language());
    let expired = app.operator.expired_papers(by.person.visitor.now, &FIRST).await?.items;
    if expired.is_empty() {
        return Ok(());
    }
    let columns = [t.desk_shop, t.desk_kind, t.desk_expires].map(str::to_owned);
    let row = |paper: &domain::vendor::Paper| {
        vec![
            anchor(&format!("{VENDORS}/{}", paper.vendor), &paper.vendor.to_string()),
            plain(states::document(t, paper.kind)),
            plain(&date_time(paper.expires_at, language)),
        ]
    };
    let rows: Vec<Vec<Html>> = expired.iter().map(row).collect();
    sheet.part(boxed(t.op_expired_papers, [table(t.op_expired_papers, &columns, &rows)]));
    Ok(())
}
