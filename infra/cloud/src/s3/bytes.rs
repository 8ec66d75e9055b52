//! The bytes of objects: written to a file while they are digested, and read back as a stream.

use std::collections::BTreeMap;
use std::io::{self, SeekFrom};
use std::ops::Range;
use std::pin::Pin;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use s3s::checksum::ChecksumHasher;
use s3s::dto::{ChecksumAlgorithm, PutObjectInput, StreamingBlob, UploadPartInput};
use s3s::{S3Error, S3ErrorCode, S3Result, TrailingHeaders, s3_error};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufWriter};

use super::files::internal;
use super::store::Store;

/// Bytes per read of a file.
const CHUNK: usize = 256 * 1024;

/// What the sender says of the bytes, to be compared with them.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    /// The checksums by the suffix of their header, `crc32`, …; empty when the value comes behind the body.
    checksums: BTreeMap<&'static str, String>,
    content_md5: Option<String>,
}

/// The names of the checksums, as in `x-amz-checksum-…` and in the index.
const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "sha1", "sha256", "crc64nvme"];

macro_rules! claimed {
    ($input:expr) => {{
        let given = [
            $input.checksum_crc32.take(),
            $input.checksum_crc32c.take(),
            $input.checksum_sha1.take(),
            $input.checksum_sha256.take(),
            $input.checksum_crc64nvme.take(),
        ];
        let mut checksums: BTreeMap<&'static str, String> =
            ALGORITHMS.into_iter().zip(given).filter_map(|(name, value)| Some((name, value?))).collect();
        if let Some(named) = &$input.checksum_algorithm {
            checksums.entry(algorithm(named)?).or_default();
        }
        Ok(Self { checksums, content_md5: $input.content_md5.take() })
    }};
}

impl Claimed {
    pub(super) fn of_object(input: &mut PutObjectInput) -> S3Result<Self> {
        claimed!(input)
    }

    pub(super) fn of_part(input: &mut UploadPartInput) -> S3Result<Self> {
        claimed!(input)
    }
}

fn algorithm(named: &ChecksumAlgorithm) -> S3Result<&'static str> {
    let name = named.as_str().to_ascii_lowercase();
    ALGORITHMS
        .into_iter()
        .find(|known| *known == name)
        .ok_or_else(|| s3_error!(InvalidRequest, "Checksum algorithm provided is unsupported."))
}

/// Bytes that are in a file.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) blob: String,
    pub(super) size: u64,
    pub(super) md5: [u8; 16],
    pub(super) checksums: BTreeMap<String, String>,
}

impl Store {
    /// Writes a body to a new file. Nothing stays when it breaks off, or is not what its sender claims.
    pub(super) async fn write(
        &self,
        body: StreamingBlob,
        claimed: Claimed,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Written> {
        let blob = Self::new_blob();
        let written = self.write_to(&blob, body, claimed, trailers).await;
        if written.is_err() {
            self.discard([blob]);
        }
        written
    }

    async fn write_to(
        &self,
        blob: &str,
        mut body: StreamingBlob,
        claimed: Claimed,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Written> {
        use s3s::crypto::Checksum as _;

        let mut file = BufWriter::new(File::create(self.path(blob)).await.map_err(internal)?);
        let mut md5 = s3s::crypto::Md5::new();
        let mut hasher = hasher(&claimed);
        let mut size = 0;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| S3Error::with_source(S3ErrorCode::IncompleteBody, error))?;
            md5.update(&bytes);
            hasher.update(&bytes);
            size += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            file.write_all(&bytes).await.map_err(internal)?;
        }
        file.flush().await.map_err(internal)?;
        let md5: [u8; 16] = md5.finalize();
        if claimed.content_md5.is_some_and(|claimed| claimed != BASE64_STANDARD.encode(md5)) {
            return Err(s3_error!(BadDigest, "The Content-MD5 you specified did not match what we received."));
        }
        let trailers = trailers.and_then(|trailers| trailers.take());
        let counted = hasher.finalize();
        let counted = [
            counted.checksum_crc32,
            counted.checksum_crc32c,
            counted.checksum_sha1,
            counted.checksum_sha256,
            counted.checksum_crc64nvme,
        ];
        let mut checksums = BTreeMap::new();
        for (name, counted) in ALGORITHMS.into_iter().zip(counted) {
            let Some(counted) = counted else { continue };
            let sent_behind = trailers.as_ref().and_then(|all| all.get(format!("x-amz-checksum-{name}")));
            let sent_behind = sent_behind.and_then(|value| value.to_str().ok()).unwrap_or_default();
            let sent = claimed.checksums.get(name).filter(|sent| !sent.is_empty());
            let sent = sent.map_or(sent_behind, String::as_str);
            if !sent.is_empty() && sent != counted {
                return Err(s3_error!(BadDigest, "The {name} you specified did not match the calculated checksum."));
            }
            checksums.insert(name.to_owned(), counted);
        }
        Ok(Written { blob: blob.to_owned(), size, md5, checksums })
    }

    /// Writes files one after another, or a range of one, to a new file.
    pub(super) async fn join(&self, blobs: &[String], range: Option<Range<u64>>) -> S3Result<Written> {
        let mut streams = Vec::new();
        for blob in blobs {
            let file = File::open(self.path(blob)).await.map_err(internal)?;
            let range = match &range {
                Some(range) => range.clone(),
                None => 0..file.metadata().await.map_err(internal)?.len(),
            };
            streams.push(read(file, range).await.map_err(internal)?);
        }
        let all = StreamingBlob::wrap(stream::iter(streams).flatten());
        self.write(all, Claimed::default(), None).await
    }
}

fn hasher(claimed: &Claimed) -> ChecksumHasher {
    let mut hasher = ChecksumHasher::default();
    for name in claimed.checksums.keys() {
        match *name {
            "crc32" => hasher.crc32 = Some(Default::default()),
            "crc32c" => hasher.crc32c = Some(Default::default()),
            "sha1" => hasher.sha1 = Some(Default::default()),
            "sha256" => hasher.sha256 = Some(Default::default()),
            _ => hasher.crc64nvme = Some(Default::default()),
        }
    }
    hasher
}

/// The bytes of a file.
pub(super) type Chunks = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send + Sync>>;

/// Streams a range of a file.
pub(super) async fn read(mut file: File, range: Range<u64>) -> io::Result<Chunks> {
    file.seek(SeekFrom::Start(range.start)).await?;
    let file = file.take(range.end.saturating_sub(range.start));
    Ok(Box::pin(stream::try_unfold(file, |mut file| async move {
        let mut chunk = BytesMut::with_capacity(CHUNK);
        let read = file.read_buf(&mut chunk).await?;
        Ok((read > 0).then(|| (Bytes::from(chunk), file)))
    })))
}
