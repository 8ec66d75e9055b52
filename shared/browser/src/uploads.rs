//! Forms that send files (RFC 7578), read whole: a function of pages takes files only as large as one request.

use std::borrow::Cow;

use api::{Problem, RawBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use domain::Code;
use http::header::CONTENT_TYPE;

use crate::Fields;

/// The most parts of a form with files.
const MOST_PARTS: usize = 100;
/// The most bytes of the lines before a part's content.
const MOST_HEAD: usize = 4_096;

/// The most bytes of such a form. A function is called with 6 MB at most, and the gateway encodes them in base64.
pub const MOST_UPLOADED: usize = 4 * 1024 * 1024;

/// A form with files that one of our pages has sent. A handler that takes it raises the limit on its body:
/// `DefaultBodyLimit::max(MOST_UPLOADED)`.
#[derive(Clone, Debug, Default)]
pub struct Uploads {
    pub fields: Fields,
    /// Files that were chosen; a field without any is left out.
    pub files: Vec<Uploaded>,
}

/// A file as a browser has sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The name of its field.
    pub field: String,
    /// The name that it has on the device, without folders.
    pub filename: String,
    pub content_type: String,
    pub bytes: Bytes,
}

impl<S: Send + Sync> FromRequest<S> for Uploads {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = boundary_of(kind).ok_or_else(|| Problem::of(Code::UnsupportedMediaType))?.to_owned();
        let RawBody(body) = RawBody::from_request(request, state).await?;
        read(&body, &boundary).ok_or_else(|| Problem::of(Code::Malformed))
    }
}

/// What separates the parts, as the type of the body names it.
fn boundary_of(kind: &str) -> Option<&str> {
    let (essence, parameters) = kind.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut named = parameters.split(';').filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = named.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim_matches('"');
    (1..=70).contains(&boundary.len()).then_some(boundary)
}

/// The form; nothing when it is cut off or not of this kind.
fn read(body: &Bytes, boundary: &str) -> Option<Uploads> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line break before it.
    let first = delimiter.trim_start();
    if !body.starts_with(first.as_bytes()) {
        return None;
    }
    let mut rest = body.slice(first.len()..);
    let mut read = Uploads::default();
    for _ in 0..=MOST_PARTS {
        if rest.starts_with(b"--") {
            return Some(read);
        }
        rest = rest.slice(b"\r\n".len().min(rest.len())..);
        let end = position(&rest, delimiter.as_bytes())?;
        let part = rest.slice(..end);
        rest = rest.slice(end + delimiter.len()..);
        take(&mut read, &part)?;
    }
    None
}

/// Adds a part, of which nothing is missing.
fn take(read: &mut Uploads, part: &Bytes) -> Option<()> {
    let end = position(part.get(..part.len().min(MOST_HEAD))?, b"\r\n\r\n")?;
    let head = std::str::from_utf8(part.get(..end)?).ok()?;
    let content = part.slice(end + 4..);
    let line = |name: &str| {
        let named = head.split("\r\n").filter_map(|line| line.split_once(':'));
        named.filter(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    };
    let disposition = line("content-disposition")?;
    let field = parameter(disposition, "name")?.into_owned();
    match parameter(disposition, "filename") {
        None => read.fields.push(field, String::from_utf8_lossy(&content).into_owned()),
        // A field of files in which nothing was chosen is sent as one without a name and content.
        Some(name) if name.is_empty() && content.is_empty() => {}
        Some(name) => {
            let filename = name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
            let content_type = line("content-type").unwrap_or_default().to_ascii_lowercase();
            read.files.push(Uploaded { field, filename, content_type, bytes: content });
        }
    }
    Some(())
}

/// A parameter in quotes. Browsers write quotes and line breaks within it as `%22`, `%0D` and `%0A`.
fn parameter<'a>(disposition: &'a str, name: &str) -> Option<Cow<'a, str>> {
    let start = format!("; {name}=\"");
    let (_, after) = disposition.split_once(&start)?;
    let (value, _) = after.split_once('"')?;
    if !value.contains('%') {
        return Some(Cow::Borrowed(value));
    }
    Some(Cow::Owned(value.replace("%22", "\"").replace("%0D", " ").replace("%0A", " ")))
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Bytes {
        let mut written = String::new();
        for (head, content) in parts {
            written.push_str(&format!("--b0\r\n{head}\r\n\r\n{content}\r\n"));
        }
        Bytes::from(written + "--b0--\r\n")
    }

    #[test]
    fn fields_and_files_are_told_apart_and_a_field_without_a_file_is_left_out() {
        let body = form(&[
            ("Content-Disposition: form-data; name=\"key\"", "abc"),
            (
                "Content-Disposition: form-data; name=\"pictures\"; filename=\"C:\\a\\kosa%22.jpg\"\r\n\
                 Content-Type: image/jpeg",
                "line\r\n--b\r\nline",
            ),
            ("Content-Disposition: form-data; name=\"none\"; filename=\"\"\r\nContent-Type: x", ""),
        ]);
        let read = read(&body, "b0").unwrap();
        assert_eq!(read.fields.text("key"), Some("abc"));
        let [file] = read.files.as_slice() else { panic!("{read:?}") };
        assert_eq!((file.field.as_str(), file.filename.as_str()), ("pictures", "kosa\".jpg"));
        assert_eq!((file.content_type.as_str(), file.bytes.as_ref()), ("image/jpeg", &b"line\r\n--b\r\nline"[..]));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = form(&[("Content-Disposition: form-data; name=\"key\"", "abc")]);
        assert!(read(&whole, "b0").is_some());
        for length in 0..whole.len() - 4 {
            assert!(read(&whole.slice(..length), "b0").is_none(), "{length}");
        }
        assert!(read(&whole, "b1").is_none());
    }

    #[test]
    fn the_boundary_is_that_of_the_type() {
        assert_eq!(boundary_of("multipart/form-data; boundary=\"b 0\""), Some("b 0"));
        assert_eq!(boundary_of("Multipart/Form-Data;charset=utf-8;boundary=b0"), Some("b0"));
        assert_eq!(boundary_of("application/x-www-form-urlencoded"), None);
        assert_eq!(boundary_of("multipart/form-data"), None);
    }
}
