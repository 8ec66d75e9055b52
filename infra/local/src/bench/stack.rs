//! The whole stack in this process: API, functions, database and event consumers, called over loopback.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::{Method, StatusCode};
use serde_json::json;
use tokio::task::JoinSet;

use super::BenchError;
use super::client::{Call, Client};
use super::meters::{cpu_here, cpu_of_this_thread};
use super::scenarios::{list_of_20, product_page};
use super::shop::{Goods, Shop, change, fill_cart, open_cart};
use super::table::{Table, milliseconds, percentile};
use crate::LocalCloud;

/// Requests of one kind, over which the CPU time is averaged.
const REQUESTS: u32 = 2_000;
/// Checkouts of four requests each, over which the CPU time is averaged.
const CHECKOUTS: u32 = 500;
/// Numbers of concurrent clients, one load level each.
const CLIENTS: [usize; 5] = [1, 8, 16, 64, 200];
/// A load level ends after this many checkouts or after [`MAX_DURATION`], whichever comes first.
const MAX_CHECKOUTS: usize = 2_000;
const MAX_DURATION: Duration = Duration::from_secs(15);

/// Writes two tables: CPU time per request, and checkouts under load.
pub(super) async fn measure(cloud: &LocalCloud, out: &mut (dyn Write + Send)) -> Result<(), BenchError> {
    let mut shop = Shop::open(cloud, 1).await?;
    writeln!(
        out,
        "\nThe whole in one process: CPU time of a request, with the database and what follows, without the client.\n"
    )?;
    let mut table = Table::new(&["request", "CPU ms"]);
    let goods = shop.goods(0)?.clone();
    for (name, call) in [("list of 20 with prices", list_of_20()?), ("product page", product_page()?)] {
        let each = one_request(cloud.address(), REQUESTS, move |client, _| {
            let call = call.clone();
            async move { client.call(call).await.map(drop) }
        });
        table.row(vec![name.to_owned(), milliseconds(each.await?)]);
    }
    let (cart, of_cart) = (open_cart(&shop.client).await?, goods.clone());
    let each = one_request(cloud.address(), REQUESTS, move |client, number| {
        let call = change(&cart, &of_cart, 1 + number % 50);
        async move { client.call(call?).await.map(drop) }
    });
    table.row(vec!["add to cart".to_owned(), milliseconds(each.await?)]);
    let each = one_request(cloud.address(), CHECKOUTS, move |client, _| {
        let goods = goods.clone();
        async move { check_out(&client, &goods).await }
    });
    table.row(vec!["whole guest checkout: cart, line, address, order".to_owned(), milliseconds(each.await?)]);
    write!(out, "{table}")?;

    let max_clients = CLIENTS.iter().copied().max().unwrap_or(1);
    shop.stock_up(max_clients).await?;
    cloud.wait_until_idle().await?;
    writeln!(out, "\nWhole guest checkouts at once: each client buys another product.\n")?;
    let mut table =
        Table::new(&["clients", "checkouts a second", "median ms", "99 % below ms", "slowest ms", "failed"]);
    for clients in CLIENTS {
        let load_level =
            load_level(cloud.address(), clients, shop.goods.clone(), (MAX_CHECKOUTS, MAX_DURATION)).await?;
        cloud.wait_until_idle().await?;
        table.row(load_level.cells(clients));
        if let Some(failure) = load_level.failure {
            writeln!(out, "At {clients} clients: {failure}\n")?;
        }
    }
    write!(out, "{table}")?;
    Ok(())
}

/// A guest's checkout, from opening a cart to an order that awaits its payment.
async fn check_out(client: &Client, goods: &Goods) -> Result<(), BenchError> {
    client.call(fill_cart(client, goods).await?.check_out()?).await.map(drop)
}

/// Runs the client on its own thread, so that its share of this process's CPU time can be subtracted.
async fn on_own_thread<T, F, Fut>(address: SocketAddr, work: F) -> Result<T, BenchError>
where
    T: Send + 'static,
    F: FnOnce(Client) -> Fut + Send + 'static,
    Fut: Future<Output = Result<T, BenchError>>,
{
    let thread = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async { work(Client::new(address)).await })
    });
    thread.await.map_err(|error| BenchError::Call("the client".to_owned(), error.to_string()))?
}

/// The mean CPU time of this process per request, without the client's share. One client makes the requests one after
/// another, after a tenth as many to warm up.
async fn one_request<F, Fut>(address: SocketAddr, requests: u32, request: F) -> Result<Duration, BenchError>
where
    F: Fn(Client, u32) -> Fut + Send + 'static,
    Fut: Future<Output = Result<(), BenchError>>,
{
    let used = on_own_thread(address, async move |client: Client| {
        for number in 0..requests / 10 {
            request(client.clone(), number).await?;
        }
        wait_until_idle(&client).await?;
        let before = (cpu_here()?, cpu_of_this_thread()?);
        for number in 0..requests {
            request(client.clone(), number).await?;
        }
        wait_until_idle(&client).await?;
        let after = (cpu_here()?, cpu_of_this_thread()?);
        let client = after.1.saturating_sub(before.1);
        Ok(after.0.saturating_sub(before.0).saturating_sub(client))
    });
    Ok(used.await? / requests)
}

/// Waits until the resulting events are processed, so that their CPU time is counted too.
async fn wait_until_idle(client: &Client) -> Result<(), BenchError> {
    client.call(Call::send(Method::POST, "/_local/idle", &json!({}), StatusCode::OK)?).await.map(drop)
}

/// The figures for one number of concurrent clients.
pub(super) struct LoadLevel {
    /// Durations of the checkouts that succeeded, ascending.
    times: Vec<Duration>,
    wall: Duration,
    failed: usize,
    /// The first failure.
    pub(super) failure: Option<String>,
}

impl LoadLevel {
    fn cells(&self, clients: usize) -> Vec<String> {
        let count = u128::try_from(self.times.len()).unwrap_or(u128::MAX);
        let a_second = count.saturating_mul(1_000_000).checked_div(self.wall.as_micros()).unwrap_or(0);
        let slowest = self.times.last().copied().unwrap_or_default();
        vec![
            clients.to_string(),
            a_second.to_string(),
            milliseconds(percentile(&self.times, 50)),
            milliseconds(percentile(&self.times, 99)),
            milliseconds(slowest),
            self.failed.to_string(),
        ]
    }
}

/// Checks out with this many clients at once, until there are `most` orders or the time is over.
pub(super) async fn load_level(
    address: SocketAddr,
    clients: usize,
    goods: Vec<Goods>,
    (most, duration): (usize, Duration),
) -> Result<LoadLevel, BenchError> {
    on_own_thread(address, async move |client: Client| {
        let (begun, orders) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
        let mut tasks = JoinSet::new();
        for goods in goods.into_iter().cycle().take(clients) {
            let (client, orders) = (client.clone(), Arc::clone(&orders));
            tasks.spawn(async move {
                let mut outcomes = Vec::new();
                while orders.fetch_add(1, Ordering::Relaxed) < most && begun.elapsed() < duration {
                    let started = Instant::now();
                    outcomes.push(check_out(&client, &goods).await.map(|()| started.elapsed()));
                }
                outcomes
            });
        }
        let mut load_level = LoadLevel { times: Vec::new(), wall: Duration::ZERO, failed: 0, failure: None };
        while let Some(outcomes) = tasks.join_next().await {
            for outcome in outcomes.map_err(|error| BenchError::Call("a client".to_owned(), error.to_string()))? {
                match outcome {
                    Ok(time) => load_level.times.push(time),
                    Err(error) => {
                        load_level.failed = load_level.failed.saturating_add(1);
                        load_level.failure.get_or_insert_with(|| error.to_string());
                    }
                }
            }
        }
        load_level.wall = begun.elapsed();
        load_level.times.sort_unstable();
        Ok(load_level)
    })
    .await
}
