//! The names that resources have in this cloud: what `!Ref` and `!GetAtt` resolve to.

use crate::account::{ACCOUNT, REGION, function_arn};
use crate::dynamodb;

/// The name of a resource that the template leaves unnamed. A bucket's is in lower case, as S3 wants it.
pub(super) fn physical(stack: &str, kind: &str, id: &str) -> String {
    match kind {
        "AWS::S3::Bucket" => format!("{stack}-{}", id.to_lowercase()),
        "AWS::Cognito::UserPool" => format!("{REGION}_{id}"),
        "AWS::Cognito::UserPoolClient" | "AWS::Serverless::HttpApi" => format!("{stack}{}", id.to_lowercase()),
        _ => format!("{stack}-{id}"),
    }
}

/// The ARN of a resource by its physical name; `None` for types without one.
pub(super) fn arn(kind: &str, name: &str) -> Option<String> {
    let scoped = |service: &str, resource: &str| format!("arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}");
    match kind {
        "AWS::DynamoDB::Table" => Some(dynamodb::table_arn(name)),
        "AWS::SQS::Queue" => Some(scoped("sqs", name)),
        "AWS::S3::Bucket" => Some(format!("arn:aws:s3:::{name}")),
        "AWS::Cognito::UserPool" => Some(scoped("cognito-idp", &format!("userpool/{name}"))),
        // AWS appends a dash and six characters. So does this, so that code that derives one from the other fails here
        // too.
        "AWS::SecretsManager::Secret" => Some(scoped("secretsmanager", &format!("secret:{name}-local1"))),
        "AWS::SNS::Topic" => Some(scoped("sns", name)),
        "AWS::Serverless::Function" => Some(function_arn(name)),
        "AWS::Logs::LogGroup" => Some(scoped("logs", &format!("log-group:{name}"))),
        "AWS::IAM::Role" => Some(format!("arn:aws:iam::{ACCOUNT}:role/{name}")),
        "AWS::Pipes::Pipe" => Some(scoped("pipes", &format!("pipe/{name}"))),
        _ => None,
    }
}

pub(super) fn queue_url(base_url: &str, name: &str) -> String {
    format!("{base_url}/_aws/sqs/{ACCOUNT}/{name}")
}

/// What `!Ref` resolves to for a resource; `None` for types that are not supported.
pub(super) fn reference(kind: &str, name: String, base_url: &str) -> Option<String> {
    match kind {
        "AWS::SQS::Queue" => Some(queue_url(base_url, &name)),
        "AWS::SecretsManager::Secret" | "AWS::SNS::Topic" => arn(kind, &name),
        "AWS::DynamoDB::Table"
        | "AWS::S3::Bucket"
        | "AWS::SES::ConfigurationSet"
        | "AWS::Cognito::UserPool"
        | "AWS::Cognito::UserPoolClient"
        | "AWS::Serverless::Function"
        | "AWS::Serverless::HttpApi"
        | "AWS::Logs::LogGroup"
        | "AWS::CloudFront::CachePolicy"
        | "AWS::CloudFront::Distribution"
        | "AWS::CloudFront::OriginRequestPolicy"
        | "AWS::CloudFront::ResponseHeadersPolicy"
        | "AWS::IAM::Role" => Some(name),
        _ => None,
    }
}

/// What `!GetAtt` resolves to for a resource; `None` for attributes that are not supported.
pub(super) fn attribute(kind: &str, name: String, attribute: &str) -> Option<String> {
    match (kind, attribute) {
        (_, "Arn") => arn(kind, &name),
        ("AWS::DynamoDB::Table", "StreamArn") => Some(dynamodb::stream_arn(&name)),
        ("AWS::SQS::Queue", "QueueName") => Some(name),
        ("AWS::S3::Bucket", "RegionalDomainName") => Some(format!("{name}.s3.{REGION}.amazonaws.com")),
        ("AWS::CloudFront::OriginAccessControl", "Id") => Some(name),
        // Something that is the same wherever it is asked for. Nothing here has an address at a nested stack.
        ("AWS::CloudFormation::Stack", output) => Some(format!("{name}.{}", output.strip_prefix("Outputs.")?)),
        ("AWS::S3::Bucket", "DomainName") => Some(format!("{name}.s3.amazonaws.com")),
        _ => None,
    }
}
