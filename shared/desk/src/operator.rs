//! The operator's decisions on vendors, and the lists of what the operator has to look at.

use std::sync::Arc;

use domain::catalog::{Category, CategoryTree};
use domain::contact::ContactPoint;
use domain::dispute::{Dispute, DisputeState};
use domain::job::Derived;
use domain::marketplace;
use domain::notice::Notice;
use domain::order::{OrderState, PlacedOrder, VendorOrder};
use domain::payment::{Payment, PaymentState, Refund, RefundState};
use domain::text::LongText;
use domain::upload::FileLink;
use domain::vendor::{Document, Role, VendorAccount, VendorJob, VendorState, VendorStep};
use domain::{
    Call, Code, Expected, OrderId, OrderNumber, PageRequest, Period, Refusal, Slice, Timestamp, UnmatchedPayment,
    UnmatchedState, UserId, VendorId,
};
use platform::{Bucket, Config, Fatal, JobQueue, PersonsSecret, Secret};
use serde::Deserialize;
use store::accounts::Alongside;
use store::orders::{FindContact, FindOrders, OrderSummary};
use store::{Accounts, Catalog, Keys, Orders, RateLimits, Sessions, SettingsTable};
use utoipa::ToSchema;

use crate::desk::load_opened;
use crate::inviting::{Inviter, Inviting, Wanted};
use crate::proof::{Arrival, MfaPolicy};
use crate::{Done, Error};

/// Longest accepted order number in bytes: ten letters and digits, a hyphen, and what people type around them.
const MAX_NUMBER_LENGTH: usize = 32;
/// Longest reason of a decision in characters.
pub(crate) const MAX_REASON_LENGTH: usize = 2_000;

/// How long the job that follows a decision waits: longer than a request can last, so that it starts after its request
/// has succeeded or failed.
const FOLLOW_UP_DELAY_S: i32 = 45;

/// How long anything may still work with a category tree that was replaced: no function runs longer.
const FORMER_TREE_S: i32 = 120;

/// What the operator can see and decide.
#[derive(Clone, Debug)]
pub struct Operator {
    pub(crate) accounts: Accounts,
    pub(crate) mfa: MfaPolicy,
    pub(crate) catalog: Catalog,
    pub(crate) orders: Orders,
    documents: Bucket,
    pub(crate) settings: SettingsTable,
    pub(crate) follow_ups: JobQueue,
    pub(crate) ses: aws_sdk_sesv2::Client,
    persons: Arc<Secret<PersonsSecret>>,
    pub(crate) inviting: Inviting,
}

/// A decision on a vendor.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    pub step: VendorStep,
    pub reason: Option<&'a LongText>,
    /// Whether the vendor may have the name of another one.
    pub same_name: bool,
}

/// Whom to put in as an owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteOwner {
    /// The person's e-mail address or telephone number.
    #[serde(deserialize_with = "domain::contact::of_account")]
    contact: ContactPoint,
}

/// Which orders are listed: those that are all of this.
#[derive(Clone, Debug, Default)]
pub struct ListOrders {
    /// The order's number, as people type it.
    pub number: Option<String>,
    pub vendor: Option<VendorId>,
    pub contact: Option<ContactPoint>,
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
        let accounts = Accounts::new(dynamodb.clone(), table);
        let settings = SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?);
        Ok(Self {
            inviting: Inviting::new(
                config,
                (accounts.clone(), Sessions::new(dynamodb.clone(), config.required("SESSIONS_TABLE")?)),
                (settings.clone(), RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?)),
            )?,
            accounts,
            mfa: MfaPolicy::new(config, SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?))?,
            catalog: Catalog::new(dynamodb.clone(), config.required("CATALOG_TABLE")?),
            orders: orders.with_keys(Keys::new(dynamodb.clone(), config.required("KEYS_TABLE")?)),
            persons: Arc::new(config.secret("PERSONS_SECRET_ARN")?),
            settings,
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
            follow_ups: JobQueue::new(config, "FOLLOW_UPS_QUEUE_URL")?,
            ses: config.ses()?,
        })
    }

    /// One of the operator's people, as they came in. It is read at each call. Whoever `may_be_first` becomes the first
    /// owner while there never was one.
    ///
    /// # Errors
    /// `forbidden` for everybody else; `mfa_required`, when a second factor is needed that was not shown.
    pub async fn came_in(&self, by: Arrival, may_be_first: bool) -> Result<marketplace::Operator, Error> {
        self.mfa.operator(&self.accounts, by, may_be_first).await
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
        Ok(Some(self.documents.download(key, document.filename.as_str(), now).await?))
    }

    /// Saves a decision on a vendor, and sends the job that shows or hides its products.
    pub async fn decide<R>(
        &self,
        id: VendorId,
        Decision { step, reason, same_name }: Decision<'_>,
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
            let claim = match step {
                VendorStep::Approved => {
                    decided.check_rules(&self.settings.current().await?.vendors, now)?;
                    if !same_name {
                        self.check_name(&decided).await?;
                    }
                    Some(self.claim(&decided).await?)
                }
                _ => None,
            };
            self.inviting.notify(id, Notice::Step { step, at: now }).await?;
            // A rejected vendor had nothing on sale before.
            let follow_up = VendorJob::SyncProducts { vendor_id: id, after: None };
            let needs_follow_up = step != VendorStep::Rejected;
            if needs_follow_up {
                // The queue and the table cannot be written in one transaction: if the job were sent afterwards, a
                // crash in between would leave a suspended vendor's products on sale. The job reads the vendor's state
                // when it runs, so it changes nothing if the state was not saved.
                self.follow_ups.send(&follow_up, FOLLOW_UP_DELAY_S).await?;
            }
            let saved = self.accounts.save_vendor(&decided, claim, &self.catalog, |saved| call.answer(saved)).await?;
            // The same job without delay; if it fails, the delayed one does the work.
            if needs_follow_up && let Err(error) = self.follow_ups.send(&follow_up, 0).await {
                tracing::warn!(vendor.id = %id, cause = %error, "the follow-up of a vendor's products is delayed");
            }
            Ok::<_, Error>(saved)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Refuses to approve a vendor whose name looks like that of another one, unless the operator says that it may be.
    async fn check_name(&self, approved: &VendorAccount) -> Result<(), Error> {
        let namesakes = self.accounts.namesakes(approved).await?;
        let Some(first) = namesakes.first() else { return Ok(()) };
        let detail = format!("{} has the same name: approve it with same_name if it may be", first.card.id);
        Err(Refusal::because(Code::AlreadyExists, detail).into())
    }

    /// How an approved vendor gets its handle. It is taken from a vendor who was never approved: releases before
    /// 2026-12-03 gave it to whoever wished for it first.
    async fn claim(&self, approved: &VendorAccount) -> Result<Alongside<'static>, Error> {
        let (handle, id) = (&approved.card.handle, approved.card.id);
        let (holder, loaded) = self.catalog.holder_of_shop_handle(handle).await?;
        if let Some(other) = holder.filter(|holder| *holder != id)
            && self.accounts.vendor(other).await?.is_some_and(|account| account.state.holds_handle())
        {
            let detail = format!("the handle {handle} is taken: the vendor needs another one");
            return Err(Refusal::because(Code::HandleTaken, detail).into());
        }
        // Whoever was approved with it after it was read has written its item.
        Ok(Alongside::ClaimHandle { loaded })
    }

    /// Invites a person to be an owner of the vendor, in any state of it: its only owner may be gone.
    pub async fn invite_owner<R>(
        &self,
        vendor: VendorId,
        asked: &InviteOwner,
        by: Inviter<'_>,
        call: Call<'_, (), R>,
    ) -> Done<R> {
        self.vendor(vendor).await?;
        let wanted =
            Wanted { vendor, contact: &asked.contact, role: Role::Owner, operator_role: None, by_operator: true };
        self.inviting.invite(wanted, by, call).await
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
        let ListOrders { number, vendor, contact, state, placed } = asked;
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
        let contact = match contact {
            None => None,
            Some(point) => {
                let look_ups = self.persons.value().await?.look_ups(&point).collect();
                Some(FindContact { point, look_ups })
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

    /// The vendor orders that should have been shipped, that of the oldest order first.
    pub async fn late_vendor_orders(&self, page: &PageRequest) -> Result<Slice<VendorOrder>, Error> {
        Ok(self.orders.late_vendor_orders(page).await?)
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
