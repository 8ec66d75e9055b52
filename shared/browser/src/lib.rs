//! Pages over HTTP: what every function of pages needs beside its pages. Forms that only our own pages may send,
//! cookies, the language in the path, the headers that keep a page to itself, and a page for each problem.
//!
//! It knows no table: who is signed in is asked of [`shop::BrowserSessions`]. A function's pages are one list,
//! [`Pages`], from which its router is built and which the contract's test compares with the template.

mod acting;
mod choosing;
mod cookies;
mod form;
mod policy;
mod reply;
mod router;
mod site;
mod uploads;
mod visitor;

pub use acting::{KEY, call, done, keyed, new_key};
pub use choosing::{chosen_language, without};
pub use cookies::{Cookies, Jar};
pub use form::{Fields, Form, as_api};
pub use policy::protect_page;
pub use reply::Reply;
pub use router::{Pages, router};
pub use site::{Lang, Site};
pub use uploads::{MOST_UPLOADED, Uploaded, Uploads};
pub use visitor::{
    CART, ITEMS, KEPT_CART, Preferred, SESSION, SHOP, Sessions, Signed, Visitor, safe_next, sign_in_path,
};
