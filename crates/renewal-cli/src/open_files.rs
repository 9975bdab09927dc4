//! How many files, connections among them, the system lets the process have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// What the process has open beside the connections of devices: files, the database, operators.
const OTHERS: u64 = 256;

/// Allows the process as many open files as so many connections need, as far as the system lets it
/// raise its own limit (the soft one, of those of `setrlimit(2)`), and warns when that does not do.
pub(crate) fn allow(connections: usize) {
    let needed = connections as u64 + OTHERS;
    let limit = getrlimit(Resource::Nofile);
    let granted = |limit: Option<u64>| limit.is_none_or(|limit| limit >= needed);
    if granted(limit.current) {
        return;
    }
    let raised = if granted(limit.maximum) { Some(needed) } else { limit.maximum };
    let outcome = setrlimit(Resource::Nofile, Rlimit { current: raised, maximum: limit.maximum });
    if outcome.is_err() || !granted(raised) {
        warn!(
            connections,
            open_files = limit.maximum,
            "the system allows fewer open files than est.connections needs: raise its limit (LimitNOFILE \
             in a systemd unit, ulimit -n in a shell)"
        );
    }
}
