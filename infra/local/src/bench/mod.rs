//! `cargo run --release -- bench`: the cost of each built function over the Lambda Runtime API, and of the whole stack.
//!
//! Times depend on the machine; round trips, capacity units and instructions hardly do.

mod abandoned;
mod client;
mod instructions;
mod meters;
mod scenarios;
mod shop;
mod stack;
mod starts;
mod table;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use cloud::gateway::InvokeError;
use cloud::stack::StartError;

use crate::{LocalCloud, Options};

use self::scenarios::{SCENARIOS, Scenario};
use self::shop::Shop;
use self::table::{Table, mebibytes, millions, milliseconds, units};

/// The arguments of one benchmark run.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The directory of the built functions.
    pub directory: PathBuf,
    /// The binaries of the functions to measure; empty means all.
    pub functions: Vec<String>,
    /// Cold starts of each function.
    pub starts: u32,
    /// Warm invocations after each cold start.
    pub invocations: u32,
    /// Whether instructions are counted too, which needs valgrind.
    pub instructions: bool,
    /// What is measured.
    pub parts: Parts,
}

/// What a benchmark measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    Functions,
    Stack,
    Both,
    /// How long so many unpaid orders take to end.
    Abandoned(usize),
}

/// Why a benchmark failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error(transparent)]
    Start(#[from] StartError),
    /// The path of the missing binary.
    #[error("{0} is not there: build it with cargo build --release --workspace --bins")]
    NotBuilt(PathBuf),
    /// The unknown name, and the known names.
    #[error("there is no function {0}: the functions are {1}")]
    Unknown(String, String),
    #[error("what a process uses cannot be read, which needs Linux: {0}")]
    Meter(#[from] io::Error),
    /// The function's name, and why it did not start or answer.
    #[error("{0}: {1}")]
    Function(String, #[source] InvokeError),
    /// The call, and what was wrong with it or its response.
    #[error("{0}: {1}")]
    Call(String, String),
    #[error("instructions cannot be counted: {0}")]
    Callgrind(String),
}

impl Bench {
    /// Runs the benchmark and writes each Markdown table to `out` when it is complete.
    ///
    /// # Errors
    /// See [`BenchError`].
    pub async fn run(&self, out: &mut (dyn Write + Send)) -> Result<(), BenchError> {
        let data = tempfile::tempdir()?;
        if let Parts::Abandoned(orders) = self.parts {
            let cloud = open(&data.path().join("abandoned")).await?;
            abandoned::measure(&cloud, orders, out).await?;
            cloud.stop().await;
            return Ok(());
        }
        if self.parts != Parts::Stack {
            let chosen = self.chosen()?;
            let cloud = open(&data.path().join("functions")).await?;
            let shop = Shop::open(&cloud, 1).await?;
            self.functions(&cloud, &shop, &chosen, out).await?;
            if self.instructions {
                self.instructions(&cloud, &shop, &chosen, out).await?;
            }
            cloud.stop().await;
        }
        if self.parts != Parts::Functions {
            let cloud = open(&data.path().join("stack")).await?;
            stack::measure(&cloud, out).await?;
            cloud.stop().await;
        }
        Ok(())
    }

    /// The scenarios of the chosen functions, all of which must be built.
    fn chosen(&self) -> Result<Vec<&'static Scenario>, BenchError> {
        if let Some(unknown) =
            self.functions.iter().find(|name| SCENARIOS.iter().all(|scenario| scenario.function != **name))
        {
            let mut names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.function).collect();
            names.dedup();
            return Err(BenchError::Unknown(unknown.clone(), names.join(", ")));
        }
        let chosen: Vec<&Scenario> = SCENARIOS
            .iter()
            .filter(|scenario| self.functions.is_empty() || self.functions.iter().any(|name| name == scenario.function))
            .collect();
        for scenario in &chosen {
            let binary = self.directory.join(scenario.function);
            if !binary.is_file() {
                return Err(BenchError::NotBuilt(binary));
            }
        }
        Ok(chosen)
    }

    async fn functions(
        &self,
        cloud: &LocalCloud,
        shop: &Shop,
        chosen: &[&'static Scenario],
        out: &mut (dyn Write + Send),
    ) -> Result<(), BenchError> {
        writeln!(
            out,
            "\nEach function over the Lambda Runtime API: medians of {} starts with {} warm invocations.\n",
            self.starts, self.invocations
        )?;
        let mut table = Table::new(&[
            "function",
            "event",
            "binary KiB",
            "init ms",
            "CPU",
            "first ms",
            "CPU",
            "warm ms",
            "CPU",
            "RSS MiB",
            "heap MiB",
            "round trips",
            "read units",
            "write units",
        ]);
        for scenario in chosen {
            let figures = starts::measure(cloud, shop, scenario, self).await?;
            let invoked = |text: String| if scenario.is_invoked() { text } else { "-".to_owned() };
            table.row(vec![
                scenario.function.to_owned(),
                scenario.event.to_owned(),
                figures.binary_kib.to_string(),
                milliseconds(figures.init.wall),
                milliseconds(figures.init.cpu),
                invoked(milliseconds(figures.first.wall)),
                invoked(milliseconds(figures.first.cpu)),
                invoked(milliseconds(figures.warm.wall)),
                invoked(milliseconds(figures.warm.cpu)),
                mebibytes(figures.memory.peak_kib),
                mebibytes(figures.memory.anonymous_kib),
                invoked(figures.cost.round_trips.to_string()),
                invoked(units(figures.cost.read_units)),
                invoked(units(figures.cost.write_units)),
            ]);
        }
        write!(out, "{table}")?;
        Ok(())
    }

    async fn instructions(
        &self,
        cloud: &LocalCloud,
        shop: &Shop,
        chosen: &[&'static Scenario],
        out: &mut (dyn Write + Send),
    ) -> Result<(), BenchError> {
        writeln!(out, "\nMillions of instructions, counted by callgrind.\n")?;
        let mut table = Table::new(&["function", "event", "init", "first", "warm"]);
        for scenario in chosen.iter().filter(|scenario| scenario.is_invoked()) {
            let counts = instructions::count(cloud, shop, scenario, &self.directory).await?;
            let cells = [counts.init, counts.first, counts.warm].map(millions);
            table.row([scenario.function.to_owned(), scenario.event.to_owned()].into_iter().chain(cells).collect());
        }
        write!(out, "{table}")?;
        Ok(())
    }
}

/// A cloud with the demo data as `cargo run` has it, with its files in this directory, on a free port.
async fn open(data: &Path) -> Result<LocalCloud, BenchError> {
    Ok(LocalCloud::with(Options::for_development(0, Some(data.to_path_buf()), true)).await?)
}
