//! An uploaded file as text in UTF-8, whatever it is in the bucket.

use crate::files::{Download, FilesError};
use product_file::Transcoder;

/// No encoding has the name that is stored with the import.
pub(crate) struct UnknownEncoding;

/// A file that is read from its start in chunks.
pub(crate) struct Text<'a> {
    file: Download<'a>,
    transcoder: Option<Transcoder>,
    has_ended: bool,
}

impl<'a> Text<'a> {
    pub(crate) fn new(file: Download<'a>, encoding: Option<&str>) -> Result<Self, UnknownEncoding> {
        let transcoder = encoding.map(|name| Transcoder::new(name).ok_or(UnknownEncoding)).transpose()?;
        Ok(Self { file, transcoder, has_ended: false })
    }

    /// The next chunk is the first again.
    pub(crate) fn begin_again(&mut self) {
        self.file = self.file.again();
        self.transcoder = self.transcoder.as_ref().and_then(|transcoder| Transcoder::new(transcoder.name()));
        self.has_ended = false;
    }

    /// The next chunk; nothing at the end of the file.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, FilesError> {
        if self.has_ended {
            return Ok(None);
        }
        let bytes = self.file.next().await?;
        self.has_ended = bytes.is_none();
        Ok(match (&mut self.transcoder, bytes) {
            (None, bytes) => bytes.map(Into::into),
            (Some(transcoder), Some(bytes)) => Some(transcoder.decode(&bytes, false)),
            (Some(transcoder), None) => Some(transcoder.decode(&[], true)).filter(|rest| !rest.is_empty()),
        })
    }
}
