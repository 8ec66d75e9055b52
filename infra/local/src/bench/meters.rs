//! CPU time and memory of a process, read from Linux's `/proc`.

use std::io;
use std::time::Duration;

/// The unit of the CPU times in `/proc/<pid>/stat`: 100 ticks a second (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// What Linux answers to reading a file of a thread that has ended meanwhile.
const ESRCH: i32 = 3;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// The largest resident set so far (`VmHWM`), pages of the binary included.
    pub(super) peak_kib: u64,
    /// Resident anonymous memory now (`RssAnon`): heap and stacks.
    pub(super) anonymous_kib: u64,
}

/// The CPU time of a process in nanoseconds: the sum over the threads that it has now, without those that have ended.
pub(super) fn cpu_of(process: u32) -> io::Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
        match std::fs::read_to_string(thread?.path().join("schedstat")) {
            Ok(times) => sum += on_cpu(&times)?,
            // The thread has ended since the directory was read, or since the file was opened.
            Err(gone) if gone.kind() == io::ErrorKind::NotFound || gone.raw_os_error() == Some(ESRCH) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(sum)
}

/// The CPU time of this process, in user mode and in the kernel, threads that have ended included. The resolution is
/// one [`TICK`].
pub(super) fn cpu_here() -> io::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The process name may contain spaces and parentheses, so fields are counted from the last closing parenthesis: the
    // 12th and 13th after it are the times in user mode and in the kernel.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unreadable)?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<u32>);
    let mut tick = || times.next().and_then(Result::ok).ok_or_else(unreadable);
    Ok(TICK * tick()? + TICK * tick()?)
}

pub(super) fn cpu_of_this_thread() -> io::Result<Duration> {
    on_cpu(&std::fs::read_to_string("/proc/thread-self/schedstat")?)
}

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
