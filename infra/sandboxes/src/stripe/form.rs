//! Form bodies and queries with brackets: `metadata[order_id]=…`.

use std::collections::BTreeMap;

use super::refusal::Refusal;

/// The parameters of one request. Reading one removes it, so that [`Form::finish`] can refuse the unknown ones.
pub(super) struct Form {
    pairs: BTreeMap<String, String>,
}

impl Form {
    /// Parses `application/x-www-form-urlencoded` text.
    pub(super) fn parse(text: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(text)
            .map_err(|_| Refusal::invalid("parameter_invalid", "", "Invalid UTF-8 in the request body."))?;
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(text)
            .map_err(|_| Refusal::invalid("parameter_invalid", "", "The request body is not an encoded form."))?;
        let mut form = Self { pairs: BTreeMap::new() };
        for (name, value) in pairs {
            let bracketed = match name.split_once('[') {
                None => !name.is_empty() && !name.contains(']'),
                Some((outer, inner)) => {
                    let is_key = |key: &str| !key.is_empty() && !key.contains(['[', ']']);
                    let inner = inner.strip_suffix(']');
                    is_key(outer) && inner.is_some_and(|inner| inner.split("][").all(is_key))
                }
            };
            if !bracketed {
                return Err(Refusal::invalid("parameter_invalid", &name, format!("Invalid parameter name: {name}")));
            }
            form.pairs.insert(name, value);
        }
        Ok(form)
    }

    /// All parameters in a fixed order: requests with equal parameters have equal fingerprints.
    pub(super) fn fingerprint(&self) -> String {
        serde_urlencoded::to_string(&self.pairs).unwrap_or_default()
    }

    /// A parameter, if it is there and not empty.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.pairs.remove(name).filter(|value| !value.is_empty())
    }

    pub(super) fn require(&mut self, name: &str) -> Result<String, Refusal> {
        self.take(name)
            .ok_or_else(|| Refusal::invalid("parameter_missing", name, format!("Missing required param: {name}.")))
    }

    /// A whole number of at least one.
    pub(super) fn take_positive(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.take(name) else { return Ok(None) };
        match text.parse() {
            Ok(number) if number >= 1 => Ok(Some(number)),
            Ok(_) => Err(Refusal::invalid(
                "parameter_invalid_integer",
                name,
                "This value must be greater than or equal to 1.",
            )),
            Err(_) => Err(Refusal::invalid("parameter_invalid_integer", name, format!("Invalid integer: {text}"))),
        }
    }

    /// Whether there is a parameter `name[…]`.
    pub(super) fn has_group(&self, name: &str) -> bool {
        let prefix = format!("{name}[");
        self.pairs.keys().any(|key| key.starts_with(&prefix))
    }

    /// Every `name[key]`, by its key.
    pub(super) fn take_group(&mut self, name: &str) -> BTreeMap<String, String> {
        let prefix = format!("{name}[");
        let (group, rest) = std::mem::take(&mut self.pairs).into_iter().partition(|(key, _)| key.starts_with(&prefix));
        self.pairs = rest;
        let inner = |key: String| key.trim_start_matches(&prefix).trim_end_matches(']').to_owned();
        BTreeMap::into_iter(group).map(|(key, value)| (inner(key), value)).collect()
    }

    /// Metadata within Stripe's limits: 50 keys of 40 characters with values of 500.
    pub(super) fn take_metadata(&mut self, name: &str) -> Result<BTreeMap<String, String>, Refusal> {
        let mut metadata = self.take_group(name);
        metadata.retain(|_, value| !value.is_empty());
        let long = |text: &str, max: usize| text.chars().count() > max;
        if let Some(nested) = metadata.keys().find(|key| key.contains('[')) {
            let message = format!("Invalid metadata: {name}[{nested}] is nested");
            return Err(Refusal::invalid("parameter_invalid", name, message));
        }
        if metadata.len() > 50 || metadata.iter().any(|(key, value)| long(key, 40) || long(value, 500)) {
            return Err(Refusal::invalid("parameter_invalid", name, "Metadata is too large."));
        }
        Ok(metadata)
    }

    /// Refuses parameters that were not read.
    pub(super) fn finish(self) -> Result<(), Refusal> {
        match self.pairs.into_keys().next() {
            None => Ok(()),
            Some(name) => {
                Err(Refusal::invalid("parameter_unknown", &name, format!("Received unknown parameter: {name}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_groups_and_what_is_left_is_unknown() {
        let mut form = Form::parse(b"amount=5&metadata%5Border_id%5D=ord_1&metadata[note]=a%26b&x=1").unwrap();
        assert_eq!(form.take_positive("amount").unwrap(), Some(5));
        let metadata = form.take_metadata("metadata").unwrap();
        assert_eq!(metadata["order_id"], "ord_1");
        assert_eq!(metadata["note"], "a&b");
        assert!(form.finish().is_err());
    }

    #[test]
    fn two_spellings_of_one_request_have_one_fingerprint() {
        let one = Form::parse(b"a=1&b%5Bc%5D=2").unwrap().fingerprint();
        assert_eq!(one, Form::parse(b"b[c]=2&a=1").unwrap().fingerprint());
        assert_ne!(one, Form::parse(b"a=1&b[c]=3").unwrap().fingerprint());
    }

    #[test]
    fn broken_forms_are_refused() {
        for text in [
            b"a[=1".as_slice(),
            b"a]=1",
            b"[a]=1",
            b"a[]=1",
            b"a[b]]=1",
            b"a[b]c=1",
            b"a[b]c[d]=1",
            b"a[b][=1",
            b"a[b][]=1",
            b"\xff=1",
        ] {
            assert!(Form::parse(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
        for text in ["amount=0", "amount=-1", "amount=1.5", "amount=1e3", "amount=99999999999999999999"] {
            assert!(Form::parse(text.as_bytes()).unwrap().take_positive("amount").is_err(), "{text}");
        }
    }
}
