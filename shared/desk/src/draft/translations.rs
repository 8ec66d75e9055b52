//! Texts of a product in other languages than its own, as vendors write them.

use std::collections::BTreeMap;

use domain::Refusal;
use domain::catalog::{OptionWords, Seo, Translation};
use domain::code::pointer_part;
use domain::text::{InLanguages, LongText, Name, Title};
use serde::Deserialize;
use utoipa::ToSchema;

use super::shown_description;

/// A product's texts in another language, as its vendor writes them. What is left out is shown in the product's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteTranslation {
    #[serde(default, deserialize_with = "domain::text::optional")]
    title: Option<Title>,
    /// HTML. It is sanitised: only plain formatting is kept.
    #[serde(default, deserialize_with = "domain::text::optional")]
    description_html: Option<LongText>,
    #[serde(default)]
    seo: Seo,
    /// How options and their values are called, by the option's own name.
    #[serde(default)]
    options: BTreeMap<Name, OptionWords>,
}

/// What is written in other languages: what stands in the product, and the descriptions. A language in which nothing is
/// written is left out.
pub(super) fn translated(
    written: &InLanguages<WriteTranslation>,
) -> Result<(InLanguages<Translation>, InLanguages<String>), Refusal> {
    let (mut translations, mut descriptions) = (InLanguages::new(), InLanguages::new());
    for (language, said) in written {
        let pointer = format!("/translations/{}/description_html", pointer_part(language.as_str()));
        let description = said.description_html.as_ref().map(|html| shown_description(html, &pointer)).transpose()?;
        let description = description.filter(|html| !html.is_empty());
        let seo_text = said.seo.description.clone().filter(|text| !text.as_str().is_empty());
        let translation = Translation {
            title: said.title.clone(),
            seo: Seo { description: seo_text, ..said.seo.clone() },
            options: said.options.iter().filter(|(_, words)| !words.is_empty()).map(clone_of).collect(),
        };
        if !translation.is_empty() || description.is_some() {
            translations.insert(language.clone(), translation);
        }
        if let Some(html) = description {
            descriptions.insert(language.clone(), html);
        }
    }
    Ok((translations, descriptions))
}

fn clone_of((name, words): (&Name, &OptionWords)) -> (Name, OptionWords) {
    (name.clone(), words.clone())
}
