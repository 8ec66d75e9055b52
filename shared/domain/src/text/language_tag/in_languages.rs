//! What is said in several languages.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::ContentLanguage;
use crate::stored::is_unjudged;

/// Something in several languages, by their tags. A language is there once, however its tag is spelled: a second one is
/// refused, since nobody knows which of the two is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct InLanguages<T>(BTreeMap<ContentLanguage, T>);

impl<T> InLanguages<T> {
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// What is said in exactly this language.
    pub fn get(&self, language: &ContentLanguage) -> Option<&T> {
        self.0.get(language)
    }

    pub fn insert(&mut self, language: ContentLanguage, said: T) -> Option<T> {
        self.0.insert(language, said)
    }

    pub fn remove(&mut self, language: &ContentLanguage) -> Option<T> {
        self.0.remove(language)
    }

    pub fn iter(&self) -> btree_map::Iter<'_, ContentLanguage, T> {
        self.0.iter()
    }

    pub fn languages(&self) -> impl Iterator<Item = &ContentLanguage> + Clone {
        self.0.keys()
    }

    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.values()
    }

    /// What is said in the language that is asked for, else in another form of it, with the language that it is in.
    pub fn nearest(&self, language: &ContentLanguage) -> Option<(&ContentLanguage, &T)> {
        self.0.get_key_value(language.nearest(self.0.keys())?)
    }
}

impl<T> Default for InLanguages<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> FromIterator<(ContentLanguage, T)> for InLanguages<T> {
    fn from_iter<I: IntoIterator<Item = (ContentLanguage, T)>>(said: I) -> Self {
        Self(said.into_iter().collect())
    }
}

impl<'a, T> IntoIterator for &'a InLanguages<T> {
    type Item = (&'a ContentLanguage, &'a T);
    type IntoIter = btree_map::Iter<'a, ContentLanguage, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for InLanguages<T> {
    type Item = (ContentLanguage, T);
    type IntoIter = btree_map::IntoIter<ContentLanguage, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InLanguages<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Said<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Said<T> {
            type Value = InLanguages<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object whose names are the tags of languages")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut said = BTreeMap::new();
                while let Some(language) = map.next_key::<ContentLanguage>()? {
                    if said.contains_key(&language) && !is_unjudged() {
                        return Err(A::Error::custom(format_args!("{language} is there twice")));
                    }
                    said.insert(language, map.next_value()?);
                }
                Ok(InLanguages(said))
            }
        }

        deserializer.deserialize_map(Said(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<InLanguages<String>, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_language_that_is_there_twice_is_refused_in_whichever_spelling() {
        let said = read(r#"{"UZ":"Kosa","uz-cyrl":"Коса"}"#).unwrap();
        assert_eq!(serde_json::to_string(&said).unwrap(), r#"{"uz":"Kosa","uz-Cyrl":"Коса"}"#);
        let refused = read(r#"{"ru":"Миска","RU":"Чаша"}"#).unwrap_err();
        assert!(refused.starts_with("ru is there twice"), "{refused}");
        assert!(read(r#"{"russian":"Миска"}"#).is_err());
        assert!(read("[]").is_err());
    }
}
