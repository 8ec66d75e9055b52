//! Bozor on the embedded cloud: the whole marketplace in one process on loopback, for `cargo run` and for the tests.

pub mod bench;
pub mod command_line;
mod components;
pub mod contract;
pub mod demo;
mod deployment;
mod documentation;
pub mod functions;
pub mod greeting;
mod in_process_http;
mod options;
pub mod seed;
#[cfg(test)]
mod template_tests;

use std::ops::Deref;
use std::sync::Arc;

use cloud::stack::{Stack, StartError};
use cloud::template::Texts;
use domain::Timestamp;

pub use deployment::site;
pub use media::{Connection, Fetcher, Network, Roots};
pub use options::Options;

use deployment::Bozor;

/// `template.yaml` and the templates that it nests, compiled in.
pub const TEMPLATE: Texts<'static> = Texts {
    root: include_str!("../../../template.yaml"),
    nested: &[
        ("infra/edge.yaml", include_str!("../../edge.yaml")),
        ("infra/observability.yaml", include_str!("../../observability.yaml")),
    ],
};

/// A running marketplace: the [`Stack`] with Bozor on it, its settings, accounts and demo data. Dropping it ends it
/// at once.
pub struct LocalCloud {
    stack: Stack,
    bozor: Arc<Bozor>,
}

impl std::fmt::Debug for LocalCloud {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.stack.fmt(formatter)
    }
}

impl LocalCloud {
    /// Starts a cloud for one test: in memory, on a free port, with a frozen clock and no demo data.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start() -> Result<Self, StartError> {
        Self::with(Options::for_tests()).await
    }

    /// Starts a cloud with these options.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn with(options: Options) -> Result<Self, StartError> {
        let bozor = Arc::new(Bozor::new(&options));
        let stack = Stack::start(options.cloud, Arc::<Bozor>::clone(&bozor)).await?;
        seed::settings(stack.services(), options.limits, options.rates).await?;
        seed::accounts(stack.services(), options.demo).await?;
        // Work left over from before a crash continues in the background; only freshly loaded demo data is waited for.
        if options.demo && seed::demo_data(stack.services()).await? {
            stack.wait_until_idle().await?;
        }
        stack.ready();
        Ok(Self { stack, bozor })
    }

    /// The time on the cloud's clock.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.stack.clock().now().millis())
    }

    /// See [`Stack::stop`].
    pub async fn stop(self) {
        self.stack.stop().await;
    }

    /// See [`Stack::stop_telling`].
    pub async fn stop_telling(self, tell: impl Fn(&str)) {
        self.stack.stop_telling(tell).await;
    }
}

impl Deref for LocalCloud {
    type Target = Stack;

    fn deref(&self) -> &Stack {
        &self.stack
    }
}
