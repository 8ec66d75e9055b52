//! The language of a desk. Its paths name none: a parameter chooses one, and a cookie keeps it.

use std::time::Duration;

use browser::{Fields, Jar, LANGUAGE, Place, Reply};
use pages::Language;

/// How long a choice is kept: a year.
pub(crate) const KEPT: Duration = Duration::from_secs(365 * 86_400);

/// To the same page without the parameter that has chosen a language; nothing when none has.
pub(crate) fn chosen(path: &str, place: &Place) -> Option<Reply> {
    let (page, query) = path.split_once('?')?;
    let language = Language::parse(Fields::parse(query.as_bytes()).text("language")?)?;
    let jar = Jar::default().keep(LANGUAGE, language.code(), KEPT, place);
    Some(Reply::see(without(page, query, "language")).with_cookies(jar))
}

/// A path with its query but for one parameter.
pub(crate) fn without(page: &str, query: &str, parameter: &str) -> String {
    let is_kept = |pair: &&str| pair.split('=').next() != Some(parameter);
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    if kept.is_empty() { page.to_owned() } else { format!("{page}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_leaves_the_rest_of_the_address() {
        assert_eq!(without("/desk/orders", "tab=new&language=ru&after=x", "language"), "/desk/orders?tab=new&after=x");
        assert_eq!(without("/desk", "language=ru", "language"), "/desk");
    }
}
