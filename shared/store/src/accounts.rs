//! The table Accounts: vendors' private accounts and their members, buyers' profiles and addresses. Personal data.

mod jobs;

use aws_sdk_dynamodb::Client;
use domain::address::Address;
use domain::text::Name;
use domain::vendor::{Membership, Permission, VendorAccount, VendorState};
use domain::{AddressId, Code, Refusal, Timestamp, UserId, VendorId};
use serde::{Deserialize, Serialize};

use crate::error::Failure;
use crate::idempotency::{ResponseToStore, stores_responses};
use crate::item::{Attributes, Condition, body, delete, item, key, put, string, text, version};
use crate::retry::{QueryRequest, get, query, query_all};
use crate::{Catalog, Error, PageKey, Slice};

const VENDOR: &str = "vendor";
const MEMBER: &str = "member";
const PROFILE: &str = "profile";
const ADDRESS_BOOK: &str = "address_book";

/// The keys of the items.
enum Entry {
    /// `VENDOR#<id>` / `FILE`.
    Vendor(VendorId),
    /// `USER#<id>` / `MEMBER#<vendor>`: one query reads all memberships of a person.
    Member(UserId, VendorId),
    /// `USER#<id>` / `PROFILE`.
    Profile(UserId),
    /// `USER#<id>` / `ADDRESSES`: the address book is one item, because it is replaced as a whole.
    AddressBook(UserId),
}

impl Entry {
    fn key(&self) -> Attributes {
        match self {
            Self::Vendor(id) => key(format!("VENDOR#{id}"), "FILE"),
            Self::Member(user, vendor) => key(format!("USER#{user}"), format!("MEMBER#{vendor}")),
            Self::Profile(user) => key(format!("USER#{user}"), "PROFILE"),
            Self::AddressBook(user) => key(format!("USER#{user}"), "ADDRESSES"),
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
}

/// A change of a vendor's members.
#[derive(Clone, Copy, Debug)]
pub enum MemberChange<'a> {
    /// Adds the person as a member, or changes their role.
    Put(&'a Membership),
    /// Ends the person's membership.
    Remove(UserId),
}

/// A member of a vendor's staff, with the vendor's account.
#[derive(Clone, Debug)]
pub struct Member {
    pub membership: Membership,
    pub account: VendorAccount,
}

impl Member {
    /// Refuses what the member's role, or a suspension of the vendor, does not allow.
    pub fn may(&self, permission: Permission) -> Result<(), Refusal> {
        self.membership.check(self.account.state, permission)
    }
}

#[derive(Clone, Debug)]
pub struct Accounts {
    client: Client,
    table: String,
    storing: ResponseToStore,
}

stores_responses!(Accounts);

impl Accounts {
    /// The most addresses in one address book.
    pub const MAX_ADDRESSES: usize = 50;
    /// The most shops one person may be a member of.
    pub const MAX_SHOPS: usize = 20;

    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into(), storing: ResponseToStore::default() }
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
        query_all(&self.client, request).await?.iter().map(|found| body(found, MEMBER)).collect()
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
    /// refused.
    pub async fn open_vendor(
        &self,
        account: &VendorAccount,
        owner: &Membership,
        catalog: &Catalog,
    ) -> Result<VendorAccount, Error> {
        let opened = VendorAccount { version: 1, ..account.clone() };
        let mut actions = catalog.publish_actions(&opened.shop(), 0)?;
        let handle_action = actions.len() - 1;
        actions.push(put(&self.table, account_item(&opened)?, &Condition::absent())?);
        actions.push(put(&self.table, member_item(owner)?, &Condition::absent())?);
        match self.storing.transact(&self.client, &self.table, actions).await {
            Ok(()) => Ok(opened),
            Err(Failure::Cancelled(reasons))
                if reasons.get(handle_action).is_some_and(crate::error::Reason::is_condition) =>
            {
                Err(Refusal::because(Code::HandleTaken, format!("the handle {} is taken", opened.card.handle)).into())
            }
            Err(other) => Err(other.into()),
        }
    }

    /// Writes a changed account and its public shop, if the account is still at the version that was read.
    pub async fn save_vendor(&self, account: &VendorAccount, catalog: &Catalog) -> Result<VendorAccount, Error> {
        let loaded = account.version;
        let saved = VendorAccount { version: loaded + 1, ..account.clone() };
        let mut actions = catalog.publish_actions(&saved.shop(), loaded)?;
        actions.push(put(&self.table, account_item(&saved)?, &Condition::at_version(loaded))?);
        self.storing.transact(&self.client, &self.table, actions).await?;
        Ok(saved)
    }

    /// Changes a vendor's members, if the account is still at the version that was read. Each such change writes the
    /// account too, so that two owners who remove each other at the same time conflict, and one of them stays.
    pub async fn change_member(
        &self,
        account: &VendorAccount,
        change: MemberChange<'_>,
        catalog: &Catalog,
    ) -> Result<VendorAccount, Error> {
        let loaded = account.version;
        let saved = VendorAccount { version: loaded + 1, ..account.clone() };
        let mut actions = catalog.publish_actions(&saved.shop(), loaded)?;
        actions.push(put(&self.table, account_item(&saved)?, &Condition::at_version(loaded))?);
        let any = Condition::of("attribute_not_exists(pk) OR attribute_exists(pk)");
        actions.push(match change {
            MemberChange::Put(member) => put(&self.table, member_item(member)?, &any)?,
            MemberChange::Remove(user) => delete(&self.table, Entry::Member(user, account.card.id).key(), &any)?,
        });
        self.storing.transact(&self.client, &self.table, actions).await?;
        Ok(saved)
    }

    /// The vendors in a state, newest first.
    pub async fn vendors_in(
        &self,
        state: VendorState,
        limit: u16,
        start: Option<PageKey>,
    ) -> Result<Slice<VendorAccount>, Error> {
        let page = query(
            &self.client,
            QueryRequest {
                table: self.table.clone(),
                index: Some("by_state"),
                partition: ("state_key", vendors_in(state).to_owned()),
                newest_first: true,
                limit: Some(i32::from(limit)),
                start,
                ..QueryRequest::default()
            },
        )
        .await?;
        let items = page.items.iter().map(account_of).collect::<Result<_, _>>()?;
        Ok(Slice { items, next: page.next })
    }

    /// The partition that a page key of the vendors in a state must name.
    pub fn state_partition(state: VendorState) -> &'static str {
        vendors_in(state)
    }

    /// A vendor's members, from the index: a change shows with a delay.
    pub async fn members(&self, vendor: VendorId) -> Result<Vec<Membership>, Error> {
        let request = QueryRequest {
            table: self.table.clone(),
            index: Some("by_vendor"),
            partition: ("vendor_key", members_of(vendor)),
            ..QueryRequest::default()
        };
        query_all(&self.client, request).await?.iter().map(|found| body(found, MEMBER)).collect()
    }

    /// A person's membership with one vendor, read consistently.
    pub async fn membership(&self, user: UserId, vendor: VendorId) -> Result<Option<Membership>, Error> {
        get(&self.client, &self.table, Entry::Member(user, vendor).key(), true)
            .await?
            .map(|found| body(&found, MEMBER))
            .transpose()
    }

    /// A buyer's profile; empty before it was saved for the first time.
    pub async fn profile(&self, user: UserId) -> Result<Profile, Error> {
        match get(&self.client, &self.table, Entry::Profile(user).key(), true).await? {
            Some(found) => Ok(Profile { version: version(&found), ..body(&found, PROFILE)? }),
            None => Ok(Profile::default()),
        }
    }

    /// Writes a profile, if it is still at the version that was read.
    pub async fn save_profile(&self, user: UserId, profile: &Profile) -> Result<(), Error> {
        let saved = Profile { version: profile.version + 1, ..profile.clone() };
        let written = item(Entry::Profile(user).key(), PROFILE, saved.version, &saved)?;
        self.storing.put_one(&self.client, &self.table, written, &Condition::at_version(profile.version)).await?;
        Ok(())
    }

    /// A buyer's address book; empty before it was saved for the first time.
    pub async fn address_book(&self, user: UserId) -> Result<AddressBook, Error> {
        match get(&self.client, &self.table, Entry::AddressBook(user).key(), true).await? {
            Some(found) => Ok(AddressBook { version: version(&found), ..body(&found, ADDRESS_BOOK)? }),
            None => Ok(AddressBook::default()),
        }
    }

    /// Writes an address book, if it is still at the version that was read.
    pub async fn save_address_book(&self, user: UserId, book: &AddressBook) -> Result<AddressBook, Error> {
        let saved = AddressBook { version: book.version + 1, ..book.clone() };
        let written = item(Entry::AddressBook(user).key(), ADDRESS_BOOK, saved.version, &saved)?;
        self.storing.put_one(&self.client, &self.table, written, &Condition::at_version(book.version)).await?;
        Ok(saved)
    }
}

fn account_item(account: &VendorAccount) -> Result<Attributes, Error> {
    let mut written = item(Entry::Vendor(account.card.id).key(), VENDOR, account.version, account)?;
    written.insert("state_key".to_owned(), string(vendors_in(account.state)));
    written.insert("state_sort".to_owned(), string(account.card.id.to_string()));
    Ok(written)
}

fn account_of(found: &Attributes) -> Result<VendorAccount, Error> {
    let account: VendorAccount = body(found, VENDOR)?;
    Ok(VendorAccount { version: version(found), ..account })
}

fn member_item(member: &Membership) -> Result<Attributes, Error> {
    let mut written = item(Entry::Member(member.user, member.vendor).key(), MEMBER, 1, member)?;
    written.insert("vendor_key".to_owned(), string(members_of(member.vendor)));
    written.insert("vendor_sort".to_owned(), string(member.user.to_string()));
    debug_assert!(text(&written, "vendor_key").is_some());
    Ok(written)
}
