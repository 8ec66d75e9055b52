//! A row of the table: a valid request, and what its route refuses.

use reqwest::Method;
use serde_json::Value;

use super::cases::Expected;

/// Who calls a route. Who may call it is tested by the authorization table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Anyone,
    Buyer,
    Owner,
    Operator,
}

pub(super) struct Row {
    pub(super) route: &'static str,
    pub(super) who: Who,
    pub(super) path: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) optional_body: bool,
    /// Fields of the schema that this body cannot have beside the others.
    pub(super) not_given: Vec<&'static str>,
    /// The query parameters of the valid request.
    pub(super) query: &'static str,
    /// A cursor of this list, and one of another list.
    pub(super) cursors: Option<(String, String)>,
    /// The largest body in bytes.
    pub(super) limit: usize,
    /// Pointers, and texts that are valid there.
    pub(super) accepts: Vec<(&'static str, &'static str)>,
    /// Whether deleting what does not exist succeeds.
    pub(super) idempotent_delete: bool,
    /// Pointers, and values that are refused there.
    pub(super) refuses: Vec<(&'static str, Value)>,
    /// Whole bodies that are refused: what is wrong, the body, the response.
    pub(super) others: Vec<(&'static str, Value, Expected)>,
    pub(super) strangers_token: String,
}

impl Row {
    pub(super) fn method(&self) -> Method {
        self.route.split_once(' ').expect("method and path").0.parse().expect("a method")
    }

    /// The path with its parameters, without the query.
    pub(super) fn bare_path(&self) -> String {
        let path = self.route.split_once(' ').expect("method and path").1.to_owned();
        self.path.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    pub(super) fn path(&self) -> String {
        if self.query.is_empty() { self.bare_path() } else { format!("{}?{}", self.bare_path(), self.query) }
    }

    /// The path with another value of one parameter.
    pub(super) fn path_with(&self, name: &str, value: &str) -> String {
        let path = self.route.split_once(' ').expect("method and path").1.replace(&format!("{{{name}}}"), value);
        self.path.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    pub(super) fn idempotent_delete(mut self) -> Self {
        self.idempotent_delete = true;
        self
    }

    pub(super) fn id(self, id: &str) -> Self {
        self.at("id", id)
    }

    pub(super) fn at(mut self, name: &'static str, value: &str) -> Self {
        self.path.push((name, value.to_owned()));
        self
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(super) fn may_be_empty(mut self) -> Self {
        self.optional_body = true;
        self
    }

    pub(super) fn not_given(mut self, fields: &[&'static str]) -> Self {
        self.not_given.extend(fields);
        self
    }

    pub(super) fn query(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    pub(super) fn cursors(mut self, own: String, foreign: &str) -> Self {
        self.cursors = Some((own, foreign.to_owned()));
        self
    }

    pub(super) fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    pub(super) fn accepts(mut self, pointer: &'static str, texts: &[&'static str]) -> Self {
        self.accepts.extend(texts.iter().map(|text| (pointer, *text)));
        self
    }

    pub(super) fn refuses(mut self, pointer: &'static str, values: impl IntoIterator<Item = Value>) -> Self {
        self.refuses.extend(values.into_iter().map(|value| (pointer, value)));
        self
    }

    pub(super) fn refuses_body(mut self, what: &'static str, body: Value, expected: Expected) -> Self {
        self.others.push((what, body, expected));
        self
    }
}

/// A row with its route and caller. The methods add the rest.
pub(super) fn row(route: &'static str, who: Who) -> Row {
    Row {
        route,
        who,
        path: Vec::new(),
        headers: Vec::new(),
        body: None,
        optional_body: false,
        not_given: Vec::new(),
        query: "",
        cursors: None,
        limit: 256 * 1024,
        accepts: Vec::new(),
        idempotent_delete: false,
        refuses: Vec::new(),
        others: Vec::new(),
        strangers_token: String::new(),
    }
}
