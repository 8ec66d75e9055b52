//! The table of Bozor's functions: each is one line here, a crate in `functions/` and its part of `template.yaml`.

use std::sync::Arc;

use api::Document;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use bytes::Bytes;
use cloud::clock::Clock;
use cloud::gateway::{BoxFuture, InProcess, InvokeError};
use cloud::stack::{Failure, Hosted};
use cloud::template;
use domain::Timestamp;
use http::Method;
use payments::OtherProviders;
use platform::{Config, EventError};

use crate::in_process_http::InProcessHttp;

/// A function of the marketplace.
pub struct Function {
    /// The name of its package and binary, which the template gives too.
    pub name: &'static str,
    /// Its part of the API; `None` for a consumer of events, and for pages.
    pub api: Option<Api>,
    /// Its pages with their methods; empty for what has none.
    pub pages: fn() -> Vec<(&'static str, Vec<Method>)>,
    start: for<'a> fn(&'a template::Function, &'a Clock, &'a Config) -> BoxFuture<'a, Result<InProcess, Failure>>,
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
            pages: Vec::new,
            start: |declared, _, config| {
                Box::pin(async move {
                    let router = $function::router($function::App::new(config).await?);
                    let router = api::behind_edge(router, config.optional("EDGE"))?;
                    Ok(InProcess::router(declared.name.as_str(), platform::traced(router)))
                })
            },
        }
    };
}

/// A function of pages.
macro_rules! pages {
    ($name:literal, $function:ident) => {
        Function {
            name: $name,
            api: None,
            pages: || $function::pages().listed().to_vec(),
            start: |declared, _, config| {
                Box::pin(async move {
                    let router = $function::router($function::App::new(config).await?);
                    let router = api::behind_edge(router, config.optional("EDGE"))?;
                    Ok(InProcess::router(declared.name.as_str(), platform::traced(router)))
                })
            },
        }
    };
}

/// A consumer of events, or of questions of the user pool, behind the same code of `platform` that parses the event in
/// Lambda.
macro_rules! events {
    ($name:literal, $function:ident, $parse:ident) => {
        Function {
            name: $name,
            api: None,
            pages: Vec::new,
            start: |_, clock, config| {
                Box::pin(async move {
                    let app = Arc::new($function::App::new(config).await?);
                    Ok(consumer(clock, move |event, now| {
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
    pages!("storefront", storefront),
    pages!("storefront-private", storefront_private),
    pages!("storefront-desk", storefront_desk),
    events!("order-events", order_events, queue_batch),
    events!("follow-up", follow_up, queue_batch),
    events!("imports", imports, queue_batch),
    events!("media", media, queue_batch),
    events!("messages", messages, queue_batch),
    events!("mail-feedback", mail_feedback, queue_batch),
    events!("projections", projections, stream_batch),
    events!("tokens", tokens, user_pool_trigger),
    events!("housekeeping", housekeeping, schedule_tick),
];

/// Starts the function that the template names in this process.
pub(crate) async fn start(
    hosted: &Hosted<'_>,
    sdk_over_http: bool,
    (providers, fetcher): (&OtherProviders, Option<&media::Fetcher>),
) -> Result<InProcess, Failure> {
    let config = Config::from_vars(hosted.environment.clone()).with(providers.clone());
    let config = match fetcher {
        Some(fetcher) => config.with(fetcher.clone()),
        None => config,
    };
    let config = if sdk_over_http {
        config
    } else {
        config.with_http(SharedHttpClient::new(InProcessHttp::to(hosted.endpoints.clone())))
    };
    start_with(hosted.function, &hosted.clock, &config).await
}

async fn start_with(declared: &template::Function, clock: &Clock, config: &Config) -> Result<InProcess, Failure> {
    let name = declared.binary.as_str();
    let function = FUNCTIONS.iter().find(|function| function.name == name);
    let function = function.ok_or_else(|| format!("there is no function {name}"))?;
    // What its `main` does first. The log of this process is the server's own.
    config.log_level()?;
    (function.start)(declared, clock, config).await
}

/// Runs `consume` with each event and the cloud's time, in the event's trace.
fn consumer(
    clock: &Clock,
    consume: impl Fn(String, Timestamp) -> BoxFuture<'static, Result<String, EventError>> + Send + Sync + 'static,
) -> InProcess {
    let clock = clock.clone();
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use cloud::template::{Function, Template};

    use super::*;

    fn template() -> Template {
        Template::parse(crate::TEMPLATE, &crate::site("http://localhost:3000")).unwrap()
    }

    /// What Lambda sets: the names that begin like these are its own.
    const PREFIX: &str = "AWS_";
    const SET_BY_LAMBDA: [&str; 4] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];

    /// Each variable that a function is given and does not read, or reads and is not given. A function reads all of
    /// them when it starts: it cannot keep a `Config`.
    async fn differences(functions: &[Function]) -> Vec<String> {
        let clock = Clock::frozen(cloud::time::Timestamp::from_millis(1_800_000_000_000));
        let mut found = Vec::new();
        for function in functions {
            let mut environment: BTreeMap<String, String> = function.environment.clone();
            environment.extend(SET_BY_LAMBDA.map(|name| (name.to_owned(), "local".to_owned())));
            let config = Config::from_vars(environment);
            let started = start_with(function, &clock, &config).await;
            let set: BTreeSet<String> = function.environment.keys().cloned().collect();
            let read: BTreeSet<String> =
                config.names_read().into_iter().filter(|name| !name.starts_with(PREFIX)).collect();
            found.extend(read.difference(&set).map(|name| format!("{} reads {name}, which is not set", function.id)));
            match started {
                Ok(_) => {
                    let unread = set.difference(&read);
                    found.extend(unread.map(|name| format!("{} is given {name} and does not read it", function.id)));
                }
                Err(failure) => found.push(format!("{} does not start: {failure}", function.id)),
            }
        }
        found
    }

    #[tokio::test]
    async fn every_function_reads_what_the_template_sets_and_nothing_else() {
        let template = template();
        assert_eq!(template.functions.len(), FUNCTIONS.len());
        let found = differences(&template.functions).await;
        assert!(found.is_empty(), "template.yaml and the code differ:\n{}", found.join("\n"));
    }

    #[tokio::test]
    async fn a_variable_too_many_and_one_too_few_are_named_with_their_function() {
        let template = template();
        let function = |id: &str| template.function(id).unwrap().clone();
        let (mut cart, mut catalog, mut imports) =
            (function("CartFunction"), function("CatalogFunction"), function("ImportsFunction"));
        cart.environment.insert("UNHEARD".to_owned(), "of".to_owned());
        catalog.environment.remove("LOG_LEVEL");
        imports.environment.remove("STOCK_TABLE");
        let expected = [
            "CartFunction is given UNHEARD and does not read it",
            "CatalogFunction reads LOG_LEVEL, which is not set",
            "ImportsFunction reads STOCK_TABLE, which is not set",
            "ImportsFunction does not start: the environment variable STOCK_TABLE is missing",
        ];
        assert_eq!(differences(&[cart, catalog, imports]).await, expected);
    }

    #[tokio::test]
    async fn a_function_whose_log_level_is_none_does_not_start_here_either() {
        let mut cart = template().function("CartFunction").unwrap().clone();
        cart.environment.insert("LOG_LEVEL".to_owned(), "loud".to_owned());
        assert_eq!(differences(&[cart]).await, ["CartFunction does not start: LOG_LEVEL is no level: loud"]);
    }
}
