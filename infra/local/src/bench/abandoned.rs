//! Orders that nobody pays: how long after their deadline the last of them has ended and given its stock back.

use std::io::Write;
use std::time::{Duration, Instant};

use cloud::faults::{Fault, Kind};

use super::BenchError;
use super::client::Call;
use super::meters::cpu_here;
use super::shop::Shop;
use super::stack::load_level;
use super::table::{Table, milliseconds};
use crate::LocalCloud;

/// Clients that check out at the same time.
const CLIENTS: usize = 16;
/// How often the state of the orders is looked at.
const POLL: Duration = Duration::from_millis(500);
/// How long placing the orders may take.
const PLACING: Duration = Duration::from_secs(600);
/// How long is waited for the last order: with an attempt at the provider, about 550 end a minute.
const MAX_DURATION: Duration = Duration::from_secs(1_800);

/// What has become of the orders' payment attempts.
#[derive(Clone, Copy)]
enum Attempts {
    /// Each is open at the provider, where it is cancelled first.
    Open,
    /// The provider was down at the checkout and is up again: whether an attempt was opened is looked up there.
    NeverOpened,
}

/// Checks out this many orders by card, leaves them unpaid until all are past their deadline, and writes how long
/// housekeeping takes to end them; then the same with the provider down at the checkouts.
pub(super) async fn measure(cloud: &LocalCloud, orders: usize, out: &mut (dyn Write + Send)) -> Result<(), BenchError> {
    let mut shop = Shop::open(cloud, 1).await?;
    writeln!(out, "\nAbandoned orders, all past their deadline at once.\n")?;
    let mut table = Table::new(&["orders", "payment attempts", "seconds until the last had ended", "CPU ms of each"]);
    for (attempts, name) in [(Attempts::Open, "open"), (Attempts::NeverOpened, "never opened")] {
        let (ended, each) = end_all(cloud, &mut shop, orders, attempts).await?;
        let seconds = format!("{:.0}", ended.as_secs_f64());
        table.row(vec![orders.to_string(), name.to_owned(), seconds, milliseconds(each)]);
    }
    write!(out, "{table}")?;
    Ok(())
}

/// How long the orders took to end, and the CPU time of each.
async fn end_all(
    cloud: &LocalCloud,
    shop: &mut Shop,
    orders: usize,
    attempts: Attempts,
) -> Result<(Duration, Duration), BenchError> {
    shop.stock_up(CLIENTS).await?;
    let services = cloud.services();
    if matches!(attempts, Attempts::NeverOpened) {
        let down = Fault::nth("stripe", "CreatePaymentIntent", 1, Kind::Before);
        services.faults.add(Fault { every: true, ..down });
    }
    if let Some(failure) = load_level(cloud.address(), CLIENTS, shop.goods.clone(), (orders, PLACING)).await?.failure {
        return Err(BenchError::Call("a checkout".to_owned(), failure));
    }
    services.faults.clear();
    cloud.wait_until_idle().await?;
    // The clock alone is moved: the schedule runs once a minute by itself, as it does in the cloud.
    services.clock.advance(domain::order::Deadlines::default().reservation);
    // A token ends before the deadline does.
    let operator = shop.sign_in_operator().await?;
    let (begun, used) = (Instant::now(), cpu_here()?);
    let mut ended = None;
    while begun.elapsed() < MAX_DURATION {
        let call = Call::get("/v1/admin/orders?state=awaiting_payment&limit=1")?.with("authorization", &operator)?;
        let page = shop.client.json(call).await?;
        if page.pointer("/items/0").is_none() {
            ended = Some(begun.elapsed());
            break;
        }
        tokio::time::sleep(POLL).await;
    }
    let used = cpu_here()?.saturating_sub(used);
    let ended = ended.ok_or_else(|| {
        BenchError::Call("housekeeping".to_owned(), format!("not all orders have ended after {MAX_DURATION:?}"))
    })?;
    cloud.wait_until_idle().await?;
    let each = u32::try_from(orders).ok().and_then(|orders| used.checked_div(orders)).unwrap_or_default();
    Ok((ended, each))
}
