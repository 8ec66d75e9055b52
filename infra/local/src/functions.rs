//! The table of Bozor's functions: each is one line here, a crate in `functions/` and its part of `template.yaml`.

use std::sync::Arc;

use api::Document;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use cloud::gateway::{BoxFuture, InProcess, InvokeError};
use cloud::stack::{Failure, Hosted};
use domain::Timestamp;
use platform::{Config, EventError};

use crate::in_process_http::InProcessHttp;

/// A function of the marketplace.
pub struct Function {
    /// The name of its package and binary, which the template gives too.
    pub name: &'static str,
    /// Its part of the API; `None` for a consumer of events.
    pub api: Option<Api>,
    start: for<'a> fn(&'a Hosted<'a>, &'a Config) -> BoxFuture<'a, Result<InProcess, Failure>>,
}

/// A function's part of the API's documentation.
pub struct Api {
    /// The tag of its operations, and what it is about.
    pub tag: (&'static str, &'static str),
    pub routes: fn() -> Document,
}

/// A function behind the API.
macro_rules! http {
    ($name:literal, $function:ident, $tag:literal, $about:literal) => {
        Function {
            name: $name,
            api: Some(Api { tag: ($tag, $about), routes: $function::routes }),
            start: |hosted, config| {
                Box::pin(async move {
                    let router = $function::router($function::App::new(config).await?);
                    Ok(InProcess::router(hosted.function.name.as_str(), platform::traced(router)))
                })
            },
        }
    };
}

/// A consumer of events, behind the same code of `platform` that parses the event in Lambda.
macro_rules! events {
    ($name:literal, $function:ident, $parse:ident) => {
        Function {
            name: $name,
            api: None,
            start: |hosted, config| {
                Box::pin(async move {
                    let app = Arc::new($function::App::new(config).await?);
                    Ok(consumer(hosted, move |event, now| {
                        let app = Arc::clone(&app);
                        Box::pin(async move { platform::$parse(&*app, &event, now, &$function::handle).await })
                    }))
                })
            },
        }
    };
}

/// All functions. Those of the API are in the order of its documentation.
#[rustfmt::skip]
pub const FUNCTIONS: &[Function] = &[
    http!("catalog", catalog, "catalog", "Products, categories and vendors as everybody sees them, and what describes the API itself."),
    http!("cart", cart, "carts", "Carts: filling one, saying where it goes, taking it over after signing in."),
    http!("checkout", checkout, "checkout", "Placing an order, and another attempt to pay it."),
    http!("orders", orders, "orders", "Orders as their buyers and the operator see, cancel and settle them."),
    http!("account", account, "account", "Signing up and in, and a person's profile and addresses."),
    http!("vendor-onboarding", vendor_onboarding, "vendors", "Opening a shop: application, papers, members."),
    http!("vendor-desk", vendor_desk, "vendor desk", "What a vendor's staff do: products, stock, pictures, imports, exports, vendor orders."),
    http!("admin", admin, "operator", "What the operator does: vendors, orders, payments, categories."),
    http!("payment-webhook", payment_webhook, "webhooks", "What payment providers call."),
    events!("order-events", order_events, queue_batch),
    events!("imports", imports, queue_batch),
    events!("projections", projections, stream_batch),
    events!("housekeeping", housekeeping, schedule_tick),
];

/// Starts the function that the template names in this process.
pub(crate) async fn start(hosted: &Hosted<'_>) -> Result<InProcess, Failure> {
    let name = hosted.function.binary.as_str();
    let function = FUNCTIONS.iter().find(|function| function.name == name);
    let function = function.ok_or_else(|| format!("there is no function {name}"))?;
    let http = SharedHttpClient::new(InProcessHttp::to(hosted.endpoints.clone()));
    let config = Config::from_vars(hosted.environment.clone()).with_http(http);
    (function.start)(hosted, &config).await
}

/// Runs `consume` with each event and the cloud's time, in the event's trace.
fn consumer(
    hosted: &Hosted<'_>,
    consume: impl Fn(String, Timestamp) -> BoxFuture<'static, Result<String, EventError>> + Send + Sync + 'static,
) -> InProcess {
    let clock = hosted.clock.clone();
    InProcess::handler(move |event: Bytes, context| {
        let now = Timestamp::from_millis(clock.now().millis());
        let consumed = String::from_utf8(event.to_vec()).map(|event| consume(event, now));
        Box::pin(async move {
            let failed = |error: &dyn std::fmt::Display| InvokeError::Failed(error.to_string());
            let consumed = consumed.map_err(|error| failed(&error))?;
            let answer = platform::trace::scope(Some(context.trace_id), consumed).await;
            answer.map(Bytes::from).map_err(|error| failed(&error))
        })
    })
}
