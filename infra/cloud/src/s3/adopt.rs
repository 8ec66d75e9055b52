//! Buckets as they were kept before objects had an index: each object in a file named like its key, with what else is
//! known of it in files beside the buckets. They are taken over at the first start; a kill in between leaves what was
//! not taken over yet where it is, for the next start.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use md5::{Digest, Md5};
use serde_json::{Map, Value};

use super::store::{Headers, Object, Part, Store, StoreError, Upload};
use crate::gateway::hex;

/// Takes over what is found in a directory for these buckets.
pub(super) fn adopt<'a>(
    store: &Store,
    root: &Path,
    buckets: impl Iterator<Item = &'a String>,
) -> Result<(), StoreError> {
    for bucket in buckets {
        let directory = root.join(bucket);
        if !directory.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        walk(&directory, &mut files)?;
        for path in files {
            let Some(key) = key_of(&directory, &path) else { continue };
            adopt_object(store, root, (bucket, &key), &path)?;
        }
        fs::remove_dir_all(&directory)?;
    }
    adopt_uploads(store, root)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() { walk(&entry.path(), files)? } else { files.push(entry.path()) }
    }
    Ok(())
}

fn key_of(directory: &Path, path: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> = path.strip_prefix(directory).ok()?.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

fn adopt_object(store: &Store, root: &Path, (bucket, key): (&str, &str), path: &Path) -> Result<(), StoreError> {
    let beside = format!(".bucket-{}.object-{}", encoded(bucket), encoded(key));
    let (metadata, internal) =
        (root.join(format!("{beside}.metadata.json")), root.join(format!("{beside}.internal.json")));
    let known = read(&internal)?;
    let mut headers = headers_of(read(&metadata)?);
    let checksums = known
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("checksum_")?.to_owned(), value.as_str()?.to_owned())));
    headers.checksums = checksums.collect();
    let object = Object {
        blob: Store::new_blob(),
        size: fs::metadata(path)?.len(),
        e_tag: match known.get("e_tag").and_then(Value::as_str) {
            Some(e_tag) => e_tag.to_owned(),
            None => digest(path)?,
        },
        modified_at: modified_at(path)?,
        headers,
    };
    // The index first: were the file moved first, a kill in between would leave bytes that nothing refers to.
    store.put::<StoreError>((bucket, key), &object, None, |_| Ok(()))?;
    fs::rename(path, store.path(&object.blob))?;
    for known in [metadata, internal] {
        remove(&known)?;
    }
    Ok(())
}

/// Multipart uploads that were not completed.
fn adopt_uploads(store: &Store, root: &Path) -> Result<(), StoreError> {
    let names: Vec<String> = fs::read_dir(root)?
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()?;
    for name in &names {
        let Some((bucket, key, id)) = upload_of(name) else { continue };
        if root.join(format!(".upload-{id}.json")).exists() {
            if store.upload(&id)?.is_none() {
                let headers = headers_of(read(&root.join(name))?);
                store.begin(&id, &Upload { bucket, key, headers })?;
            }
            for (number, path) in parts_of(root, &names, &id) {
                let (size, e_tag, modified_at) = (fs::metadata(&path)?.len(), digest(&path)?, modified_at(&path)?);
                let part = Part { number, blob: Store::new_blob(), size, e_tag, modified_at };
                store.put_part(&id, &part)?;
                fs::rename(path, store.path(&part.blob))?;
            }
            remove(&root.join(format!(".upload-{id}.json")))?;
        }
        remove(&root.join(name))?;
    }
    Ok(())
}

/// Bucket, key and id of an upload, from the name of the file with its headers.
fn upload_of(name: &str) -> Option<(String, String, String)> {
    let (bucket, rest) = name.strip_prefix(".bucket-")?.split_once(".object-")?;
    let (key, id) = rest.strip_suffix(".metadata.json")?.split_once(".upload-")?;
    Some((decoded(bucket)?, decoded(key)?, id.to_owned()))
}

fn parts_of(root: &Path, names: &[String], id: &str) -> Vec<(i32, PathBuf)> {
    let prefix = format!(".upload_id-{id}.part-");
    let numbered = |name: &String| Some((name.strip_prefix(&prefix)?.parse().ok()?, root.join(name)));
    names.iter().filter_map(numbered).collect()
}

fn headers_of(mut stored: Map<String, Value>) -> Headers {
    // Older still: nothing but the sender's own metadata.
    let known = ["user_metadata", "content_type", "content_encoding", "content_disposition", "content_language"];
    let known = known.into_iter().chain(["cache_control", "expires", "website_redirect_location"]);
    let is_new = known.into_iter().any(|name| stored.contains_key(name));
    let metadata =
        if is_new { stored.remove("user_metadata").unwrap_or_default() } else { Value::Object(stored.clone()) };
    let metadata = serde_json::from_value(metadata).unwrap_or_default();
    let headers: Headers =
        if is_new { serde_json::from_value(Value::Object(stored)).unwrap_or_default() } else { Headers::default() };
    Headers { metadata, ..headers }
}

fn encoded(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

fn decoded(text: &str) -> Option<String> {
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// A JSON object in a file; an empty one when there is no such file.
fn read(path: &Path) -> io::Result<Map<String, Value>> {
    match fs::read(path) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn digest(path: &Path) -> io::Result<String> {
    let (mut file, mut md5, mut chunk) = (fs::File::open(path)?, Md5::new(), vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(hex(&md5.finalize()));
        }
        md5.update(chunk.get(..read).unwrap_or_default());
    }
}

fn modified_at(path: &Path) -> io::Result<i64> {
    let at = fs::metadata(path)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(i64::try_from(at.as_millis()).unwrap_or(i64::MAX))
}
