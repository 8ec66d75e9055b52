//! What is said of a product in other languages than its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::product_fault::{FoundFault, ProductFault};
use super::{Product, ProductOption, Seo};
use crate::code::pointer_part;
use crate::text::{ContentLanguage, InLanguages, Name, Script, Title};

/// The most characters of a title in a list, where it stands in several languages.
const MAX_LISTED_TITLE: usize = 120;

/// The most bytes of all descriptions in other languages than the product's own: with them a product is still smaller
/// than the response that is stored for an idempotency key, and than an item of DynamoDB.
pub const MAX_DESCRIPTIONS_BYTES: usize = 160 * 1024;

/// The texts of a product in another language than its own. What is missing is shown in the product's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Translation {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Title>,
    #[serde(default, skip_serializing_if = "is_empty")]
    pub seo: Seo,
    /// By the option's own name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<Name, OptionWords>,
}

/// How an option and its values are called in another language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionWords {
    /// Name of the option.
    #[serde(default, deserialize_with = "crate::text::optional", skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Its values, by the product's own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<Name, Name>,
}

impl OptionWords {
    pub fn is_empty(&self) -> bool {
        self.name.is_none() && self.values.is_empty()
    }
}

fn is_empty(seo: &Seo) -> bool {
    seo.title.is_none() && seo.description.is_none()
}

fn too_many_languages(number: usize) -> FoundFault {
    let detail = format!("at most {} languages", ContentLanguage::MOST);
    let fault = FoundFault::new(ProductFault::TooManyLanguages, "/translations", detail);
    FoundFault { number: Some(number), ..fault }
}

fn own_language_twice(language: &ContentLanguage) -> FoundFault {
    let detail = "this is the language of the product's own texts";
    FoundFault::new(ProductFault::OwnLanguageTwice, format!("/translations/{language}"), detail)
}

/// A title as it stands in lists.
fn listed(title: &str) -> String {
    if title.chars().count() <= MAX_LISTED_TITLE {
        return title.to_owned();
    }
    title.chars().take(MAX_LISTED_TITLE - 1).chain(['…']).collect()
}

impl Translation {
    pub fn is_empty(&self) -> bool {
        self.title.is_none() && is_empty(&self.seo) && self.options.is_empty()
    }

    fn name_of<'a>(&'a self, option: &'a ProductOption) -> &'a Name {
        self.options.get(&option.name).and_then(|words| words.name.as_ref()).unwrap_or(&option.name)
    }

    fn value_of<'a>(&'a self, option: &ProductOption, value: &'a Name) -> &'a Name {
        self.options.get(&option.name).and_then(|words| words.values.get(value)).unwrap_or(value)
    }
}

/// In which language the title of a product is shown, and with it the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    /// The language that it is written in; nothing where it is not known.
    pub written: Option<ContentLanguage>,
    /// What is done with it for who asks.
    pub script: Script,
    /// The language that was asked for.
    wanted: ContentLanguage,
}

impl Wording {
    /// The language that the product is in as it is shown; nothing where it is not known.
    pub fn shown(&self) -> Option<&ContentLanguage> {
        if self.script == Script::AsWritten { self.written.as_ref() } else { Some(&self.wanted) }
    }
}

/// One text as it is shown to who asks for a language.
struct Said<'a, T: ?Sized> {
    text: &'a T,
    written: Option<&'a ContentLanguage>,
    script: Script,
    /// Whether it is there in the language, or in another form of it.
    is_found: bool,
}

/// Chooses a text by itself: that in the language that is asked for, else in another form of it, else the product's
/// own.
fn said_in<'a, T: ?Sized>(
    wanted: &ContentLanguage,
    (language, own): (Option<&'a ContentLanguage>, Option<&'a T>),
    translated: impl Iterator<Item = (&'a ContentLanguage, &'a T)> + Clone,
) -> Option<Said<'a, T>> {
    let mut written = translated.chain(language.zip(own));
    let nearest = wanted.nearest(written.clone().map(|(language, _)| language));
    match nearest.and_then(|nearest| written.find(|(language, _)| *language == nearest)) {
        Some((language, text)) => {
            Some(Said { text, written: Some(language), script: wanted.script_from(language), is_found: true })
        }
        None => Some(Said { text: own?, written: language, script: Script::AsWritten, is_found: false }),
    }
}

/// Words as they are shown. Who chooses a variant tells them apart by nothing else: so where two are alike in the other
/// script all stand as they are written, and where those are, from several languages, the product's own do.
fn told_apart(said: &[Said<'_, Name>], own: &[&Name]) -> Vec<Name> {
    let all_differ = |words: &Vec<Name>| words.iter().collect::<BTreeSet<_>>().len() == words.len();
    let shown: Vec<Name> = said.iter().map(|said| said.script.of(said.text)).collect();
    if all_differ(&shown) {
        return shown;
    }
    let written: Vec<Name> = said.iter().map(|said| said.text.clone()).collect();
    if all_differ(&written) { written } else { own.iter().map(|&word| word.clone()).collect() }
}

impl Product {
    fn said<'a, T>(
        &'a self,
        wanted: &ContentLanguage,
        own: Option<&'a T>,
        of: impl Fn(&'a Translation) -> Option<&'a T> + Clone,
    ) -> Option<Said<'a, T>> {
        let translated = self.translations.iter().filter_map(move |(language, said)| Some((language, of(said)?)));
        said_in(wanted, (self.language.as_ref(), own), translated)
    }

    fn title_in(&self, wanted: &ContentLanguage) -> Option<Said<'_, Title>> {
        self.said(wanted, Some(&self.title), |said| said.title.as_ref())
    }

    /// The language in which it is shown to who asks for one: that, or another form of it; else its own.
    pub fn wording(&self, wanted: &ContentLanguage) -> Wording {
        let said = self.title_in(wanted).map(|title| (title.written.cloned(), title.script));
        let (written, script) = said.unwrap_or((None, Script::AsWritten));
        Wording { written, script, wanted: wanted.clone() }
    }

    /// Its description in a language: `own`, or one of the `descriptions` in others.
    pub fn description_in(&self, wanted: &ContentLanguage, own: &str, descriptions: &InLanguages<String>) -> String {
        let own = (self.language.as_ref(), Some(own).filter(|own| !own.is_empty()));
        let translated = descriptions.iter().map(|(language, html)| (language, html.as_str()));
        said_in(wanted, own, translated).map(|said| said.script.write(said.text).into_owned()).unwrap_or_default()
    }

    /// Shows its texts in a language: title, options, values of variants, and what search engines get. It is for who
    /// reads it, and never written.
    pub fn show_in(&mut self, wanted: &ContentLanguage) -> Wording {
        let wording = self.wording(wanted);
        if !self.translations.is_empty() || wording.script != Script::AsWritten {
            let (seo, options) = (self.seo_in(wanted), self.options_in(wanted));
            if let Some(title) = self.title_in(wanted).map(|said| said.script.of(said.text)) {
                self.title = title;
            }
            self.seo = seo;
            for variant in &mut self.variants {
                for (value, (own, shown)) in variant.values.iter_mut().zip(self.options.iter().zip(&options)) {
                    let place = own.values.iter().position(|known| known == value);
                    if let Some(word) = place.and_then(|place| shown.values.get(place)) {
                        *value = word.clone();
                    }
                }
            }
            self.options = options;
        }
        self.translations = InLanguages::new();
        wording
    }

    /// What search engines get in a language. The product's own text says less than the title that is there in the
    /// language: it stands in only where the title is the product's own as well.
    fn seo_in(&self, wanted: &ContentLanguage) -> Seo {
        let has_title = self.title_in(wanted).is_some_and(|title| title.is_found);
        let title = self.said(wanted, self.seo.title.as_ref(), |said| said.seo.title.as_ref());
        let description = self.said(wanted, self.seo.description.as_ref(), |said| said.seo.description.as_ref());
        let title = title.filter(|title| title.is_found || !has_title);
        let description = description.filter(|description| description.is_found || !has_title);
        Seo {
            title: title.map(|said| said.script.of(said.text)),
            description: description.map(|said| said.script.of(said.text)),
        }
    }

    fn options_in(&self, wanted: &ContentLanguage) -> Vec<ProductOption> {
        let said: Vec<Said<'_, Name>> = self
            .options
            .iter()
            .filter_map(|option| {
                self.said(wanted, Some(&option.name), |said| said.options.get(&option.name)?.name.as_ref())
            })
            .collect();
        let own: Vec<&Name> = self.options.iter().map(|option| &option.name).collect();
        let names = told_apart(&said, &own);
        let shown = self.options.iter().zip(names).map(|(option, name)| {
            let value_of =
                |value| self.said(wanted, Some(value), |said| said.options.get(&option.name)?.values.get(value));
            let said: Vec<Said<'_, Name>> = option.values.iter().filter_map(value_of).collect();
            let own: Vec<&Name> = option.values.iter().collect();
            ProductOption { name, values: told_apart(&said, &own) }
        });
        shown.collect()
    }

    /// Its titles for lists, by the tags of their languages: as they are written, Uzbek in both scripts, and each also
    /// for who asks for its language without country or script. Cut, because every list has all of them.
    pub fn listed_titles(&self) -> BTreeMap<String, String> {
        let translated = self.translations.iter().filter_map(|(tag, said)| Some((tag, said.title.as_ref()?)));
        let written: Vec<(&ContentLanguage, &Title)> =
            translated.chain(self.language.iter().map(|own| (own, &self.title))).collect();
        if written.len() < 2 && self.translations.is_empty() && !written.iter().any(|(tag, _)| tag.is_uzbek()) {
            // It is the title that the card has.
            return BTreeMap::new();
        }
        let mut titles: BTreeMap<String, String> =
            written.iter().map(|(tag, title)| (tag.to_string(), listed(title.as_str()))).collect();
        for form in ContentLanguage::uzbek() {
            let nearest = form.nearest(written.iter().map(|(tag, _)| *tag));
            let found = nearest.and_then(|nearest| written.iter().find(|(tag, _)| *tag == nearest));
            if let Some((tag, title)) = found {
                let made = form.script_from(tag).write(title.as_str());
                // Signs that stand for no sound leave nothing.
                let made = if made.is_empty() { title.as_str() } else { &made };
                titles.entry(form.to_string()).or_insert_with(|| listed(made));
            }
        }
        for (tag, title) in written {
            for wider in tag.wider() {
                titles.entry(wider).or_insert_with(|| listed(title.as_str()));
            }
        }
        titles
    }

    /// Forgets words of options and values that it does not have any more. A language in which nothing else is said
    /// stays: it tells that there is a description in it.
    pub fn forget_words(&mut self) {
        let options = &self.options;
        let translations = std::mem::take(&mut self.translations).into_iter().map(|(language, mut said)| {
            said.options.retain(|name, words| {
                let Some(option) = options.iter().find(|option| option.name == *name) else { return false };
                words.values.retain(|value, _| option.values.contains(value));
                !words.is_empty()
            });
            (language, said)
        });
        self.translations = translations.collect();
    }

    /// Takes over the translations that it had, with the words of options and values that were only renamed since: an
    /// option in its place, a value of the same variants.
    pub fn keep_words(&mut self, before: &Self) {
        self.translations = before.translations.clone();
        let is_gone = |old: &Name, new: &Name, has_now: &dyn Fn(&Name) -> bool, had: &dyn Fn(&Name) -> bool| {
            old != new && !has_now(old) && !had(new)
        };
        for (index, (was, is)) in before.options.iter().zip(&self.options).enumerate() {
            let has_now = |name: &Name| self.options.iter().any(|option| option.name == *name);
            let had = |name: &Name| before.options.iter().any(|option| option.name == *name);
            let is_renamed = is_gone(&was.name, &is.name, &has_now, &had);
            if was.name != is.name && !is_renamed {
                continue;
            }
            let mut renamed: BTreeMap<&Name, &Name> = BTreeMap::new();
            for variant in &self.variants {
                let former = before.variant(variant.id).and_then(|former| former.values.get(index));
                if let (Some(former), Some(value)) = (former, variant.values.get(index))
                    && is_gone(former, value, &|name| is.values.contains(name), &|name| was.values.contains(name))
                {
                    renamed.entry(former).or_insert(value);
                }
            }
            if !is_renamed && renamed.is_empty() {
                continue;
            }
            let translations = std::mem::take(&mut self.translations).into_iter().map(|(language, mut said)| {
                if let Some(mut words) = said.options.remove(&was.name) {
                    for (former, value) in &renamed {
                        if let Some(word) = words.values.remove(*former) {
                            words.values.insert((*value).clone(), word);
                        }
                    }
                    said.options.insert(is.name.clone(), words);
                }
                (language, said)
            });
            self.translations = translations.collect();
        }
        self.forget_words();
    }

    /// What is wrong with its descriptions in other languages.
    pub fn description_faults(&self, descriptions: &InLanguages<String>) -> Vec<FoundFault> {
        let mut found = Vec::new();
        let languages: BTreeSet<&ContentLanguage> =
            self.translations.languages().chain(descriptions.languages()).collect();
        if languages.len() > ContentLanguage::MOST && self.translations.len() <= ContentLanguage::MOST {
            found.push(too_many_languages(languages.len()));
        }
        for own in self.language.iter().filter(|own| descriptions.get(own).is_some()) {
            if self.translations.get(own).is_none() {
                found.push(own_language_twice(own));
            }
        }
        let bytes: usize = descriptions.values().map(String::len).sum();
        if bytes > MAX_DESCRIPTIONS_BYTES {
            let detail = format!("the descriptions in other languages take at most {MAX_DESCRIPTIONS_BYTES} bytes");
            let fault = FoundFault::new(ProductFault::DescriptionsTooLarge, "/translations", detail);
            found.push(FoundFault { number: Some(bytes), ..fault });
        }
        found
    }

    pub(super) fn translation_faults(&self) -> Vec<FoundFault> {
        let mut found = Vec::new();
        if self.translations.len() > ContentLanguage::MOST {
            found.push(too_many_languages(self.translations.len()));
            return found;
        }
        for (language, said) in &self.translations {
            let pointer = format!("/translations/{language}");
            if self.language.as_ref() == Some(language) {
                found.push(own_language_twice(language));
            }
            for (name, words) in &said.options {
                let pointer = format!("{pointer}/options/{}", pointer_part(name.as_str()));
                let Some(option) = self.options.iter().find(|option| option.name == *name) else {
                    found.push(FoundFault::new(ProductFault::UnknownWord, pointer, "the product has no such option"));
                    continue;
                };
                for value in words.values.keys().filter(|value| !option.values.contains(value)) {
                    let pointer = format!("{pointer}/values/{}", pointer_part(value.as_str()));
                    found.push(FoundFault::new(ProductFault::UnknownWord, pointer, "the option has no such value"));
                }
            }
            // As buyers see them: a word that is not translated may be that of another one.
            let mut names = BTreeSet::new();
            for option in &self.options {
                let pointer = format!("{pointer}/options/{}", pointer_part(option.name.as_str()));
                if !names.insert(said.name_of(option)) {
                    let detail = "two options are called alike in this language";
                    found.push(FoundFault::new(ProductFault::SameWord, format!("{pointer}/name"), detail));
                }
                let mut values = BTreeSet::new();
                for value in option.values.iter().filter(|value| !values.insert(said.value_of(option, value))) {
                    let pointer = format!("{pointer}/values/{}", pointer_part(value.as_str()));
                    let detail = "two values are called alike in this language";
                    found.push(FoundFault::new(ProductFault::SameWord, pointer, detail));
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
