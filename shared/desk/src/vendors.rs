//! Applying to sell: the vendor's own account, its documents, and the application.

use domain::stored::Kept;
use std::collections::BTreeSet;

use domain::legal::LegalText;
use domain::notice::Notice;
use domain::text::{Email, Handle, LanguageTag, LongText, Name, Phone};
use domain::vendor::{
    Member, Membership, Permission, PublicIdentity, Role, VendorAccount, VendorCard, VendorState, VendorStep, reserved,
};
use domain::{Call, Change, Code, Currency, Expected, FieldError, Money, Refusal, UserId, VendorId};
use platform::{Bucket, Config, Fatal};
use serde::Deserialize;
use store::{Accounts, Catalog, RateLimits, Sessions, SettingsTable};
use utoipa::ToSchema;

use crate::inviting::Inviting;
use crate::people::People;
use crate::proof::{Arrival, MfaPolicy};
use crate::{Done, Error};

/// The most characters of a vendor's description of itself: it is read with every cart.
const MAX_ABOUT_LENGTH: usize = 5_000;
/// The most shipping rates of a vendor, and the most limits of cash: one per currency.
const MAX_CURRENCIES: usize = 50;

/// The accounts of vendors, as their own staff changes them.
#[derive(Clone, Debug)]
pub struct Vendors {
    pub(crate) accounts: Accounts,
    pub(crate) mfa: MfaPolicy,
    pub(crate) catalog: Catalog,
    pub(crate) documents: Bucket,
    pub(crate) people: People,
    pub(crate) inviting: Inviting,
    /// The marketplace's name, which no vendor may have.
    pub(crate) shop_name: String,
}

/// A vendor that is to be opened. Optional fields can be filled in later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenVendor {
    /// The name in the address of the vendor's page; by default made from the name. It is the vendor's own once the
    /// application is approved: until then another one may be approved with it.
    #[serde(default, deserialize_with = "domain::text::optional")]
    handle: Option<Handle>,
    /// The vendor's public name.
    name: Name,
    /// The vendor's own currency: that of its prices and payouts.
    currency: Currency,
    /// The address for messages to the vendor; by default the applicant's own.
    #[serde(default, deserialize_with = "domain::text::optional")]
    email: Option<Email>,
    /// The vendor's telephone number.
    #[serde(default, deserialize_with = "domain::text::optional")]
    phone: Option<Phone>,
    /// The language of messages to the vendor: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default, deserialize_with = "domain::text::optional")]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Option<LanguageTag>,
    /// The name in the register of companies.
    #[serde(default, deserialize_with = "domain::text::optional")]
    legal_name: Option<Name>,
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default, deserialize_with = "domain::text::optional")]
    about: Option<LongText>,
    /// Who sells. Buyers see it; an application needs it.
    #[serde(default)]
    public_identity: Option<PublicIdentity>,
    /// One flat shipping rate per currency, at most 50.
    #[serde(default)]
    shipping_rates: Vec<Money>,
    /// The greatest total of an order that is collected on delivery, one per currency, at most 50. Without one the
    /// vendor takes no cash.
    #[serde(default)]
    cash_on_delivery: Vec<Money>,
    /// The version of the agreement that the applicant accepts, when one is in force.
    #[serde(default)]
    #[schema(minimum = 1, nullable = false)]
    accepted_terms: Option<u32>,
}

impl OpenVendor {
    /// The handle, or one made from the name. `me` is reserved for the path of the caller's own vendor.
    fn handle(&self) -> Result<Handle, Refusal> {
        let handle = self.handle.clone().or_else(|| Handle::suggested_by(self.name.as_str()));
        match handle {
            Some(handle) => reserved::check_handle(&handle).map(|()| handle),
            None => Err(Refusal::field("/handle", "missing", "none can be made from the name: choose one")),
        }
    }
}

/// A change of the account. A field that is absent stays; null empties a field.
///
/// Name, handle, legal name and currency are what the operator approves: they can be changed while the application is
/// a draft or was rejected, and not after it was submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeVendor {
    /// The vendor's public name. Fixed once the application is submitted.
    #[serde(default)]
    name: Option<Name>,
    /// The name in the address of the vendor's page. Fixed once the application is submitted.
    #[serde(default)]
    handle: Option<Handle>,
    /// The vendor's own currency. Fixed once the application is submitted.
    #[serde(default)]
    currency: Option<Currency>,
    /// The name in the register of companies. Fixed once the application is submitted.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    legal_name: Change<Name>,
    /// The address for messages to the vendor.
    #[serde(default)]
    email: Option<Email>,
    /// The vendor's telephone number.
    #[serde(default)]
    #[schema(value_type = Option<Phone>)]
    phone: Change<Phone>,
    /// The language of messages to the vendor: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default)]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Change<LanguageTag>,
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<LongText>)]
    about: Change<LongText>,
    /// Who sells. After the approval the operator is told of a change, and what it was before is kept.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<PublicIdentity>)]
    public_identity: Option<Option<PublicIdentity>>,
    /// One flat shipping rate per currency, at most 50. The vendor does not ship orders in a currency without a rate.
    #[serde(default)]
    shipping_rates: Option<Vec<Money>>,
    /// The greatest total of an order that is collected on delivery, one per currency, at most 50. In a currency
    /// without one the vendor takes no cash.
    #[serde(default)]
    cash_on_delivery: Option<Vec<Money>>,
}

impl ChangeVendor {
    /// The account after the change.
    fn applied(self, account: &VendorAccount, marketplace: &str) -> Result<VendorAccount, Refusal> {
        let mut changed = account.clone();
        if let Some(handle) = self.handle {
            reserved::check_handle(&handle)?;
            changed.card.handle = handle;
        }
        if let Some(name) = self.name {
            reserved::check_name(&name, marketplace)?;
            changed.card.name = name;
        }
        changed.currency = self.currency.unwrap_or(changed.currency);
        changed.legal_name = self.legal_name.applied(changed.legal_name);
        changed.email = self.email.unwrap_or(changed.email);
        changed.phone = self.phone.applied(changed.phone);
        changed.language = self.language.map(String::from).applied(changed.language);
        changed.about = self.about.applied(changed.about);
        changed.shipping_rates = self.shipping_rates.unwrap_or(changed.shipping_rates);
        changed.cash_on_delivery = self.cash_on_delivery.unwrap_or(changed.cash_on_delivery);
        check_about(changed.about.as_ref())?;
        check_per_currency("/shipping_rates", &changed.shipping_rates, Money::is_price)?;
        check_per_currency("/cash_on_delivery", &changed.cash_on_delivery, is_collectable)?;
        if !matches!(account.state, VendorState::Draft | VendorState::Rejected) {
            let fixed = [
                ("/name", account.card.name != changed.card.name),
                ("/handle", account.card.handle != changed.card.handle),
                ("/legal_name", account.legal_name != changed.legal_name),
                ("/currency", account.currency != changed.currency),
            ];
            let errors: Vec<_> = fixed
                .into_iter()
                .filter(|(_, differs)| *differs)
                .map(|(pointer, _)| FieldError::new(pointer, "fixed", "cannot be changed after the submission"))
                .collect();
            if !errors.is_empty() {
                return Err(Refusal::fields(Code::WrongState, errors));
            }
            changed.check_as_complete_as(account)?;
        }
        Ok(changed)
    }
}

/// Refuses a description of more than [`MAX_ABOUT_LENGTH`] characters.
fn check_about(about: Option<&LongText>) -> Result<(), Refusal> {
    if about.is_some_and(|about| about.as_str().chars().count() > MAX_ABOUT_LENGTH) {
        return Err(Refusal::field("/about", "too_long", format!("at most {MAX_ABOUT_LENGTH} characters")));
    }
    Ok(())
}

/// Reads a field that is given, `null` as well, which takes away what was there.
fn given<'de, D: serde::Deserializer<'de>>(field: D) -> Result<Option<Option<PublicIdentity>>, D::Error> {
    Deserialize::deserialize(field).map(Some)
}

fn check_identity(identity: Option<&PublicIdentity>) -> Result<(), Refusal> {
    let wrong = identity.map(PublicIdentity::check).unwrap_or_default();
    if wrong.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, wrong)) }
}

const fn is_collectable(most: Money) -> bool {
    most.is_total() && !most.is_zero()
}

/// Refuses amounts that are out of range, and two in one currency.
fn check_per_currency(field: &str, amounts: &[Money], is_valid: fn(Money) -> bool) -> Result<(), Refusal> {
    if amounts.len() > MAX_CURRENCIES {
        return Err(Refusal::field(field.to_owned(), "too_many", format!("at most {MAX_CURRENCIES} amounts")));
    }
    let mut seen = BTreeSet::new();
    let mut errors = Vec::new();
    for (index, amount) in amounts.iter().enumerate() {
        let pointer = format!("{field}/{index}");
        if !is_valid(*amount) {
            errors.push(FieldError::new(pointer, "out_of_range", "must not be negative, too large or nothing"));
        } else if !seen.insert(amount.currency().as_str()) {
            errors.push(FieldError::new(pointer, "duplicate", "one amount per currency"));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
}

impl Vendors {
    /// Builds the clients and connects to DynamoDB.
    ///
    /// # Errors
    /// An environment variable is missing or invalid.
    pub async fn new(config: &Config) -> Result<Self, Fatal> {
        let table = config.required("ACCOUNTS_TABLE")?;
        let dynamodb = store::connected(config.dynamodb()?, table, config.in_lambda()).await;
        let accounts = Accounts::new(dynamodb.clone(), table);
        Ok(Self {
            people: People::new(config.cognito()?, config.required("USER_POOL_ID")?),
            inviting: Inviting::new(
                config,
                (accounts.clone(), Sessions::new(dynamodb.clone(), config.required("SESSIONS_TABLE")?)),
                (
                    SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?),
                    RateLimits::new(dynamodb.clone(), config.required("CARTS_TABLE")?),
                ),
            )?,
            accounts,
            mfa: MfaPolicy::new(config, SettingsTable::new(dynamodb.clone(), config.required("SETTINGS_TABLE")?))?,
            catalog: Catalog::new(dynamodb, config.required("CATALOG_TABLE")?),
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
            shop_name: config.required("SHOP_NAME")?.to_owned(),
        })
    }

    /// A person's membership with the named vendor, or with the only approved one. It is read at each call, so that the
    /// removal of a member and the suspension of a vendor take effect at once.
    pub async fn member(&self, by: Arrival, named: Option<VendorId>) -> Result<Member, Error> {
        self.mfa.member(&self.accounts, by, named).await
    }

    /// The vendors that a person works for, with their role in each.
    pub async fn shops_of(&self, user: UserId) -> Result<Vec<(VendorAccount, Role)>, Error> {
        let mut shops = Vec::new();
        for membership in self.accounts.memberships(user).await? {
            let account = self.accounts.vendor(membership.vendor).await?;
            shops.extend(account.map(|account| (account, membership.role)));
        }
        Ok(shops)
    }

    /// The account of the member's vendor.
    pub fn own_account<'a>(&self, member: &'a Member) -> Result<&'a VendorAccount, Error> {
        member.may(Permission::ReadShop)?;
        Ok(&member.account)
    }

    /// Opens a vendor as a draft, with the applicant as its owner.
    pub async fn open<R>(&self, asked: OpenVendor, applicant: UserId, call: Call<'_, VendorAccount, R>) -> Done<R> {
        let now = call.at();
        let work = async {
            let handle = asked.handle()?;
            reserved::check_name(&asked.name, &self.shop_name)?;
            check_about(asked.about.as_ref())?;
            check_identity(asked.public_identity.as_ref())?;
            check_per_currency("/shipping_rates", &asked.shipping_rates, Money::is_price)?;
            check_per_currency("/cash_on_delivery", &asked.cash_on_delivery, is_collectable)?;
            if self.accounts.memberships(applicant).await?.len() >= Accounts::MAX_SHOPS {
                let detail = format!("a person is a member of at most {} vendors", Accounts::MAX_SHOPS);
                return Err(Refusal::because(Code::LimitReached, detail).into());
            }
            self.check_handle_is_free(&handle).await?;
            let accepted_terms = self.inviting.settings.accepted(LegalText::Agreement, asked.accepted_terms).await?;
            let person = self.people.with_id(applicant).await?.ok_or_else(|| Refusal::of(Code::Unauthorized))?;
            let email = asked.email.or_else(|| person.email.clone());
            let email = email.ok_or_else(|| Refusal::field("/email", "missing", "you sign in with a number"))?;
            let id = VendorId::new(now, platform::ids(now).bits());
            let account = VendorAccount {
                card: VendorCard { id, handle, name: asked.name },
                state: VendorState::Draft,
                currency: asked.currency,
                email,
                phone: asked.phone,
                language: asked.language.map(String::from),
                legal_name: asked.legal_name,
                about: asked.about,
                shipping_rates: asked.shipping_rates,
                cash_on_delivery: asked.cash_on_delivery,
                public_identity: asked.public_identity,
                identity_changes: Vec::new(),
                documents: Vec::new(),
                reason: None,
                same_name: Vec::new(),
                name_key: String::new(),
                history: Vec::new(),
                created_at: now,
                version: 0,
                kept: Kept::default(),
            };
            let owner = Membership {
                vendor: id,
                user: applicant,
                email: person.email,
                phone: person.proven.iter().find_map(|known| known.phone().cloned()),
                role: Role::Owner,
                since: now,
                accepted_terms,
                kept: Kept::default(),
            };
            let respond = |opened: &VendorAccount| call.answer(opened);
            Ok::<_, Error>(self.accounts.open_vendor(&account, &owner, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Refuses a handle that another vendor holds already. Nobody holds one before they are approved, so it may still
    /// be taken then.
    async fn check_handle_is_free(&self, handle: &Handle) -> Result<(), Error> {
        let (Some(holder), _) = self.catalog.holder_of_shop_handle(handle).await? else { return Ok(()) };
        if self.accounts.vendor(holder).await?.is_some_and(|account| account.state.holds_handle()) {
            return Err(Refusal::because(Code::HandleTaken, format!("the handle {handle} is taken")).into());
        }
        Ok(())
    }

    /// Submits the vendor's application, if it is complete.
    pub async fn submit<R>(&self, member: &Member, expected: &Expected, call: Call<'_, VendorAccount, R>) -> Done<R> {
        member.may(Permission::EditShop)?;
        let (now, account) = (call.at(), &member.account);
        let work = async {
            expected.check(account.version)?;
            let submitted = account.after(VendorStep::Submitted, None, member.membership.user, now)?;
            submitted.check_rules(&self.inviting.settings.current().await?.vendors, now)?;
            // The operator sees them, and has to know of them to approve.
            let namesakes = self.accounts.namesakes(account).await?;
            let submitted =
                VendorAccount { same_name: namesakes.iter().map(|other| other.card.id).collect(), ..submitted };
            // A repeat of a call that has succeeded does not come here: its account waits already.
            self.inviting.notify(member.vendor(), Notice::Step { step: VendorStep::Submitted, at: now }).await?;
            let respond = |saved: &VendorAccount| call.answer(saved);
            Ok::<_, Error>(self.accounts.save_vendor(&submitted, None, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Changes the vendor's own account, if it differs.
    pub async fn change<R>(
        &self,
        member: &Member,
        mut asked: ChangeVendor,
        expected: &Expected,
        call: Call<'_, VendorAccount, R>,
    ) -> Done<R> {
        member.may(Permission::EditShop)?;
        let (account, now) = (&member.account, call.at());
        let identity = asked.public_identity.take().unwrap_or_else(|| account.public_identity.clone());
        let work = async {
            expected.check(account.version)?;
            let changed = asked.applied(account, &self.shop_name)?;
            let rules = self.inviting.settings.current().await?;
            let (changed, is_told) = changed.with_identity(identity, &rules.vendors, (member.membership.user, now))?;
            if changed.card.handle != account.card.handle {
                self.check_handle_is_free(&changed.card.handle).await?;
            }
            if changed == *account {
                return Ok(self.accounts.answer(call, account).await?);
            }
            if is_told {
                self.inviting.notify(member.vendor(), Notice::IdentityChanged { at: now }).await?;
            }
            let respond = |saved: &VendorAccount| call.answer(saved);
            Ok::<_, Error>(self.accounts.save_vendor(&changed, None, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }
}
