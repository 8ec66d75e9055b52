//! A standard queue delivers at least once and in no order: two copies of a message can be at work side by side, alike
//! in id and receive count.

use std::time::Duration;

use cloud::faults::{Fault, Kind};
use cloud::sqs::{DISORDER_DELAY, Depth};
use reqwest::Method;
use serde_json::json;

use crate::shop::{Guest, Shop};

/// Longer than a received message stays hidden.
const HIDDEN: Duration = Duration::from_secs(91);
const FILE: &str = "Handle,Title,Variant Inventory Qty,Variant Price\nplate,Plate,3,9.50\ncup,Cup,5,4.00\n";

fn disturbs_every_delivery(shop: &Shop, kind: Kind) {
    for queue in ["OrderEventsQueue", "ExportsQueue", "FollowUpsQueue", "ImportsQueue", "PicturesQueue", "FetchesQueue"]
    {
        let route = Some(format!("queue {}", shop.queue(queue)));
        shop.cloud.services().faults.add(Fault { every: true, route, ..Fault::nth("sqs", "ReceiveMessage", 1, kind) });
    }
}

async fn order_is_placed(shop: &Shop, name: &str) -> Guest {
    let bowl = shop.vendor(name).await.product(name).stock(5).publish().await;
    let guest = shop.guest().await.takes(&[(&bowl, 1)]).await;
    guest.buys().await;
    guest
}

#[tokio::test]
async fn of_two_copies_of_a_message_one_holds_the_event_and_the_other_goes_on_when_it_dies() {
    let shop = Shop::open().await;
    disturbs_every_delivery(&shop, Kind::Duplicate);
    let route = Some("function OrderEventsFunction".to_owned());
    shop.cloud.services().faults.add(Fault { route, ..Fault::nth("ses", "*", 1, Kind::CrashBefore) });
    let guest = order_is_placed(&shop, "ceramics").await;
    shop.wait_until_idle().await;
    assert_eq!(shop.mail_to(&guest.email).len(), 0, "the copy cannot know that the holder of the claim is dead");
    // The copy was told to come again. No other message brings the event: housekeeping sends it only after five
    // minutes.
    shop.advance(HIDDEN).await;
    assert_eq!(shop.mail_to(&guest.email).len(), 1);
    shop.advance(Duration::from_secs(3_600)).await;
    assert_eq!(shop.mail_to(&guest.email).len(), 1);
    assert_eq!(shop.depth("OrderEventsQueue"), Depth::default());
}

#[tokio::test]
async fn messages_that_come_twice_or_in_disorder_have_one_effect() {
    for kind in [Kind::Duplicate, Kind::Disorder] {
        let shop = Shop::open().await;
        disturbs_every_delivery(&shop, kind);
        let mut guests = Vec::new();
        for name in ["ceramics", "silk", "knives"] {
            guests.push((name, order_is_placed(&shop, name).await));
        }
        let vendor = shop.vendor("carpets").await;
        let sent = vendor.client.send(Method::POST, "/v1/vendor/imports", Some(FILE.into()), "text/csv").await;
        let location = sent.header("location").to_owned();
        for wait in [DISORDER_DELAY, HIDDEN, HIDDEN] {
            shop.wait_until_idle().await;
            shop.advance(wait).await;
        }

        for (name, guest) in &guests {
            assert_eq!(shop.mail_to(&guest.email).len(), 1, "{kind:?}: {name}");
            let notices = shop.mail_to(&format!("{name}@people.test"));
            assert_eq!(
                notices.iter().filter(|subject| subject.starts_with("New order")).count(),
                1,
                "{kind:?}: {name}"
            );
        }
        let client = shop.sign_in_again(&vendor).await;
        let job = client.get(&location).await.expect(200).clone();
        let counted = ["state", "rows_done", "products", "created", "updated", "more_errors"].map(|field| &job[field]);
        assert_eq!(
            counted,
            [&json!("completed"), &json!(2), &json!(2), &json!(2), &json!(0), &json!(0)],
            "{kind:?}: {job}"
        );
        let products = client.get("/v1/vendor/products").await.expect(200).clone();
        assert_eq!(products["items"].as_array().map(Vec::len), Some(2), "{kind:?}");
        for queue in ["OrderEventsQueue", "ImportsQueue", "OrderEventsDeadLetters", "ImportsDeadLetters"] {
            assert_eq!(shop.depth(queue), Depth::default(), "{kind:?}: {queue}");
        }
        assert!(
            shop.cloud.services().faults.triggered().iter().filter(|one| one.kind == kind).count() >= 4,
            "{kind:?}"
        );
    }
}
