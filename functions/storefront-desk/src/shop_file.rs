//! A vendor's own account: what buyers and the operator see of the shop, its state, and the application.

use api::Problem;
use axum::extract::State;
use browser::{Fields, Form as Sent, KEY, Reply, call, keyed, new_key};
use desk::{AcceptTerms, ChangeVendor};
use domain::legal::LegalVersion;
use domain::vendor::{Membership, Permission, PublicIdentity, VendorAccount, VendorState};
use domain::{Currency, Money};
use pages::forms::{Button, Choice, Field, Form, Group, Kind};
use pages::parts::{Link, Tone, actions, alert, badge, boxed, facts, muted, paragraphs, stated};
use pages::{HOME_COUNTRY, Html, Language, Texts};
use serde_json::{Map, Value, json};

use crate::App;
use crate::amounts::amount;
use crate::replacing::seen;
use crate::shown::{Sheet, Wrong, after};
use crate::states;
use crate::who::Staff;

pub(crate) const SHOP: &str = "/desk/shop";

/// Where the API points to, and the fields of the form.
pub(crate) const RENAMED: [(&str, &str); 13] = [
    ("/public_identity", "legal_name"),
    ("/public_identity/legal_name", "legal_name"),
    ("/public_identity/kind", "kind"),
    ("/public_identity/country", "country"),
    ("/public_identity/tax_id", "tax_id"),
    ("/public_identity/register_no", "register_no"),
    ("/public_identity/address", "address"),
    ("/public_identity/phone", "phone"),
    ("/shipping_rates", "shipping_rate"),
    ("/shipping_rates/0", "shipping_rate"),
    ("/cash_on_delivery", "cash"),
    ("/cash_on_delivery/0", "cash"),
    ("/accepted_terms", "terms"),
];

/// Countries as those who live there call them.
const COUNTRIES: [(&str, &str); 10] = [
    ("UZ", "Oʻzbekiston"),
    ("KZ", "Қазақстан"),
    ("KG", "Кыргызстан"),
    ("TJ", "Тоҷикистон"),
    ("TM", "Türkmenistan"),
    ("CN", "中国"),
    ("TR", "Türkiye"),
    ("RU", "Россия"),
    ("KR", "대한민국"),
    ("AE", "الإمارات"),
];

/// The fields of a shop's file, filled in with what is known of it. What an application needs before it is sent may be
/// left blank until then.
pub(crate) fn file_fields(
    (t, own): (&'static Texts, Language),
    currencies: &[Currency],
    known: Option<&VendorAccount>,
) -> Vec<Group> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let identity = known.and_then(|known| known.public_identity.as_ref());
    let currency = known.map(|known| known.currency).or(currencies.first().copied());
    let mut all: Vec<Choice> = currencies.iter().map(|one| Choice::new(one.as_str(), one.as_str())).collect();
    if let Some(currency) = currency.filter(|currency| !currencies.contains(currency)) {
        all.push(Choice::new(currency.as_str(), currency.as_str()));
    }
    let mut countries: Vec<Choice> = COUNTRIES.iter().map(|(code, name)| Choice::new(*code, *name)).collect();
    let country = identity.map_or(HOME_COUNTRY, |identity| identity.country.as_str());
    if !countries.iter().any(|known| known.value == country) {
        countries.push(Choice::new(country, country));
    }
    let kinds = vec![
        Choice::new("individual", t.desk_kind_individual),
        Choice::new("sole_trader", t.desk_kind_sole_trader),
        Choice::new("company", t.desk_kind_company),
    ];
    let mut languages: Vec<Choice> = Language::ALL.iter().map(|one| Choice::new(one.tag(), one.own_name())).collect();
    // Who opens a shop is written to in the language that they read; a shop that has told none is not given one by
    // whoever mends something else.
    let language = known.map_or(own.tag(), |known| known.language.as_deref().unwrap_or_default());
    if !languages.iter().any(|one| one.value == language) {
        languages.insert(0, Choice::new(language, if language.is_empty() { "–" } else { language }));
    }
    let kind = identity.map_or("sole_trader".to_owned(), |identity| named(&json!(identity.kind)));
    let in_currency = |amounts: &[Money]| amounts.iter().find(|one| Some(one.currency()) == currency).copied();
    let rate = known.and_then(|known| in_currency(&known.shipping_rates)).map(Money::decimal);
    let cash = known.and_then(|known| in_currency(&known.cash_on_delivery)).map(Money::decimal);
    let line = |name: &str, label: &str, value: Option<String>| {
        Field::new(name, label, Kind::Text).filled(text(value)).at_most(250)
    };
    vec![
        Group::of(vec![
            line("name", t.desk_shop_name, known.map(|known| known.card.name.to_string())),
            line("handle", t.desk_handle, known.map(|known| known.card.handle.to_string()))
                .hinting(t.desk_handle_hint)
                .optional(),
            Field::new("about", t.desk_shop_about, Kind::Area)
                .filled(text(known.and_then(|known| Some(known.about.as_ref()?.to_string()))))
                .optional()
                .at_most(5_000),
            Field::new("email", t.email, Kind::Email)
                .filled(text(known.map(|known| known.email.to_string())))
                .hinting(t.desk_email_hint)
                .completing("email")
                .optional(),
            Field::new("phone", t.phone, Kind::Phone)
                .filled(text(known.and_then(|known| Some(known.phone.as_ref()?.to_string()))))
                .hinting(t.desk_phone_hint)
                .completing("tel")
                .unforced(),
            Field::new("language", t.mail_language, Kind::Choice { options: languages }).filled(language),
        ]),
        Group::named(
            t.about_vendor,
            vec![
                line(
                    "legal_name",
                    t.desk_legal_name,
                    known.and_then(|known| Some(known.legal_name.as_ref()?.to_string())),
                )
                .hinting(t.desk_legal_name_hint)
                .unforced(),
                Field::new("kind", t.desk_kind_of_vendor, Kind::Choice { options: kinds }).filled(kind),
                Field::new("country", t.country, Kind::Choice { options: countries }).filled(country),
                line("tax_id", t.tax_number, identity.and_then(|known| Some(known.tax_id.as_ref()?.to_string())))
                    .optional(),
                line(
                    "register_no",
                    t.registration_number,
                    identity.and_then(|known| Some(known.register_no.as_ref()?.to_string())),
                )
                .optional(),
                line("address", t.vendor_address, identity.and_then(|known| Some(known.address.as_ref()?.to_string())))
                    .unforced(),
            ],
        ),
        Group::named(
            t.delivery,
            vec![
                Field::new("currency", t.currency, Kind::Choice { options: all })
                    .filled(currency.map(Currency::as_str).unwrap_or_default())
                    .hinting(t.desk_currency_hint),
                Field::new("shipping_rate", t.desk_shipping_rate, Kind::Decimal)
                    .filled(text(rate))
                    .hinting(t.desk_shipping_rate_hint)
                    .unforced(),
                Field::new("cash", t.desk_cash, Kind::Decimal).filled(text(cash)).hinting(t.desk_cash_hint).optional(),
            ],
        ),
    ]
}

/// The name of something on the wire.
fn named(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The amounts of all currencies with another one, or none, in this currency.
fn with_amount(known: &[Money], currency: Currency, given: Option<Money>) -> Vec<Money> {
    let mut amounts: Vec<Money> = given.into_iter().collect();
    amounts.extend(known.iter().filter(|one| one.currency() != currency));
    amounts
}

/// What the form says, as the API would be told it.
pub(crate) fn said(fields: &Fields, known: Option<&VendorAccount>) -> Result<Map<String, Value>, Problem> {
    let mut said = fields.object(&["name", "handle", "about", "email", "phone", "language", "legal_name", "currency"]);
    if known.is_some() {
        // What was emptied is told as nothing.
        for name in ["about", "phone", "legal_name"] {
            said.entry(name).or_insert(Value::Null);
        }
    }
    let currency = fields.text("currency").and_then(|code| code.parse::<Currency>().ok());
    let currency = currency.or(known.map(|known| known.currency));
    let currency = currency.ok_or_else(|| Problem::field("/currency", "missing", "must be given"))?;
    let given = |name: &str| {
        let pointer = format!("/{name}");
        fields.text(name).map(|typed| amount(typed, currency, &pointer)).transpose()
    };
    let (rates, cash) = known.map_or((&[][..], &[][..]), |known| (&known.shipping_rates, &known.cash_on_delivery));
    said.insert("shipping_rates".to_owned(), json!(with_amount(rates, currency, given("shipping_rate")?)));
    said.insert("cash_on_delivery".to_owned(), json!(with_amount(cash, currency, given("cash")?)));
    // Buyers see no vendor without a name.
    if fields.text("legal_name").is_some() {
        let known = known.and_then(|known| known.public_identity.as_ref());
        said.insert("public_identity".to_owned(), Value::Object(identity(fields, known)));
    }
    Ok(said)
}

fn identity(fields: &Fields, known: Option<&PublicIdentity>) -> Map<String, Value> {
    const TYPED: [&str; 7] = ["legal_name", "kind", "country", "tax_id", "register_no", "address", "phone"];
    let known = known.map(|known| json!(known)).and_then(|known| Some(known.as_object()?.clone()));
    let mut identity = known.unwrap_or_default();
    identity.retain(|name, _| !TYPED.contains(&name.as_str()));
    identity.extend(fields.object(&TYPED));
    identity
}

/// The agreement in a language, or else in one that its readers understand.
pub(crate) fn agreement_text(version: &LegalVersion, language: Language) -> Html {
    let texts = version.texts.iter().map(|(tag, text)| (tag.as_str(), text.as_str()));
    let found = pages::operators_text(texts, language);
    found.map(|(tag, words)| paragraphs(&words, &tag)).unwrap_or_default()
}

pub(crate) async fn show_shop(State(app): State<App>, staff: Staff) -> Result<Reply, Problem> {
    shop_page(&app, &staff, None).await
}

async fn shop_page(app: &App, staff: &Staff, wrong: Option<Wrong>) -> Result<Reply, Problem> {
    let account = app.vendors.own_account(&staff.member)?;
    let (t, now) = (staff.person.t(), staff.person.visitor.now);
    let mut sheet = Sheet::of_vendor(app, staff, SHOP, t.desk_shop).mending(wrong);
    sheet.tell_done();
    if let Some(reason) = &account.reason {
        sheet.alert(alert(Tone::Bad, t.desk_operator_says, &[reason.to_string()], &[]));
    }
    if let Some(due) = staff.member.terms_due {
        terms_part(&mut sheet, app, staff, due).await?;
    }
    application_part(&mut sheet, staff, account);
    let may_edit = staff.member.may(Permission::EditShop).is_ok();
    if may_edit {
        let mut form = Form::to(SHOP).hiding(KEY, new_key(now)).hiding("version", account.version.to_string());
        for group in file_fields((t, staff.person.language()), &app.site.shown.currencies, Some(account)) {
            form = form.with(group);
        }
        let form = sheet.form("shop", form.button(Button::main(t.save)), &RENAMED);
        sheet.part(form);
    } else {
        sheet.part(facts(&[(t.desk_shop_name.to_owned(), account.card.name.to_string())]));
    }
    Ok(sheet.reply())
}

async fn terms_part(sheet: &mut Sheet<'_>, app: &App, staff: &Staff, due: u32) -> Result<(), Problem> {
    let (t, now) = (staff.person.t(), staff.person.visitor.now);
    let agreement = app.vendors.agreement().await?.filter(|agreement| agreement.number == due);
    let words = agreement.map(|agreement| agreement_text(&agreement, staff.person.language())).unwrap_or_default();
    let form = Form::to(format!("{SHOP}/terms"))
        .hiding(KEY, new_key(now))
        .hiding("terms", due.to_string())
        .button(Button::main(t.desk_accept_terms));
    let form = sheet.form("terms", form, &[]);
    sheet.part(boxed(t.desk_terms_due, [words, form]));
    Ok(())
}

fn application_part(sheet: &mut Sheet<'_>, staff: &Staff, account: &VendorAccount) {
    let t = staff.person.t();
    let documents = actions(t.desk_papers, &[Link::new("/desk/shop/documents", t.desk_papers)]);
    let mut pieces = Vec::new();
    if matches!(account.state, VendorState::Draft | VendorState::Rejected) {
        let checklist = account.checklist();
        let rows: Vec<(String, String)> = checklist
            .iter()
            .map(|item| {
                let state = if item.done { t.desk_item_done } else { t.desk_item_missing };
                (states::checklist(t, item.code).to_owned(), state.to_owned())
            })
            .collect();
        pieces.push(muted(t.desk_checklist_text));
        pieces.push(facts(&rows));
        pieces.push(documents);
        if checklist.iter().all(|item| item.done) {
            pieces.push(badge(Tone::Good, t.desk_ready_to_submit));
        }
        let form = Form::to(format!("{SHOP}/submit"))
            .hiding(KEY, new_key(staff.person.visitor.now))
            .button(Button::main(t.desk_submit));
        pieces.push(sheet.form("submit", form, &[]));
    } else {
        pieces.push(documents);
    }
    sheet.part(stated(t.desk_application, states::of_vendor(t, account.state), pieces));
}

pub(crate) async fn change_shop(State(app): State<App>, staff: Staff, Sent(fields): Sent) -> Result<Reply, Problem> {
    let changed = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        let said = said(&fields, Some(&member.account))?;
        let asked: ChangeVendor = browser::as_api(&Value::Object(said))?;
        app.vendors.count_change("shop", staff.person.session.user, now).await?;
        let request = keyed(&fields, (&member.key_scope(), SHOP), &fields.said(&[KEY]), now)?;
        let call = call::<VendorAccount>(now, Some(&request));
        let _ = app.vendors.change(member, asked, &seen(&fields), call).await?;
        Ok::<_, Problem>(())
    };
    match changed.await {
        Ok(()) => Ok(after(SHOP, "saved")),
        Err(problem) => shop_page(&app, &staff, Wrong::with("shop", &fields, problem)?).await,
    }
}

pub(crate) async fn submit_shop(State(app): State<App>, staff: Staff, Sent(fields): Sent) -> Result<Reply, Problem> {
    let submitted = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        app.vendors.count_change("shop", staff.person.session.user, now).await?;
        let route = format!("{SHOP}/submit");
        let request = keyed(&fields, (&member.key_scope(), &route), "", now)?;
        let call = call::<VendorAccount>(now, Some(&request));
        let _ = app.vendors.submit(member, &domain::Expected::Any, call).await?;
        Ok::<_, Problem>(())
    };
    match submitted.await {
        Ok(()) => Ok(after(SHOP, "submitted")),
        // What is missing stands beside the fields of the file.
        Err(problem) => {
            let form = if problem.errors().is_empty() { "submit" } else { "shop" };
            let filled = filled_fields(&app, &staff);
            shop_page(&app, &staff, Wrong::with(form, &filled, problem)?).await
        }
    }
}

/// The file as it is stored, as if it had been typed.
fn filled_fields(app: &App, staff: &Staff) -> Fields {
    let groups = file_fields(
        (staff.person.t(), staff.person.language()),
        &app.site.shown.currencies,
        Some(&staff.member.account),
    );
    let fields = groups.iter().flat_map(|group| &group.fields);
    let pairs: Vec<String> = fields.map(|field| format!("{}={}", field.name, pages::escaped(&field.value))).collect();
    Fields::parse(pairs.join("&").as_bytes())
}

pub(crate) async fn accept_terms(State(app): State<App>, staff: Staff, Sent(fields): Sent) -> Result<Reply, Problem> {
    let accepted = async {
        let (member, now) = (&staff.member, staff.person.visitor.now);
        let version: u32 = fields.text("terms").and_then(|typed| typed.parse().ok()).unwrap_or_default();
        let asked: AcceptTerms = browser::as_api(&json!({"version": version}))?;
        app.vendors.count_change("shop", staff.person.session.user, now).await?;
        let route = format!("{SHOP}/terms");
        let request = keyed(&fields, (&member.key_scope(), &route), &fields.said(&[KEY]), now)?;
        let _ = app.vendors.accept_terms(member, asked, call::<Membership>(now, Some(&request))).await?;
        Ok::<_, Problem>(())
    };
    match accepted.await {
        Ok(()) => Ok(after(SHOP, "saved")),
        Err(problem) => shop_page(&app, &staff, Wrong::with("terms", &fields, problem)?).await,
    }
}
