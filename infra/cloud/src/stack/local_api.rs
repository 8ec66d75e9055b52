//! Endpoints that exist only locally: mail, clock, faults, usage and third parties, all below `/_local`.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoints::read;
use super::running::Cloud;
use crate::faults::{CallContext, Fault};
use crate::mail::Account;

/// The farthest that the clock moves at once: ten years.
const MAX_ADVANCE: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

pub(super) async fn answer(cloud: &Cloud, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let third_party = cloud.services.third_parties.iter().find_map(|third_party| {
        let rest = path.strip_prefix(third_party.prefix())?;
        (rest.is_empty() || rest.starts_with('/')).then_some((third_party, rest))
    });
    if let Some((third_party, rest)) = third_party {
        return match read(request, if rest.is_empty() { "/" } else { rest }).await {
            Ok((mut parts, body)) => {
                // Calls to a third party carry no trace id, so a call is attributed to the invocation that runs now,
                // those that came through the gateway first.
                let running = cloud.services.usage.running().into_iter().next();
                let (trace, route) = running.unzip();
                parts.extensions.insert(CallContext { trace, route });
                third_party.serve(parts, body).await
            }
            Err(refused) => refused,
        };
    }
    let (parts, body) = match read(request, &path).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    match (&parts.method, path.as_str()) {
        (&Method::GET, "/_local/mail") => cloud.services.mail.view(&parts).map(Body::from),
        (&Method::GET, "/_local/messages") => {
            let others = |to: Option<&str>| {
                let third_parties = cloud.services.third_parties.iter();
                third_parties.flat_map(|third_party| third_party.delivered(to)).collect()
            };
            cloud.services.mail.view_all(&parts, others).map(Body::from)
        }
        (&Method::GET, "/_local/ses") => written(&json!(cloud.services.mail.account())),
        (&Method::PUT, "/_local/ses") => match serde_json::from_slice::<Account>(&body) {
            Ok(account) => {
                cloud.services.mail.set_account(account);
                written(&json!(cloud.services.mail.account()))
            }
            Err(error) => refused(&error.to_string()),
        },
        (&Method::GET, "/_local/clock") => written(&json!({"now": cloud.services.clock.now()})),
        (&Method::POST, "/_local/clock") => move_clock(cloud, &body).await,
        (&Method::GET, "/_local/faults") => {
            written(&json!({"items": cloud.services.faults.list(), "triggered": cloud.services.faults.triggered()}))
        }
        (&Method::POST, "/_local/faults") => match serde_json::from_slice::<Fault>(&body) {
            Ok(fault) => {
                cloud.services.faults.add(fault);
                written(&json!({"items": cloud.services.faults.list()}))
            }
            Err(error) => refused(&error.to_string()),
        },
        (&Method::DELETE, "/_local/faults") => {
            cloud.services.faults.clear();
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::GET, "/_local/usage") => written(&json!(cloud.services.usage.snapshot())),
        (&Method::DELETE, "/_local/usage") => {
            cloud.services.usage.reset();
            StatusCode::NO_CONTENT.into_response()
        }
        (&Method::POST, "/_local/idle") => match cloud.sources.wait_until_idle().await {
            Ok(()) => written(&json!({"idle": true})),
            Err(error) => failed(&error),
        },
        _ => (StatusCode::NOT_FOUND, axum::Json(json!({"message": "Not Found"}))).into_response(),
    }
}

/// The body of `POST /_local/clock`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// A number with its unit: `500ms`, `90s`, `20m`, `2h`, `3d`.
    advance: String,
}

async fn move_clock(cloud: &Cloud, body: &Bytes) -> Response {
    let by = match serde_json::from_slice::<Advance>(body) {
        Ok(asked) => match duration(&asked.advance) {
            Some(by) => by,
            None => {
                return refused(
                    "advance must be a number with its unit, such as 90s, 20m, 2h or 3d, at most ten years",
                );
            }
        },
        Err(error) => return refused(&error.to_string()),
    };
    match cloud.sources.advance(by).await {
        Ok(()) => written(&json!({"now": cloud.services.clock.now()})),
        Err(error) => failed(&error),
    }
}

/// Parses a number with its unit; `None` for anything else and above [`MAX_ADVANCE`].
fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|character: char| !character.is_ascii_digit())?;
    let (digits, unit) = text.split_at_checked(split)?;
    let number: u64 = digits.parse().ok()?;
    let by = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        "h" => Duration::from_secs(number.checked_mul(3600)?),
        "d" => Duration::from_secs(number.checked_mul(24 * 3600)?),
        _ => return None,
    };
    (by <= MAX_ADVANCE).then_some(by)
}

fn written(body: &Value) -> Response {
    axum::Json(body).into_response()
}

fn refused(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"message": message}))).into_response()
}

fn failed(error: &dyn std::error::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, axum::Json(json!({"message": error.to_string()}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_with_its_unit() {
        assert_eq!(duration("20m"), Some(Duration::from_secs(1200)));
        assert_eq!(duration("3d"), Some(Duration::from_secs(259_200)));
        for bad in ["", "m", "20", "-1m", "1.5h", "20 m", "99999999999999999999s", "9999d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
