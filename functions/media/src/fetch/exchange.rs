//! One HTTP request and its answer.

use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, LOCATION, USER_AGENT};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

use super::picture_url::PictureUrl;
use super::{FetchFault, MAX_PICTURE_BYTES, Stream};

/// The largest head of an answer, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;

pub(super) enum Answer {
    Picture(Bytes),
    /// To the `Location`, which may be relative.
    Redirect(String),
}

/// Asks for the picture. The connection is driven within this future instead of in a task of its own, so that it ends
/// with it, also when a timeout drops it.
pub(super) async fn ask(stream: impl Stream + 'static, url: &PictureUrl) -> Result<Answer, FetchFault> {
    let request = Request::get(url.path())
        .header(HOST, url.authority())
        .header(USER_AGENT, "Bozor")
        .header(ACCEPT, "image/webp,image/png,image/jpeg;q=0.9")
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchFault::BadAddress)?;
    let handshake = http1::Builder::new().max_header_size(MAX_HEAD_BYTES).handshake(TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.map_err(bad_answer)?;

    let mut answer = pin!(async move { read(sender.send_request(request).await.map_err(bad_answer)?).await });
    tokio::select! {
        answer = &mut answer => return answer,
        // The connection is at its end and the last of the body may still wait to be read. An error of it comes out
        // there as well.
        _ = connection => {}
    }
    answer.await
}

async fn read(response: Response<Incoming>) -> Result<Answer, FetchFault> {
    let status = response.status();
    match status.as_u16() {
        200 => Ok(Answer::Picture(read_body(response.into_body()).await?)),
        301..=303 | 307 | 308 => {
            let location = response.headers().get(LOCATION).ok_or(FetchFault::Refused(status.as_u16()))?;
            // Many hosts send names of files in UTF-8, which `to_str` does not accept.
            let location = std::str::from_utf8(location.as_bytes()).map_err(|_| FetchFault::BadAddress)?;
            Ok(Answer::Redirect(location.to_owned()))
        }
        _ => Err(FetchFault::Refused(status.as_u16())),
    }
}

/// Reads a body up to the limit. A `Content-Length` above it is refused before the first byte.
async fn read_body(mut body: Incoming) -> Result<Bytes, FetchFault> {
    if body.size_hint().lower() > MAX_PICTURE_BYTES as u64 {
        return Err(FetchFault::TooLarge);
    }
    let mut picture = Vec::new();
    while let Some(frame) = body.frame().await {
        // A frame of trailers is none of data and is passed over.
        let Ok(data) = frame.map_err(bad_answer)?.into_data() else { continue };
        if data.len() > MAX_PICTURE_BYTES - picture.len() {
            return Err(FetchFault::TooLarge);
        }
        picture.extend_from_slice(&data);
    }
    Ok(picture.into())
}

fn bad_answer(_: hyper::Error) -> FetchFault {
    FetchFault::BadAnswer
}
