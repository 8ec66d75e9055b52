//! The value of a setting as a form: a field for each of its parts. What has parts of its own is written as JSON.

use api::Problem;
use browser::Fields;
use domain::settings::SettingValue;
use domain::{Code, FieldError};
use pages::Texts;
use pages::forms::{Field, Kind};
use serde_json::{Value, json};

/// The field of a value that is written as JSON; what the names of the fields of parts begin with, before the pointer.
const WHOLE: &str = "value";

/// The parts of a value with their pointers, from the outside in. Nothing when one is a list of more than texts, or its
/// kind is not seen in it: then the whole is written as JSON.
fn parts_of(value: &SettingValue) -> Option<Vec<(String, Value)>> {
    fn add_parts(at: &str, value: Value, parts: &mut Vec<(String, Value)>) -> bool {
        match value {
            Value::Object(below) => {
                !below.is_empty()
                    && below.into_iter().all(|(name, part)| add_parts(&format!("{at}/{name}"), part, parts))
            }
            Value::Array(ref items) if !items.iter().all(Value::is_string) => false,
            Value::Null => false,
            part => {
                parts.push((at.to_owned(), part));
                !at.is_empty()
            }
        }
    }
    let mut parts = Vec::new();
    add_parts("", serde_json::to_value(value).ok()?, &mut parts).then_some(parts)
}

/// Puts a part where its pointer says.
fn place(whole: &mut Value, pointer: &str, part: Value) {
    let mut at = whole;
    for name in pointer.split('/').filter(|name| !name.is_empty()) {
        if !at.is_object() {
            *at = json!({});
        }
        let Value::Object(below) = at else { return };
        at = below.entry(name).or_insert(Value::Null);
    }
    *at = part;
}

/// The texts of a list, a line each.
fn lines_of(items: &[Value]) -> String {
    items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// The fields of a value as it is. What it does not have yet can be written into it as JSON alone.
pub(crate) fn fields_of(t: &'static Texts, value: &SettingValue, as_json: bool) -> Vec<Field> {
    let Some(parts) = parts_of(value).filter(|_| !as_json) else {
        let written = serde_json::to_string_pretty(value).unwrap_or_default();
        return vec![Field::new(WHOLE, t.op_value, Kind::Area).hinting(t.op_value_hint).filled(written)];
    };
    let field = |(pointer, part): (String, Value)| {
        let (kind, filled) = match &part {
            Value::Bool(is_so) => (Kind::Check, if *is_so { "1".to_owned() } else { String::new() }),
            Value::Number(number) => (Kind::Decimal, number.to_string()),
            Value::Array(items) => (Kind::Area, lines_of(items)),
            other => (Kind::Text, other.as_str().unwrap_or_default().to_owned()),
        };
        let is_list = matches!(kind, Kind::Area);
        let label = pointer.trim_start_matches('/').replace('/', ": ").replace('_', " ");
        let field = Field::new(format!("{WHOLE}{pointer}"), label, kind).filled(filled);
        if is_list { field.hinting(t.op_list_hint).optional() } else { field }
    };
    parts.into_iter().map(field).collect()
}

/// What was written, read by what the parts are now.
///
/// # Errors
/// `invalid` at a part, or where the whole is no value of a setting.
pub(crate) fn written(fields: &Fields, known: &SettingValue) -> Result<SettingValue, Problem> {
    let Some(parts) = parts_of(known).filter(|_| !fields.has(WHOLE)) else {
        return api::body::parse_json(fields.text(WHOLE).unwrap_or_default().as_bytes());
    };
    let (mut read, mut wrong) = (json!({}), Vec::new());
    for (pointer, part) in parts {
        let typed = fields.text(&format!("{WHOLE}{pointer}")).unwrap_or_default().trim().to_owned();
        let part = match part {
            Value::Bool(_) => Value::from(typed == "1"),
            Value::Number(_) => match serde_json::from_str(&typed.replace([' ', '\u{a0}'], "")) {
                Ok(number @ Value::Number(_)) => number,
                _ => {
                    wrong.push(FieldError::new(pointer, "number", "a number is needed"));
                    continue;
                }
            },
            Value::Array(_) => typed.lines().map(str::trim).filter(|line| !line.is_empty()).map(Value::from).collect(),
            _ => Value::from(typed),
        };
        place(&mut read, &pointer, part);
    }
    if wrong.is_empty() { browser::as_api(&read) } else { Err(Problem::of(Code::Invalid).with_errors(wrong)) }
}

/// The same problem at the fields of the form: at the part that it is about, or at the one field that has all of them.
pub(crate) fn at_fields(problem: Problem, fields: &Fields, known: &SettingValue) -> Problem {
    let parts = parts_of(known).filter(|_| !fields.has(WHOLE));
    let moved = problem.errors().iter().cloned().map(|mut error| {
        if parts.is_none() {
            error.detail = format!("{}: {}", error.pointer, error.detail);
            error.code = "invalid".to_owned();
            error.pointer = String::new();
        }
        error.pointer = format!("/{WHOLE}{}", error.pointer);
        error
    });
    let most = if parts.is_some() { usize::MAX } else { 1 };
    let moved: Vec<FieldError> = moved.take(most).collect();
    problem.with_errors(moved)
}

#[cfg(test)]
mod tests {
    use pages::Language;

    use super::*;

    fn setting(value: Value) -> SettingValue {
        browser::as_api(&value).unwrap()
    }

    fn sent(text: &str) -> Fields {
        Fields::parse(text.as_bytes())
    }

    #[test]
    fn a_value_has_a_field_for_each_part_and_reads_back_as_it_is() {
        let quota = json!({"per_client": {"most": 5, "within_s": 60}, "per_target": {"most": 30, "within_s": 600}});
        for value in [json!({"most": 7}), json!({"offered": true}), json!({"kinds": ["card", "sepa_debit"]}), quota] {
            let known = setting(value.clone());
            let fields = fields_of(Texts::of(Language::En), &known, false);
            assert!(fields.iter().all(|field| field.name.starts_with("value/")), "{fields:?}");
            let coded = |text: &str| text.replace('\n', "%0D%0A");
            let typed: Vec<String> =
                fields.iter().map(|field| format!("{}={}", field.name, coded(&field.value))).collect();
            let read = written(&sent(&typed.join("&")), &known).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), value);
        }
    }

    #[test]
    fn what_a_value_does_not_have_yet_is_written_into_it_as_json() {
        let known = setting(json!({"days": 14, "way_back": "buyer"}));
        assert_eq!(fields_of(Texts::of(Language::En), &known, true)[0].name, "value");
        let wanted = json!({"days": 14, "way_back": "buyer", "exceptions": [{"category": "food", "days": 0,
            "way_back": "buyer"}]});
        let read = written(&sent(&format!("value={wanted}")), &known).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), wanted);
    }

    #[test]
    fn what_is_wrong_with_a_part_is_told_at_its_field() {
        let known = setting(json!({"per_client": {"most": 5, "within_s": 60}}));
        let typed = sent("value/per_client/most=many&value/per_client/within_s=1 0");
        let problem = at_fields(written(&typed, &known).unwrap_err(), &typed, &known);
        assert_eq!(problem.errors()[0].pointer, "/value/per_client/most");
    }

    #[test]
    fn a_value_with_lists_of_parts_is_written_as_json() {
        let rules = json!({"days": 30, "way_back": "vendor", "exceptions": [{"country": "DE", "days": 60, "way_back": "buyer"}]});
        let known = setting(rules.clone());
        let fields = fields_of(Texts::of(Language::En), &known, false);
        assert_eq!(fields.len(), 1);
        assert!(written(&sent(&format!("value={rules}")), &known).is_ok());
        let problem = at_fields(written(&sent("value=%7B"), &known).unwrap_err(), &sent("value=%7B"), &known);
        assert!(problem.errors().iter().all(|error| error.pointer == "/value"));
    }
}
