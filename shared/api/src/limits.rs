//! Limits of whole lists of routes: a call that changes something counts for who is signed in, or else for its client.
//!
//! What costs more than a change, or can be guessed at, has counters of its own in its use case. Reads are left to the
//! gateway's throttle: a write for each would cost more than the read that it saves.

use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use domain::{Coded, Timestamp, UserId};

use crate::{Caller, Now, Problem, SourceIp, router};

/// Whom a call counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CountedFor {
    /// Who is signed in.
    Person(UserId),
    /// The network address of somebody who is not.
    Client(String),
}

type Counting = Pin<Box<dyn Future<Output = Result<(), Problem>> + Send>>;

/// How a function counts calls. Lists of routes are made before the state is there, so a request carries
/// it to them.
#[derive(Clone)]
struct Count(Arc<dyn Fn(&'static str, CountedFor, Timestamp) -> Counting + Send + Sync>);

/// [`router()`] for a function with a list of routes that [is limited](crate::Routes::limit_calls). `count` counts a
/// call of the list with this name, and refuses it when it is over the limit.
pub fn counting_router<App, By, Counts, Error>(routes: Router<App>, app: App, count: By) -> Router
where
    App: Clone + Send + Sync + 'static,
    By: Fn(App, &'static str, CountedFor, Timestamp) -> Counts + Send + Sync + 'static,
    Counts: Future<Output = Result<(), Error>> + Send + 'static,
    Error: Coded,
{
    let state = app.clone();
    let counting = move |list: &'static str, by: CountedFor, now: Timestamp| -> Counting {
        let counts = count(state.clone(), list, by, now);
        Box::pin(async move { Ok(counts.await?) })
    };
    router(routes.layer(Extension(Count(Arc::new(counting)))), app)
}

/// Counts a call before its handler sees it.
pub(crate) async fn count(list: &'static str, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    match counted(list, &mut parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => problem.into_response(),
    }
}

async fn counted(list: &'static str, parts: &mut http::request::Parts) -> Result<(), Problem> {
    let Some(Count(count)) = parts.extensions.get::<Count>().cloned() else {
        return Err(Problem::internal("a list of routes is limited, and nobody counts its calls"));
    };
    let Now(now) = Now::from_request_parts(parts, &()).await?;
    let by = match Caller::from_request_parts(parts, &()).await {
        Ok(caller) => CountedFor::Person(caller.user),
        Err(_) => CountedFor::Client(SourceIp::from_request_parts(parts, &()).await?.0),
    };
    count(list, by, now).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get as on_get;
    use domain::{Code, Refusal};
    use http::Method;

    use super::*;
    use crate::Routes;
    use crate::sample::{answer_of, get, routed};

    /// Lets nobody change anything.
    #[derive(Clone)]
    struct Strict;

    async fn refuse(_: Strict, list: &'static str, by: CountedFor, _: Timestamp) -> Result<(), Refusal> {
        assert_eq!((list, by), ("things", CountedFor::Client("203.0.113.9".to_owned())));
        Err(Refusal::of(Code::TooManyRequests))
    }

    fn limited() -> Router<Strict> {
        let things = async || "things";
        let routes = Router::new().route("/v1/things", on_get(things).post(things)).limit_calls("things");
        routes.route("/v1/others", on_get(things).post(things))
    }

    #[tokio::test]
    async fn only_changes_are_counted_and_only_those_of_routes_that_were_added_before() {
        let shop = || counting_router(limited(), Strict, refuse);
        assert_eq!(answer_of(shop(), get("/v1/things")).await.status, 200);
        let others = answer_of(shop(), routed(Method::POST, "/v1/others", "POST /v1/others")).await;
        assert_eq!(others.status, 200);
        let refused = answer_of(shop(), routed(Method::POST, "/v1/things", "POST /v1/things")).await;
        assert_eq!((refused.status, &refused.json["code"]), (429, &"too_many_requests".into()));
        assert_eq!(refused.header("retry-after"), "60");
    }

    #[tokio::test]
    async fn a_limited_list_that_nobody_counts_answers_nothing() {
        let forgotten = router(limited(), Strict);
        let answer = answer_of(forgotten, routed(Method::POST, "/v1/things", "POST /v1/things")).await;
        assert_eq!(answer.status, 500);
    }
}
