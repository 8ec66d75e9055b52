//! Choosing a language on a page whose path names none: a parameter chooses it, and a cookie keeps it.

use pages::Language;

use crate::visitor::LANGUAGE;
use crate::{Fields, Jar, Reply, Site};

/// To the same page without the parameter `language`, where that has chosen one; nothing when it has not.
pub fn chosen_language(path: &str, site: &Site) -> Option<Reply> {
    let (page, query) = path.split_once('?')?;
    let language = Language::parse(Fields::parse(query.as_bytes()).text("language")?)?;
    let jar = Jar::default().choose(LANGUAGE, language.code(), site);
    Some(Reply::see(without(page, query, "language")).with_cookies(jar))
}

/// A path with its query but for one parameter.
pub fn without(page: &str, query: &str, parameter: &str) -> String {
    let is_kept = |pair: &&str| pair.split('=').next() != Some(parameter);
    let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
    if kept.is_empty() { page.to_owned() } else { format!("{page}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::tests_site;

    #[test]
    fn a_choice_leaves_the_rest_of_the_address() {
        assert_eq!(without("/desk/orders", "tab=new&language=ru&after=x", "language"), "/desk/orders?tab=new&after=x");
        assert_eq!(without("/desk", "language=ru", "language"), "/desk");
    }

    #[test]
    fn a_choice_is_kept_where_pages_and_scripts_look_for_it() {
        for (url, secure) in [("https://shop.example", "; Secure"), ("http://localhost:3000", "")] {
            let reply = chosen_language("/desk?language=ru", &tests_site(url)).unwrap();
            let cookies = format!("{reply:?}");
            assert!(
                cookies.contains(&format!("\"language=ru; Path=/; Max-Age=31536000; SameSite=Lax{secure}\"")),
                "{cookies}"
            );
        }
        for nothing in ["/desk", "/desk?language=", "/desk?language=tlh", "/desk?tab=new"] {
            assert!(chosen_language(nothing, &tests_site("https://shop.example")).is_none(), "{nothing}");
        }
    }
}
