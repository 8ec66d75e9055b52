//! The account that everything in this cloud belongs to.

/// The region that every local ARN names.
pub const REGION: &str = "us-east-1";
/// The id of the account.
pub const ACCOUNT: &str = "000000000000";

/// The ARN of a function by its physical name.
pub fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}")
}
