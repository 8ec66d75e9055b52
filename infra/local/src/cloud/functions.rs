//! Runs the functions: in this process, or as built binaries over the Lambda Runtime API.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use platform::Config;

use super::consumers::{self, Consumer};
use super::services::Services;
use super::{Options, StartError};
use crate::clock::Clock;
use crate::faults::Faults;
use crate::gateway::{
    self, Authorizer, Cors, Denied, Gateway, InProcess, Invoke, Processes, Program, RouteSpec, Specification, Throttle,
};
use crate::template;

/// The most processes of one function at a time; further invocations wait.
const MAX_PROCESSES: usize = 16;

/// All functions, and the gateway in front of them.
pub(super) struct Functions {
    pub(super) gateway: Gateway,
    pub(super) by_id: HashMap<String, Arc<dyn Invoke>>,
    processes: HashMap<String, Arc<Processes>>,
}

impl Functions {
    pub(super) async fn start(options: &Options, services: &Arc<Services>) -> Result<Self, StartError> {
        let mut by_id: HashMap<String, Arc<dyn Invoke>> = HashMap::new();
        let mut processes = HashMap::new();
        for function in &services.template.functions {
            let invoke: Arc<dyn Invoke> = match &options.processes {
                Some(directory) => {
                    let started = Arc::new(Processes::new(program(function, services, directory)?));
                    processes.insert(function.id.clone(), Arc::clone(&started));
                    started
                }
                None => {
                    let config = Config::from_vars(services.environment(function));
                    let started = in_process(function, &config, &services.clock, &services.faults).await;
                    started.map_err(|error| StartError::Function(function.id.clone(), error.to_string()))?
                }
            };
            by_id.insert(function.id.clone(), invoke);
        }
        let gateway = gateway(options.throttle, services, &by_id)?;
        Ok(Self { gateway, by_id, processes })
    }

    /// The ids of the processes that a function runs in; empty if it runs in this process.
    pub(super) fn process_ids(&self, function: &str) -> Vec<u32> {
        self.processes.get(function).map(|processes| processes.ids()).unwrap_or_default()
    }

    pub(super) async fn stop(&self) {
        for processes in self.processes.values() {
            processes.stop().await;
        }
    }
}

pub(super) fn program(
    function: &template::Function,
    services: &Services,
    directory: &Path,
) -> Result<Program, StartError> {
    let path = directory.join(&function.binary);
    if !path.is_file() {
        let reason = format!("{} is not built: run cargo build --workspace --bins first", path.display());
        return Err(StartError::Function(function.id.clone(), reason));
    }
    Ok(Program {
        name: function.name.clone(),
        path,
        arguments: Vec::new(),
        environment: services.environment(function),
        memory: function.memory,
        limit: function.timeout,
        max_processes: MAX_PROCESSES,
        quiet: false,
    })
}

/// Starts a function from its crate, chosen by the binary that the template names.
async fn in_process(
    function: &template::Function,
    config: &Config,
    clock: &Clock,
    faults: &Faults,
) -> Result<Arc<dyn Invoke>, platform::Fatal> {
    let served = |router: axum::Router| -> Arc<dyn Invoke> {
        let running = InProcess::new(&function.name, platform::traced(router)).with_faults(faults.clone());
        Arc::new(running.with_limit(function.timeout))
    };
    let consumed = |consumer: Consumer| -> Arc<dyn Invoke> {
        Arc::new(consumers::InProcess::new(consumer, clock.clone(), function.timeout, faults.clone()))
    };
    Ok(match function.binary.as_str() {
        "account" => served(account::router(account::App::new(config).await?)),
        "admin" => served(admin::router(admin::App::new(config).await?)),
        "cart" => served(cart::router(cart::App::new(config).await?)),
        "catalog" => served(catalog::router(catalog::App::new(config).await?)),
        "checkout" => served(checkout::router(checkout::App::new(config).await?)),
        "orders" => served(orders::router(orders::App::new(config).await?)),
        "payment-webhook" => served(payment_webhook::router(payment_webhook::App::new(config).await?)),
        "vendor-desk" => served(vendor_desk::router(vendor_desk::App::new(config).await?)),
        "vendor-onboarding" => served(vendor_onboarding::router(vendor_onboarding::App::new(config).await?)),
        "housekeeping" => consumed(consumers::housekeeping(config).await?),
        "imports" => consumed(consumers::imports(config).await?),
        "order-events" => consumed(consumers::order_events(config).await?),
        "projections" => consumed(consumers::projections(config).await?),
        other => return Err(platform::Fatal::new(format!("there is no function {other}"))),
    })
}

pub(super) fn gateway(
    throttle: Option<Throttle>,
    services: &Arc<Services>,
    by_id: &HashMap<String, Arc<dyn Invoke>>,
) -> Result<Gateway, StartError> {
    let api = &services.template.api;
    let routes = api
        .routes
        .iter()
        .map(|route| RouteSpec {
            method: route.method.clone(),
            path: route.path.clone(),
            function: route.function.clone(),
            authorized: route.authorizer,
        })
        .collect();
    let scopes: Vec<String> =
        api.routes.iter().find(|route| !route.scopes.is_empty()).map(|route| route.scopes.clone()).unwrap_or_default();
    let verifier = services.cognito.verifier(Vec::new());
    let authorizer = Authorizer {
        verify: Arc::new(move |token, now| {
            verifier
                .verify(token, now)
                .map_err(|reason| if reason.is_forbidden() { Denied::Forbidden } else { Denied::Unauthorized })
        }),
        scopes,
    };
    let cors = Cors {
        origins: api.cors.allow_origins.clone(),
        methods: api.cors.allow_methods.clone(),
        headers: api.cors.allow_headers.clone(),
        exposed: api.cors.expose_headers.clone(),
        max_age: Some(api.cors.max_age),
    };
    let specification = Specification {
        routes,
        authorizer,
        cors: Some(cors),
        throttle,
        functions: by_id.clone(),
        clock: services.clock.clone(),
        usage: services.usage.clone(),
    };
    gateway::Gateway::new(specification).map_err(|error| StartError::Service("the gateway", error.to_string()))
}
