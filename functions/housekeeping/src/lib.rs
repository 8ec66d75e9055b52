//! Housekeeping: deadlines, payments whose webhook was lost or whose order was not known, refunds, undelivered events,
//! dead letters.
//!
//! It runs every minute, works until its time is up and leaves the rest to the next run. Runs may overlap:
//! calls to providers are idempotent, and every write is conditional on the version that was read.

mod dead_letters;
mod deadlines;
mod events;
mod expiry;
#[cfg(test)]
mod fixture;
mod following;
mod papers;
mod refunds;
mod round;
mod summary;
mod unmatched;

use std::time::Duration;

use domain::Timestamp;
use domain::vendor::PictureJob;
use platform::{Config, Fatal, JobQueue, Slice, Tick};
use settlement::Settlement;
use store::{Accounts, Carts, Orders, Stock};

pub use crate::summary::Summary;

use crate::dead_letters::DeadLetters;

/// Time after which a run begins with nothing more. The function's timeout is 58 seconds, and one order may take about
/// 12: its provider's timeout, and the tables' retries.
pub const BUDGET: Duration = Duration::from_secs(46);

/// State of the handler.
#[derive(Clone, Debug)]
pub struct App {
    settlement: Settlement,
    queue: aws_sdk_sqs::Client,
    events_url: String,
    follow_ups: JobQueue,
    /// Vendors' papers that expire, and where is told of them.
    accounts: Accounts,
    messages: JobQueue,
    projections_dead_letters: String,
    pipe_dead_letters: String,
    dead_letters: [DeadLetters; 8],
    pictures: JobQueue,
}

/// Some of what is due could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The table does not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the queue of events does not answer: {0}")]
    Queue(String),
}

impl App {
    const fn orders(&self) -> &Orders {
        self.settlement.orders()
    }

    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ORDERS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let stock = Stock::new(dynamodb.clone(), config.required("STOCK_TABLE")?);
        let carts = Carts::new(dynamodb.clone(), config.required("CARTS_TABLE")?);
        let dead_letters = |name, to: &str, from: &str| {
            let (to, from) = (config.required(to)?.to_owned(), config.required(from)?.to_owned());
            Ok::<_, Fatal>(DeadLetters { name, from, to })
        };
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), config.required("ACCOUNTS_TABLE")?),
            messages: JobQueue::new(config, "MESSAGES_QUEUE_URL")?,
            settlement: Settlement::new(config, Orders::new(dynamodb, table, stock).with_carts(carts))?,
            queue: config.sqs()?,
            events_url: config.required("ORDER_EVENTS_QUEUE_URL")?.to_owned(),
            follow_ups: JobQueue::new(config, "FOLLOW_UPS_QUEUE_URL")?,
            pictures: JobQueue::new(config, "PICTURES_QUEUE_URL")?,
            projections_dead_letters: config.required("PROJECTIONS_DEAD_LETTERS_URL")?.to_owned(),
            pipe_dead_letters: config.required("ORDER_EVENTS_PIPE_DEAD_LETTERS_URL")?.to_owned(),
            // What the operator waits for comes first.
            dead_letters: [
                dead_letters("order-events", "ORDER_EVENTS_QUEUE_URL", "ORDER_EVENTS_DEAD_LETTERS_URL")?,
                dead_letters("follow-ups", "FOLLOW_UPS_QUEUE_URL", "FOLLOW_UPS_DEAD_LETTERS_URL")?,
                dead_letters("messages", "MESSAGES_QUEUE_URL", "MESSAGES_DEAD_LETTERS_URL")?,
                dead_letters("mail-feedback", "MAIL_FEEDBACK_QUEUE_URL", "MAIL_FEEDBACK_DEAD_LETTERS_URL")?,
                dead_letters("pictures", "PICTURES_QUEUE_URL", "PICTURES_DEAD_LETTERS_URL")?,
                dead_letters("fetches", "FETCHES_QUEUE_URL", "FETCHES_DEAD_LETTERS_URL")?,
                dead_letters("exports", "EXPORTS_QUEUE_URL", "EXPORTS_DEAD_LETTERS_URL")?,
                dead_letters("imports", "IMPORTS_QUEUE_URL", "IMPORTS_DEAD_LETTERS_URL")?,
            ],
        })
    }
}

impl App {
    /// Has the pictures deleted that no product names.
    async fn sweep_pictures(&self) -> Result<(), Error> {
        let sent = self.pictures.send_picture_job(&PictureJob::Sweep {}, 0).await;
        sent.map_err(|error| Error::Queue(error.to_string()))
    }
}

/// Handles the tick of the schedule.
///
/// # Errors
/// As [`run`].
pub async fn handle(app: &App, _: &Tick, now: Timestamp) -> Result<(), Error> {
    run(app, now).await.map(drop)
}

/// Does what is due: sends undelivered events again, redrives dead letters, tries unmatched payments again, looks up
/// payments, ends orders past their deadline, reminds of and ends what nobody does about vendor orders, requests
/// refunds, tells of papers that expire, has unused pictures deleted. A failure does not stop the rest, and what failed
/// stays due.
///
/// # Errors
/// The table or a queue does not answer. Everything else was still done.
pub async fn run(app: &App, now: Timestamp) -> Result<Summary, Error> {
    let mut summary = Summary::default();
    let time = Slice::new(BUDGET);
    let sent = app.resend_events(now, &mut summary).await;
    let redriven = app.redrive_dead_letters(&mut summary).await;
    // A rebuild reads the whole catalog, and a projection that fails all the time would ask for one each minute.
    // Two minutes of ten, because a schedule may be late by a second and so skip one.
    let (rebuilt, forgotten) = match now.millis() / 60_000 % 10 {
        0 | 1 => (app.rebuild_for_projections(&mut summary).await, Ok(())),
        5 | 6 => (Ok(()), app.forget_what_the_pipe_gave_up(&mut summary).await),
        _ => (Ok(()), Ok(())),
    };
    // Twice an hour. The first of the two that find a picture unused only says so.
    let swept = match now.millis() / 60_000 % 30 {
        10 | 11 => app.sweep_pictures().await,
        _ => Ok(()),
    };
    let matched = app.match_payments(now, time, &mut summary).await;
    let processed = app.process_due_orders(now, time, &mut summary).await;
    let told = app.tell_of_papers(now, &mut summary).await;
    summary.log();
    sent.and(redriven).and(rebuilt).and(forgotten).and(swept).and(matched).and(processed).and(told).map(|()| summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The local cloud spawns it on a multi-threaded runtime, so its future has to be `Send`.
    #[test]
    fn a_run_can_move_between_threads() {
        fn check<'a, Running: Future + Send + 'a>(_: impl Fn(&'a App, Timestamp) -> Running) {}
        check(run);
    }
}
