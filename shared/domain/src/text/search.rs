//! Words that are looked for in the texts of an entry of a list.

use std::fmt;

use super::SearchText;
use super::characters::composed;
use super::latin::latin;

/// The words of a search, in the forms in which they are compared.
#[derive(Clone, Debug)]
pub struct Search {
    words: Vec<Word>,
}

#[derive(Clone, Debug)]
struct Word {
    /// In lower case.
    lower: String,
    /// In ASCII; nothing when some of its characters have no counterpart there.
    ascii: Option<String>,
}

impl Search {
    /// Whether each of the words occurs in one of these texts, at any place in it. Case and accents do not matter, nor
    /// whether Uzbek or Russian is written in Cyrillic or in Latin letters.
    pub fn is_found_in<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> bool {
        let mut missing: Vec<&Word> = self.words.iter().collect();
        for text in texts {
            if missing.is_empty() {
                break;
            }
            let lower = composed(text).to_lowercase();
            let ascii = latin(text);
            missing.retain(|word| {
                let is_found =
                    lower.contains(&word.lower) || word.ascii.as_ref().is_some_and(|written| ascii.contains(written));
                !is_found
            });
        }
        missing.is_empty()
    }
}

/// The words in lower case: two searches that are written alike find the same.
impl fmt::Display for Search {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words.iter().try_for_each(|word| write!(formatter, "{} ", word.lower))
    }
}

impl From<&SearchText> for Search {
    fn from(text: &SearchText) -> Self {
        let word = |word: &str| {
            // A hyphen more than the word has stands for a character without a counterpart.
            let ascii = latin(word);
            let is_whole = ascii.matches('-').count() == word.matches('-').count();
            Word { lower: word.to_lowercase(), ascii: Some(ascii).filter(|ascii| is_whole && !ascii.is_empty()) }
        };
        Self { words: text.as_str().split_whitespace().map(word).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(searched: &str, texts: &[&str]) -> bool {
        Search::from(&SearchText::parse(searched).unwrap()).is_found_in(texts.iter().copied())
    }

    #[test]
    fn each_word_occurs_somewhere() {
        let bowl = ["Blue bowl, hand painted", "BOWL-BLUE-M"];
        for found in ["blue", "BOWL blue", "bowl-blue", "painted bowl-", "owl", "Blue  M"] {
            assert!(finds(found, &bowl), "{found}");
        }
        for missed in ["red", "blue cup", "bowl--blue", "bow l x"] {
            assert!(!finds(missed, &bowl), "{missed}");
        }
    }

    #[test]
    fn accents_case_and_alphabets_do_not_matter() {
        assert!(finds("creme", &["Crème brûlée"]) && finds("CRÈME", &["creme brulee"]));
        assert!(finds("kosa", &["Кўк коса"]) && finds("коса", &["Ko\u{2bb}k kosa"]));
        assert!(finds("gijduvon", &["G\u{2bb}ijduvon plate"]));
        assert!(finds("茶壶", &["青花茶壶"]) && !finds("茶杯", &["青花茶壶"]));
        assert!(!finds("茶bowl", &["bowl"]), "a character without a counterpart is not passed over");
    }
}
