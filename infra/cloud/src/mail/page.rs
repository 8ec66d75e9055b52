//! The viewer's page. Messages are shown as plain text, their HTML as source.

use serde::Serialize;

use super::StoredMessage;

/// A message with the channel by which somebody has got it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// `mail`, or the name of a third party's channel.
    pub channel: &'static str,
    #[serde(flatten)]
    pub stored: StoredMessage,
}

impl Received {
    pub(crate) fn by_mail(stored: StoredMessage) -> Self {
        Self { channel: "mail", stored }
    }
}

const HEAD: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><style>\
    body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
    article{border:1px solid #ccc;border-radius:.5rem;padding:.75rem 1rem;margin:1rem 0}\
    h2{font-size:1.1rem;margin:0}.about{color:#555;margin:.1rem 0 .6rem}\
    .code{font:700 1.4rem ui-monospace,monospace;letter-spacing:.15em}\
    pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}details pre{font:.85rem ui-monospace,monospace}\
    input,button{font:inherit;padding:.25rem .5rem}\
    </style>";

pub(super) fn write(heading: &str, messages: &[Received], to: Option<&str>) -> String {
    let mut page = String::from(HEAD);
    page.push_str(&format!("<title>{0}</title></head><body><h1>{0}</h1>", escaped(heading)));
    page.push_str("<form><label>To <input name=\"to\" value=\"");
    page.push_str(&escaped(to.unwrap_or_default()));
    page.push_str("\"></label> <button>Show</button></form>");
    if messages.is_empty() {
        page.push_str("<p>No messages.</p>");
    }
    for Received { channel, stored } in messages {
        let message = &stored.message;
        page.push_str("<article><h2>");
        // Only mail has a subject.
        page.push_str(&escaped(if message.subject.is_empty() { channel } else { &message.subject }));
        page.push_str("</h2><p class=\"about\">to ");
        page.push_str(&escaped(&message.to));
        page.push_str(", from ");
        page.push_str(&escaped(&message.from));
        page.push_str(", ");
        page.push_str(&escaped(&stored.at.to_string()));
        page.push_str("</p>");
        if let Some(code) = &message.code {
            page.push_str("<p class=\"code\">");
            page.push_str(&escaped(code));
            page.push_str("</p>");
        }
        page.push_str("<pre>");
        page.push_str(&escaped(&message.text));
        page.push_str("</pre>");
        if let Some(html) = &message.html {
            page.push_str("<details><summary>HTML source</summary><pre>");
            page.push_str(&escaped(html));
            page.push_str("</pre></details>");
        }
        page.push_str("</article>");
    }
    page.push_str("</body></html>");
    page
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}
