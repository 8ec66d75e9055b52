//! A function's configuration from its environment, and the error that keeps it from starting.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::fatal::Fatal;
use crate::logging;

/// A function's environment, and the HTTP client that all its AWS clients share.
#[derive(Clone)]
pub struct Config(Arc<Inner>);

struct Inner {
    variables: BTreeMap<String, String>,
    in_lambda: bool,
    http: OnceLock<SharedHttpClient>,
}

/// Shows names only, because some values are credentials.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.variables.keys()).finish()
    }
}

impl Config {
    /// Reads the process environment and starts the log at the level `LOG_LEVEL`. The first thing a function does.
    ///
    /// # Errors
    /// When `LOG_LEVEL` is not a level.
    #[expect(clippy::disallowed_methods, reason = "the only place where the environment is read")]
    pub fn from_env() -> Result<Self, Fatal> {
        let variables: BTreeMap<String, String> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        logging::start(variables.get("LOG_LEVEL").map(String::as_str))?;
        let in_lambda = variables.contains_key("AWS_LAMBDA_RUNTIME_API");
        Ok(Self(Arc::new(Inner { variables, in_lambda, http: OnceLock::new() })))
    }

    /// A configuration from a map, for functions that run in process.
    pub fn from_vars(variables: BTreeMap<String, String>) -> Self {
        Self(Arc::new(Inner { variables, in_lambda: false, http: OnceLock::new() }))
    }

    /// A variable that the function needs.
    ///
    /// # Errors
    /// When it is missing or empty.
    pub fn required(&self, name: &str) -> Result<&str, Fatal> {
        self.optional(name).ok_or_else(|| Fatal::new(format_args!("the environment variable {name} is missing")))
    }

    /// A variable that may be missing. An empty one counts as missing.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether this process runs in an execution environment of Lambda.
    pub fn in_lambda(&self) -> bool {
        self.0.in_lambda
    }

    /// The HTTP client that all AWS clients share, made on first use.
    pub(crate) fn shared_http(&self, make: impl FnOnce() -> SharedHttpClient) -> SharedHttpClient {
        self.0.http.get_or_init(make).clone()
    }

    /// The same configuration with another HTTP client, before the first AWS client is built.
    pub fn with_http(self, http: SharedHttpClient) -> Self {
        let _ = self.0.http.set(http);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named_and_an_empty_one_is_missing() {
        let config =
            Config::from_vars([("CARTS_TABLE", "carts"), ("EMPTY", "")].map(|(n, v)| (n.into(), v.into())).into());
        assert_eq!(config.required("CARTS_TABLE"), Ok("carts"));
        let error = config.required("EMPTY").unwrap_err();
        assert_eq!(format!("{error:?}"), "the environment variable EMPTY is missing");
        assert_eq!(config.optional("NOTHING"), None);
    }

    #[test]
    fn a_configuration_does_not_show_its_values() {
        let config = Config::from_vars([("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())].into());
        assert_eq!(format!("{config:?}"), "{\"AWS_SECRET_ACCESS_KEY\"}");
    }
}
