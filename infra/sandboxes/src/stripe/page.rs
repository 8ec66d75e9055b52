//! The payment page, with buttons to pay, decline, refund and dispute.

use serde_json::{Value, json};

use super::objects::Intent;

/// The page's style sheet: one column that fits a phone.
const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem;\
    color:#1a2b3c}\
    h1{font-size:1.6rem;margin:0}p{margin:.3rem 0}code{font-size:.85rem;overflow-wrap:anywhere}\
    button{display:block;width:100%;padding:.9rem;margin:.7rem 0;border:1px solid #b8c4d0;border-radius:.5rem;\
    background:#fff;font:inherit}\
    button.first{background:#0b6e4f;border-color:#0b6e4f;color:#fff}";

/// The acts that have a button, each with its label.
const BUTTONS: [(&str, &str); 6] = [
    ("succeed", "Pay"),
    ("fail", "Pay with a card that is declined"),
    ("process", "Pay by a bank that takes its time"),
    ("wrong_amount", "Pay a wrong amount"),
    ("refund", "Give the money back"),
    ("dispute", "Dispute the payment"),
];

/// The HTML of the page of an intent, with the delivery state of its events.
pub(super) fn write(intent: &Intent, deliveries: &[Value]) -> String {
    let status = json!(intent.status);
    let buttons: String = BUTTONS
        .iter()
        .map(|(act, label)| {
            let class = if *act == "succeed" { " class=first" } else { "" };
            format!("<button name=do value={act}{class}>{label}</button>")
        })
        .collect();
    let events: String = deliveries
        .iter()
        .map(|delivery| {
            let name = delivery.get("type").and_then(Value::as_str).unwrap_or_default();
            let answer =
                delivery.get("status").and_then(Value::as_u64).map_or_else(|| "no answer".into(), |s| s.to_string());
            format!("<li>{} <small>({answer})</small></li>", escape(name))
        })
        .collect();
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport \
         content=\"width=device-width, initial-scale=1\">\
         <title>Sandbox payment</title><style>{STYLE}</style>\
         <p>Sandbox of Stripe</p><h1>{amount} {currency}</h1><p>{status}</p><p><code>{id}</code></p>\
         <p>Order <code>{order}</code></p>\
         <form method=post>{buttons}</form><ul>{events}</ul></html>",
        amount = written(intent.amount, &intent.currency),
        currency = escape(&intent.currency.to_uppercase()),
        status = escape(&status.as_str().unwrap_or_default().replace('_', " ")),
        id = escape(&intent.id),
        order = escape(intent.metadata.get("order_id").map_or("unknown", String::as_str)),
    )
}

/// An amount in minor units as a decimal number, with as many decimals as Stripe gives the currency.
pub(super) fn written(amount: i64, currency: &str) -> String {
    match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd" | "vuv" | "xaf"
        | "xof" | "xpf" => amount.to_string(),
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => format!("{}.{:03}", amount / 1000, amount % 1000),
        _ => format!("{}.{:02}", amount / 100, amount % 100),
    }
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
