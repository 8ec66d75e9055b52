//! The category tree, which the operator edits.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::code::{Code, FieldError, Refusal};
use crate::stored::Kept;
use crate::text::{ContentLanguage, Handle, InLanguages, Name};

/// A category with the categories below it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Its name in addresses, unique in the tree.
    pub handle: Handle,
    /// Name as it is shown, where it has none in the language that is asked for.
    pub name: Name,
    /// Its names in other languages, by the tags of these: at most 8.
    #[serde(default, skip_serializing_if = "InLanguages::is_empty")]
    #[schema(value_type = BTreeMap<String, Name>)]
    pub names: InLanguages<Name>,
    /// The categories below it, in the order in which they are shown.
    #[serde(default)]
    #[schema(no_recursion)]
    pub children: Vec<Category>,
}

impl Category {
    /// Its name in a language or another form of it, Uzbek in either script; else the one that it has without language.
    pub fn name_in(&self, language: &ContentLanguage) -> Name {
        match self.names.nearest(language) {
            Some((written, name)) => language.script_from(written).of(name),
            None => self.name.clone(),
        }
    }

    /// The category and those below it with one name, in a language.
    #[must_use]
    pub fn in_language(self, language: &ContentLanguage) -> Self {
        Self {
            name: self.name_in(language),
            names: InLanguages::new(),
            children: self.children.into_iter().map(|child| child.in_language(language)).collect(),
            handle: self.handle,
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryTree {
    pub roots: Vec<Category>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl CategoryTree {
    /// The most levels of the tree. It bounds the listing rows of a product.
    pub const MAX_DEPTH: usize = 4;
    /// The most categories in the tree, which is one item.
    pub const MAX_CATEGORIES: usize = 1_000;
    /// The most bytes of the tree as JSON, so that it fits into the body of a request, of 256 KB, and into an item of
    /// DynamoDB, of 400 KB.
    pub const MAX_BYTES: usize = 240 * 1024;

    /// The handles from the root to this category, both included; nothing when the tree does not have it.
    pub fn path_to(&self, handle: &Handle) -> Option<Vec<Handle>> {
        fn search(within: &[Category], found: &dyn Fn(&Category) -> bool, path: &mut Vec<Handle>) -> bool {
            for category in within {
                path.push(category.handle.clone());
                if found(category) || search(&category.children, found, path) {
                    return true;
                }
                path.pop();
            }
            false
        }
        let mut path = Vec::new();
        search(&self.roots, &|category| category.handle == *handle, &mut path).then_some(path)
    }

    /// The handles above each category, the lowest last.
    pub fn paths(&self) -> BTreeMap<Handle, Vec<Handle>> {
        fn walk(within: &[Category], path: &mut Vec<Handle>, paths: &mut BTreeMap<Handle, Vec<Handle>>) {
            for category in within {
                paths.insert(category.handle.clone(), path.clone());
                path.push(category.handle.clone());
                walk(&category.children, path, paths);
                path.pop();
            }
        }
        let mut paths = BTreeMap::new();
        walk(&self.roots, &mut Vec::new(), &mut paths);
        paths
    }

    /// The path to the category with this handle, or else to the first one with this name in any language, in any
    /// case.
    pub fn find(&self, text: &str) -> Option<Vec<Handle>> {
        fn walk<'a>(within: &'a [Category], found: &mut Vec<&'a Category>) {
            for category in within {
                found.push(category);
                walk(&category.children, found);
            }
        }
        let mut all = Vec::new();
        walk(&self.roots, &mut all);
        let wanted = text.trim().to_lowercase();
        let by_handle = all.iter().find(|category| category.handle.as_str() == wanted);
        let is_called = |name: &Name| name.as_str().to_lowercase() == wanted;
        let by_name = || all.iter().find(|category| is_called(&category.name));
        let in_other_language = || all.iter().find(|category| category.names.values().any(is_called));
        let found = by_handle.or_else(by_name).or_else(in_other_language)?;
        self.path_to(&found.handle)
    }

    /// Fails with `invalid` when the tree is too large or too deep, or has one handle twice.
    pub fn check(&self) -> Result<(), Refusal> {
        fn walk(
            within: &[Category],
            pointer: &str,
            depth: usize,
            seen: &mut BTreeSet<Handle>,
            errors: &mut Vec<FieldError>,
        ) {
            for (index, category) in within.iter().enumerate() {
                let here = format!("{pointer}/{index}");
                if depth > CategoryTree::MAX_DEPTH {
                    errors.push(FieldError::new(
                        here.clone(),
                        "too_deep",
                        format!("at most {} levels", CategoryTree::MAX_DEPTH),
                    ));
                    return;
                }
                if !seen.insert(category.handle.clone()) {
                    errors.push(FieldError::new(format!("{here}/handle"), "duplicate", "is in the tree twice"));
                }
                if category.names.len() > ContentLanguage::MOST {
                    let most = format!("at most {} languages", ContentLanguage::MOST);
                    errors.push(FieldError::new(format!("{here}/names"), "too_many", most));
                }
                walk(&category.children, &format!("{here}/children"), depth + 1, seen, errors);
            }
        }
        let (mut seen, mut errors) = (BTreeSet::new(), Vec::new());
        walk(&self.roots, "/items", 1, &mut seen, &mut errors);
        if seen.len() > Self::MAX_CATEGORIES {
            errors.push(FieldError::new("/items", "too_many", format!("at most {} categories", Self::MAX_CATEGORIES)));
        } else if serde_json::to_vec(&self.roots).map_or(usize::MAX, |json| json.len()) > Self::MAX_BYTES {
            errors.push(FieldError::new("/items", "too_large", format!("at most {} bytes", Self::MAX_BYTES)));
        }
        if errors.is_empty() { Ok(()) } else { Err(Refusal::fields(Code::Invalid, errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Coded;

    fn tree() -> CategoryTree {
        let leaf = |handle: &str, name: &str| Category {
            handle: Handle::parse(handle).unwrap(),
            name: Name::parse(name).unwrap(),
            names: InLanguages::new(),
            children: Vec::new(),
        };
        let mut home = leaf("home", "Home");
        home.children.push(leaf("bowls", "Bowls & Plates"));
        CategoryTree { roots: vec![leaf("food", "Food"), home], version: 1, kept: Kept::default() }
    }

    #[test]
    fn a_category_is_found_by_handle_or_name_with_those_above_it() {
        let path: Vec<String> = tree().find("bowls & plates").unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(path, ["home", "bowls"]);
        assert!(tree().find("bowl").is_none());
    }

    #[test]
    fn a_category_has_a_name_in_each_language_and_its_own_where_it_has_none() {
        let language = |tag: &str| ContentLanguage::parse(tag).unwrap();
        let mut tree = tree();
        let bowls = &mut tree.roots[1].children[0];
        for (tag, name) in [("ru", "Миски"), ("uz", "Kosalar")] {
            bowls.names.insert(language(tag), Name::parse(name).unwrap());
        }
        let named = |tag: &str| bowls.name_in(&language(tag)).to_string();
        assert_eq!(named("ru"), "Миски");
        assert_eq!([named("uz"), named("uz-Cyrl")], ["Kosalar", "Косалар"]);
        assert_eq!(named("zh"), "Bowls & Plates");
        let path: Vec<String> = tree.find(" МИСКИ ").unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(path, ["home", "bowls"]);
        let home = tree.roots[1].clone().in_language(&language("ru"));
        assert_eq!((home.name.as_str(), home.children[0].name.as_str()), ("Home", "Миски"));
        assert!(home.children[0].names.is_empty());
    }

    #[test]
    fn a_tree_fits_into_its_item_with_all_its_names() {
        let long = |symbol: &str| Name::parse(&symbol.repeat(Name::MAX_LENGTH)).unwrap();
        let tags = ["uz", "uz-Cyrl", "ru", "en", "zh-Hans", "kk", "tg", "ky", "tr"];
        let names = |most: usize| tags.iter().take(most).map(|tag| (ContentLanguage::parse(tag).unwrap(), long("ў")));
        let category = |number: usize, languages: usize| Category {
            handle: Handle::parse(&format!("c{number}")).unwrap(),
            name: long("x"),
            names: names(languages).collect(),
            children: Vec::new(),
        };
        let checked = |roots: Vec<Category>| CategoryTree { roots, ..CategoryTree::default() }.check();
        assert!(checked((0..10).map(|number| category(number, 8)).collect()).is_ok());
        let of = |refused: Result<(), Refusal>| {
            let fields = refused.unwrap_err().fields();
            fields.into_iter().map(|field| (field.pointer, field.code)).collect::<Vec<_>>()
        };
        assert_eq!(of(checked(vec![category(0, 9)])), [("/items/0/names".to_owned(), "too_many".into())]);
        let large = (0..900).map(|number| category(number, 8)).collect();
        assert_eq!(of(checked(large)), [("/items".to_owned(), "too_large".into())]);
    }

    #[test]
    fn a_product_follows_its_category_and_waits_above_one_that_is_removed() {
        let handles = |path: &[&str]| path.iter().map(|handle| Handle::parse(handle).unwrap()).collect::<Vec<_>>();
        let mut product: crate::catalog::Product = serde_json::from_value(serde_json::json!({
            "id": crate::ProductId::from_bits(1), "handle": "bowl", "title": "Bowl", "variants": [], "state": "draft",
            "vendor": {"id": crate::VendorId::from_bits(2), "handle": "ceramics", "name": "Ceramics"},
            "created_at": "2026-11-30T00:00:00Z", "next_ordinal": 1,
        }))
        .unwrap();
        let follow = |product: &mut crate::catalog::Product, tree: &CategoryTree| {
            product.follow(tree);
            (product.categories.clone(), product.removed_category.as_ref().map(|removed| removed.handle.to_string()))
        };
        assert_eq!(follow(&mut product.clone(), &tree()), (product.categories.clone(), None), "in no category");
        product.categories = handles(&["food", "bowls"]);
        assert_eq!(follow(&mut product, &tree()), (handles(&["home", "bowls"]), None));
        let mut without = tree();
        without.roots[1].children.clear();
        let above = (handles(&["home"]), Some("bowls".to_owned()));
        assert_eq!(follow(&mut product, &without), above);
        assert_eq!(follow(&mut product, &without), above);
        assert_eq!(product.category(), handles(&["bowls"]).first());
        assert_eq!(follow(&mut product, &CategoryTree::default()), (Vec::new(), Some("bowls".to_owned())));
        assert_eq!(follow(&mut product, &tree()), (handles(&["home", "bowls"]), None), "it came back");
        // An earlier release puts it elsewhere, and gives back the field that it does not know.
        follow(&mut product, &without);
        product.categories = handles(&["food"]);
        assert_eq!(product.category(), handles(&["food"]).first());
        assert_eq!(follow(&mut product, &without), (handles(&["food"]), None));
    }

    #[test]
    fn a_product_is_never_in_more_lists_than_it_may_be() {
        let handles = |path: &[&str]| path.iter().map(|handle| Handle::parse(handle).unwrap()).collect::<Vec<_>>();
        let prices: Vec<_> =
            crate::Currency::EVERY.iter().take(20).map(|currency| crate::Money::new(100, *currency)).collect();
        let prices: Vec<_> = prices.into_iter().map(|price| serde_json::json!({"price": price})).collect();
        let id = crate::ProductId::from_bits(1);
        let mut product: crate::catalog::Product = serde_json::from_value(serde_json::json!({
            "id": id, "handle": "bowl", "title": "Bowl", "state": "published", "next_ordinal": 2,
            "variants": [{"id": crate::VariantId::new(id, 1), "prices": prices}], "categories": ["bowls"],
            "vendor": {"id": crate::VendorId::from_bits(2), "handle": "ceramics", "name": "Ceramics"},
            "created_at": "2026-11-30T00:00:00Z", "published_at": "2026-11-30T00:00:00Z",
        }))
        .unwrap();
        product.follow(&tree());
        assert!(product.listing_rows(true).len() <= crate::catalog::MAX_LISTING_ROWS);
        assert_eq!((product.categories.clone(), product.category()), (handles(&["home"]), handles(&["bowls"]).first()));
        let followed = product.clone();
        product.follow(&tree());
        assert_eq!(product, followed, "and stays there");
    }

    #[test]
    fn a_tree_names_each_category_once() {
        let mut twice = tree();
        assert!(twice.check().is_ok());
        twice.roots.push(Category {
            handle: Handle::parse("bowls").unwrap(),
            name: Name::parse("x").unwrap(),
            names: InLanguages::new(),
            children: vec![],
        });
        assert_eq!(twice.check().unwrap_err().to_string(), Code::Invalid.meaning());
    }
}
