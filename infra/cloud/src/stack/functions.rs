//! Runs the functions: in this process, or as built binaries over the Lambda Runtime API.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Weak};

use super::deployment::{Deployment, Hosted, Options};
use super::endpoints;
use super::services::Services;
use super::start::StartError;
use crate::cognito::{Invoker, TRIGGER_TIMEOUT};
use crate::gateway::{
    self, Authorizer, Denied, Ended, Gateway, InvocationContext, Invoke, InvokeError, Processes, Program,
    Specification, Throttles,
};
use crate::template;

/// The most processes of one function at a time; further invocations wait.
const MAX_PROCESSES: usize = 16;

/// All functions, and the gateway in front of them.
pub(super) struct Functions {
    pub(super) gateway: Gateway,
    pub(super) by_id: HashMap<String, Arc<dyn Invoke>>,
    processes: HashMap<String, Arc<Processes>>,
    ended: Ended,
}

impl Functions {
    pub(super) async fn start(
        options: &Options,
        deployment: &dyn Deployment,
        services: &Arc<Services>,
    ) -> Result<Self, StartError> {
        let mut by_id: HashMap<String, Arc<dyn Invoke>> = HashMap::new();
        let mut processes = HashMap::new();
        let ended = Ended::default();
        for function in &services.template.functions {
            let invoke: Arc<dyn Invoke> = match &options.processes {
                Some(directory) => {
                    let started = Arc::new(Processes::new(program(function, services, directory)?));
                    processes.insert(function.id.clone(), Arc::clone(&started));
                    started
                }
                None => {
                    let hosted = Hosted {
                        function,
                        environment: services.environment(function),
                        clock: services.clock.clone(),
                        faults: services.faults.clone(),
                        endpoints: endpoints::in_process(services),
                        ended: ended.clone(),
                    };
                    let started = deployment.start(&hosted).await;
                    started.map_err(|error| StartError::Function(function.id.clone(), error.to_string()))?
                }
            };
            by_id.insert(function.id.clone(), invoke);
        }
        services.cognito.invoke_with(triggers(services, &by_id));
        let throttles = options.throttle.map_or_else(|| services.template.api.throttles.clone(), Throttles::from);
        let gateway = gateway(Some(throttles), services, &by_id)?;
        Ok(Self { gateway, by_id, processes, ended })
    }

    /// The ids of the processes that a function runs in; empty if it runs in this process.
    pub(super) fn process_ids(&self, function: &str) -> Vec<u32> {
        self.processes.get(function).map(|processes| processes.ids()).unwrap_or_default()
    }

    /// Ends the invocations in this process.
    pub(super) fn end(&self) {
        self.ended.end();
    }

    /// Ends all invocations and processes. A process is killed, as Lambda kills one that registered no extension: its
    /// shutdown phase has no time
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-shutdown>).
    pub(super) async fn stop(&self) {
        self.end();
        for processes in self.processes.values() {
            processes.stop().await;
        }
    }
}

/// What invokes the functions of the user pool's triggers. The functions hold the services that they call, so the pool
/// holds no function.
fn triggers(services: &Services, by_id: &HashMap<String, Arc<dyn Invoke>>) -> Invoker {
    let asked = services.template.user_pool.triggers.functions();
    let functions: HashMap<String, Weak<dyn Invoke>> =
        asked.filter_map(|id| Some((id.to_owned(), Arc::downgrade(by_id.get(id)?)))).collect();
    let clock = services.clock.clone();
    Arc::new(move |id: &str, event| {
        let function = functions.get(id).and_then(Weak::upgrade);
        let context = InvocationContext::new(clock.now(), TRIGGER_TIMEOUT);
        Box::pin(async move {
            let ended = || InvokeError::Ended("the cloud was stopped".to_owned());
            function.ok_or_else(ended)?.invoke(event, context).await
        })
    })
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

pub(super) fn gateway(
    throttle: Option<Throttles>,
    services: &Arc<Services>,
    by_id: &HashMap<String, Arc<dyn Invoke>>,
) -> Result<Gateway, StartError> {
    let api = &services.template.api;
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
    let specification = Specification {
        routes: api.routes.clone(),
        authorizer,
        cors: Some(api.cors.clone()),
        throttle,
        functions: by_id.clone(),
        clock: services.clock.clone(),
        usage: services.usage.clone(),
    };
    gateway::Gateway::new(specification).map_err(|error| StartError::Service("the gateway", error.to_string()))
}
