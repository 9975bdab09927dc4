//! The private servers of the tests themselves: what is killed comes back with its data.

use crate::schema::column;
use crate::tables::insert_request;
use libtest_mimic::Trial;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tests::{Backend, Backends, Context, Server, ServerOptions, TestDatabase};

/// The tests of this module.
pub(crate) fn trials(backends: &Arc<Backends>) -> Vec<Trial> {
    tests::trials!(backends, Backend::SERVERS, [a_server_can_be_stopped_killed_frozen_and_started_again])
}

async fn a_server_can_be_stopped_killed_frozen_and_started_again(cx: Context) {
    for durable in [false, true] {
        let server = Backends::private_server(cx.backend(), ServerOptions { durable });
        let database = server.fresh_database().await;
        let count = "SELECT count(*) FROM open_requests";

        let ways: [fn(&Server); 2] = [Server::stop, Server::kill];
        for (request, end) in (1..).zip(ways) {
            let db = database.connect().await;
            insert_request(&db, request).await;
            end(&server);
            TcpStream::connect(address(&database)).unwrap_err();
            server.restart();
            let rows = column::<i64>(&database.connect().await, count).await;
            assert_eq!(rows, [i64::try_from(request).unwrap()], "durable: {durable}");
        }

        let db = database.connect().await;
        server.freeze();
        let silence = tokio::time::timeout(Duration::from_millis(300), migration::pending(&db)).await;
        assert!(silence.is_err(), "a frozen server answers");
        server.thaw();
        assert_eq!(column::<i64>(&database.connect().await, count).await, [2]);
    }
}

fn address(database: &TestDatabase) -> &str {
    let (_, address) = database.url().rsplit_once('@').unwrap();
    address.split_once('/').unwrap().0
}
