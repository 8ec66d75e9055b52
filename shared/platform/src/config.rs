//! A function's configuration from its environment, and the error that keeps it from starting.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use tracing_subscriber::filter::LevelFilter;

use crate::fatal::Fatal;
use crate::logging;

/// A function's environment, and the HTTP client that all its AWS clients share.
///
/// It is not `Clone`, so that a function reads all that it needs when it starts: one that lacks a variable does not
/// start, and none fails a request later.
pub struct Config {
    variables: BTreeMap<String, String>,
    in_lambda: bool,
    http: OnceLock<SharedHttpClient>,
    names_read: Mutex<BTreeSet<String>>,
    given: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
}

/// Shows names only, because some values are credentials.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.variables.keys()).finish()
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
        let in_lambda = variables.contains_key("AWS_LAMBDA_RUNTIME_API");
        let config = Self { in_lambda, ..Self::from_vars(variables) };
        logging::start(config.log_level()?);
        Ok(config)
    }

    /// A configuration from a map, for functions that run in process.
    pub fn from_vars(variables: BTreeMap<String, String>) -> Self {
        Self {
            variables,
            in_lambda: false,
            http: OnceLock::new(),
            names_read: Mutex::default(),
            given: BTreeMap::new(),
        }
    }

    /// The same configuration with a value that no environment can hold, from a program that runs a function in its own
    /// process: one for each type. In Lambda there is none.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        self.given.insert(TypeId::of::<T>(), Box::new(value));
        self
    }

    /// The value of this type that was given.
    pub fn given<T: Any>(&self) -> Option<&T> {
        self.given.get(&TypeId::of::<T>()).and_then(|value| value.downcast_ref())
    }

    /// The level of the log, `info` where `LOG_LEVEL` is missing.
    ///
    /// # Errors
    /// When it is not a level.
    pub fn log_level(&self) -> Result<LevelFilter, Fatal> {
        let level = self.optional("LOG_LEVEL").unwrap_or("info");
        level.parse().map_err(|_| Fatal::new(format_args!("LOG_LEVEL is no level: {level}")))
    }

    /// A variable that the function needs.
    ///
    /// # Errors
    /// When it is missing or empty.
    pub fn required(&self, name: &str) -> Result<&str, Fatal> {
        self.optional(name).ok_or_else(|| Fatal::new(format_args!("the environment variable {name} is missing")))
    }

    /// A variable that the function needs and that is `true` or `false`.
    ///
    /// # Errors
    /// When it is missing or another word.
    pub fn required_bool(&self, name: &str) -> Result<bool, Fatal> {
        let given = self.required(name)?;
        given
            .parse()
            .map_err(|_| Fatal::new(format_args!("the environment variable {name} is {given}, not true or false")))
    }

    /// A variable that may be missing. An empty one counts as missing.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.names_read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The names of the variables that were asked for, missing ones included. A test compares them with what the
    /// template sets.
    pub fn names_read(&self) -> BTreeSet<String> {
        self.names_read.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this process runs in an execution environment of Lambda.
    pub fn in_lambda(&self) -> bool {
        self.in_lambda
    }

    /// The HTTP client that all AWS clients share, made on first use.
    pub(crate) fn shared_http(&self, make: impl FnOnce() -> SharedHttpClient) -> SharedHttpClient {
        self.http.get_or_init(make).clone()
    }

    /// The same configuration with another HTTP client, before the first AWS client is built.
    pub fn with_http(self, http: SharedHttpClient) -> Self {
        let _ = self.http.set(http);
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
        assert_eq!(config.names_read(), ["CARTS_TABLE", "EMPTY", "NOTHING"].map(str::to_owned).into());
    }

    #[test]
    fn a_level_that_is_none_keeps_a_function_from_starting() {
        let level = |level: &str| Config::from_vars([("LOG_LEVEL".to_owned(), level.to_owned())].into()).log_level();
        assert_eq!((level("off"), level("debug")), (Ok(LevelFilter::OFF), Ok(LevelFilter::DEBUG)));
        assert_eq!(level(""), Ok(LevelFilter::INFO));
        assert_eq!(level("loud").unwrap_err().to_string(), "LOG_LEVEL is no level: loud");
    }

    #[test]
    fn a_configuration_does_not_show_its_values() {
        let config = Config::from_vars([("AWS_SECRET_ACCESS_KEY".to_owned(), "hunter2".to_owned())].into());
        assert_eq!(format!("{config:?}"), "{\"AWS_SECRET_ACCESS_KEY\"}");
    }
}
