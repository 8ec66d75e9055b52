//! `ListUsers` with its filter.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::admin::{described, permitted};
use super::{Cognito, User, invalid_parameter};
use crate::sqs::wire::{Call, Refusal};

/// The largest page, and the default.
const MAX_USERS: u32 = 60;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListInput {
    filter: Option<String>,
    limit: Option<u32>,
    pagination_token: Option<String>,
}

/// `attribute = "value"` or `attribute ^= "beginning"`.
struct Filter {
    attribute: String,
    value: String,
    is_beginning: bool,
}

impl Filter {
    fn read(written: &str) -> Result<Option<Self>, Refusal> {
        if written.trim().is_empty() {
            return Ok(None);
        }
        let malformed = || invalid_parameter(format!("Error while parsing filter: {written}"));
        let (left, right) = written.split_once('=').ok_or_else(malformed)?;
        let (attribute, is_beginning) = match left.trim_end().strip_suffix('^') {
            Some(attribute) => (attribute.trim(), true),
            None => (left.trim(), false),
        };
        let value = right.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"')).ok_or_else(malformed)?;
        if !["email", "name", "phone_number", "sub", "username", "cognito:user_status"].contains(&attribute) {
            return Err(invalid_parameter(format!("Cannot filter by {attribute}")));
        }
        let value = value.replace("\\\"", "\"");
        Ok(Some(Self { attribute: attribute.to_owned(), value, is_beginning }))
    }

    fn matches(&self, user: &User) -> bool {
        let (found, wanted) = match self.attribute.as_str() {
            "sub" => (user.sub.clone(), self.value.clone()),
            "username" => (user.username.clone(), self.value.to_lowercase()),
            "cognito:user_status" => (user.status.as_str().to_owned(), self.value.clone()),
            // Addresses are compared without case.
            "email" => (user.email().unwrap_or_default().to_lowercase(), self.value.to_lowercase()),
            other => (user.attributes.get(other).cloned().unwrap_or_default(), self.value.clone()),
        };
        if self.is_beginning { found.starts_with(&wanted) } else { found == wanted }
    }
}

pub(super) fn list_users(cognito: &Cognito, call: &Call<'_>) -> Result<Value, Refusal> {
    let input: ListInput = permitted(cognito, call)?;
    let filter = Filter::read(input.filter.as_deref().unwrap_or_default())?;
    let limit = input.limit.unwrap_or(MAX_USERS);
    if limit == 0 || limit > MAX_USERS {
        return Err(invalid_parameter("Limit must be 1 to 60"));
    }
    let limit = usize::try_from(limit).unwrap_or_default();
    let mut after: i64 = match input.pagination_token {
        None => 0,
        Some(token) => token.parse().map_err(|_| invalid_parameter("Invalid pagination token"))?,
    };
    let mut users = Vec::new();
    let mut next = None;
    'pages: loop {
        let page = cognito.inner.database.users_after(after, MAX_USERS)?;
        if page.is_empty() {
            break;
        }
        for user in page {
            if filter.as_ref().is_some_and(|filter| !filter.matches(&user)) {
                after = user.row;
                continue;
            }
            if users.len() == limit {
                next = Some(after.to_string());
                break 'pages;
            }
            after = user.row;
            users.push(Value::Object(described(&user, "Attributes")));
        }
    }
    let mut output = Map::new();
    output.insert("Users".into(), json!(users));
    if let Some(next) = next {
        output.insert("PaginationToken".into(), json!(next));
    }
    Ok(Value::Object(output))
}
