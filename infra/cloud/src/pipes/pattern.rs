//! EventBridge's content filters, which pipes and event source mappings use.
//!
//! A subset of <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html>: exact
//! values, `prefix`, `exists` and `anything-but`. Any other operator is an error, so that no filter silently lets
//! everything pass.

use serde_json::Value;

/// A record passes if any of the patterns matches, or if there are no patterns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    patterns: Vec<Pattern>,
}

/// A pattern that is malformed or uses an operator that is not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event pattern: {0}")]
pub struct PatternError(String);

#[derive(Clone, Debug, PartialEq)]
enum Pattern {
    /// Matches if the pattern of each field matches.
    Fields(Vec<(String, Self)>),
    /// Matches if any of these tests matches the value.
    Any(Vec<Test>),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Is(Value),
    Prefix(String),
    Exists(bool),
    AnythingBut(Vec<Value>),
}

impl Filter {
    /// Parses patterns as the template has them, each a JSON text.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, PatternError> {
        let parse = |text: &str| {
            let pattern: Value = serde_json::from_str(text).map_err(|error| PatternError(error.to_string()))?;
            Pattern::parse(&pattern)
        };
        Ok(Self { patterns: patterns.into_iter().map(parse).collect::<Result<_, _>>()? })
    }

    pub fn passes(&self, event: &Value) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(Some(event)))
    }
}

impl Pattern {
    fn parse(pattern: &Value) -> Result<Self, PatternError> {
        match pattern {
            Value::Object(fields) if !fields.is_empty() => {
                let parse = |(name, pattern): (&String, &Value)| Ok((name.clone(), Self::parse(pattern)?));
                Ok(Self::Fields(fields.iter().map(parse).collect::<Result<_, _>>()?))
            }
            Value::Array(tests) if !tests.is_empty() => {
                Ok(Self::Any(tests.iter().map(Test::parse).collect::<Result<_, _>>()?))
            }
            other => Err(PatternError(format!("{other} is neither an object with fields nor a list of values"))),
        }
    }

    fn matches(&self, event: Option<&Value>) -> bool {
        match self {
            Self::Fields(fields) => {
                fields.iter().all(|(name, pattern)| pattern.matches(event.and_then(|event| event.get(name))))
            }
            Self::Any(tests) => tests.iter().any(|test| test.matches(event)),
        }
    }
}

impl Test {
    fn parse(test: &Value) -> Result<Self, PatternError> {
        let Value::Object(operator) = test else {
            return match test {
                Value::Array(_) => Err(PatternError(format!("{test} is a list in a list"))),
                plain => Ok(Self::Is(plain.clone())),
            };
        };
        let mut operators = operator.iter();
        match (operators.next(), operators.next()) {
            (Some((name, Value::String(prefix))), None) if name == "prefix" => Ok(Self::Prefix(prefix.clone())),
            (Some((name, Value::Bool(exists))), None) if name == "exists" => Ok(Self::Exists(*exists)),
            (Some((name, Value::Array(values))), None) if name == "anything-but" => {
                Ok(Self::AnythingBut(values.clone()))
            }
            (Some((name, value)), None) if name == "anything-but" && !value.is_object() => {
                Ok(Self::AnythingBut(vec![value.clone()]))
            }
            _ => Err(PatternError(format!("{test} is not supported"))),
        }
    }

    fn matches(&self, value: Option<&Value>) -> bool {
        match (self, value) {
            // `exists` applies to leaves only, as EventBridge documents.
            (Self::Exists(wanted), value) => value.is_some_and(|value| !value.is_object()) == *wanted,
            (_, None) => false,
            (_, Some(Value::Array(values))) => values.iter().any(|value| self.matches(Some(value))),
            (Self::Is(wanted), Some(value)) => wanted == value,
            (Self::Prefix(prefix), Some(value)) => value.as_str().is_some_and(|text| text.starts_with(prefix.as_str())),
            (Self::AnythingBut(values), Some(value)) => !values.contains(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn insert(kind: &str) -> Value {
        json!({ "eventName": "INSERT", "dynamodb": { "NewImage": { "kind": { "S": kind }, "tags": ["a", "b"] } } })
    }

    #[test]
    fn inserts_of_a_kind_pass_and_nothing_else() {
        let filter =
            Filter::parse([r#"{"eventName":["INSERT"],"dynamodb":{"NewImage":{"kind":{"S":["event","posting"]}}}}"#])
                .unwrap();
        assert!(filter.passes(&insert("event")) && filter.passes(&insert("posting")));
        assert!(!filter.passes(&insert("order")));
        let mut modify = insert("event");
        modify["eventName"] = json!("MODIFY");
        assert!(!filter.passes(&modify));
        assert!(!filter.passes(&json!({ "eventName": "INSERT", "dynamodb": { "Keys": {} } })));
    }

    #[test]
    fn several_patterns_are_alternatives_and_none_lets_all_pass() {
        let filter = Filter::parse([r#"{"eventName":["REMOVE"]}"#, r#"{"eventName":["INSERT"]}"#]).unwrap();
        assert!(filter.passes(&insert("event")));
        assert!(!filter.passes(&json!({ "eventName": "MODIFY" })));
        assert!(Filter::default().passes(&json!({})));
    }

    #[test]
    fn the_supported_operators_match_as_documented() {
        for (pattern, passes) in [
            (r#"{"eventName":[{"prefix":"INS"}]}"#, true),
            (r#"{"eventName":[{"prefix":"MOD"}]}"#, false),
            (r#"{"eventName":[{"anything-but":["REMOVE"]}]}"#, true),
            (r#"{"eventName":[{"anything-but":"INSERT"}]}"#, false),
            (r#"{"userIdentity":[{"exists":false}]}"#, true),
            (r#"{"eventName":[{"exists":true}]}"#, true),
            (r#"{"dynamodb":{"NewImage":{"tags":["b"]}}}"#, true),
            (r#"{"dynamodb":{"NewImage":{"tags":["c"]}}}"#, false),
        ] {
            assert_eq!(Filter::parse([pattern]).unwrap().passes(&insert("event")), passes, "{pattern}");
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for pattern in
            ["{", "{}", "[]", r#"{"a":"b"}"#, r#"{"a":[]}"#, r#"{"a":[{"numeric":[">",1]}]}"#, r#"{"a":[["b"]]}"#]
        {
            assert!(Filter::parse([pattern]).is_err(), "{pattern}");
        }
    }
}
