//! Seeds a cloud: settings, accounts and, if asked for, the demo data.

use domain::stored::Kept;
use std::collections::BTreeMap;

use cloud::cognito::Account;
use cloud::iam::ROOT_KEY;
use cloud::stack::{Services, StartError};
use domain::address::Country;
use domain::contact::ContactPoint;
use domain::job::{ImportJob, JobState};
use domain::marketplace::{OperatorMembership, OperatorRole};
use domain::pricing::Rates;
use domain::settings::{Limits, PhoneChannel, PhoneMessages, Settings};
use domain::text::{Email, Handle, Line, LongText, Name, Phone};
use domain::upload::picture_key;
use domain::vendor::{
    Membership, PictureJob, PublicIdentity, Role, VendorAccount, VendorCard, VendorJob, VendorKind, VendorState,
    VendorStep,
};
use domain::{Currency, ImportId, MediaId, Outcome, Timestamp, UserId, VendorId};
use platform::Config;
use store::accounts::Username;
use store::{Accounts, Catalog, SettingsTable};

use crate::demo;

/// The operator's account, which every cloud has.
pub const OPERATOR: &str = "admin@bozor.test";
/// The buyer's account of the demo data.
pub const BUYER: &str = "buyer@bozor.test";
/// The password of all seeded accounts.
pub const PASSWORD: &str = "Bozor-demo-2026!";

fn failed(error: impl std::fmt::Display) -> StartError {
    StartError::Setup(format!("the demo data cannot be loaded: {error}"))
}

/// The account of an address, made unless there is one. Whoever was registered by a build that named people by their
/// address keeps that name.
async fn register(services: &Services, email: &str, name: &str, groups: &[&str]) -> Result<UserId, StartError> {
    let config = root_config(services);
    let table = services.template.table("AccountsTable").ok_or_else(|| failed("no AccountsTable"))?;
    let accounts = Accounts::new(config.dynamodb().map_err(failed)?, table.name.clone());
    let (address, now) = (Email::parse(email).map_err(failed)?, now(services));
    let candidate = if services.cognito.has_user(email)? {
        Username::known(email)
    } else {
        Username::new(platform::ids(now).random_bits())
    };
    let username = accounts.claim_contact(&ContactPoint::Email(address), candidate, now).await.map_err(failed)?;
    let account = Account {
        username: username.to_string(),
        email: email.to_owned(),
        password: PASSWORD.to_owned(),
        name: Some(name.to_owned()),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
    };
    services.cognito.register(&account).await?.parse().map_err(failed)
}

fn now(services: &Services) -> Timestamp {
    Timestamp::from_millis(services.clock.now().millis())
}

/// Registers the accounts that do not exist yet.
pub(crate) async fn accounts(services: &Services, demo: bool) -> Result<(), StartError> {
    let operator = register(services, OPERATOR, "Operator", &["admin"]).await?;
    let config = root_config(services);
    let table = services.template.table("AccountsTable").ok_or_else(|| failed("no AccountsTable"))?;
    let people = Accounts::new(config.dynamodb().map_err(failed)?, table.name.clone());
    let first = OperatorMembership {
        user: operator,
        email: Some(Email::parse(OPERATOR).map_err(failed)?),
        phone: None,
        role: OperatorRole::Owner,
        since: now(services),
        version: 0,
        kept: Kept::default(),
    };
    // One who is an owner already stays as they are.
    people.make_first_operator(&first).await.map_err(failed)?;
    if demo {
        register(services, BUYER, "Aziza", &[]).await?;
        for vendor in demo::VENDORS {
            register(services, vendor.email, vendor.name, &[]).await?;
        }
    }
    Ok(())
}

/// Writes the settings unless there are some already.
pub(crate) async fn settings(services: &Services, limits: Limits, rates: Rates) -> Result<(), StartError> {
    let config = root_config(services);
    let table = services.template.table("SettingsTable").ok_or_else(|| failed("no SettingsTable"))?;
    let settings = SettingsTable::new(config.dynamodb().map_err(failed)?, table.name.clone());
    // The sandboxes of both gateways are there.
    let channels = vec![PhoneChannel::Telegram, PhoneChannel::Sms];
    let phone_messages = PhoneMessages { channels, ..PhoneMessages::default() };
    match settings.save(&Settings { limits, rates, phone_messages, ..Settings::default() }).await {
        Ok(_) | Err(store::Error::Conflict) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The environments of all functions together, with the access key that may do everything.
fn root_config(services: &Services) -> Config {
    let mut variables = BTreeMap::new();
    for function in &services.template.functions {
        variables.extend(services.environment(function));
    }
    variables.insert("AWS_ACCESS_KEY_ID".to_owned(), ROOT_KEY.to_owned());
    Config::from_vars(variables)
}

/// Loads the demo data: vendors, categories, pictures, and product files through the import's own code. What exists
/// already stays as it is, so that the next start completes a load that crashed. False if all of it existed.
pub(crate) async fn demo_data(services: &Services) -> Result<bool, StartError> {
    if services.file("demo").is_some_and(|marker| marker.exists()) {
        return Ok(false);
    }
    let config = root_config(services);
    let dynamodb = config.dynamodb().map_err(failed)?;
    let table = |id: &str| {
        services.template.table(id).map(|table| table.name.clone()).ok_or_else(|| failed(format!("no {id}")))
    };
    let catalog = Catalog::new(dynamodb.clone(), table("CatalogTable")?);
    let accounts = Accounts::new(dynamodb, table("AccountsTable")?);
    let now = now(services);

    let tree = demo::categories().map_err(failed)?;
    let known = catalog.categories().await.map_err(failed)?;
    if known.roots.is_empty() {
        let tree = domain::catalog::CategoryTree { version: known.version, ..tree };
        let _ = catalog.save_categories(&tree, |_| Ok(((), None))).await.map_err(failed)?;
    }
    let importer = imports::App::new(&config).await.map_err(failed)?;
    let media = media::App::new(&config).await.map_err(failed)?;
    for vendor in demo::VENDORS {
        let account = approved_vendor(services, &accounts, &catalog, &vendor, now).await?;
        for file in vendor.files {
            for picture in file.pictures() {
                let drawn = demo::picture(picture, vendor.handle).map_err(failed)?;
                let of = (account.card.id, demo::media_id(picture));
                upload(services, &media, &catalog, of, drawn).await?;
            }
            let csv = file.with_uploads(demo::media_id);
            import(services, &importer, &accounts, &account, (&csv, file.currency)).await?;
        }
    }
    if let Some(marker) = services.file("demo") {
        std::fs::write(marker, now.to_string()).map_err(StartError::Data)?;
    }
    Ok(true)
}

/// The vendor's account, opened and approved unless it exists.
async fn approved_vendor(
    services: &Services,
    accounts: &Accounts,
    catalog: &Catalog,
    vendor: &demo::Vendor,
    now: Timestamp,
) -> Result<VendorAccount, StartError> {
    let owner = register(services, vendor.email, vendor.name, &[]).await?;
    if let Some(membership) = accounts.memberships(owner).await.map_err(failed)?.first() {
        let account = accounts.vendor(membership.vendor).await.map_err(failed)?;
        return account.ok_or_else(|| failed("a membership without its vendor"));
    }
    let id = VendorId::new(now, platform::ids(now).bits());
    let email = Email::parse(vendor.email).map_err(failed)?;
    let draft = VendorAccount {
        card: VendorCard {
            id,
            handle: Handle::parse(vendor.handle).map_err(failed)?,
            name: Name::parse(vendor.name).map_err(failed)?,
        },
        state: VendorState::Draft,
        currency: vendor.currency,
        email: email.clone(),
        phone: Some(Phone::parse("+998 71 200 00 00").map_err(failed)?),
        language: None,
        legal_name: Some(Name::parse(vendor.name).map_err(failed)?),
        about: Some(LongText::parse(vendor.about).map_err(failed)?),
        shipping_rates: vendor.shipping_rates.to_vec(),
        cash_on_delivery: vendor.cash_on_delivery.to_vec(),
        public_identity: Some(PublicIdentity {
            legal_name: Name::parse(vendor.name).map_err(failed)?,
            kind: VendorKind::Company,
            country: Country::parse("UZ").ok_or_else(|| failed("no country"))?,
            tax_id: None,
            vat_payer: true,
            register_no: None,
            address: Some(Line::parse("12 Navoi Street, Tashkent").map_err(failed)?),
            phone: None,
            licences: Vec::new(),
        }),
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
    let submitted = draft.after(VendorStep::Submitted, None, owner, now).map_err(failed)?;
    let approved = submitted.after(VendorStep::Approved, None, owner, now).map_err(failed)?;
    let membership = Membership {
        vendor: id,
        user: owner,
        email: Some(email),
        phone: None,
        role: Role::Owner,
        since: now,
        accepted_terms: None,
        kept: Kept::default(),
    };
    let respond = |opened: &VendorAccount| Ok((opened.clone(), None));
    match accounts.open_vendor(&approved, &membership, catalog, respond).await.map_err(failed)? {
        Outcome::Done(opened) => Ok(opened),
        Outcome::Replayed(_) | Outcome::Repeated(_) => Err(failed("a replay of what has no key")),
    }
}

/// Imports a product file as the function does for a file that a vendor has uploaded.
async fn import(
    services: &Services,
    importer: &imports::App,
    accounts: &Accounts,
    account: &VendorAccount,
    (csv, currency): (&str, Currency),
) -> Result<(), StartError> {
    let (now, vendor) = (now(services), account.card.id);
    let id = ImportId::new(now, platform::ids(now).bits());
    let job = ImportJob { publish: true, ..ImportJob::new(id, vendor, currency, now) };
    let Some(bucket) = services.template.bucket("ImportsBucket") else { return Err(failed("no ImportsBucket")) };
    let last = accounts.began_last(vendor).await.map_err(failed)?;
    let _ = accounts.add_import(&job, &last, None, ((), None)).await.map_err(failed)?;
    services.buckets.put(&bucket.name, &job.key(), "text/csv", csv.as_bytes().to_vec()).await.map_err(failed)?;
    let body = serde_json::to_string(&VendorJob::Import { vendor_id: vendor, id: job.id }).map_err(failed)?;
    let message = serde_json::json!({"messageId": job.id, "body": body});
    let message = serde_json::from_value(message).map_err(failed)?;
    imports::handle(importer, &message, now).await.map_err(failed)?;
    match accounts.import_with_faults(vendor, job.id).await.map_err(failed)? {
        Some((done, faults)) if done.state == JobState::Completed && faults.is_empty() => Ok(()),
        done => Err(failed(format!("a product file of {} was not imported: {done:?}", account.card.handle))),
    }
}

/// Stores a drawn picture as an upload, and has it looked at as the function does it.
async fn upload(
    services: &Services,
    media: &media::App,
    catalog: &Catalog,
    (vendor, id): (VendorId, MediaId),
    drawn: Vec<u8>,
) -> Result<(), StartError> {
    if catalog.picture(vendor, id).await.map_err(failed)?.is_some_and(|known| known.picture.files.is_some()) {
        return Ok(());
    }
    let Some(bucket) = services.template.bucket("UploadsBucket") else { return Err(failed("no UploadsBucket")) };
    let key = picture_key(vendor, id);
    services.buckets.put(&bucket.name, &key, "image/png", drawn).await.map_err(failed)?;
    let body = serde_json::to_string(&PictureJob::LookAt { vendor_id: vendor, id }).map_err(failed)?;
    let message = serde_json::from_value(serde_json::json!({"messageId": id, "body": body})).map_err(failed)?;
    media::handle(media, &message, now(services)).await.map_err(failed)?;
    match catalog.picture(vendor, id).await.map_err(failed)? {
        Some(known) if known.picture.files.is_some() => Ok(()),
        other => Err(failed(format!("a picture of the demo cannot be shown: {other:?}"))),
    }
}
