//! Lists of a bucket's keys, in the order of their bytes, with prefix, delimiter and pages
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>).

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use super::store::{Listed, Store, StoreError};

/// The most entries of a page.
pub(super) const MAX_KEYS: usize = 1_000;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) prefix: &'a str,
    pub(super) delimiter: Option<&'a str>,
    /// Entries up to this one were listed before.
    pub(super) after: Option<&'a str>,
    pub(super) limit: usize,
}

#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) objects: Vec<Listed>,
    /// What the keys that are not listed by themselves have in common.
    pub(super) common_prefixes: Vec<String>,
    /// The last entry, when there are more behind it.
    pub(super) last: Option<String>,
}

pub(super) fn page(store: &Store, bucket: &str, asked: Asked<'_>) -> Result<Page, StoreError> {
    let mut page = Page::default();
    let mut from = asked.after.filter(|after| *after > asked.prefix).unwrap_or(asked.prefix).to_owned();
    let mut last: Option<String> = None;
    loop {
        let found = store.list(bucket, &from, MAX_KEYS)?;
        let ended = found.len() < MAX_KEYS;
        for object in found {
            if !object.key.starts_with(asked.prefix) {
                return Ok(page);
            }
            from = format!("{}\0", object.key);
            let group = group_of(&object.key, asked);
            let entry = group.unwrap_or(&object.key);
            // Of a group one entry is listed, and none when it was the last of the page before.
            if asked.after.is_some_and(|after| entry <= after) || last.as_deref() == Some(entry) {
                continue;
            }
            if page.objects.len() + page.common_prefixes.len() == asked.limit {
                page.last = last;
                return Ok(page);
            }
            last = Some(entry.to_owned());
            match group {
                Some(group) => page.common_prefixes.push(group.to_owned()),
                None => page.objects.push(object),
            }
        }
        if ended {
            return Ok(page);
        }
    }
}

/// The key up to the first delimiter behind the prefix, if there is one.
fn group_of<'a>(key: &'a str, asked: Asked<'_>) -> Option<&'a str> {
    let delimiter = asked.delimiter.filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.get(asked.prefix.len()..)?;
    let end = asked.prefix.len() + rest.find(delimiter)? + delimiter.len();
    key.get(..end)
}

/// A continuation token, which is to be opaque to who gets it.
pub(super) fn token(last: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(last)
}

pub(super) fn last_of(token: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).ok()?).ok()
}
