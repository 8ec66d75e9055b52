//! Everything that the cloud holds, as text: for tests of what must not stand in it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use super::Shop;
use super::invariants::items;

/// What stands in tables, queues and buckets, by their logical ids: each item, message and object as one text, in which
/// JSON within JSON is unpacked. What people see elsewhere (mail, the user pool, the provider's sandbox) is not in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dump {
    places: BTreeMap<String, Vec<String>>,
}

impl Shop {
    /// Reads everything, past the roles.
    pub(crate) async fn dump(&self) -> Dump {
        let services = self.cloud.services();
        let mut places = BTreeMap::new();
        for table in &services.template.tables {
            let texts = items(self, &table.id).await.iter().map(text_of).collect();
            places.insert(table.id.clone(), texts);
        }
        for queue in &services.template.queues {
            let bodies = services.queues.bodies(&queue.name).expect("the queue can be read");
            places.insert(queue.id.clone(), bodies.iter().map(|body| unpacked(body)).collect());
        }
        for bucket in &services.template.buckets {
            let objects = services.buckets.objects(&bucket.name).expect("the bucket can be read");
            let text = |(key, bytes): (String, Vec<u8>)| format!("{key}\n{}", String::from_utf8_lossy(&bytes));
            places.insert(bucket.id.clone(), objects.into_iter().map(text).collect());
        }
        Dump { places }
    }
}

impl Dump {
    /// The texts of a table, queue or bucket.
    pub(crate) fn of(&self, id: &str) -> &[String] {
        self.places.get(id).unwrap_or_else(|| panic!("nothing is called {id}"))
    }

    /// Where a text stands, in either case: the table, queue or bucket, and what holds it.
    pub(crate) fn with(&self, text: &str) -> Vec<(&str, &str)> {
        assert!(!text.is_empty());
        let wanted = text.to_lowercase();
        let all = self.places.iter().flat_map(|(id, texts)| texts.iter().map(move |text| (id.as_str(), text.as_str())));
        all.filter(|(_, text)| text.to_lowercase().contains(&wanted)).collect()
    }
}

/// All names and values of a JSON value, a line each.
fn text_of(value: &Value) -> String {
    let mut lines = Vec::new();
    collect(value, &mut lines);
    lines.join("\n")
}

fn unpacked(text: &str) -> String {
    serde_json::from_str(text).map_or_else(|_| text.to_owned(), |value| text_of(&value))
}

fn collect(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(inner @ (Value::Object(_) | Value::Array(_))) => collect(&inner, lines),
            _ => lines.push(text.clone()),
        },
        Value::Array(all) => all.iter().for_each(|one| collect(one, lines)),
        Value::Object(fields) => {
            for (name, value) in fields {
                lines.push(name.clone());
                // Bytes of DynamoDB.
                let bytes = value.as_str().filter(|_| name == "B").and_then(|text| BASE64_STANDARD.decode(text).ok());
                match bytes {
                    Some(bytes) => lines.push(String::from_utf8_lossy(&bytes).into_owned()),
                    None => collect(value, lines),
                }
            }
        }
        other => lines.push(other.to_string()),
    }
}

#[test]
fn json_within_json_is_searched_as_what_it_says() {
    let item = serde_json::json!({
        "pk": {"S": "EVENT#1"}, "at": {"N": "7"}, "raw": {"B": BASE64_STANDARD.encode("Bobur")},
        "data": {"S": r#"{"name":"Aziza \"A\" \u041a.","more":"{\"street\":\"Navoi 1\"}"}"#},
    });
    let text = text_of(&item);
    for part in ["EVENT#1", "7", "Bobur", "Aziza \"A\" К.", "street", "Navoi 1"] {
        assert!(text.lines().any(|line| line == part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_dump_finds_items_messages_and_objects() {
    let shop = Shop::open().await;
    let vendor = shop.vendor("ceramics").await;
    let file = "Handle,Title,Variant Price\nred-bowl,Qizil kosa,9.50\n";
    let sent = vendor.client.send(reqwest::Method::POST, "/v1/vendor/imports", Some(file.into()), "text/csv").await;
    sent.expect(202);
    shop.wait_until_idle().await;
    shop.cloud.kill_sources().await;
    shop.queue_bounce("gone@guests.test");
    let dump = shop.dump().await;
    let places = |text: &str| -> Vec<&str> { dump.with(text).into_iter().map(|(place, _)| place).collect() };
    assert!(places("ceramics@people.test").contains(&"AccountsTable"));
    assert!(places("GONE@guests.test").contains(&"MailFeedbackQueue"));
    assert!(places("Qizil kosa").contains(&"ImportsBucket"), "{:?}", places("Qizil kosa"));
    assert!(dump.with("nobody@people.test").is_empty() && dump.of("KeysTable").is_empty());
}
