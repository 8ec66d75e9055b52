//! What a release leaves behind: items by table, messages by queue, and the ids in them by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cloud::sqs::MessageAttributes;
use reqwest::Method;
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::shop::invariants::{items, put_item};

/// The tables whose items are fixtures, by their logical ids.
const TABLES: [&str; 8] = [
    "AccountsTable",
    "CartsTable",
    "CatalogTable",
    "KeysTable",
    "OrdersTable",
    "SessionsTable",
    "SettingsTable",
    "StockTable",
];
/// The tables that releases before them do not have, nor their fixtures.
const NEWER_TABLES: [&str; 2] = ["KeysTable", "SessionsTable"];
/// The queues that functions fill. The pipe's queue is left out: its messages are made of stored events.
const QUEUES: [&str; 6] =
    ["ExportsQueue", "FollowUpsQueue", "ImportsQueue", "MailFeedbackQueue", "MessagesQueue", "PicturesQueue"];

/// The fixtures of a release.
pub(super) struct Release {
    tables: BTreeMap<String, Vec<Value>>,
    queues: BTreeMap<String, Vec<String>>,
    names: BTreeMap<String, Value>,
}

pub(super) fn folder(release: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(release)
}

fn read(release: &str, file: &str) -> String {
    let path = folder(release).join(file).with_extension("json");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

impl Release {
    /// What is in the tables and queues of a cloud whose sources were killed.
    pub(super) async fn of(shop: &Shop, names: BTreeMap<String, Value>) -> Self {
        let (mut tables, mut queues) = (BTreeMap::new(), BTreeMap::new());
        for table in TABLES {
            let mut found = items(shop, table).await;
            found.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
            tables.insert(table.to_owned(), found);
        }
        for queue in QUEUES {
            let mut bodies = receive_all(shop, queue).await;
            bodies.sort();
            queues.insert(queue.to_owned(), bodies);
        }
        Self { tables, queues, names }
    }

    /// Reads the fixtures, with the ids of the release's people replaced by these.
    pub(super) fn read(release: &str, people: &[(&str, &str)]) -> Self {
        let mut names: BTreeMap<String, Value> = serde_json::from_str(&read(release, "names")).expect("names");
        let replaced = |text: String| {
            people.iter().fold(text, |text, (person, sub)| {
                let former = names[*person].as_str().expect("the id of a person");
                assert!(!former.is_empty());
                text.replace(former, sub)
            })
        };
        let tables = TABLES.map(|table| {
            let is_missing =
                NEWER_TABLES.contains(&table) && !folder(release).join(table).with_extension("json").exists();
            let items = if is_missing { "[]".to_owned() } else { replaced(read(release, table)) };
            (table.to_owned(), serde_json::from_str(&items).expect("items"))
        });
        let queues = serde_json::from_str(&replaced(read(release, "queues"))).expect("messages");
        for (person, sub) in people {
            names.insert((*person).to_owned(), json!(sub));
        }
        Self { tables: tables.into(), queues, names }
    }

    pub(super) fn write(&self, release: &str) {
        let folder = folder(release);
        fs::create_dir_all(&folder).expect("a folder");
        let write = |name: &str, lines: String| {
            fs::write(folder.join(name).with_extension("json"), lines).expect("a file is written");
        };
        for (table, items) in &self.tables {
            // An item on each line, so that a change of one is one line.
            let lines: Vec<String> = items.iter().map(Value::to_string).collect();
            write(table, format!("[\n{}\n]\n", lines.join(",\n")));
        }
        write("queues", serde_json::to_string_pretty(&self.queues).expect("JSON") + "\n");
        write("names", serde_json::to_string_pretty(&self.names).expect("JSON") + "\n");
    }

    /// Puts every item into its table, and waits until the streams are worked off. Addresses of people who have signed
    /// up here stay theirs: the user pool is no fixture, and knows no names of the release.
    pub(super) async fn restore(&self, shop: &Shop) {
        let here: BTreeSet<String> = items(shop, "AccountsTable")
            .await
            .iter()
            .filter(|item| item["kind"]["S"] == "email")
            .map(|item| item["pk"].to_string())
            .collect();
        for (table, items) in &self.tables {
            for item in items.iter().filter(|item| !here.contains(&item["pk"].to_string())) {
                put_item(shop, table, item).await;
            }
        }
        shop.wait_until_idle().await;
    }

    /// Sends every message again.
    pub(super) fn resend(&self, shop: &Shop) {
        self.resend_grown(shop, |_| ());
    }

    /// Sends every message again, with what a newer release has added to our own jobs. Messages of AWS are what they
    /// are.
    pub(super) fn resend_grown(&self, shop: &Shop, grow: impl Fn(&mut Value)) {
        for (queue, messages) in &self.queues {
            for message in messages {
                let mut body: Value = serde_json::from_str(message).expect("JSON");
                let is_job =
                    body.as_object().is_some_and(|fields| fields.len() == 1 && !fields.contains_key("Records"));
                if is_job {
                    body.as_object_mut().into_iter().flatten().for_each(|(_, job)| grow(job));
                }
                let message = &body.to_string();
                let sent = shop.cloud.services().queues.send(&shop.queue(queue), message, &MessageAttributes::new());
                sent.expect("the queue takes it");
            }
        }
    }

    /// The documents in the items, each with the item's kind.
    pub(super) fn documents(&self) -> impl Iterator<Item = (String, String)> {
        let text = |value: &Value| value["S"].as_str().map(str::to_owned);
        self.tables.values().flatten().filter_map(move |item| Some((text(&item["kind"])?, text(&item["data"])?)))
    }

    pub(super) fn kinds(&self) -> BTreeSet<String> {
        let kind = |item: &Value| item["kind"]["S"].as_str().map(str::to_owned);
        self.tables.values().flatten().filter_map(kind).collect()
    }

    pub(super) fn queues(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.queues.iter().map(|(queue, messages)| (queue.as_str(), messages.as_slice()))
    }

    /// A recorded id or e-mail address.
    pub(super) fn named(&self, name: &str) -> &str {
        self.names.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    /// A recorded request body.
    pub(super) fn body(&self, name: &str) -> &Value {
        self.names.get(name).unwrap_or_else(|| panic!("nothing is called {name}"))
    }

    pub(super) fn names_with(&self, prefix: &str) -> Vec<String> {
        self.names.keys().filter(|name| name.starts_with(prefix)).cloned().collect()
    }
}

/// Takes all messages out of a queue, past the roles.
async fn receive_all(shop: &Shop, queue: &str) -> Vec<String> {
    let url = shop.cloud.services().queues.url(&shop.queue(queue));
    let root = shop
        .anon()
        .with("authorization", "AWS4-HMAC-SHA256 Credential=LOCALROOT/20270115/us-east-1/sqs/aws4_request")
        .with("x-amz-target", "AmazonSQS.ReceiveMessage");
    let mut bodies = Vec::new();
    loop {
        let asked = json!({"QueueUrl": url, "MaxNumberOfMessages": 10}).to_string().into_bytes();
        let answer = root.send(Method::POST, "/_aws/sqs/", Some(asked), "application/x-amz-json-1.0").await;
        let messages = answer.expect(200)["Messages"].as_array().cloned().unwrap_or_default();
        if messages.is_empty() {
            return bodies;
        }
        bodies.extend(messages.iter().map(|message| message["Body"].as_str().expect("a body").to_owned()));
    }
}
