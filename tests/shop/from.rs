//! Requests of clients at other network addresses: all that connect to the embedded cloud come from one.

use serde_json::{Value, json};

use super::{Shop, requests};

/// The response of the account function: status and body, without the `instance` that differs in each.
pub(crate) type Said = (u64, Value);

impl Shop {
    /// Posts to the account function as the gateway would for a client at this address.
    pub(crate) async fn post_from(&self, address: &str, path: &str, body: &Value) -> Said {
        let server = format!("http://{}", self.cloud.address());
        let body = &requests::with_request(&server, path, body);
        let mut event: Value =
            serde_json::from_str(include_str!("../../events/account/sign-up.json")).expect("a recorded event");
        let key = format!("POST {path}");
        event["routeKey"] = json!(key);
        event["rawPath"] = json!(path);
        event["body"] = json!(body.to_string());
        event["headers"]["content-length"] = json!(body.to_string().len().to_string());
        event["headers"]["x-forwarded-for"] = json!(address);
        let context = &mut event["requestContext"];
        context["routeKey"] = json!(key);
        context["http"]["path"] = json!(path);
        context["http"]["sourceIp"] = json!(address);
        context["timeEpoch"] = json!(self.cloud.now().millis());
        let answer = self.cloud.invoke("AccountFunction", event).await.expect("the function answers");
        let mut said: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).unwrap_or(Value::Null);
        if said["instance"].is_string() {
            said["instance"] = Value::Null;
        }
        requests::keep(&server, path, body, &said);
        (answer["statusCode"].as_u64().expect("a status"), said)
    }
}
