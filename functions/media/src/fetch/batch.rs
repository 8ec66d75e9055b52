//! Many pictures at once, without overloading a host or the memory.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::picture_url::PictureUrl;
use super::{FetchFault, Fetcher};

/// Four at a time: two messages are worked on at once (`MediaFromFetches` in the template).
const PER_HOST: usize = 2;
/// Bounds the memory as well: 16 pictures of 10 MB.
const IN_ALL: usize = 16;
/// After this many timeouts a host is not asked again in the batch: thousands of pictures on a host that is down would
/// take hours.
const MAX_TIMEOUTS: usize = 2;

/// What the pictures of one host share.
#[derive(Debug)]
struct HostLimits {
    free: Semaphore,
    timeouts: AtomicUsize,
}

impl Default for HostLimits {
    fn default() -> Self {
        Self { free: Semaphore::new(PER_HOST), timeouts: AtomicUsize::new(0) }
    }
}

impl Fetcher {
    /// Fetches pictures, at most four at once from a host and sixteen in all, and hands each to `keep`, with its
    /// position in `urls`. What `keep` returns comes back in the order of `urls`.
    ///
    /// A picture occupies one of the sixteen places until it is kept, so that at most sixteen are in memory. The host
    /// is the one that is named, not one that it redirects to. An address that is named twice is fetched twice.
    pub async fn fetch_all<Text, Keep, Storing>(&self, urls: &[Text], keep: Keep) -> Vec<Storing::Output>
    where
        Text: AsRef<str>,
        Keep: Fn(usize, Result<Bytes, FetchFault>) -> Storing,
        Storing: Future,
    {
        let mut hosts = HashMap::<String, Arc<HostLimits>>::new();
        let urls = urls.iter().map(|url| {
            let url = PictureUrl::parse(url.as_ref())?;
            let limits = hosts.entry(url.host().to_string()).or_default();
            Ok((url, Arc::clone(limits)))
        });
        let urls: Vec<Result<_, FetchFault>> = urls.collect();

        let (places, keep) = (&Semaphore::new(IN_ALL), &keep);
        join_all(urls.into_iter().enumerate().map(|(position, url)| async move {
            let (url, limits) = match url {
                Ok(ready) => ready,
                Err(fault) => return keep(position, Err(fault)).await,
            };
            // The host's permit first: who waits for a slow host holds no place that others could use.
            let permit = limits.free.acquire().await;
            let _place = places.acquire().await;
            // Boxed when it is their turn, so that thousands that wait take little memory.
            let fetched = Box::pin(self.fetch_within(&limits, url)).await;
            drop(permit);
            keep(position, fetched).await
        }))
        .await
    }

    async fn fetch_within(&self, limits: &HostLimits, url: PictureUrl) -> Result<Bytes, FetchFault> {
        if limits.timeouts.load(Ordering::Relaxed) >= MAX_TIMEOUTS {
            return Err(FetchFault::TooSlow);
        }
        let fetched = self.fetch_parsed(url).await;
        if fetched == Err(FetchFault::TooSlow) {
            limits.timeouts.fetch_add(1, Ordering::Relaxed);
        }
        fetched
    }
}
