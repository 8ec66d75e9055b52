//! The operator's decisions on vendors, and the lists of what the operator has to look at.

use std::sync::Arc;

use domain::catalog::{Category, CategoryTree};
use domain::dispute::{Dispute, DisputeState};
use domain::job::Derived;
use domain::order::{OrderState, PlacedOrder};
use domain::payment::{Payment, PaymentState, Refund, RefundState};
use domain::text::{Email, LongText};
use domain::upload::FileLink;
use domain::vendor::{Document, VendorAccount, VendorJob, VendorState, VendorStep};
use domain::{
    Call, Code, Expected, OrderId, OrderNumber, PageRequest, Period, Refusal, Slice, Timestamp, UnmatchedPayment,
    UnmatchedState, UserId, VendorId,
};
use platform::{Bucket, Config, Fatal, JobQueue, PersonsSecret, Secret};
use store::orders::{FindContact, FindOrders, OrderSummary};
use store::{Accounts, Catalog, Keys, Orders, SettingsTable};

use crate::desk::load_opened;
use crate::{Done, Error};

/// Longest accepted order number in bytes: ten letters and digits, a hyphen, and what people type around them.
const MAX_NUMBER_LENGTH: usize = 32;
/// Longest reason of a decision in characters.
const MAX_REASON_LENGTH: usize = 2_000;

/// How long the job that follows a decision waits: longer than a request can last, so that it starts after its request
/// has succeeded or failed.
const FOLLOW_UP_DELAY_S: i32 = 45;

/// How long anything may still work with a category tree that was replaced: no function runs longer.
const FORMER_TREE_S: i32 = 120;

/// What the operator can see and decide.
#[derive(Clone, Debug)]
pub struct Operator {
    pub(crate) accounts: Accounts,
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    documents: Bucket,
    pub(crate) settings: SettingsTable,
    pub(crate) follow_ups: JobQueue,
    pub(crate) ses: aws_sdk_sesv2::Client,
    persons: Arc<Secret<PersonsSecret>>,
}

/// Which orders are listed: those that are all of this.
#[derive(Clone, Debug, Default)]
pub struct ListOrders {
    /// The order's number, as people type it.
    pub number: Option<String>,
    pub vendor: Option<VendorId>,
    pub email: Option<Email>,
    pub state: Option<OrderState>,
    /// When they were placed.
    pub placed: Period,
}

impl Operator {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ACCOUNTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let orders = Orders::for_reading(dynamodb.clone(), config.required("ORDERS_TABLE")?);
        Ok(Self {
            accounts: Accounts::new(dynamodb.clone(), table),
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            orders: orders.with_keys(Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?)),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            settings: SettingsTable::new(dynamodb, config.required("SETTINGS_TABLE")?),
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
            follow_ups: JobQueue::new(config, "FOLLOW_UPS_QUEUE_URL")?,
            ses: config.ses()?,
        })
    }

    /// The vendors in a state, newest first.
    pub async fn vendors_in(&self, state: VendorState, page: &PageRequest) -> Result<Slice<VendorAccount>, Error> {
        Ok(self.accounts.vendors_in(state, page).await?)
    }

    /// A vendor's account.
    pub async fn vendor(&self, id: VendorId) -> Result<VendorAccount, Error> {
        Ok(self.accounts.vendor(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?)
    }

    /// Where a document can be downloaded, if its file is kept.
    pub async fn document_link(&self, document: &Document, now: Timestamp) -> Result<Option<FileLink>, Error> {
        let Some(key) = &document.key else { return Ok(None) };
        Ok(Some(self.documents.link(key, now).await?))
    }

    /// Saves a decision on a vendor, and sends the job that shows or hides its products.
    pub async fn decide<R>(
        &self,
        id: VendorId,
        (step, reason): (VendorStep, Option<&LongText>),
        operator: UserId,
        expected: &Expected,
        call: Call<'_, VendorAccount, R>,
    ) -> Done<R> {
        let now = call.at();
        if reason.is_some_and(|reason| !(1..=MAX_REASON_LENGTH).contains(&reason.as_str().chars().count())) {
            let detail = format!("1 to {MAX_REASON_LENGTH} characters");
            return Err(Refusal::field("/reason", "wrong_length", detail).into());
        }
        let work = async {
            let account = self.vendor(id).await?;
            expected.check(account.version)?;
            let decided = account.after(step, reason.cloned(), operator, now)?;
            // A rejected vendor had nothing on sale before.
            let follow_up = VendorJob::SyncProducts { vendor_id: id, after: None };
            let needs_follow_up = step != VendorStep::Rejected;
            if needs_follow_up {
                // The queue and the table cannot be written in one transaction: if the job were sent afterwards, a
                // crash in between would leave a suspended vendor's products on sale. The job reads the vendor's state
                // when it runs, so it changes nothing if the state was not saved.
                self.follow_ups.send(&follow_up, FOLLOW_UP_DELAY_S).await?;
            }
            let saved = self.accounts.save_vendor(&decided, None, &self.catalog, |saved| call.answer(saved)).await?;
            // The same job without delay; if it fails, the delayed one does the work.
            if needs_follow_up && let Err(error) = self.follow_ups.send(&follow_up, 0).await {
                tracing::warn!(vendor.id = %id, cause = %error, "the follow-up of a vendor's products is delayed");
            }
            Ok::<_, Error>(saved)
        };
        self.accounts.once(call.request(), work).await
    }

    /// The category tree with its version.
    pub async fn categories(&self) -> Result<CategoryTree, Error> {
        Ok(self.catalog.categories().await?)
    }

    /// Replaces the category tree. Products stay in the categories that they were put into, by handle: when a category
    /// has come, gone or moved, a rebuild puts its products where the tree has it now.
    pub async fn replace_categories<R>(
        &self,
        roots: Vec<Category>,
        expected: &Expected,
        call: Call<'_, CategoryTree, R>,
    ) -> Done<R> {
        let work = async {
            let current = self.catalog.replaceable_categories().await?;
            expected.check(current.version)?;
            let before = current.paths();
            let replaced = CategoryTree { roots, ..current };
            replaced.check()?;
            let rebuild = VendorJob::Rebuild { what: Derived::Categories, begin: true };
            let is_moved = replaced.paths() != before;
            if is_moved {
                // Sent before the tree is saved, since the queue and the table cannot be written in one transaction.
                // It also finds what was put into a category of the former tree while the first rebuild was at work.
                self.follow_ups.send(&rebuild, FORMER_TREE_S).await?;
            }
            let saved = match self.catalog.save_categories(&replaced, |saved| call.answer(saved)).await {
                // The tree was replaced after it was read, so the version that the caller named is not the current one.
                Err(store::Error::Conflict) => return Err(Refusal::of(Code::VersionMismatch).into()),
                done => done?,
            };
            if is_moved && let Err(error) = self.follow_ups.send(&rebuild, 0).await {
                tracing::warn!(cause = ?error, "the products of a changed category tree follow later");
            }
            Ok::<_, Error>(saved)
        };
        self.catalog.once(call.request(), work).await
    }

    /// Finds orders, newest first.
    pub async fn find_orders(&self, asked: ListOrders, page: &PageRequest) -> Result<Slice<OrderSummary>, Error> {
        let ListOrders { number, vendor, email, state, placed } = asked;
        let number = match number {
            Some(typed) if typed.len() > MAX_NUMBER_LENGTH => {
                return Err(Refusal::field("number", "too_long", "is no order's number").into());
            }
            // A number finds one page at most, so no cursor is valid.
            Some(_) if page.cursor.is_some() => return Err(Refusal::of(Code::InvalidCursor).into()),
            Some(typed) => match OrderNumber::parse(&typed) {
                None => return Ok(Slice { items: Vec::new(), next: None }),
                number => number,
            },
            None => None,
        };
        let contact = match email {
            None => None,
            Some(email) => {
                let look_ups = self.persons.value().await?.look_ups(&email).collect();
                Some(FindContact { email, look_ups })
            }
        };
        let is_of_all = number.is_none() && vendor.is_none() && contact.is_none();
        let is_whole = is_of_all && self.catalog.is_rebuilt(Derived::Orders).await?;
        Ok(self.orders.find(&FindOrders { number, vendor, contact, state, placed }, is_whole, page).await?)
    }

    /// An order with all that belongs to it.
    pub async fn order(&self, id: OrderId) -> Result<PlacedOrder, Error> {
        load_opened(&self.orders, &self.persons, id).await
    }

    /// The payment attempts in a state, newest first.
    pub async fn payments_in_state(&self, state: PaymentState, page: &PageRequest) -> Result<Slice<Payment>, Error> {
        Ok(self.orders.payments_in_state(state, page).await?)
    }

    /// The refunds, newest first; with a state, only those in it.
    pub async fn refunds(&self, state: Option<RefundState>, page: &PageRequest) -> Result<Slice<Refund>, Error> {
        Ok(self.orders.refunds(state, page).await?)
    }

    /// The disputes, newest first; with a state, only those in it.
    pub async fn disputes(&self, state: Option<DisputeState>, page: &PageRequest) -> Result<Slice<Dispute>, Error> {
        Ok(self.orders.disputes(state, page).await?)
    }

    /// The open disputes, in the order in which they have to be answered.
    pub async fn open_disputes(&self, page: &PageRequest) -> Result<Slice<Dispute>, Error> {
        Ok(self.orders.open_disputes(page).await?)
    }

    /// The failed refunds, newest first.
    pub async fn failed_refunds(&self, page: &PageRequest) -> Result<Slice<Refund>, Error> {
        Ok(self.orders.failed_refunds(page).await?)
    }

    /// The unmatched payments in a state, newest first.
    pub async fn unmatched_payments(
        &self,
        state: UnmatchedState,
        page: &PageRequest,
    ) -> Result<Slice<UnmatchedPayment>, Error> {
        Ok(self.orders.unmatched(state, page).await?)
    }
}
