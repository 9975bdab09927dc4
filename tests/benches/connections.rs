//! Measures the memory of the server: with ten thousand connections open at once, and after many
//! renewals.
//!
//! `cargo bench -p tests --bench connections -- [--connections N] [--seconds N]` runs `renewal serve` on
//! a SQLite ledger. Twice, so many devices connect, each presenting a certificate, ask something, stay
//! and ask again now and then, and go. Then devices renew for so many seconds, as fast as the server
//! answers. It prints the resident memory at each step, and fails when the second time takes far more
//! than the first, or the end of the renewals far more than the first tenth of them.

#[path = "support/mod.rs"]
mod support;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use support::{Device, Outcome, Site, cacerts};
use tests::Serving;
use tests::est::Connection;
use tokio::time::{Instant, sleep, sleep_until};

/// How many connect at the same time.
const AT_ONCE: usize = 64;

/// A connection that asks nothing for ten seconds is closed by the server.
const ASK_EVERY: Duration = Duration::from_secs(6);

/// How many devices renew.
const DEVICES: usize = 32;

/// How much more memory is a failure.
const MORE: f64 = 1.15;

fn main() -> ExitCode {
    match tokio::runtime::Runtime::new().map_err(Into::into).and_then(|runtime| runtime.block_on(measure())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn measure() -> Outcome<bool> {
    let connections = support::number("connections", 10_000)?;
    let seconds = u64::try_from(support::number("seconds", 60)?)?;
    let site = Site::new(None)?;
    let server = site.serve()?;
    let mut devices = site.devices(&server, DEVICES).await?;
    println!("{:>9.1} MiB with nothing to do", mib(&server));
    let first = Arc::new(devices.remove(0));
    let mut peaks = Vec::new();
    for _ in 0..2 {
        let open = connected(&server, &first, connections).await?;
        let peak = mib(&server);
        println!("{peak:>9.1} MiB with {} connections", open.len());
        peaks.push(peak);
        drop(open);
        sleep(Duration::from_secs(5)).await;
        println!("{:>9.1} MiB after they went", mib(&server));
    }

    let begun = Instant::now();
    let end = begun + Duration::from_secs(seconds);
    let renewing: Vec<_> =
        devices.into_iter().map(|device| tokio::spawn(renew(device, server.address(), end))).collect();
    sleep_until(begun + Duration::from_secs(seconds) / 10).await;
    let early = mib(&server);
    println!("{early:>9.1} MiB after a tenth of the renewals");
    let mut renewals = 0;
    for device in renewing {
        renewals += device.await??;
    }
    let late = mib(&server);
    println!("{late:>9.1} MiB after {renewals} renewals in {seconds} s");
    Ok(peaks[1] <= peaks[0] * MORE && late <= early.max(peaks[0]) * MORE)
}

/// So many connections, each of which has had an answer, all open at the same time.
async fn connected(server: &Serving, device: &Arc<Device>, count: usize) -> Outcome<Vec<Connection>> {
    let address = server.address();
    let begun = Instant::now();
    let connect = |_| {
        let device = Arc::clone(device);
        async move {
            let mut connection = device.connect(address).await?;
            cacerts(&mut connection).await?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((connection, Instant::now()))
        }
    };
    let mut arriving = stream::iter(0..count).map(connect).buffer_unordered(AT_ONCE);
    let mut open = std::collections::VecDeque::new();
    while let Some(connection) = arriving.next().await {
        open.push_back(connection?);
        // Those that have been silent for the longest time ask again.
        while open.front().is_some_and(|(_, asked)| asked.elapsed() > ASK_EVERY) {
            let Some((mut connection, _)) = open.pop_front() else { break };
            cacerts(&mut connection).await?;
            open.push_back((connection, Instant::now()));
        }
    }
    // All of them are still there.
    let mut all = Vec::new();
    for (mut connection, _) in open {
        cacerts(&mut connection).await?;
        all.push(connection);
    }
    eprintln!("{count} connected in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(all)
}

async fn renew(mut device: Device, server: std::net::SocketAddr, end: Instant) -> Outcome<u64> {
    let mut renewals = 0;
    while Instant::now() < end {
        let mut connection = device.connect(server).await?;
        device.renew(&mut connection, true).await?;
        renewals += 1;
    }
    Ok(renewals)
}

#[expect(clippy::cast_precision_loss, reason = "it is far less than 2^52")]
fn mib(server: &Serving) -> f64 {
    server.resident().unwrap_or_default() as f64 / 1024.0
}
