//! What processes use of the machine, by Linux's `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// A tick of the counters in `/proc`: `USER_HZ`, the same on every machine.
const TICK: Duration = Duration::from_millis(10);

/// The CPU time that a process has used, by the names of its threads; those that have ended are not
/// in it. Empty when there is no such process.
#[must_use]
pub fn cpu_by_thread(process: u32) -> BTreeMap<String, Duration> {
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        if let Some(stat) = Stat::read(&entry.path()) {
            *threads.entry(stat.name).or_default() += stat.cpu;
        }
    }
    threads
}

/// The CPU time that a process has used, with its threads that have ended.
#[must_use]
pub fn cpu_of_process(process: u32) -> Duration {
    Stat::read(Path::new(&format!("/proc/{process}"))).map(|stat| stat.cpu).unwrap_or_default()
}

/// The CPU time that a process and its children have used, and the children that it has waited for.
#[must_use]
pub fn cpu_of_family(process: u32) -> Duration {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let family = all.filter_map(|(id, path): (u32, _)| {
        let stat = Stat::read(&path)?;
        match (id == process, stat.parent == process) {
            (true, _) => Some(stat.cpu + stat.ended_children),
            (false, true) => Some(stat.cpu),
            (false, false) => None,
        }
    });
    family.sum()
}

/// The resident memory of a process in KiB; none when it has ended.
#[must_use]
pub fn resident(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

/// What is used here of a `stat` file (`proc(5)`).
struct Stat {
    name: String,
    parent: u32,
    cpu: Duration,
    ended_children: Duration,
}

impl Stat {
    fn read(directory: &Path) -> Option<Self> {
        let text = fs::read_to_string(directory.join("stat")).ok()?;
        let (before, after) = text.rsplit_once(')')?;
        let fields: Vec<_> = after.split_whitespace().collect();
        let ticks = |place: usize| Some(TICK * fields.get(place)?.parse().ok()?);
        Some(Self {
            name: before.split_once('(')?.1.to_owned(),
            parent: fields.get(1)?.parse().ok()?,
            cpu: ticks(11)? + ticks(12)?,
            ended_children: ticks(13)? + ticks(14)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_seen() {
        let begun = std::time::Instant::now();
        let mut sum = 0_u64;
        while begun.elapsed() < Duration::from_millis(100) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let me = std::process::id();
        let by_thread: Duration = cpu_by_thread(me).values().sum();
        assert!(by_thread >= Duration::from_millis(50), "{by_thread:?}");
        assert!(cpu_of_process(me) >= by_thread / 2, "{:?}", cpu_of_process(me));
        assert!(cpu_of_family(me) >= by_thread / 2, "{:?}", cpu_of_family(me));
        assert!(resident(me).is_some_and(|kib| kib > 1_000));
    }
}
