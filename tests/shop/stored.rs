//! Stored items, changed to what another release may have left.

use cloud::dynamodb::{Caller, Outcome};
use serde_json::{Value, json};

use super::Shop;
use super::invariants::items;

impl Shop {
    /// Puts an item into a table, past every check of this release.
    pub(crate) async fn put_stored(&self, table: &str, item: &Value) {
        let services = self.cloud.services();
        let name = &services.template.table(table).expect("a table").name;
        let put = json!({"TableName": name, "Item": item}).to_string();
        let answer = services.dynamodb.call(&Caller::root(), "PutItem", put.as_bytes()).await;
        let Outcome::Answer(status, body) = answer else { panic!("the table {table} does not answer") };
        assert!(status.is_success(), "{}: {item}", String::from_utf8_lossy(&body));
    }

    /// Leaves an order as a release before 2026-12 has moved it: its person in the clear, in the head.
    pub(crate) async fn put_in_the_clear(&self, order: &str, email: &str) {
        let partition = format!("ORDER#{order}");
        for mut item in items(self, "OrdersTable").await.into_iter().filter(|item| item["pk"]["S"] == partition) {
            let mut data: Value = serde_json::from_str(item["data"]["S"].as_str().expect("a body")).expect("JSON");
            match item["kind"]["S"].as_str() {
                Some("terms") => drop(data.as_object_mut().expect("a body").remove("sealed")),
                Some("order") => {
                    (data["email"], data["address"]) = (json!(email), super::address());
                    item["email_key"] = json!({"S": format!("EMAIL#{email}")});
                    data.as_object_mut().expect("a body").remove("contact");
                }
                _ => continue,
            }
            item["data"] = json!({"S": data.to_string()});
            self.put_stored("OrdersTable", &item).await;
        }
    }

    /// Replaces a piece of text in the documents and index keys of all items of a table. Returns how many items had it.
    pub(crate) async fn rewrite(&self, table: &str, former: &str, replacement: &str) -> usize {
        let mut rewritten = 0;
        for mut item in items(self, table).await {
            let mut found = false;
            let attributes = item.as_object_mut().expect("an item").iter_mut();
            for (_, value) in attributes.filter(|(name, _)| !["pk", "sk"].contains(&name.as_str())) {
                if let Some(text) = value["S"].as_str().filter(|text| text.contains(former)) {
                    *value = json!({"S": text.replace(former, replacement)});
                    found = true;
                }
            }
            if found {
                self.put_stored(table, &item).await;
                rewritten += 1;
            }
        }
        self.wait_until_idle().await;
        rewritten
    }
}
