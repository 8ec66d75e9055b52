//! The category tree, kept for a moment: almost every page shows a part of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::catalog::{Category, CategoryTree};
use domain::text::Handle;
use domain::{Code, Refusal, Timestamp};
use pages::parts::Link;
use pages::{Frame, category_name};
use shop::{Error, Window};

/// How long a tree is shown that was read.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The tree with the time at which it was read.
#[derive(Debug, Default)]
pub(crate) struct Categories(Mutex<Option<(Timestamp, Arc<CategoryTree>)>>);

impl Categories {
    /// The tree.
    ///
    /// # Errors
    /// The catalog does not answer, and nothing is known from before.
    pub(crate) async fn tree(&self, window: &Window, now: Timestamp) -> Result<Arc<CategoryTree>, Error> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read_at, tree)) = &last
            && now.since(*read_at) < MAX_AGE
        {
            return Ok(Arc::clone(tree));
        }
        match (window.categories().await, last) {
            (Ok(tree), _) => {
                let tree = Arc::new(tree);
                *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&tree)));
                Ok(tree)
            }
            (Err(cause), Some((_, tree))) => {
                tracing::warn!(%cause, "categories cannot be read: those that were read last are shown");
                Ok(tree)
            }
            (Err(cause), None) => Err(cause),
        }
    }
}

/// The categories from the root to one, both included.
pub(crate) fn path_to<'a>(tree: &'a CategoryTree, handle: &Handle) -> Option<Vec<&'a Category>> {
    let mut within = &tree.roots;
    let mut found = Vec::new();
    for step in tree.path_to(handle)? {
        let category = within.iter().find(|category| category.handle == step)?;
        found.push(category);
        within = &category.children;
    }
    Some(found)
}

/// The category that a path names, with those above it. Its last segment counts; the others are for people.
///
/// # Errors
/// `not_found` when there is none.
pub(crate) fn of_path<'a>(tree: &'a CategoryTree, path: &str) -> Result<Vec<&'a Category>, Refusal> {
    let last = path.rsplit('/').find(|segment| !segment.is_empty()).and_then(|last| Handle::parse(last).ok());
    last.and_then(|handle| path_to(tree, &handle)).ok_or_else(|| Refusal::of(Code::NotFound))
}

/// The one path of a category: the handles of those above it and its own.
pub(crate) fn path_of(path: &[&Category]) -> String {
    let handles: Vec<&str> = path.iter().map(|category| category.handle.as_str()).collect();
    format!("/c/{}", handles.join("/"))
}

/// The way to a category, from the home page.
pub(crate) fn crumbs(f: &Frame<'_>, path: &[&Category], is_shown: bool) -> Vec<Link> {
    let mut crumbs = vec![Link::new(f.to("/"), f.t.home)];
    for end in 1..=path.len() {
        let Some((upper, last)) = path.get(..end).and_then(|upper| Some((upper, upper.last()?))) else { continue };
        let is_last = is_shown && end == path.len();
        crumbs.push(Link::new(f.to(&path_of(upper)), category_name(last, f.language)).when_current(is_last));
    }
    crumbs
}
