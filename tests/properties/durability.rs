//! What was acknowledged survives the kill of a process, and is completed after its restart.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local::seed::{OPERATOR, PASSWORD};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::shop::{Client, Guest, Product, Shop, Vendor, binaries, until};

/// The `bozor` binary in a process of its own, with its data in a directory.
pub(super) struct ServerProcess {
    pub(super) data: PathBuf,
    pub(super) child: Child,
    pub(super) address: SocketAddr,
    /// The lines that it prints after its address.
    pub(super) said: Lines<BufReader<ChildStdout>>,
}

impl ServerProcess {
    /// Starts a server with an empty directory.
    pub(super) async fn open(name: &str) -> Self {
        let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&data);
        let (child, address, said) = start(&data).await;
        Self { data, child, address, said }
    }

    /// Kills it as `kill -9` does and starts it again, on another port.
    async fn kill_and_restart(&mut self) {
        self.child.kill().await.expect("it was alive");
        self.restart().await;
    }

    /// Starts it again after its end, on another port.
    pub(super) async fn restart(&mut self) {
        (self.child, self.address, self.said) = start(&self.data).await;
    }

    pub(super) fn anon(&self) -> Client {
        Client::at(self.address)
    }

    async fn sign_in(&self, email: &str) -> Client {
        let answer = self.anon().post("/v1/auth/sign-in", &json!({"email": email, "password": PASSWORD})).await;
        let token = answer.expect(200)["access_token"].as_str().expect("a token").to_owned();
        self.anon().with_token(token)
    }

    pub(super) async fn mail_to(&self, email: &str) -> Vec<Value> {
        let answer = self.anon().get(&format!("/_local/mail?to={email}")).await;
        answer.expect(200)["items"].as_array().expect("messages").clone()
    }

    /// Moves the clock forward and waits until the cloud is idle.
    pub(super) async fn advance(&self, by: &str) {
        self.anon().post("/_local/clock", &json!({"advance": by})).await.expect(200);
    }

    /// A vendor who was approved and delivers for 5.00 USD.
    pub(super) async fn vendor(&self, handle: &str) -> Vendor {
        let email = format!("{handle}@people.test");
        let asked = json!({"email": email, "password": PASSWORD, "name": handle});
        self.anon().post("/v1/auth/sign-up", &asked).await.expect(202);
        self.advance("1s").await;
        let code = self.mail_to(&email).await[0]["code"].clone();
        self.anon().post("/v1/auth/confirm", &json!({"email": email, "code": code})).await.expect_success();
        let client = self.sign_in(&email).await;
        let asked = json!({"handle": handle, "name": handle, "currency": "USD", "email": email});
        let id = client.post("/v1/vendors", &asked).await.expect(201)["id"].as_str().expect("an id").to_owned();
        let profile = json!({
            "legal_name": handle, "phone": "+998 71 200 00 00",
            "shipping_rates": [{"amount": "5.00", "currency": "USD"}],
            "cash_on_delivery": [{"amount": "1000.00", "currency": "USD"}],
            "public_identity": crate::shop::identity(handle),
        });
        let client = client.with("vendor-id", &id);
        client.patch("/v1/vendors/me", &profile).await.expect(200);
        client.post("/v1/vendors/me/submit", &json!({})).await.expect(200);
        let operator = self.sign_in(OPERATOR).await;
        operator.post(&format!("/v1/admin/vendors/{id}/approve"), &json!({})).await.expect(200);
        Vendor { client, id, handle: handle.to_owned() }
    }

    /// The same vendor, after the server was restarted on another port.
    async fn reconnected(&self, vendor: &Vendor) -> Vendor {
        let client = self.sign_in(&format!("{}@people.test", vendor.handle)).await;
        Vendor { client, id: vendor.id.clone(), handle: vendor.handle.clone() }
    }

    async fn reconnected_product(&self, product: &Product) -> Product {
        Product { vendor: self.reconnected(&product.vendor).await, ..product.clone() }
    }

    pub(super) async fn guest(&self) -> Guest {
        Guest::new(self.anon(), "USD").await
    }

    fn reconnected_guest(&self, guest: &Guest) -> Guest {
        Guest { client: self.anon(), ..guest.clone() }
    }

    pub(super) async fn close(mut self) {
        self.child.kill().await.expect("it was alive");
        let _ = std::fs::remove_dir_all(&self.data);
    }
}

/// Starts the binary and waits until it prints its address.
async fn start(data: &Path) -> (Child, SocketAddr, Lines<BufReader<ChildStdout>>) {
    let binaries = tokio::task::spawn_blocking(binaries).await.expect("the binary is built");
    let mut child = Command::new(binaries.join("bozor"))
        .args(["--no-demo", "--port", "0", "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
    while let Some(line) = said.next_line().await.expect("its output can be read") {
        if let Some((_, port)) = line.split_once("http://localhost:") {
            let port = port.split('/').next().and_then(|port| port.parse().ok()).expect("a port");
            return (child, SocketAddr::from(([127, 0, 0, 1], port)), said);
        }
    }
    panic!("it ended before it printed its address: {:?}", child.wait().await);
}

async fn order_of(server: &ServerProcess, placed: &Value) -> Value {
    let client = server.anon().with("order-token", placed["token"].as_str().expect("a token"));
    client.get(&format!("/v1/orders/{}", placed["id"].as_str().expect("an id"))).await.expect(200).clone()
}

#[tokio::test]
async fn an_order_survives_a_kill_at_each_step() {
    let mut server = ServerProcess::open("order").await;
    let bowl = server.vendor("ceramics").await.product("bowl").stock(5).publish().await;
    let guest = server.guest().await.takes(&[(&bowl, 2)]).await;
    server.kill_and_restart().await;

    let guest = server.reconnected_guest(&guest);
    let total = guest.seen().await["totals"]["total"].clone();
    let placed = guest.checks_out_for("stripe", "once", &total).await.expect(201).clone();
    server.kill_and_restart().await;

    assert_eq!(order_of(&server, &placed).await["state"], "awaiting_payment");
    let again = server.reconnected_guest(&guest).checks_out_for("stripe", "once", &total).await;
    assert_eq!(again.expect(201), &placed, "the same key is the same order");
    assert_eq!(server.reconnected_product(&bowl).await.stock().await, (5, 2, 3));

    // Stripe has the money, and its webhook is lost; the sandbox sends it again by itself.
    let lost = json!({"service": "stripe", "operation": "Webhook", "kind": "before"});
    server.anon().post("/_local/faults", &lost).await.expect(200);
    let pay = format!("/_local/pay/stripe/orders/{}", placed["id"].as_str().expect("an id"));
    server.anon().post(&pay, &json!({"do": "succeed"})).await.expect(200);
    assert_eq!(order_of(&server, &placed).await["state"], "awaiting_payment");
    server.kill_and_restart().await;
    server.advance("5m").await;
    until("the webhook is sent again", async || order_of(&server, &placed).await["state"] == "paid").await;
    server.kill_and_restart().await;

    assert_eq!(order_of(&server, &placed).await["state"], "paid");
    // Messages that the killed process had received become visible again after their timeout.
    server.advance("2m").await;
    server.advance("2m").await;
    let vendor = server.reconnected(&bowl.vendor).await;
    assert_eq!(vendor.newest_order().await.expect("the vendor sees it")["state"], "pending");
    assert_eq!(server.reconnected_product(&bowl).await.stock().await, (5, 2, 3));
    let notices = async |address: String, word: &str| {
        let messages = server.mail_to(&address).await;
        messages.iter().filter(|message| message["subject"].as_str().is_some_and(|text| text.contains(word))).count()
    };
    // A message that is being sent at the moment of a kill is sent once more; none is lost.
    assert!((1..=2).contains(&notices(guest.email.clone(), "is paid").await));
    assert!((1..=2).contains(&notices("ceramics@people.test".to_owned(), "New order").await));
    server.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_among_many_checkouts_loses_no_order_and_sells_nothing_twice() {
    const GUESTS: usize = 12;
    let mut server = ServerProcess::open("rush").await;
    let bowl = server.vendor("ceramics").await.product("bowl").stock(100).publish().await;
    let mut guests = Vec::new();
    for _ in 0..GUESTS {
        guests.push(server.guest().await.takes(&[(&bowl, 1)]).await);
    }
    let total = json!({"amount": "17.50", "currency": "USD"});
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = guests
        .iter()
        .map(|guest| {
            let url = format!("http://{}/v1/checkout", server.address);
            let body = json!({
                "cart_id": guest.cart, "email": guest.email, "payment": {"provider": "stripe"}, "expected_total": total,
            });
            let acknowledged = Arc::clone(&acknowledged);
            tokio::spawn(async move {
                let http = reqwest::Client::builder().no_proxy().build().expect("a client");
                let call = http.post(url).header("idempotency-key", "once").header("content-type", "application/json");
                // A lost response is expected here.
                let answer = call.body(body.to_string()).send().await.ok()?;
                assert_eq!(answer.status(), 201);
                let order: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
                acknowledged.fetch_add(1, Ordering::SeqCst);
                Some(order)
            })
        })
        .collect();
    until("some orders are acknowledged", async || acknowledged.load(Ordering::SeqCst) >= GUESTS / 3).await;
    server.kill_and_restart().await;
    let mut placed = Vec::new();
    for call in calls {
        placed.push(call.await.expect("the task does not panic"));
    }

    for order in placed.iter().flatten() {
        assert_eq!(order_of(&server, order).await["state"], "awaiting_payment");
    }
    // A request that died holds its idempotency key for 30 seconds.
    server.advance("1m").await;
    for (guest, order) in guests.iter().zip(&placed) {
        let again = server.reconnected_guest(guest).checks_out_for("stripe", "once", &total).await;
        let again = again.expect(201);
        if let Some(order) = order {
            assert_eq!(again, order);
        }
    }
    let units = i64::try_from(GUESTS).expect("a few");
    assert_eq!(server.reconnected_product(&bowl).await.stock().await, (100, units, 100 - units));
    server.close().await;
}

#[tokio::test]
async fn an_import_survives_kills_and_is_completed() {
    const PRODUCTS: usize = 240;
    let mut server = ServerProcess::open("import").await;
    let vendor = server.vendor("ceramics").await;
    let mut csv = String::from("Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\n");
    for number in 0..PRODUCTS {
        csv.push_str(&format!("bowl-{number},Bowl {number},B-{number},3,9.50\n"));
    }
    let path = "/v1/vendor/imports?publish=true";
    let sent = vendor.client.send(reqwest::Method::POST, path, Some(csv.into_bytes()), "text/csv").await;
    let import = format!("/v1/vendor/imports/{}", sent.expect(202)["id"].as_str().expect("an id"));
    server.kill_and_restart().await;

    let client = server.reconnected(&vendor).await.client;
    // Messages that the killed process had received become visible again after their timeout. The request that moves
    // the clock is not awaited: the server is killed while it runs.
    let url = format!("http://{}/_local/clock", server.address);
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let moved = tokio::spawn(http.post(url).body(json!({"advance": "2m"}).to_string()).send());
    until("some products are in", async || {
        client.get(&import).await.expect(200)["rows_done"].as_u64().is_some_and(|rows| rows > 0)
    })
    .await;
    server.kill_and_restart().await;
    drop(moved.await);

    server.advance("2m").await;
    let client = server.reconnected(&vendor).await.client;
    until("the import is completed", async || client.get(&import).await.expect(200)["state"] == "completed").await;
    let job = client.get(&import).await.expect(200).clone();
    assert_eq!((&job["rows"], &job["rows_done"]), (&json!(PRODUCTS), &json!(PRODUCTS)));
    assert_eq!((&job["products"], &job["errors"]), (&json!(PRODUCTS), &json!([])));

    let mut handles = std::collections::BTreeSet::new();
    let mut page = "/v1/vendor/products?limit=100".to_owned();
    loop {
        let answer = client.get(&page).await;
        for product in answer.expect(200)["items"].as_array().expect("items") {
            assert_eq!((&product["state"], &product["variants"][0]["on_hand"]), (&json!("published"), &json!(3)));
            assert!(handles.insert(product["handle"].to_string()), "{} is there twice", product["handle"]);
        }
        let Some(next) = answer.json["next"].as_str() else { break };
        page = format!("/v1/vendor/products?limit=100&cursor={next}");
    }
    assert_eq!(handles.len(), PRODUCTS);
    server.close().await;
}

#[tokio::test]
async fn an_account_that_was_made_a_moment_before_a_kill_can_sign_in() {
    let mut server = ServerProcess::open("account").await;
    let asked = json!({"email": "aziza@people.test", "password": PASSWORD, "name": "Aziza"});
    let request = server.anon().post("/v1/auth/sign-up", &asked).await.expect(202)["request"].clone();
    server.kill_and_restart().await;
    // What the killed process had received comes again once its visibility timeout is over.
    server.advance("61s").await;
    let code = server.mail_to("aziza@people.test").await[0]["code"].clone();
    let confirm = json!({"email": "aziza@people.test", "code": code, "request": request});
    server.anon().post("/v1/auth/confirm", &confirm).await.expect_success();
    let session = server.sign_in("aziza@people.test").await;
    session.patch("/v1/me", &json!({"name": "Aziza Karimova"})).await.expect(200);
    server.kill_and_restart().await;
    let me = server.sign_in("aziza@people.test").await.get("/v1/me").await;
    assert_eq!(me.expect(200)["name"], "Aziza Karimova");
    server.close().await;
}

#[tokio::test]
async fn a_crash_of_the_pipe_loses_no_event_and_repeats_no_message() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(50).publish().await;
    let mut guests = Vec::new();
    for round in 0..6 {
        let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
        guest.buys().await;
        guests.push(guest);
        match round {
            1 | 4 => shop.cloud.kill_sources().await,
            3 => shop.cloud.restart_sources().expect("the pipe starts again"),
            _ => {}
        }
    }
    shop.cloud.restart_sources().expect("the pipe starts again");
    // Received messages become visible again, and housekeeping sends undelivered events again.
    for _ in 0..3 {
        shop.advance(Duration::from_secs(301)).await;
    }
    for guest in &guests {
        assert_eq!(shop.mail_to(&guest.email).len(), 1);
    }
    let notices = shop.mail_to("ceramics@people.test");
    assert_eq!(notices.iter().filter(|subject| subject.starts_with("New order")).count(), guests.len());
    let shown = shop.anon().get(&format!("/v1/products/{}", bowl.handle)).await;
    assert_eq!(shown.expect(200)["variants"][0]["available"], 44);
}

#[tokio::test]
async fn a_port_or_a_directory_in_use_is_reported_in_one_line() {
    let server = ServerProcess::open("taken").await;
    let binaries = tokio::task::spawn_blocking(binaries).await.expect("the binary is built");
    let (port, data) = (server.address.port().to_string(), server.data.display().to_string());
    for (arguments, reason) in [
        (
            ["--memory", "--no-demo", "--port", &port].as_slice(),
            format!("port {port} is taken: stop what listens there, or choose another with --port"),
        ),
        (
            &["--no-demo", "--port", "0", "--data", &data],
            format!("{data} is in use by another process: stop it, or choose another directory with --data"),
        ),
    ] {
        let ended = Command::new(binaries.join("bozor")).args(arguments).output().await.expect("it starts");
        let said = [ended.stdout, ended.stderr].map(|text| String::from_utf8(text).expect("text"));
        assert_eq!((ended.status.code(), said), (Some(1), [String::new(), format!("bozor: {reason}\n")]));
    }
    server.close().await;
}
