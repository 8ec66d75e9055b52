//! Conditional requests: on reads
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-reads.html>) and on writes
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).

use http::{HeaderMap, HeaderValue, header};
use s3s::dto::{ETag, ETagCondition, Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result, s3_error};

use super::store::Object;

/// The conditions of a read, or of the source of a copy.
#[derive(Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
    pub(super) if_modified_since: Option<Timestamp>,
    pub(super) if_unmodified_since: Option<Timestamp>,
}

/// Which condition a read does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unmet {
    /// The object is not the one that is wanted.
    Other,
    /// The caller has the object already.
    NotModified,
}

impl ReadConditions {
    /// An `If-Match` that holds makes `If-Unmodified-Since` irrelevant, and an `If-None-Match` that does not hold makes
    /// `If-Modified-Since` irrelevant (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).
    fn unmet(&self, object: &Object) -> Option<Unmet> {
        let modified = modified(object);
        let is_other = match (&self.if_match, &self.if_unmodified_since) {
            (Some(wanted), _) => !matches(wanted, object, ETag::strong_cmp),
            (None, Some(since)) => modified > *since,
            (None, None) => false,
        };
        if is_other {
            return Some(Unmet::Other);
        }
        let is_known = match (&self.if_none_match, &self.if_modified_since) {
            (Some(known), _) => matches(known, object, ETag::weak_cmp),
            (None, Some(since)) => modified <= *since,
            (None, None) => false,
        };
        is_known.then_some(Unmet::NotModified)
    }

    /// Whether `GetObject` and `HeadObject` may answer with this object: otherwise 412, or 304 with its `ETag`.
    pub(super) fn check(&self, object: &Object) -> S3Result<()> {
        match self.unmet(object) {
            None => Ok(()),
            Some(Unmet::Other) => Err(failed()),
            Some(Unmet::NotModified) => {
                let mut error = S3Error::new(S3ErrorCode::NotModified);
                let mut headers = HeaderMap::new();
                if let Ok(e_tag) = HeaderValue::try_from(format!("\"{}\"", object.e_tag)) {
                    headers.insert(header::ETAG, e_tag);
                }
                let mut at = Vec::new();
                if modified(object).format(TimestampFormat::HttpDate, &mut at).is_ok()
                    && let Ok(at) = HeaderValue::try_from(at)
                {
                    headers.insert(header::LAST_MODIFIED, at);
                }
                error.set_headers(headers);
                Err(error)
            }
        }
    }

    /// Whether a copy may be made of this object: otherwise 412, whatever the condition
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>).
    pub(super) fn check_source(&self, object: &Object) -> S3Result<()> {
        self.unmet(object).map_or(Ok(()), |_| Err(failed()))
    }
}

/// The conditions of a write.
#[derive(Debug, Default)]
pub(super) struct WriteConditions {
    pub(super) if_match: Option<ETagCondition>,
    pub(super) if_none_match: Option<ETagCondition>,
}

impl WriteConditions {
    /// Whether S3 offers these conditions: `If-None-Match` of a write is `*` only.
    pub(super) fn offered(self) -> S3Result<Self> {
        if self.if_none_match.as_ref().is_some_and(|condition| !condition.is_any()) {
            return Err(s3_error!(
                NotImplemented,
                "A header you provided implies functionality that is not implemented"
            ));
        }
        Ok(self)
    }

    /// Whether the object may be written over the one that is there.
    pub(super) fn check(&self, old: Option<&Object>) -> S3Result<()> {
        if self.if_none_match.is_some() && old.is_some() {
            return Err(failed());
        }
        match (&self.if_match, old) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(s3_error!(NoSuchKey, "The specified key does not exist.")),
            (Some(wanted), Some(old)) if matches(wanted, old, ETag::strong_cmp) => Ok(()),
            (Some(_), Some(_)) => Err(failed()),
        }
    }
}

/// When an object was last modified, in whole seconds, as headers have it.
pub(super) fn modified(object: &Object) -> Timestamp {
    at_second(object.modified_at)
}

/// A time in milliseconds, cut to its second.
pub(super) fn at_second(millis: i64) -> Timestamp {
    let at = time::OffsetDateTime::from_unix_timestamp(millis.div_euclid(1_000));
    Timestamp::from(at.unwrap_or(time::OffsetDateTime::UNIX_EPOCH))
}

fn matches(condition: &ETagCondition, object: &Object, compares: fn(&ETag, &ETag) -> bool) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(e_tag) => compares(&ETag::Strong(object.e_tag.clone()), e_tag),
    }
}

fn failed() -> S3Error {
    s3_error!(PreconditionFailed, "At least one of the pre-conditions you specified did not hold")
}
