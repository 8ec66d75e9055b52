//! Stored items, changed to what another release may have left.

use cloud::dynamodb::{Caller, Outcome};
use serde_json::json;

use super::Shop;
use super::invariants::items;

impl Shop {
    /// Replaces a piece of text in the documents of all items of a table, past every check of this release. Returns how
    /// many items had it.
    pub(crate) async fn rewrite(&self, table: &str, former: &str, replacement: &str) -> usize {
        let services = self.cloud.services();
        let name = services.template.table(table).expect("a table").name.clone();
        let mut rewritten = 0;
        for mut item in items(self, table).await {
            let Some(data) = item["data"]["S"].as_str().filter(|data| data.contains(former)) else { continue };
            item["data"]["S"] = json!(data.replace(former, replacement));
            let put = json!({"TableName": name, "Item": item}).to_string();
            let answer = services.dynamodb.call(&Caller::root(), "PutItem", put.as_bytes()).await;
            let Outcome::Answer(status, body) = answer else { panic!("the table {table} does not answer") };
            assert!(status.is_success(), "{}: {item}", String::from_utf8_lossy(&body));
            rewritten += 1;
        }
        self.wait_until_idle().await;
        rewritten
    }
}
