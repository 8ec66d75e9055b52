//! What Bozor puts on the embedded cloud: its template, its functions, and the sandboxes of third parties.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use axum::extract::Request;
use axum::response::Response;
use cloud::gateway::{BoxFuture, Invoke};
use cloud::stack::{Deployment, Failure, Hosted, Surroundings, ThirdParty};
use cloud::template::{Site, Texts};
use payments::OtherProviders;
use sandboxes::sms::{self, Sms};
use sandboxes::stripe::{self, Stripe, Webhooks};
use sandboxes::telegram::{self, Telegram};

use crate::{Options, TEMPLATE, components, documentation, functions};

/// The name of the local stack, the prefix of physical names.
const STACK: &str = "bozor";

/// The key of Stripe's sandbox for buyers' clients. The sandbox has no library that would be loaded with it.
const PUBLISHABLE_KEY: &str = "pk_test_local";

/// The template's parameter with which API and pictures are closed to everybody but the edge.
pub(crate) const ONLY_AT_THE_EDGE: (&str, &str) = ("Edge", "only");

/// A deployment at this URL: what a parameter without a default has on one machine.
pub fn site(base_url: &str) -> Site {
    Site::of(STACK, base_url)
        .with("StoreUrl", base_url)
        .with("CorsOrigins", "http://localhost:3000,http://localhost:5173")
        .with("MailIdentity", "bozor.test")
        .with("MailFrom", "shop@bozor.test")
        .with("OperatorEmail", "operator@bozor.test")
        .with("HelpPhone", "+998 71 200 00 00")
        .with("HelpTelegram", "bozor")
}

/// The marketplace as it is deployed on the embedded cloud.
pub(crate) struct Bozor {
    stripe: OnceLock<Stripe>,
    /// Whether functions call the services over sockets.
    sdk_over_http: bool,
    /// Payment providers in the place of those of the same name.
    providers: OtherProviders,
    /// What pictures are fetched by in the place of the internet.
    fetcher: Option<media::Fetcher>,
    parameters: Vec<(&'static str, &'static str)>,
}

impl Bozor {
    pub(crate) fn new(options: &Options) -> Self {
        let Options { sdk_over_http, providers, fetcher, parameters, .. } = options.clone();
        Self { stripe: OnceLock::new(), sdk_over_http, providers, fetcher, parameters }
    }

    /// Stripe's sandbox, once the cloud has opened it.
    pub(crate) fn stripe(&self) -> Option<&Stripe> {
        self.stripe.get()
    }
}

impl Deployment for Bozor {
    fn template(&self) -> Texts<'_> {
        TEMPLATE
    }

    fn site(&self, base_url: &str) -> Site {
        // An edge that is the only way in has the pictures too.
        let pictures = if self.parameters.contains(&ONLY_AT_THE_EDGE) { "" } else { "/_aws/s3/bozor-mediabucket" };
        let site = site(base_url).with("MediaUrl", format!("{base_url}{pictures}"));
        // Nobody needs an authenticator app to try the demo.
        let site = site.with("MfaRequired", "false");
        self.parameters.iter().fold(site, |site, (name, value)| site.with(name, *value))
    }

    fn secret(&self, id: &str) -> Option<String> {
        match id {
            "StripeSecret" => Some(format!(
                r#"{{"api_key":"{}","publishable_key":"{}","webhook_secret":{{"current":"{}","previous":null}}}}"#,
                stripe::API_KEY,
                PUBLISHABLE_KEY,
                stripe::WEBHOOK_SECRET
            )),
            "SmsGatewaySecret" => Some(format!(r#"{{"authorization":"Bearer {}"}}"#, sms::TOKEN)),
            "TelegramGatewaySecret" => Some(format!(r#"{{"token":"{}"}}"#, telegram::TOKEN)),
            "OrderTokenSecret" => Some(r#"{"current":"local-order-token-secret","previous":null}"#.to_owned()),
            _ => None,
        }
    }

    fn third_party_urls(&self) -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([
            ("STRIPE_API_BASE", stripe::PREFIX),
            ("SMS_GATEWAY_URL", sms::MESSAGES),
            ("TELEGRAM_GATEWAY_URL", telegram::PREFIX),
        ])
    }

    fn health_path(&self) -> &str {
        "/v1/health"
    }

    fn rate_limit_prefix(&self) -> Option<&'static str> {
        Some(store::rate_limits::RATE_LIMIT_PREFIX)
    }

    fn third_parties(&self, surroundings: &Surroundings<'_>) -> Result<Vec<Arc<dyn ThirdParty>>, Failure> {
        let file = (surroundings.file)("stripe.sqlite");
        let webhooks = Webhooks { events: payments::stripe::EVENTS, api_version: payments::stripe::VERSION };
        let opened = Stripe::open(file.as_deref(), surroundings.clock.clone(), surroundings.faults.clone(), webhooks)?;
        let stripe = self.stripe.get_or_init(|| opened).clone();
        let (clock, faults) = (surroundings.clock, surroundings.faults);
        let sms = Sms::open((surroundings.file)("sms.sqlite").as_deref(), clock.clone(), faults.clone())?;
        let file = (surroundings.file)("telegram.sqlite");
        let telegram = Telegram::open(file.as_deref(), clock.clone(), faults.clone())?;
        Ok(vec![Arc::new(stripe), Arc::new(sms), Arc::new(telegram)])
    }

    fn start<'a>(&'a self, hosted: &'a Hosted<'a>) -> BoxFuture<'a, Result<Arc<dyn Invoke>, Failure>> {
        Box::pin(async move {
            let running =
                functions::start(hosted, self.sdk_over_http, (&self.providers, self.fetcher.as_ref())).await?;
            let running = running.with_limit(hosted.function.timeout).with_faults(hosted.faults.clone());
            let running = running.with_ended(hosted.ended.clone());
            Ok(Arc::new(running) as Arc<dyn Invoke>)
        })
    }

    fn beside_the_api(&self, request: Request) -> Result<Response, Request> {
        let answer = documentation::answer(request.uri().path()).or_else(|| components::answer(request.uri()));
        answer.ok_or(request)
    }
}
