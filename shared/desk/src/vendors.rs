//! Applying to sell: the vendor's own account, its documents, and the application.

use domain::stored::Kept;
use std::collections::BTreeSet;

use domain::text::{Email, Handle, Line, LongText, Name, Phone};
use domain::upload::Upload;
use domain::vendor::{
    Document, DocumentKind, Member, Membership, Permission, Role, VendorAccount, VendorCard, VendorState, VendorStep,
};
use domain::{
    Call, Change, Code, Currency, Expected, FieldError, MediaId, Money, Refusal, Timestamp, UserId, VendorId,
};
use platform::{Bucket, Config, Fatal, UploadSpec};
use serde::Deserialize;
use store::{Accounts, Catalog};
use utoipa::ToSchema;

use crate::people::People;
use crate::{Done, Error};

/// The most characters of a vendor's description of itself: it is read with every cart.
const MAX_ABOUT_LENGTH: usize = 5_000;
/// The most shipping rates of a vendor, and the most limits of cash: one per currency.
const MAX_CURRENCIES: usize = 50;
/// The most bytes of a document: 10 MB.
const MAX_DOCUMENT_SIZE: u64 = 10 * 1024 * 1024;
/// The most documents of a vendor.
const MAX_DOCUMENTS: usize = 20;

/// The accounts of vendors, as their own staff changes them.
#[derive(Clone, Debug)]
pub struct Vendors {
    pub(crate) accounts: Accounts,
    pub(crate) catalog: Catalog,
    documents: Bucket,
    pub(crate) people: People,
}

/// A vendor that is to be opened. Optional fields can be filled in later.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenVendor {
    /// The name in the address of the vendor's page; by default made from the name. It cannot be changed later.
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
    /// The name in the register of companies.
    #[serde(default, deserialize_with = "domain::text::optional")]
    legal_name: Option<Name>,
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default, deserialize_with = "domain::text::optional")]
    about: Option<LongText>,
    /// One flat shipping rate per currency, at most 50.
    #[serde(default)]
    shipping_rates: Vec<Money>,
    /// The greatest total of an order that is collected on delivery, one per currency, at most 50. Without one the
    /// vendor takes no cash.
    #[serde(default)]
    cash_on_delivery: Vec<Money>,
}

impl OpenVendor {
    /// The handle, or one made from the name. `me` is reserved for the path of the caller's own vendor.
    fn handle(&self) -> Result<Handle, Refusal> {
        let handle = self.handle.clone().or_else(|| Handle::suggested_by(self.name.as_str()));
        match handle {
            Some(handle) if handle.as_str() == "me" => {
                Err(Refusal::field("/handle", "reserved", "is reserved: choose another"))
            }
            Some(handle) => Ok(handle),
            None => Err(Refusal::field("/handle", "missing", "none can be made from the name: choose one")),
        }
    }
}

/// A change of the account. A field that is absent stays; null empties a field.
///
/// Name, legal name and currency are what the operator approves: they can be changed while the application is a draft
/// or was rejected, and not after it was submitted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeVendor {
    /// The vendor's public name. Fixed once the application is submitted.
    #[serde(default)]
    name: Option<Name>,
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
    /// The vendor's description of itself: plain text, at most 5,000 characters.
    #[serde(default)]
    #[schema(value_type = Option<LongText>)]
    about: Change<LongText>,
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
    fn applied(self, account: &VendorAccount) -> Result<VendorAccount, Refusal> {
        let mut changed = account.clone();
        changed.card.name = self.name.unwrap_or(changed.card.name);
        changed.currency = self.currency.unwrap_or(changed.currency);
        changed.legal_name = self.legal_name.applied(changed.legal_name);
        changed.email = self.email.unwrap_or(changed.email);
        changed.phone = self.phone.applied(changed.phone);
        changed.about = self.about.applied(changed.about);
        changed.shipping_rates = self.shipping_rates.unwrap_or(changed.shipping_rates);
        changed.cash_on_delivery = self.cash_on_delivery.unwrap_or(changed.cash_on_delivery);
        check_about(changed.about.as_ref())?;
        check_per_currency("/shipping_rates", &changed.shipping_rates, Money::is_price)?;
        check_per_currency("/cash_on_delivery", &changed.cash_on_delivery, is_collectable)?;
        if !matches!(account.state, VendorState::Draft | VendorState::Rejected) {
            let fixed = [
                ("/name", account.card.name != changed.card.name),
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
            changed.check_complete()?;
        }
        Ok(changed)
    }
}

/// A document that is going to be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDocument {
    /// What the document proves.
    kind: DocumentKind,
    /// The name of the file.
    filename: Line,
    /// The media type of the file.
    content_type: DocumentType,
    /// The exact length of the file in bytes, at most 10 MB.
    #[schema(minimum = 1, maximum = 10_485_760)]
    size: u64,
}

/// The media types of files that are accepted.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub enum DocumentType {
    /// A PDF file.
    #[serde(rename = "application/pdf")]
    Pdf,
    /// A JPEG picture.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// A PNG picture.
    #[serde(rename = "image/png")]
    Png,
}

impl DocumentType {
    const fn content_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    const fn extension(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// A recorded document, where to upload its file, and the version of the vendor's account that has it.
#[derive(Clone, Debug)]
pub struct BegunDocument {
    pub document: Document,
    pub upload: Upload,
    pub version: u64,
}

/// Refuses a description of more than [`MAX_ABOUT_LENGTH`] characters.
fn check_about(about: Option<&LongText>) -> Result<(), Refusal> {
    if about.is_some_and(|about| about.as_str().chars().count() > MAX_ABOUT_LENGTH) {
        return Err(Refusal::field("/about", "too_long", format!("at most {MAX_ABOUT_LENGTH} characters")));
    }
    Ok(())
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
            errors.push(FieldError::new(pointer, "out_of_range", "is negative, or out of range"));
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
            people: People::new(config.cognito()?, config.required("USER_POOL_ID")?, accounts.clone()),
            accounts,
            catalog: Catalog::new(dynamodb, config.required("CATALOG_TABLE")?),
            documents: Bucket::new(config.s3()?, config.required("DOCUMENTS_BUCKET")?),
        })
    }

    /// A person's membership with the named vendor, or with the only one there is. It is read at each call, so that the
    /// removal of a member and the suspension of a vendor take effect at once.
    pub async fn member(&self, user: UserId, named: Option<VendorId>) -> Result<Member, Error> {
        Ok(self.accounts.member(user, named).await?)
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
            check_about(asked.about.as_ref())?;
            check_per_currency("/shipping_rates", &asked.shipping_rates, Money::is_price)?;
            check_per_currency("/cash_on_delivery", &asked.cash_on_delivery, is_collectable)?;
            if self.accounts.memberships(applicant).await?.len() >= Accounts::MAX_SHOPS {
                let detail = format!("a person is a member of at most {} vendors", Accounts::MAX_SHOPS);
                return Err(Refusal::because(Code::LimitReached, detail).into());
            }
            let person = self.people.with_id(applicant).await?.ok_or_else(|| Refusal::of(Code::Unauthorized))?;
            let id = VendorId::new(now, platform::ids(now).bits());
            let account = VendorAccount {
                card: VendorCard { id, handle, name: asked.name },
                state: VendorState::Draft,
                currency: asked.currency,
                email: asked.email.unwrap_or_else(|| person.email.clone()),
                phone: asked.phone,
                legal_name: asked.legal_name,
                about: asked.about,
                shipping_rates: asked.shipping_rates,
                cash_on_delivery: asked.cash_on_delivery,
                documents: Vec::new(),
                reason: None,
                history: Vec::new(),
                created_at: now,
                version: 0,
                kept: Kept::default(),
            };
            let owner = Membership {
                vendor: id,
                user: applicant,
                email: person.email,
                role: Role::Owner,
                since: now,
                kept: Kept::default(),
            };
            let respond = |opened: &VendorAccount| call.answer(opened);
            Ok::<_, Error>(self.accounts.open_vendor(&account, &owner, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Submits the vendor's application, if it is complete.
    pub async fn submit<R>(&self, member: &Member, expected: &Expected, call: Call<'_, VendorAccount, R>) -> Done<R> {
        let now = call.at();
        let submitted =
            |account: &VendorAccount| account.after(VendorStep::Submitted, None, member.membership.user, now);
        self.save(member, expected, submitted, call).await
    }

    /// Changes the vendor's own account.
    pub async fn change<R>(
        &self,
        member: &Member,
        asked: ChangeVendor,
        expected: &Expected,
        call: Call<'_, VendorAccount, R>,
    ) -> Done<R> {
        self.save(member, expected, |account| asked.applied(account), call).await
    }

    /// Writes the account as it was changed, if it differs.
    async fn save<R>(
        &self,
        member: &Member,
        expected: &Expected,
        changed: impl FnOnce(&VendorAccount) -> Result<VendorAccount, Refusal>,
        call: Call<'_, VendorAccount, R>,
    ) -> Done<R> {
        member.may(Permission::EditShop)?;
        let account = &member.account;
        let work = async {
            expected.check(account.version)?;
            let changed = changed(account)?;
            if changed == *account {
                return Ok(self.accounts.answer(call, account).await?);
            }
            let respond = |saved: &VendorAccount| call.answer(saved);
            Ok::<_, Error>(self.accounts.save_vendor(&changed, None, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Records a document and begins the upload of its file.
    pub async fn add_document<R>(
        &self,
        member: &Member,
        asked: &AddDocument,
        call: Call<'_, BegunDocument, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::EditShop)?;
        let work = async {
            if !(1..=MAX_DOCUMENT_SIZE).contains(&asked.size) {
                let detail = format!("1 to {MAX_DOCUMENT_SIZE} bytes");
                return Err(Refusal::field("/size", "out_of_range", detail).into());
            }
            let mut changed = member.account.clone();
            if changed.documents.len() >= MAX_DOCUMENTS {
                let detail = format!("at most {MAX_DOCUMENTS} documents");
                return Err(Refusal::because(Code::LimitReached, detail).into());
            }
            let id = MediaId::new(now, platform::ids(now).bits());
            let key = format!("{}/{id}.{}", member.vendor(), asked.content_type.extension());
            let upload = self.sign_document(&key, asked, now).await?;
            let document = Document { kind: asked.kind, key: Some(key), filename: asked.filename.clone(), at: now };
            changed.documents.push(document.clone());
            let respond =
                |saved: &VendorAccount| call.answer(&BegunDocument { document, upload, version: saved.version });
            Ok::<_, Error>(self.accounts.save_vendor(&changed, None, &self.catalog, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }

    /// Signs the upload of a document's file.
    pub async fn sign_document(&self, key: &str, asked: &AddDocument, now: Timestamp) -> Result<Upload, Error> {
        let file = UploadSpec { key, content_type: asked.content_type.content_type(), size: asked.size };
        Ok(self.documents.upload(file, now).await?)
    }
}
