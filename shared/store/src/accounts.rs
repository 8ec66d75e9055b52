//! The table Accounts: vendors' private accounts and their members, buyers' profiles and addresses. Personal data.

mod contacts;
mod emails;
mod invitations;
mod jobs;
mod mapping;
mod mfa;
mod names;
mod operators;
mod papers;
mod suppressions;

use std::collections::BTreeMap;

use aws_sdk_dynamodb::Client;
use domain::address::Address;
use domain::contact::PhoneNumber;
use domain::invitation::Invitation;
use domain::marketplace::OperatorMembership;
use domain::mfa::{Mfa, Proof};
use domain::stored::Kept;
use domain::text::{Email, Name};
use domain::vendor::{DocumentKind, Member, Membership, Paper, Shop, VendorAccount, VendorState};
use domain::{AddressId, Code, Count, Outcome, PageRequest, Prepared, Refusal, Slice, Timestamp, UserId, VendorId};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::idempotency::{put_one, stores_responses, transact};
use crate::item::{Attributes, Condition, all_readable, delete, key, put, string, text};
use crate::page::List;
use crate::retry::{QueryRequest, batch, get, query, query_all};
use crate::stored::{Stored, read, stored, write};
use crate::transaction::{Purpose, Transaction};
use crate::{Backoff, Catalog, Error, Sessions};

const VENDOR: &str = "vendor";
const MEMBER: &str = "member";
const VENDOR_NAME: &str = "vendor_name";
const PROFILE: &str = "profile";
const ADDRESS_BOOK: &str = "address_book";
const MFA: &str = "mfa";
const OPERATOR: &str = "operator";
const OPERATOR_TEAM: &str = "operator_team";
const CONTACTS: &str = "contacts";

pub use contacts::ProvenContacts;
pub use emails::Username;
pub use jobs::{BeganLast, BeganLastExport};
pub use operators::{CameIn, TeamChange};

/// The keys of the items.
enum Entry<'a> {
    /// `VENDOR#<id>` / `FILE`.
    Vendor(VendorId),
    /// `USER#<id>` / `MEMBER#<vendor>`: one query reads all memberships of a person.
    Member(UserId, VendorId),
    /// `NAME#<look of the name>` / `VENDOR#<id>`: one query finds the vendors whose names look alike.
    Name(&'a str, VendorId),
    /// `USER#<id>` / `PROFILE`.
    Profile(UserId),
    /// `USER#<id>` / `ADDRESSES`: the address book is one item, because it is replaced as a whole.
    AddressBook(UserId),
    /// `USER#<id>` / `MFA`.
    Mfa(UserId),
    /// `MARKETPLACE` / `OPERATOR#<id>`: one query reads all of the operator's people, and what counts their changes.
    Operator(UserId),
    /// `MARKETPLACE` / `OPERATORS#TEAM`: written with every change of one of them.
    OperatorTeam,
    /// `USER#<id>` / `CONTACTS`: what the person has proven to be theirs.
    Contacts(UserId),
    /// `PHONE#<number>` / `PHONE`: a number belongs to one person, as an address does.
    Phone(&'a PhoneNumber),
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
            Self::Name(look, vendor) => key(name_partition(look), format!("VENDOR#{vendor}")),
            Self::Profile(user) => key(format!("USER#{user}"), "PROFILE"),
            Self::AddressBook(user) => key(format!("USER#{user}"), "ADDRESSES"),
            Self::Mfa(user) => key(format!("USER#{user}"), "MFA"),
            Self::Operator(user) => key("MARKETPLACE", format!("OPERATOR#{user}")),
            Self::OperatorTeam => key("MARKETPLACE", "OPERATORS#TEAM"),
            Self::Contacts(user) => key(format!("USER#{user}"), "CONTACTS"),
            Self::Phone(number) => key(format!("PHONE#{number}"), "PHONE"),
            Self::Email(address) => key(format!("EMAIL#{address}"), "EMAIL"),
            Self::Suppression(address) => key(format!("EMAIL#{address}"), "SUPPRESSION"),
        }
    }
}

/// A key has at most 2,048 bytes, and a look at most 500 characters of four.
fn name_partition(look: &str) -> String {
    format!("NAME#{look}")
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
            "cash_on_delivery", "public_identity", "identity_changes", "documents", "reason", "same_name", "name_key", "history", "created_at", "version"
        ];
    PROFILE => Profile: [];
    ADDRESS_BOOK => AddressBook: [];
    MFA => Mfa: ["written_by"];

    OPERATOR => OperatorMembership: [];
    CONTACTS => ProvenContacts: [];
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

/// What is written together with a vendor's account.
#[derive(Clone, Copy, Debug)]
pub enum Alongside<'a> {
    /// Adds the person as a member, or changes their role, by an invitation that this uses up.
    Accept(&'a Membership, &'a Sessions, &'a Invitation),
    /// Changes a membership.
    Member(&'a Membership),
    /// Ends the person's membership.
    Remove(UserId),
    /// Follows this paper, or none of the kind any more.
    Paper(DocumentKind, Option<&'a Paper>),
    /// Takes the vendor's handle: one of nobody's, its own, or that of another vendor who was never approved.
    ClaimHandle {
        /// The version at which the item of the handle was read.
        loaded: u64,
    },
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

    /// A person's membership with the named vendor, or with the only approved one; how they came in is not known here.
    /// Read consistently, so that the removal of a member and the suspension of a vendor take effect with the next
    /// call.
    pub async fn member(&self, user: UserId, named: Option<VendorId>) -> Result<Member, Error> {
        let mut memberships = self.memberships(user).await?;
        memberships.retain(|one| named.is_none_or(|vendor| vendor == one.vendor));
        if memberships.is_empty() {
            return Err(Refusal::because(Code::Forbidden, "you are not a member of a shop").into());
        }
        let mut accounts = self.vendors(memberships.iter().map(|one| one.vendor)).await?;
        if named.is_none() {
            accounts.retain(|_, account| account.state == VendorState::Approved);
            memberships.retain(|one| accounts.contains_key(&one.vendor));
        }
        let mut memberships = memberships.into_iter();
        let (Some(membership), None) = (memberships.next(), memberships.next()) else {
            let detail = "only a member of exactly one approved shop may leave this header out: name the shop in it";
            return Err(Refusal::field("Vendor-Id", "missing", detail).into());
        };
        match accounts.remove(&membership.vendor) {
            Some(account) => Ok(Member { membership, account, proof: Proof::NONE, terms_due: None }),
            None => Err(Refusal::because(Code::Forbidden, "the shop is gone").into()),
        }
    }

    /// The private accounts of some vendors, read consistently, in one call.
    async fn vendors(&self, ids: impl Iterator<Item = VendorId>) -> Result<BTreeMap<VendorId, VendorAccount>, Error> {
        let keys: Vec<_> = ids.map(|id| Entry::Vendor(id).key()).collect();
        if let [only] = keys.as_slice() {
            let found = get(&self.client, &self.table, only.clone(), true).await?;
            let account = found.as_ref().map(account_of).transpose()?;
            return Ok(account.into_iter().map(|account| (account.card.id, account)).collect());
        }
        let found = batch(&self.client, vec![(self.table.clone(), keys, true)]).await?;
        let found: Vec<Attributes> = found.into_iter().map(|(_, item)| item).collect();
        let accounts = all_readable(&found, account_of)?;
        Ok(accounts.into_iter().map(|account| (account.card.id, account)).collect())
    }

    /// A vendor's private account, read consistently.
    pub async fn vendor(&self, id: VendorId) -> Result<Option<VendorAccount>, Error> {
        get(&self.client, &self.table, Entry::Vendor(id).key(), true).await?.as_ref().map(account_of).transpose()
    }

    /// Creates a vendor's account with its owner and its public shop, in one transaction. `respond` makes the response
    /// from the account as it is written, with its version.
    pub async fn open_vendor<R>(
        &self,
        account: &VendorAccount,
        owner: &Membership,
        catalog: &Catalog,
        respond: impl FnOnce(&VendorAccount) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let opened = VendorAccount { version: 1, name_key: account.name_look(), ..account.clone() };
        let mut transaction = Transaction::of(Purpose::Item, vec![catalog.publish_action(&opened.shop(), 0)?]);
        self.add_name_actions(&mut transaction, &opened, "")?;
        transaction.add(Purpose::Item, put(&self.table, account_item(&opened)?, &Condition::absent())?);
        transaction.add(Purpose::Item, put(&self.table, member_item(owner)?, &Condition::absent())?);
        Ok(transact(&self.client, &self.table, transaction, respond(&opened)?).await?)
    }

    /// Writes a changed account and its public shop, if the account is still at the version that was read. A change of
    /// a member is written with it: so two owners who remove each other at the same time conflict, and one of them
    /// stays. `respond` makes the response from the account as it is written, with its new version.
    pub async fn save_vendor<R>(
        &self,
        changed: &VendorAccount,
        alongside: Option<Alongside<'_>>,
        catalog: &Catalog,
        respond: impl FnOnce(&VendorAccount) -> Result<Prepared<R>, Refusal>,
    ) -> Result<Outcome<R>, Error> {
        let loaded = changed.version;
        let saved = VendorAccount { version: loaded + 1, name_key: changed.name_look(), ..changed.clone() };
        let kept = catalog.shop_of(saved.card.id).await?.map(|shop| shop.kept).unwrap_or_default();
        let shop = catalog.publish_action(&Shop { kept, ..saved.shop() }, loaded)?;
        let mut transaction = Transaction::of(Purpose::Item, vec![shop]);
        self.add_name_actions(&mut transaction, &saved, &changed.name_key)?;
        transaction.add(Purpose::Item, put(&self.table, account_item(&saved)?, &Condition::at_version(loaded))?);
        let any = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        match alongside {
            Some(Alongside::Accept(member, sessions, invitation)) => {
                transaction.add(Purpose::Item, put(&self.table, member_item(member)?, &any)?);
                transaction.add(Purpose::Item, sessions.end_invitation_action(invitation)?);
            }
            Some(Alongside::Member(member)) => {
                transaction.add(Purpose::Item, put(&self.table, member_item(member)?, &any)?);
            }
            Some(Alongside::Remove(user)) => {
                let gone = Entry::Member(user, saved.card.id).key();
                transaction.add(Purpose::Item, delete(&self.table, gone, &any)?);
            }
            Some(Alongside::Paper(kind, paper)) => {
                transaction.add(Purpose::Item, self.paper_action(saved.card.id, kind, paper)?);
            }
            Some(Alongside::ClaimHandle { loaded }) => {
                let claim = catalog.claim_handle_action(&saved.card.handle, saved.card.id, loaded)?;
                transaction.add(Purpose::Handle, claim);
            }
            None => {}
        }
        match transact(&self.client, &self.table, transaction, respond(&saved)?).await {
            Err(Failure::Cancelled(cancelled)) if cancelled.refused(Purpose::Handle) => {
                Err(Refusal::because(Code::HandleTaken, format!("the handle {} is taken", saved.card.handle)).into())
            }
            other => Ok(other?),
        }
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
