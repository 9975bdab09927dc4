//! How the program ends.

use std::process::ExitCode;

use csr_service::Rejection;

use crate::output::note;

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0: done.
    Done,
    /// 1: something failed; trying again may help.
    Failed,
    /// 2: the request was refused.
    Refused,
    /// 3: the request waits for a person's approval.
    Pending,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Refused => 2,
            Status::Pending => 3,
        })
    }
}

/// Says why a request was refused, and what helps.
pub(crate) fn refused(rejection: &Rejection) -> Status {
    note!("refused: {rejection}");
    note!("{}", rejection.reason().advice());
    Status::Refused
}

/// Says what failed and why. Some errors repeat their causes, which are not said again.
pub(crate) fn failed(error: &anyhow::Error) -> Status {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said = format!("{said}: {cause}");
        }
    }
    note!("csr-signing: {said}");
    Status::Failed
}

/// Prints help, or what is wrong with the command line. A wrong one is a failure: 2 is kept
/// for refusals.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    let status = if error.use_stderr() { Status::Failed } else { Status::Done };
    match error.print() {
        Ok(()) => status.into(),
        Err(_) => Status::Failed.into(),
    }
}
