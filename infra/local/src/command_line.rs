//! The command line: arguments, subcommands, and what each of them runs.

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use cloud::stack::StartError;
use cloud::template::Template;

use crate::bench::{Bench, Parts};
use crate::deployment::ONLY_AT_THE_EDGE;
use crate::greeting::greeting;
use crate::{LocalCloud, Options, TEMPLATE, contract};

/// Bozor on one machine: the API, DynamoDB, S3, SQS, Cognito, mail and a payment sandbox in one process on loopback.
#[derive(Debug, Parser)]
#[command(name = "bozor", version)]
struct Arguments {
    /// The port on loopback.
    #[arg(long, default_value_t = 3000, global = true)]
    port: u16,
    /// The directory that the data is stored in.
    #[arg(long, default_value = ".bozor", global = true)]
    data: PathBuf,
    /// Keep the data in memory: nothing is written to disk.
    #[arg(long)]
    memory: bool,
    /// Start without the demo data: only the operator's account exists.
    #[arg(long)]
    no_demo: bool,
    /// Run the built functions as processes over the Lambda Runtime API.
    #[arg(long)]
    processes: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Delete the data directory.
    Reset,
    /// Write the OpenAPI document, generated from the code, to standard output. It is committed as infra/openapi.json.
    Openapi,
    /// Write the list of all routes to standard output: it is committed as infra/routes.txt.
    Routes,
    /// Measure each built function over the Lambda Runtime API, then the whole stack under load. Use a release build.
    Bench(Measure),
}

#[derive(Debug, Args)]
struct Measure {
    /// Warm invocations after each cold start.
    #[arg(long, default_value_t = 50)]
    invocations: u32,
    /// Cold starts of each function.
    #[arg(long, default_value_t = 5)]
    starts: u32,
    /// Only these functions, by the names of their binaries.
    #[arg(long, num_args = 1..)]
    function: Vec<String>,
    /// The directory of the built functions; by default the one that holds this program.
    #[arg(long)]
    bin_dir: Option<PathBuf>,
    /// Count instructions too, with callgrind. Needs valgrind.
    #[arg(long)]
    callgrind: bool,
    /// Skip the measurement of the whole stack.
    #[arg(long)]
    no_stack: bool,
    /// Measure the whole stack only, which needs no built function.
    #[arg(long, conflicts_with_all = ["no_stack", "function", "callgrind"])]
    only_stack: bool,
    /// Measure only how long so many unpaid orders take to end once they are all past their deadline.
    #[arg(long, conflicts_with_all = ["no_stack", "only_stack", "function", "callgrind"])]
    abandoned: Option<usize>,
}

/// Parses the arguments and runs the subcommand. An error goes to standard error and becomes exit code 1.
pub fn run() -> ExitCode {
    match carry_out(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "bozor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_writer(std::io::stderr)
        .with_target(false)
        .init();
    match arguments.command {
        Some(Command::Reset) => Ok(reset(&arguments.data)?),
        Some(Command::Bench(measure)) => bench(measure),
        Some(Command::Openapi) => {
            let template = Template::parse(TEMPLATE, &crate::site("http://localhost:3000"))?;
            let document =
                contract::openapi(&template).map_err(|error| StartError::Service("OpenAPI", error.to_string()))?;
            say(document.trim_end());
            Ok(())
        }
        Some(Command::Routes) => {
            say(contract::routes_list().trim_end());
            Ok(())
        }
        None => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(StartError::Data)?;
            let ended = runtime.block_on(serve(&arguments));
            // Dropping the runtime would wait for every call that blocks a thread, however long that takes.
            runtime.shutdown_background();
            Ok(ended?)
        }
    }
}

fn bench(measure: Measure) -> Result<(), Box<dyn Error>> {
    let bench = Bench {
        directory: measure.bin_dir.map_or_else(beside_this_program, Ok)?,
        functions: measure.function,
        starts: measure.starts,
        invocations: measure.invocations,
        instructions: measure.callgrind,
        parts: match (measure.abandoned, measure.only_stack, measure.no_stack) {
            (Some(orders), _, _) => Parts::Abandoned(orders),
            (None, true, _) => Parts::Stack,
            (None, false, true) => Parts::Functions,
            (None, false, false) => Parts::Both,
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(bench.run(&mut std::io::stdout()))?)
}

/// How long the cloud may take to end.
const END_BOUND: Duration = Duration::from_secs(10);

/// Why the cloud ended before it had finished. What was acknowledged is stored all the same.
#[derive(Debug, thiserror::Error)]
enum Unfinished {
    #[error("ended at once")]
    ToldTwice,
    #[error("ended without waiting longer")]
    TooSlow,
}

async fn serve(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let data = (!arguments.memory).then(|| arguments.data.clone());
    let mut options = Options::for_development(arguments.port, data, !arguments.no_demo);
    // As it is deployed: what the edge would not forward, or would keep, is missing or too old here as well.
    options.parameters.push(ONLY_AT_THE_EDGE);
    if arguments.processes {
        options.cloud.processes = Some(beside_this_program()?);
    }
    let mut signals = Signals::listen()?;
    let cloud = LocalCloud::with(options).await?;
    say(&greeting(&cloud.base_url(), !arguments.no_demo));
    signals.next().await;
    say("Stopping. A second Ctrl-C ends at once.");
    let stopped = cloud.stop_telling(|what| say(&format!("Waiting for {what}.")));
    tokio::select! {
        stopped = tokio::time::timeout(END_BOUND, stopped) => stopped.map_err(|_| Unfinished::TooSlow.into()),
        () = signals.next() => Err(Unfinished::ToldTwice.into()),
    }
}

/// The directory of this program, where cargo also puts the binaries of the other packages.
fn beside_this_program() -> Result<PathBuf, StartError> {
    let program = std::env::current_exe().map_err(StartError::Data)?;
    Ok(program.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf))
}

/// The signals that end the cloud: Ctrl-C, and SIGTERM where there is one.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Result<Self, StartError> {
        use tokio::signal::unix::{SignalKind, signal};
        let signal = |kind| signal(kind).map_err(StartError::Signals);
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Result<Self, StartError> {
        Ok(Self {})
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// Deletes the data directory. It must contain our lock file, so that a wrong `--data` cannot delete another directory.
fn reset(directory: &Path) -> Result<(), StartError> {
    if !directory.exists() {
        say("There is no data to delete.");
        return Ok(());
    }
    let lock = directory.join("lock");
    if !lock.is_file() {
        let reason = format!("{} is no data directory of bozor", directory.display());
        return Err(StartError::Data(std::io::Error::new(std::io::ErrorKind::InvalidInput, reason)));
    }
    let held = std::fs::File::open(&lock).map_err(StartError::Data)?;
    if held.try_lock().is_err() {
        return Err(StartError::DataTaken(directory.display().to_string()));
    }
    std::fs::remove_dir_all(directory).map_err(StartError::Data)?;
    say("Deleted.");
    Ok(())
}

/// Prints to standard output. A write error is ignored, because a closed pipe must not stop the cloud.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
