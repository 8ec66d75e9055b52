//! The languages of the shop, as they stand in paths, in pages and in what browsers ask for.

use std::str::FromStr;

use domain::text::ContentLanguage;

/// A language in which every page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// Uzbek in Latin script.
    Uz,
    /// Uzbek in Cyrillic script, transliterated from [`Self::Uz`] by [`to_cyrillic`](crate::to_cyrillic).
    UzCyrl,
    Ru,
    /// The default, for whoever has told nothing of their language.
    #[default]
    En,
    /// Chinese in simplified script.
    Zh,
}

/// How much of an `Accept-Language` is read. Browsers send fewer than ten entries in about a hundred bytes; whoever
/// sends more gets no more work done for it.
const MAX_ACCEPT_BYTES: usize = 1_000;
const MAX_ACCEPT_ENTRIES: usize = 20;

/// The quality of an entry of `Accept-Language` that names none, in thousandths.
const FULL_QUALITY: u16 = 1_000;

impl Language {
    /// Every language, in the order in which a page offers them.
    pub const ALL: [Self; 5] = [Self::Uz, Self::UzCyrl, Self::Ru, Self::En, Self::Zh];

    /// The first segment of the paths of its pages.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Uz => "uz",
            Self::UzCyrl => "uz-cyrl",
            Self::Ru => "ru",
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The BCP 47 tag, for the attributes `lang` and `hreflang`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::UzCyrl => "uz-Cyrl",
            Self::Uz | Self::Ru | Self::En | Self::Zh => self.code(),
        }
    }

    /// The language as what is written in it names it; there is none whose tag is none.
    pub fn content(self) -> Option<ContentLanguage> {
        ContentLanguage::parse(self.tag())
    }

    /// What its speakers call it. Whoever looks for their language may read no other, so it is never translated.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::Uz => "O‘zbekcha",
            Self::UzCyrl => "Ўзбекча",
            Self::Ru => "Русский",
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// The value of `og:locale`. [Open Graph](https://ogp.me/#optional) knows a language and a territory but no script,
    /// so that both scripts of Uzbek have the same.
    pub const fn og_locale(self) -> &'static str {
        match self {
            Self::Uz | Self::UzCyrl => "uz_UZ",
            Self::Ru => "ru_RU",
            Self::En => "en_US",
            Self::Zh => "zh_CN",
        }
    }

    /// Reads the segment of a path. Only the exact code is one, so that a page has one address per language.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language that an `Accept-Language` header wants most: the highest quality first, the earlier of equals.
    ///
    /// Regions are ignored, and `*` wants nothing in particular. An entry that is malformed is skipped, because a page
    /// in the second language is better than an error. At most 20 entries in 1,000 bytes are read. The format is that
    /// of [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#name-accept-language).
    pub fn from_accept(header: &str) -> Option<Self> {
        let mut best: Option<(u16, Self)> = None;
        for entry in read_part(header).split(',').take(MAX_ACCEPT_ENTRIES) {
            let Some((quality, language)) = wanted(entry) else { continue };
            if best.is_none_or(|(most, _)| quality > most) {
                best = Some((quality, language));
            }
        }
        best.map(|(_, language)| language)
    }

    /// The language of a BCP 47 tag, whatever its region.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let mut subtags = tag.split('-');
        let primary = subtags.next()?;
        let language = [Self::Uz, Self::Ru, Self::En, Self::Zh]
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.code()))?;
        let is_cyrillic = language == Self::Uz && subtags.any(|subtag| subtag.eq_ignore_ascii_case("cyrl"));
        Some(if is_cyrillic { Self::UzCyrl } else { language })
    }
}

/// The code of a language, as settings name it.
impl FromStr for Language {
    type Err = String;

    fn from_str(code: &str) -> Result<Self, String> {
        Self::parse(code).ok_or_else(|| format!("{code} is none of the shop's languages"))
    }
}

/// The part of a header that is read. An entry that the limit cuts through is left out: `uz-Cyrl` would become `uz`.
fn read_part(header: &str) -> &str {
    if header.len() <= MAX_ACCEPT_BYTES {
        return header;
    }
    let part = header.get(..header.floor_char_boundary(MAX_ACCEPT_BYTES)).unwrap_or_default();
    part.rsplit_once(',').map_or("", |(whole, _)| whole)
}

/// The quality and the language of one entry; nothing when the shop does not speak it, or the reader refuses it with a
/// quality of zero.
fn wanted(entry: &str) -> Option<(u16, Language)> {
    let (tag, parameters) = entry.split_once(';').unwrap_or((entry, ""));
    let language = Language::from_tag(tag.trim())?;
    let quality = match parameters.trim() {
        "" => FULL_QUALITY,
        parameter => {
            let (name, value) = parameter.split_once('=')?;
            thousandths(value.trim()).filter(|_| name.trim().eq_ignore_ascii_case("q"))?
        }
    };
    (quality > 0).then_some((quality, language))
}

/// Reads a quality: zero to one with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(FULL_QUALITY),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_segment_of_a_path_is_exactly_one_code() {
        for language in Language::ALL {
            assert_eq!(Language::parse(language.code()), Some(language));
            assert_eq!(language.code().parse(), Ok(language));
        }
        for other in ["", "UZ", "uz-Cyrl", "uz_cyrl", "uz-UZ", "en ", "de", "uz-cyrl/"] {
            assert_eq!(Language::parse(other), None, "{other}");
            assert!(other.parse::<Language>().is_err(), "{other}");
        }
    }

    #[test]
    fn every_language_is_named_as_pages_name_it() {
        let named = Language::ALL.map(|one| (one.tag(), one.own_name(), one.og_locale()));
        let expected = [
            ("uz", "O‘zbekcha", "uz_UZ"),
            ("uz-Cyrl", "Ўзбекча", "uz_UZ"),
            ("ru", "Русский", "ru_RU"),
            ("en", "English", "en_US"),
            ("zh", "中文", "zh_CN"),
        ];
        assert_eq!(named, expected);
        assert_eq!(Language::default(), Language::En);
    }

    #[test]
    fn the_name_of_uzbek_is_the_same_in_both_scripts() {
        assert_eq!(crate::to_cyrillic(Language::Uz.own_name()), Language::UzCyrl.own_name());
    }

    #[test]
    fn a_browser_gets_the_language_that_it_wants_most() {
        for (header, expected) in [
            ("uz", Some(Language::Uz)),
            ("UZ-uz", Some(Language::Uz)),
            ("uz-Latn-UZ", Some(Language::Uz)),
            ("uz-Cyrl", Some(Language::UzCyrl)),
            ("uz-cyrl-UZ", Some(Language::UzCyrl)),
            ("uz-UZ-Cyrl", Some(Language::UzCyrl)),
            ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", Some(Language::Ru)),
            ("zh-Hant-TW", Some(Language::Zh)),
            ("en-GB;q=0.5, zh-CN;q=0.8", Some(Language::Zh)),
            ("de-DE, en;q=0.3", Some(Language::En)),
            ("ru;q=0.8,uz;q=0.8", Some(Language::Ru)),
            ("ru ; q = 0.801 , uz;Q=0.81", Some(Language::Uz)),
            ("ru;q=0,en;q=0.001", Some(Language::En)),
            ("ru;q=0.000", None),
            ("uzs, english, rue", None),
            ("*", None),
            ("", None),
            (",,;,q=1", None),
            ("de,fr;q=0.9", None),
        ] {
            assert_eq!(Language::from_accept(header), expected, "{header}");
        }
    }

    #[test]
    fn a_malformed_quality_is_skipped() {
        for quality in ["q=2", "q=1.001", "q=0.1234", "q=-1", "q=", "q", "q=,5", "level=1", "q=0.5;q=1", "q=٠.5"] {
            assert_eq!(Language::from_accept(&format!("ru;{quality}, en;q=0.1")), Some(Language::En), "{quality}");
        }
        assert_eq!(Language::from_accept("ru;q=1.000"), Some(Language::Ru));
        assert_eq!(Language::from_accept("ru;q=0."), None);
    }

    #[test]
    fn what_is_beyond_the_limits_is_not_read() {
        assert_eq!(Language::from_accept(&format!("{}ru", "de,".repeat(19))), Some(Language::Ru));
        assert_eq!(Language::from_accept(&format!("{}ru", "de,".repeat(20))), None);
        let long = format!("{},ru", "a".repeat(1_000));
        assert_eq!(Language::from_accept(&long), None);
        // The limit falls behind `uz`: half an entry is none.
        assert_eq!(Language::from_accept(&format!("{},uz-Cyrl", "d".repeat(997))), None);
        assert_eq!(Language::from_accept(&format!("ru,{}", "д".repeat(600))), Some(Language::Ru));
    }

    proptest! {
        #[test]
        fn no_header_is_too_odd(header in ".{0,1200}") {
            let _ = Language::from_accept(&header);
        }
    }
}
