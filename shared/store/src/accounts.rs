//! The table Accounts: vendors' private accounts and their members, buyers' profiles and addresses. Personal data.

mod emails;
mod jobs;
mod mapping;
mod suppressions;

use aws_sdk_dynamodb::Client;
use domain::address::Address;
use domain::stored::Kept;
use domain::text::{Email, Name};
use domain::vendor::{Member, Membership, Shop, VendorAccount, VendorState};
use domain::{AddressId, Code, Count, Outcome, PageRequest, Prepared, Refusal, Slice, Timestamp, UserId, VendorId};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::idempotency::{put_one, stores_responses, transact};
use crate::item::{Attributes, Condition, all_readable, delete, key, put, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, get, query, query_all};
use crate::stored::{Stored, read, stored, write};
use crate::transaction::Purpose;
use crate::{Backoff, Catalog, Error};

const VENDOR: &str = "vendor";
const MEMBER: &str = "member";
const PROFILE: &str = "profile";
const ADDRESS_BOOK: &str = "address_book";

pub use emails::Username;
pub use jobs::BeganLast;

/// The keys of the items.
enum Entry<'a> {
    /// `VENDOR#<id>` / `FILE`.
    Vendor(VendorId),
    /// `USER#<id>` / `MEMBER#<vendor>`: one query reads all memberships of a person.
    Member(UserId, VendorId),
    /// `USER#<id>` / `PROFILE`.
    Profile(UserId),
    /// `USER#<id>` / `ADDRESSES`: the address book is one item, because it is replaced as a whole.
    AddressBook(UserId),
    /// `EMAIL#<address>` / `EMAIL`: an address belongs to one person, and finds their name in the user pool.
    Email(&'a Email),
    /// `EMAIL#<address>` / `SUPPRESSION`: beside the former, so that erasing an address finds both.
    Suppression(&'a Email),
}

impl Entry<'_> {
    fn key(&self) -> Attributes {
        match self {
            Self::Vendor(id) => key(format!("VENDOR#{id}"), "FILE"),
            Self::Member(user, vendor) => key(format!("USER#{user}"), format!("MEMBER#{vendor}")),
            Self::Profile(user) => key(format!("USER#{user}"), "PROFILE"),
            Self::AddressBook(user) => key(format!("USER#{user}"), "ADDRESSES"),
            Self::Email(address) => key(format!("EMAIL#{address}"), "EMAIL"),
            Self::Suppression(address) => key(format!("EMAIL#{address}"), "SUPPRESSION"),
        }
    }
}

/// Partition of `by_vendor`: a vendor's members.
fn members_of(vendor: VendorId) -> String {
    format!("VENDOR#{vendor}")
}

/// Partition of `by_state`: the vendors in a state.
fn vendors_in(state: VendorState) -> &'static str {
    match state {
        VendorState::Draft => "vendor#draft",
        VendorState::Submitted => "vendor#submitted",
        VendorState::Approved => "vendor#approved",
        VendorState::Rejected => "vendor#rejected",
        VendorState::Suspended => "vendor#suspended",
        // Never written: the item is a newer release's to change.
        VendorState::Other => "vendor#other",
    }
}

stored! {
    VENDOR => VendorAccount: ["state_key", "state_sort"],
        fields: [
            "id", "handle", "name", "state", "currency", "email", "phone", "legal_name", "about", "shipping_rates",
            "cash_on_delivery", "documents", "reason", "history", "created_at", "version"
        ];
    PROFILE => Profile: [];
    ADDRESS_BOOK => AddressBook: [];
}

/// Memberships have no version: they change together with their vendor's account.
impl Stored for Membership {
    const KIND: &'static str = MEMBER;
    const ATTRIBUTES: &'static [&'static str] = &["vendor_key", "vendor_sort"];

    fn kept(&self) -> &Kept {
        &self.kept
    }

    fn complete(&mut self, _: u64, kept: Kept) {
        self.kept = kept;
    }
}

/// What buyers say about themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// How to address the buyer.
    #[serde(default)]
    pub name: Option<Name>,
    /// The language of the buyer's mail: a tag such as `uz`.
    #[serde(default)]
    pub language: Option<String>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// An address in a buyer's address book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedAddress {
    pub id: AddressId,
    pub address: Address,
    pub saved_at: Timestamp,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressBook {
    /// The addresses, in the order that the buyer chose.
    pub items: Vec<SavedAddress>,
    /// Counts changes.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

/// A change of a vendor's members.
#[derive(Clone, Copy, Debug)]
pub enum MemberChange<'a> {
    /// Adds the person as a member, or changes their role.
    Put(&'a Membership),
    /// Ends the person's membership.
    Remove(UserId),
}

#[derive(Clone, Debug)]
pub struct Accounts {
    client: Client,
    table: String,
}

stores_responses!(Accounts);

impl Accounts {
    /// The most addresses in one address book.
    pub const MAX_ADDRESSES: usize = 50;
    /// The most shops one person may be a member of.
    pub const MAX_SHOPS: usize = 20;

    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// A person's memberships, read consistently.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, Error> {
        let sort_key_condition =
            ("begins_with(sk, :member)".to_owned(), Attributes::from([(":member".to_owned(), string("MEMBER#"))]));
        let request = QueryRequest {
            table: self.table.clone(),
            partition: ("pk", format!("USER#{user}")),
            sort_key_condition: Some(sort_key_condition),
            consistent: true,
            ..QueryRequest::default()
        };
        all_readable(&query_all(&self.client, request).await?, read)
    }

    /// A person's membership with the named vendor, or with the only one there is. Read consistently, so that the
    /// removal of a member and the suspension of a vendor take effect with the next call.
    pub async fn member(&self, user: UserId, named: Option<VendorId>) -> Result<Member, Error> {
        let memberships = self.memberships(user).await?;
        let mut chosen = memberships.into_iter().filter(|one| named.is_none_or(|vendor| vendor == one.vendor));
        let (first, another) = (chosen.next(), chosen.next());
        let Some(membership) = first else {
            return Err(Refusal::because(Code::Forbidden, "you are not a member of a shop").into());
        };
        if another.is_some() {
            return Err(Refusal::field(
                "Vendor-Id",
                "missing",
                "you are a member of several shops: name one in this header",
            )
            .into());
        }
        match self.vendor(membership.vendor).await? {
            Some(account) => Ok(Member { membership, account }),
            None => Err(Refusal::because(Code::Forbidden, "the shop is gone").into()),
        }
    }

    /// A vendor's private account, read consistently.
    pub async fn vendor(&self, id: VendorId) -> Result<Option<VendorAccount>, Error> {
        get(&self.client, &self.table, Entry::Vendor(id).key(), true).await?.as_ref().map(account_of).transpose()
    }

    /// Creates a vendor's account with its owner and its public shop, in one transaction. A handle that is taken is
    /// refused. `respond` makes the response from the account as it is written, with its version.
    pub async fn open_vendor<R>(
        &self,
        account: &VendorAccount,
        owner: &Membership,
        catalog: &Catalog,
        respond: impl FnOnce(&VendorAccount) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let opened = VendorAccount { version: 1, ..account.clone() };
        let mut transaction = catalog.publish_actions(&opened.shop(), 0)?;
        transaction.add(Purpose::Item, put(&self.table, account_item(&opened)?, &Condition::absent())?);
        transaction.add(Purpose::Item, put(&self.table, member_item(owner)?, &Condition::absent())?);
        match transact(&self.client, &self.table, transaction, respond(&opened)?).await {
            Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Handle) => {
                Err(Refusal::because(Code::HandleTaken, format!("the handle {} is taken", opened.card.handle)).into())
            }
            other => Ok(other?),
        }
    }

    /// Writes a changed account and its public shop, if the account is still at the version that was read. A change of
    /// a member is written with it: so two owners who remove each other at the same time conflict, and one of them
    /// stays. `respond` makes the response from the account as it is written, with its new version.
    pub async fn save_vendor<R>(
        &self,
        changed: &VendorAccount,
        member: Option<MemberChange<'_>>,
        catalog: &Catalog,
        respond: impl FnOnce(&VendorAccount) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let loaded = changed.version;
        let saved = VendorAccount { version: loaded + 1, ..changed.clone() };
        let kept = catalog.shop_of(saved.card.id).await?.map(|shop| shop.kept).unwrap_or_default();
        let mut transaction = catalog.publish_actions(&Shop { kept, ..saved.shop() }, loaded)?;
        transaction.add(Purpose::Item, put(&self.table, account_item(&saved)?, &Condition::at_version(loaded))?);
        let any = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        match member {
            Some(MemberChange::Put(member)) => {
                transaction.add(Purpose::Item, put(&self.table, member_item(member)?, &any)?);
            }
            Some(MemberChange::Remove(user)) => {
                let gone = Entry::Member(user, saved.card.id).key();
                transaction.add(Purpose::Item, delete(&self.table, gone, &any)?);
            }
            None => {}
        }
        Ok(transact(&self.client, &self.table, transaction, respond(&saved)?).await?)
    }

    /// The vendors in a state, newest first.
    pub async fn vendors_in(&self, state: VendorState, page: &PageRequest) -> Result<Slice<VendorAccount>, Error> {
        let query = QueryRequest {
            newest_first: true,
            ..QueryRequest::of(&self.table, "by_state", ("state_key", vendors_in(state).to_owned()))
        };
        let key = |id: &VendorId| {
            let mut key = Entry::Vendor(*id).key();
            key.insert("state_sort".to_owned(), string(id.to_string()));
            key
        };
        let position = |last: &Attributes| text(last, "state_sort")?.parse().ok();
        let list = List { query, variant: String::new(), position: &position, key: &key };
        list.page(&self.client, page, |found| account_of(found)).await
    }

    /// How many vendors are in a state, up to a little more than is shown.
    pub async fn count_vendors_in(&self, state: VendorState) -> Result<Count, Error> {
        let request = QueryRequest {
            limit: i32::try_from(Count::MOST + 1).ok(),
            only: Some("state_sort"),
            ..QueryRequest::of(&self.table, "by_state", ("state_key", vendors_in(state).to_owned()))
        };
        let page = query(&self.client, request).await?;
        Ok(Count::of(page.items.len(), page.last.is_some()))
    }

    /// A vendor's members, from the index: a change shows with a delay.
    pub async fn members(&self, vendor: VendorId) -> Result<Vec<Membership>, Error> {
        let request = QueryRequest::of(&self.table, "by_vendor", ("vendor_key", members_of(vendor)));
        all_readable(&query_all(&self.client, request).await?, read)
    }

    /// A person's membership with one vendor, read consistently.
    pub async fn membership(&self, user: UserId, vendor: VendorId) -> Result<Option<Membership>, Error> {
        get(&self.client, &self.table, Entry::Member(user, vendor).key(), true)
            .await?
            .map(|found| read(&found))
            .transpose()
    }

    /// A buyer's profile; empty before it was saved for the first time.
    pub async fn profile(&self, user: UserId) -> Result<Profile, Error> {
        match get(&self.client, &self.table, Entry::Profile(user).key(), true).await? {
            Some(found) => read(&found),
            None => Ok(Profile::default()),
        }
    }

    /// Changes a profile, and answers the profile as it is written; when another change comes first, begins again.
    pub async fn change_profile<R>(
        &self,
        user: UserId,
        decide: impl Fn(&Profile) -> Profile,
        respond: impl Fn(&Profile) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let mut backoff = Backoff::default();
        loop {
            let loaded = self.profile(user).await?;
            let mut changed = decide(&loaded);
            let condition = Condition::at_version(loaded.version);
            let mut written = None;
            if changed != loaded {
                changed.version = loaded.version + 1;
                let profile = write(Entry::Profile(user).key(), changed.version, &changed)?;
                written = Some((profile, &condition));
            }
            match put_one(&self.client, &self.table, written, respond(&changed)?).await.map_err(Error::from) {
                Err(Error::Conflict) => backoff.pause().await?,
                done => return done,
            }
        }
    }

    /// A buyer's address book; empty before it was saved for the first time.
    pub async fn address_book(&self, user: UserId) -> Result<AddressBook, Error> {
        match get(&self.client, &self.table, Entry::AddressBook(user).key(), true).await? {
            Some(found) => read(&found),
            None => Ok(AddressBook::default()),
        }
    }

    /// Writes an address book in the place of the one that was read, if it is still at that version. `respond` makes
    /// the response from the book as it is written, with its new version.
    pub async fn save_address_book<R>(
        &self,
        user: UserId,
        loaded: &AddressBook,
        changed: AddressBook,
        respond: impl FnOnce(&AddressBook) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let mut saved = changed;
        let condition = Condition::at_version(loaded.version);
        let mut written = None;
        if saved != *loaded {
            saved.version = loaded.version + 1;
            let book = write(Entry::AddressBook(user).key(), saved.version, &saved)?;
            written = Some((book, &condition));
        }
        Ok(put_one(&self.client, &self.table, written, respond(&saved)?).await?)
    }
}

fn account_item(account: &VendorAccount) -> Result<Attributes, Error> {
    let mut written = write(Entry::Vendor(account.card.id).key(), account.version, account)?;
    written.insert("state_key".to_owned(), string(vendors_in(account.state)));
    written.insert("state_sort".to_owned(), string(account.card.id.to_string()));
    Ok(written)
}

fn account_of(found: &Attributes) -> Result<VendorAccount, Error> {
    read(found)
}

fn member_item(member: &Membership) -> Result<Attributes, Error> {
    let mut written = write(Entry::Member(member.user, member.vendor).key(), 1, member)?;
    written.insert("vendor_key".to_owned(), string(members_of(member.vendor)));
    written.insert("vendor_sort".to_owned(), string(member.user.to_string()));
    debug_assert!(text(&written, "vendor_key").is_some());
    Ok(written)
}
