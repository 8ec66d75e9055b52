//! Who may invoke a function besides what is declared with it: `AWS::Lambda::Permission`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::document::Resource;
use super::{TemplateError, properties, refuse};
use crate::account::function_arn;
use crate::cognito::Trigger;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct PermissionProperties {
    action: String,
    function_name: String,
    principal: String,
    source_arn: Option<String>,
}

/// The functions of a template, and which pools may invoke them.
pub(super) struct Permissions {
    /// The logical ids by ARN.
    functions: BTreeMap<String, String>,
    /// The ARN of a function, and that of the pool.
    granted: Vec<(String, String)>,
}

impl Permissions {
    /// Reads the permissions for the functions with these resources.
    pub(super) fn read(
        resources: &[(String, Resource)],
        functions: &[(String, Resource)],
    ) -> Result<Self, TemplateError> {
        let functions: BTreeMap<String, String> =
            functions.iter().map(|(id, function)| (function_arn(&function.name), id.clone())).collect();
        let granted = resources.iter().map(|(id, resource)| granted(id, resource, &functions));
        Ok(Self { granted: granted.collect::<Result<_, _>>()?, functions })
    }

    /// The trigger of the pool `pool` (its ARN) that asks the function with this ARN. `id` is the pool's logical id.
    pub(super) fn trigger(&self, id: &str, function: &str, pool: &str) -> Result<Trigger, TemplateError> {
        let found = self.functions.get(function);
        let found = found.ok_or_else(|| refuse(id, format!("{function} is not a function of the template")))?;
        let is_permitted = self.granted.iter().any(|(to, by)| to == function && by == pool);
        Ok(Trigger { function: found.clone(), is_permitted })
    }
}

fn granted(
    id: &str,
    resource: &Resource,
    functions: &BTreeMap<String, String>,
) -> Result<(String, String), TemplateError> {
    let read: PermissionProperties = properties(id, &resource.properties)?;
    if read.action != "lambda:InvokeFunction" || read.principal != "cognito-idp.amazonaws.com" {
        return Err(refuse(id, "only a pool's permission to invoke a function is known here"));
    }
    // Without it any pool of any account may invoke the function.
    let source = read.source_arn.ok_or_else(|| refuse(id, "a permission has to name the pool (SourceArn)"))?;
    // A function is named by its ARN or its name.
    let named = function_arn(&read.function_name);
    let function = [read.function_name, named].into_iter().find(|arn| functions.contains_key(arn));
    Ok((function.ok_or_else(|| refuse(id, "the function is not one of the template"))?, source))
}
