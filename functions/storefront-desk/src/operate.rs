//! The first page of the operator's desk: what waits, and what is late.

use api::Problem;
use axum::extract::State;
use browser::Reply;
use domain::PageRequest;
use domain::marketplace::OperatorPermission;
use pages::parts::{Link, actions, boxed, facts, muted};

use crate::App;
use crate::operate_orders::ORDERS;
use crate::operate_vendors::VENDORS;
use crate::operate_waiting::Waiting;
use crate::shown::{Sheet, counted, may_read};
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
    for list in Waiting::ALL.into_iter().filter(|list| may_read(&by.operator, list.permission())) {
        let name = list.name(t);
        let found = match list.page(&app, &by, &FIRST).await {
            Ok(found) if found.rows.is_empty() && found.next.is_none() => continue,
            Ok(found) => found,
            // The other lists are shown, and that this one is not.
            Err(problem) if problem.status().is_server_error() => {
                tracing::warn!(cause = problem.cause(), list = name, "a list of what waits cannot be read");
                sheet.part(boxed(name, [muted(t.problem_other)]));
                continue;
            }
            Err(problem) => return Err(problem),
        };
        let all = found.next.is_some().then(|| actions(name, &[Link::new(list.path(), t.desk_tab_all)]));
        sheet.part(boxed(name, [list.table(t, &found.rows)].into_iter().chain(all)));
    }
    Ok(sheet.reply())
}
