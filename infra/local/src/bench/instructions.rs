//! Instruction counts by valgrind's callgrind: the difference between runs with more and with fewer invocations.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::BenchError;
use super::scenarios::Scenario;
use super::shop::Shop;
use super::starts::Measured;
use crate::LocalCloud;
use cloud::gateway::Program;

/// Invocations of the two runs whose difference is counted. The first ones are left out, because they still allocate.
const WARM: (u32, u32) = (2, 12);
/// How long valgrind may take to write its counts and exit.
const VALGRIND_TIMEOUT: Duration = Duration::from_mins(1);

/// How many instructions a function executes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// From process start until it polls for its first invocation.
    pub(super) init: u64,
    pub(super) first: u64,
    /// Per warm invocation, on average.
    pub(super) warm: u64,
}

pub(super) async fn count(
    cloud: &LocalCloud,
    shop: &Shop,
    scenario: &Scenario,
    directory: &Path,
) -> Result<Counts, BenchError> {
    let (few, many) = WARM;
    let init = run(cloud, shop, scenario, directory, 0).await?;
    let one = run(cloud, shop, scenario, directory, 1).await?;
    let less = run(cloud, shop, scenario, directory, few).await?;
    let more = run(cloud, shop, scenario, directory, many).await?;
    let warm = more.saturating_sub(less) / u64::from(many.saturating_sub(few).max(1));
    Ok(Counts { init, first: one.saturating_sub(init), warm })
}

/// The instructions of one process from its start to its end, with this many invocations.
async fn run(
    cloud: &LocalCloud,
    shop: &Shop,
    scenario: &Scenario,
    directory: &Path,
    invocations: u32,
) -> Result<u64, BenchError> {
    let calls = scenario.calls(cloud, shop, invocations).await?;
    let written = tempfile::tempdir()?;
    let log = written.path().join("log");
    let under_callgrind = |program: Program| Program {
        path: PathBuf::from("valgrind"),
        arguments: vec![
            "--tool=callgrind".to_owned(),
            format!("--log-file={}", log.display()),
            format!("--callgrind-out-file={}", written.path().join("out").display()),
            program.path.display().to_string(),
        ],
        ..program
    };
    let (function, process) = Measured::start(cloud, scenario, directory, under_callgrind).await?;
    for call in &calls {
        function.call(cloud, call).await?;
    }
    // SIGTERM: valgrind writes its counts when it exits, which SIGKILL would prevent.
    let asked = Command::new("kill").arg(process.to_string()).stdin(Stdio::null()).status().await?;
    if !asked.success() {
        return Err(BenchError::Callgrind(format!("process {process} cannot be signalled")));
    }
    let ended = async {
        while !function.ids().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = tokio::time::timeout(VALGRIND_TIMEOUT, ended).await;
    function.stop().await;
    ended.map_err(|_| BenchError::Callgrind("valgrind did not exit in time".to_owned()))?;
    collected(&std::fs::read_to_string(&log)?)
}

/// The last count in valgrind's log: `==4711== Collected : 1234567`.
fn collected(log: &str) -> Result<u64, BenchError> {
    let count = log.lines().rev().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    count.ok_or_else(|| BenchError::Callgrind(format!("valgrind says: {log}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_the_log() {
        let log = "==7== Callgrind\n==7== Events    : Ir\n==7== Collected : 3402918\n==7== \n";
        assert_eq!(collected(log).unwrap(), 3_402_918);
        assert!(collected("==7== nothing").is_err());
    }
}
