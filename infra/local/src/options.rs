//! The options of a marketplace on the embedded cloud.

use std::path::PathBuf;

use cloud::clock::Clock;
use cloud::cognito::Hashing;
use cloud::gateway::Throttle;
use cloud::stack;
use cloud::time::Timestamp;
use domain::pricing::Rates;
use domain::settings::{Limit, Limits};
use payments::OtherProviders;

#[derive(Clone, Debug)]
pub struct Options {
    pub cloud: stack::Options,
    /// Whether the demo data is loaded.
    pub demo: bool,
    /// Whether functions in this process call the services over sockets, as processes do.
    pub sdk_over_http: bool,
    /// Rate limits of a cloud that has no settings yet. Settings that exist stay as they are.
    pub limits: Limits,
    /// Tax and commission of a cloud that has no settings yet.
    pub rates: Rates,
    /// Payment providers that take the place of those of the same name, in functions of this process.
    pub providers: OtherProviders,
    /// What pictures of product files are fetched by in the place of the internet.
    pub fetcher: Option<media::Fetcher>,
    /// Parameters of the template that have another value than by default.
    pub parameters: Vec<(&'static str, &'static str)>,
}

/// High enough for a load test on one machine: more than 5,000 requests a minute.
const DEVELOPMENT_THROTTLE: Throttle = Throttle { burst: 20_000, rate_per_second: 20_000 };

/// All callers share one IP address here, so the limits per address are as high as the throttling.
const SHARED_ADDRESS_LIMIT: Limit = Limit::per_minute(1_200_000);

impl Options {
    /// For `cargo run`: on a fixed port, with real time, stored in a directory or in memory.
    pub fn for_development(port: u16, data: Option<PathBuf>, demo: bool) -> Self {
        let cloud = stack::Options { port, data, throttle: Some(DEVELOPMENT_THROTTLE), ..stack::Options::default() };
        Self {
            cloud,
            demo,
            sdk_over_http: false,
            limits: Limits::default().with_clients(SHARED_ADDRESS_LIMIT),
            rates: Rates::default(),
            providers: OtherProviders::default(),
            fetcher: None,
            parameters: Vec::new(),
        }
    }

    /// For tests: in memory, on a free port, with a frozen clock and no timer for schedules.
    pub fn for_tests() -> Self {
        let development = Self::for_development(0, None, false);
        let cloud = stack::Options {
            clock: Clock::frozen(Timestamp::from_millis(1_800_000_000_000)),
            hashing: Hashing::cheap(),
            history_from_start: true,
            schedules: false,
            ..development.cloud
        };
        Self { cloud, ..development }
    }

    /// Changes the options of the cloud below.
    #[must_use]
    pub fn with_cloud(mut self, change: impl FnOnce(&mut stack::Options)) -> Self {
        change(&mut self.cloud);
        self
    }
}
