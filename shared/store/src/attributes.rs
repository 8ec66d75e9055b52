//! An item in the SDK's form.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

/// An item, or a key, in the SDK's form.
pub(crate) type Attributes = HashMap<String, AttributeValue>;
