//! `DescribeUserPoolClient`, for whoever has to know a client's secret.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Cognito;
use super::admin::permitted;
use crate::sqs::wire::{Call, Refusal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ClientInput {
    client_id: String,
}

/// The client, with its secret: who may call this may act as the client.
pub(super) fn client(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: ClientInput = permitted(cognito, call)?;
    let client = cognito.client(&input.client_id)?;
    let mut described = json!({
        "UserPoolId": cognito.inner.pool.id,
        "ClientId": client.id,
        "ClientName": client.id,
        "ExplicitAuthFlows": client.auth_flows,
    });
    if let (Some(secret), Some(fields)) = (&client.secret, described.as_object_mut()) {
        fields.insert("ClientSecret".into(), json!(secret));
    }
    Ok(json!({ "UserPoolClient": described }))
}
