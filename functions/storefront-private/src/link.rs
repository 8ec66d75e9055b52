//! Links in messages: `/r/{token}` opens an order on this device. Programs that look through mail open links, so
//! opening one shows a button, and only pressing it acts.

use api::Problem;
use axum::extract::{Path, State};
use browser::{Form, Reply, Visitor, chosen_language};
use domain::{Code, OrderId};
use pages::forms::{Button, Form as PageForm};
use pages::parts::{Tone, alert, text};
use pages::views::Screen;
use pages::{Frame, fill};

use crate::App;
use crate::guest_orders::GuestOrders;
use crate::showing::frame;

/// An order and its token, as a link holds them.
fn parts_of(link: &str) -> Result<(OrderId, &str), Problem> {
    let nothing = || Problem::of(Code::NotFound);
    let (order, token) = link.split_once('.').ok_or_else(nothing)?;
    let order: OrderId = order.parse().map_err(|_| nothing())?;
    let is_token =
        token.len() <= 100 && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_token { Ok((order, token)) } else { Err(nothing()) }
}

/// The frame of a link's page, whose path names no language.
fn of_link<'a>(app: &'a App, visitor: &Visitor, link: &str) -> Frame<'a> {
    let f = frame(app, visitor, format!("/r/{link}"), pages::Texts::of(visitor.language).link_title);
    Frame { unprefixed: true, ..f }
}

pub(crate) async fn show_link(
    State(app): State<App>,
    visitor: Visitor,
    Path(link): Path<String>,
) -> Result<Reply, Problem> {
    let (order, _) = parts_of(&link)?;
    if let Some(chosen) = chosen_language(&visitor.path, &app.site) {
        return Ok(chosen);
    }
    let f = of_link(&app, &visitor, &link);
    let (t, words) = (f.t, fill(f.t.link_text, &[("number", &order.number())]));
    let form = PageForm::to(format!("/r/{link}")).button(Button::main(t.link_button));
    let page = Screen::new(f, t.link_title, [text(&words), form.shown(visitor.language, &[])]);
    Ok(Reply::private(page.shown()))
}

pub(crate) async fn open_link(
    State(app): State<App>,
    visitor: Visitor,
    Path(link): Path<String>,
    Form(_): Form,
) -> Result<Reply, Problem> {
    let (id, token) = parts_of(&link)?;
    match app.orders.guest_order(id, Some(token), &visitor.client, visitor.now).await.map_err(Problem::from) {
        Ok(_) => {
            let jar = GuestOrders::of(&visitor, &app.site).with(id, token).kept(&app.site);
            Ok(Reply::see(format!("/{}/orders/{id}", visitor.language.code())).with_cookies(jar))
        }
        Err(problem) if matches!(problem.code(), Code::NotFound | Code::TokenExpired) => {
            let f = of_link(&app, &visitor, &link);
            let words = if problem.code() == Code::TokenExpired { f.t.link_old } else { f.t.link_wrong };
            let title = f.t.link_title;
            let page = Screen::new(f, title, [alert(Tone::Bad, "", &[words.to_owned()], &[])]);
            Ok(Reply::private(page.shown()).because(&problem))
        }
        Err(problem) => Err(problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_an_order_and_its_token_and_nothing_else() {
        let order = OrderId::from_bits(7);
        let link = format!("{order}.aB-_9");
        assert_eq!(parts_of(&link).unwrap(), (order, "aB-_9"));
        for wrong in
            ["", "x", "x.y", &format!("{order}"), &format!("{order}.a/b"), &format!("{order}.{}", "a".repeat(101))]
        {
            assert!(parts_of(wrong).is_err(), "{wrong}");
        }
    }
}
