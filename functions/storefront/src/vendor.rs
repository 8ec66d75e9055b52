//! The page of a shop.

use api::{Now, Problem, Query};
use axum::extract::{Path, State};
use browser::{Lang, Reply};
use domain::Code;
use domain::catalog::List;
use domain::text::Handle;
use domain::vendor::Shop;
use pages::parts::{Link, facts};
use pages::{Frame, Html, Language, date, fill, money};

use crate::App;
use crate::home::or_not_here;
use crate::list::{Around, AskedList, crumb_data};

pub(crate) async fn show_vendor(
    State(app): State<App>,
    Lang(language): Lang,
    Path((_, handle)): Path<(String, String)>,
    Query(asked): Query<AskedList>,
    Now(now): Now,
) -> Result<Reply, Problem> {
    let page = shop_page(&app, language, &handle, &asked).await;
    or_not_here(&app, page, (language, now)).await
}

async fn shop_page(app: &App, language: Language, handle: &str, asked: &AskedList) -> Result<Reply, Problem> {
    let handle = Handle::parse(handle).map_err(|_| Problem::of(Code::NotFound))?;
    let currency = app.currency(asked.currency);
    let path = format!("/v/{handle}");
    let around = async {
        let shop = app.window.shop(&handle).await?.ok_or_else(|| Problem::of(Code::NotFound))?;
        let site = &app.site.shown;
        let name = shop.card.name.to_string();
        let f = Frame::new(site, language, format!("/v/{handle}"), name.clone())
            .found_as(format!("{name} · {}", pages::Texts::of(language).home_description), Vec::new())
            .priced_in(currency);
        let crumbs = vec![Link::new(f.to("/"), f.t.home), Link::new(f.to(&f.path), name.clone()).when_current(true)];
        let intro = about(&f, &shop);
        let f = Frame { json_ld: vec![crumb_data(&f, &crumbs)], ..f };
        Ok(Around { f, crumbs, heading: name, intro, narrower: Vec::new() })
    };
    let list = List { category: None, vendor: Some(handle.clone()), currency };
    app.list_page(&path, (list, language), asked, around).await
}

/// What a shop says of itself, and who sells.
fn about(f: &Frame<'_>, shop: &Shop) -> Html {
    let since = [("shop", f.site.name.as_str()), ("date", &date(shop.created_at, f.language))];
    let mut known = Vec::new();
    if let Some(rate) = f.currency.and_then(|currency| shop.shipping_rate(currency)) {
        known.push((f.t.delivery.to_owned(), money(rate, f.language)));
    }
    known.extend(shop.public_identity.iter().flat_map(|identity| pages::identity_facts(f.t, identity)));
    Html::joined([
        pages::parts::prose(&Html::sanitised(&shop.about_html)),
        pages::parts::muted(&fill(f.t.shop_since, &since)),
        facts(&known),
    ])
}
