//! The parts of a running cloud.

use std::sync::Arc;

use super::deployment::Deployment;
use super::functions::Functions;
use super::services::Services;
use super::sources::Sources;

/// The state that requests are answered from.
#[derive(Clone)]
pub(super) struct Cloud {
    pub(super) services: Arc<Services>,
    pub(super) functions: Arc<Functions>,
    pub(super) sources: Arc<Sources>,
    pub(super) deployment: Arc<dyn Deployment>,
}
