//! What a process has used so far, as Linux tells it.

use std::io;
use std::time::Duration;

/// Linux counts a process's time in ticks of this length wherever it tells it in ticks.
const TICK: Duration = Duration::from_millis(10);

/// What a process holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// The most that was resident at any time, pages of the binary included.
    pub(super) peak_kib: u64,
    /// What is resident now and no file's: heap and stacks.
    pub(super) anonymous_kib: u64,
}

/// The CPU time of a process: of the threads that it has now, to the nanosecond.
pub(super) fn cpu_of(process: u32) -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        match std::fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(times) => sum += on_cpu(&times)?,
            // It has ended since the directory was read.
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
            Err(other) => return Err(other),
        }
    }
    Ok(sum)
}

/// The CPU time of this process, in user mode and in the kernel, threads that have ended included. It moves in ticks.
pub(super) fn cpu_here() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name may hold anything, so fields are counted from its closing parenthesis: the 12th and 13th are the times.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unreadable)?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    let mut tick = || times.next().and_then(Result::ok).ok_or_else(unreadable);
    Ok(TICK * tick()? + TICK * tick()?)
}

/// The CPU time of the thread that asks.
pub(super) fn cpu_of_this_thread() -> io::Result<Duration> {
    on_cpu(&std::fs::read_to_string("/proc/thread-self/schedstat")?)
}

/// The memory of a process.
pub(super) fn memory_of(process: u32) -> io::Result<Memory> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).ok_or_else(unreadable)
    };
    Ok(Memory { peak_kib: kib("VmHWM")?, anonymous_kib: kib("RssAnon")? })
}

/// The first figure of `schedstat`: nanoseconds on a CPU.
fn on_cpu(times: &str) -> io::Result<Duration> {
    let nanos = times.split_ascii_whitespace().next().and_then(|nanos| nanos.parse().ok()).ok_or_else(unreadable)?;
    Ok(Duration::from_nanos(nanos))
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a file under /proc has not the expected form")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn work_is_counted_for_the_thread_the_process_and_its_id() {
        let process = std::process::id();
        let before = (cpu_of_this_thread().unwrap(), cpu_here().unwrap(), cpu_of(process).unwrap());
        let mut numbers = 1_u64;
        while cpu_of_this_thread().unwrap() < before.0 + Duration::from_millis(40) {
            for step in 0..10_000 {
                numbers = std::hint::black_box(numbers.wrapping_mul(31).wrapping_add(step));
            }
        }
        assert!(cpu_here().unwrap() >= before.1 + Duration::from_millis(20));
        assert!(cpu_of(process).unwrap() > Duration::ZERO);
        let memory = memory_of(process).unwrap();
        assert!(memory.peak_kib >= memory.anonymous_kib && memory.anonymous_kib > 0);
    }
}
