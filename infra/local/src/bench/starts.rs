//! Measures cold starts and invocations of a function.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::client::Call;
use super::meters::{Memory, cpu_of, memory_of};
use super::scenarios::Scenario;
use super::shop::Shop;
use super::table::median;
use super::{Bench, BenchError};
use crate::LocalCloud;
use cloud::gateway::{BoxFuture, Gateway, InvocationContext, Invoke, InvokeError, Processes, Program};
use cloud::usage::Cost;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Timing {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

/// The cost of a function: medians over its starts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub(super) binary_kib: u64,
    /// From process start until it polls for its first invocation.
    pub(super) init: Timing,
    pub(super) first: Timing,
    pub(super) warm: Timing,
    /// After the last invocation.
    pub(super) memory: Memory,
    /// Of the last warm invocation.
    pub(super) cost: Cost,
}

/// A running function whose invocations are measured.
pub(super) struct Measured {
    name: &'static str,
    process: Arc<Process>,
    gateway: Gateway,
}

struct Process {
    processes: Processes,
    last: Mutex<Option<Invocation>>,
}

struct Invocation {
    timing: Timing,
    trace_id: String,
}

impl Process {
    /// Invokes the process and records the timing. CPU time is counted until the process polls for the next invocation,
    /// because Lambda bills the work after the response too.
    async fn measured(&self, event: Bytes, context: InvocationContext) -> Result<Bytes, InvokeError> {
        let unreadable = |error: std::io::Error| InvokeError::Failed(error.to_string());
        let trace_id = context.trace_id.clone();
        let process = self.processes.warm().await?;
        let used = cpu_of(process).map_err(unreadable)?;
        let begun = Instant::now();
        let answer = self.processes.invoke(event, context).await?;
        let wall = begun.elapsed();
        self.processes.warm().await?;
        let cpu = cpu_of(process).map_err(unreadable)?.saturating_sub(used);
        let invocation = Invocation { timing: Timing { wall, cpu }, trace_id };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(invocation);
        Ok(answer)
    }
}

/// Lets the gateway invoke the measured process.
struct MeasuredInvoke(Arc<Process>);

impl Invoke for MeasuredInvoke {
    fn invoke(&self, event: Bytes, context: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        Box::pin(self.0.measured(event, context))
    }
}

impl Measured {
    /// Starts a function, waits until it polls for its first invocation, and returns it with its process id.
    pub(super) async fn start(
        cloud: &LocalCloud,
        scenario: &Scenario,
        directory: &Path,
        wrap: impl FnOnce(Program) -> Program,
    ) -> Result<(Self, u32), BenchError> {
        let function = cloud.services().template.functions.iter().find(|known| known.binary == scenario.function);
        let unknown = || BenchError::Unknown(scenario.function.to_owned(), "those of the template".to_owned());
        let function = function.ok_or_else(unknown)?.id.clone();
        let program = Program { quiet: true, ..cloud.program(&function, directory)? };
        let processes = Processes::new(wrap(program));
        let process = Arc::new(Process { processes, last: Mutex::default() });
        let gateway = cloud.gateway_with(&function, Arc::new(MeasuredInvoke(Arc::clone(&process))))?;
        let name = scenario.function;
        let id = process.processes.warm().await.map_err(|error| BenchError::Function(name.to_owned(), error))?;
        Ok((Self { name, process, gateway }, id))
    }

    /// Makes a call through the gateway and returns the timing and cost of its invocation.
    pub(super) async fn call(&self, cloud: &LocalCloud, call: &Call) -> Result<(Timing, Cost), BenchError> {
        let (parts, body) = call.request.clone().into_parts();
        let answer = self.gateway.call(parts, body).await;
        call.accept(answer.status(), answer.body())?;
        let last = self.process.last.lock().unwrap_or_else(PoisonError::into_inner).take();
        let elsewhere = || BenchError::Call(self.name.to_owned(), "another function has answered".to_owned());
        let Invocation { timing, trace_id } = last.ok_or_else(elsewhere)?;
        let usage = cloud.services().usage.of_trace(&trace_id).unwrap_or_default();
        Ok((timing, usage.cost))
    }

    /// The ids of its running processes.
    pub(super) fn ids(&self) -> Vec<u32> {
        self.process.processes.ids()
    }

    pub(super) async fn stop(self) {
        self.process.processes.stop().await;
    }
}

pub(super) async fn measure(
    cloud: &LocalCloud,
    shop: &Shop,
    scenario: &Scenario,
    bench: &Bench,
) -> Result<Figures, BenchError> {
    let mut starts = Vec::new();
    for _ in 0..bench.starts.max(1) {
        starts.push(one_start(cloud, shop, scenario, bench).await?);
    }
    let binary = std::fs::metadata(bench.directory.join(scenario.function))?;
    let middle = |part: fn(&Figures) -> Timing| Timing {
        wall: median(starts.iter().map(|start| part(start).wall)),
        cpu: median(starts.iter().map(|start| part(start).cpu)),
    };
    Ok(Figures {
        binary_kib: binary.len().div_ceil(1024),
        init: middle(|start| start.init),
        first: middle(|start| start.first),
        warm: middle(|start| start.warm),
        memory: Memory {
            peak_kib: median(starts.iter().map(|start| start.memory.peak_kib)),
            anonymous_kib: median(starts.iter().map(|start| start.memory.anonymous_kib)),
        },
        cost: starts.last().map(|start| start.cost).unwrap_or_default(),
    })
}

async fn one_start(cloud: &LocalCloud, shop: &Shop, scenario: &Scenario, bench: &Bench) -> Result<Figures, BenchError> {
    let calls = scenario.calls(cloud, shop, bench.invocations.saturating_add(1)).await?;
    cloud.wait_until_idle().await?;
    let begun = Instant::now();
    let (function, process) = Measured::start(cloud, scenario, &bench.directory, |program| program).await?;
    let init = Timing { wall: begun.elapsed(), cpu: cpu_of(process)? };
    let mut figures = Figures { init, ..Figures::default() };
    let mut warm = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        let (timing, cost) = function.call(cloud, call).await?;
        if number == 0 {
            figures.first = timing;
        } else {
            warm.push(timing);
            figures.cost = cost;
        }
    }
    figures.warm = Timing {
        wall: median(warm.iter().map(|timing| timing.wall)),
        cpu: median(warm.iter().map(|timing| timing.cpu)),
    };
    figures.memory = memory_of(process)?;
    function.stop().await;
    Ok(figures)
}
