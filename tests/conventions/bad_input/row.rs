//! A row of the table: a request that is right, and what its route refuses.

use reqwest::Method;
use serde_json::Value;

use super::cases::Expected;

/// Who calls a route. Who may is another table's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Anyone,
    Buyer,
    Owner,
    Operator,
}

/// A place, a text that is wrong there, and what it is answered instead of a problem that names the place.
type Override = (&'static str, &'static str, u16, &'static str);

pub(super) struct Row {
    pub(super) route: &'static str,
    pub(super) who: Who,
    pub(super) path: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Option<Value>,
    pub(super) optional_body: bool,
    /// Fields that stand for each other, or that this request cannot have.
    pub(super) not_given: Vec<&'static str>,
    /// Parameters without which the request is not right.
    pub(super) query: &'static str,
    /// A cursor of this very list, and one of another.
    pub(super) cursors: Option<(String, String)>,
    /// The largest body.
    pub(super) limit: usize,
    pub(super) overrides: Vec<Override>,
    /// Places, and texts that are not wrong there.
    pub(super) accepts: Vec<(&'static str, &'static str)>,
    /// Whether taking away what is not there is as good as done.
    pub(super) idempotent_delete: bool,
    /// Values that are refused at a place.
    pub(super) refuses: Vec<(&'static str, Value)>,
    /// Whole bodies that are refused.
    pub(super) others: Vec<(&'static str, Value, Expected)>,
    pub(super) strangers_token: String,
}

impl Row {
    pub(super) fn method(&self) -> Method {
        self.route.split_once(' ').expect("method and path").0.parse().expect("a method")
    }

    /// The path with everything in its place but the query.
    pub(super) fn bare_path(&self) -> String {
        let path = self.route.split_once(' ').expect("method and path").1.to_owned();
        self.path.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    pub(super) fn path(&self) -> String {
        if self.query.is_empty() { self.bare_path() } else { format!("{}?{}", self.bare_path(), self.query) }
    }

    /// The path with another value in one place.
    pub(super) fn path_with(&self, name: &str, value: &str) -> String {
        let path = self.route.split_once(' ').expect("method and path").1.replace(&format!("{{{name}}}"), value);
        self.path.iter().fold(path, |path, (name, value)| path.replace(&format!("{{{name}}}"), value))
    }

    /// What this text at this place is answered, when that is not a problem that names the place.
    pub(super) fn override_at(&self, pointer: &str, text: &str) -> Option<Expected> {
        let found = self.overrides.iter().find(|(at, bad, ..)| *at == pointer && *bad == text);
        found.map(|(_, _, status, code)| Expected::Problem(*status, code, None))
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

    /// These texts are not wrong there.
    pub(super) fn accepts(mut self, pointer: &'static str, texts: &[&'static str]) -> Self {
        self.accepts.extend(texts.iter().map(|text| (pointer, *text)));
        self
    }

    pub(super) fn answers(
        mut self,
        pointer: &'static str,
        texts: &[&'static str],
        status: u16,
        code: &'static str,
    ) -> Self {
        self.overrides.extend(texts.iter().map(|text| (pointer, *text, status, code)));
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

/// A route and who calls it; everything else is said behind it.
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
        overrides: Vec::new(),
        accepts: Vec::new(),
        idempotent_delete: false,
        refuses: Vec::new(),
        others: Vec::new(),
        strangers_token: String::new(),
    }
}
