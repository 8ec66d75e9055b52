//! DynamoDB's endpoint, resolved once.

use std::sync::OnceLock;

use aws_sdk_dynamodb::config::endpoint::{DefaultResolver, Endpoint, EndpointFuture, Params, ResolveEndpoint};

/// The SDK's rules with a memory of one answer. The SDK's own memory is for one set of parameters, and the table's name
/// is one of them, though it changes nothing unless it is an ARN: two tables in turn are resolved anew each time. The
/// other parameters (region, endpoint, account) do not change in a client.
#[derive(Debug, Default)]
pub(crate) struct OneEndpoint {
    rules: DefaultResolver,
    resolved: OnceLock<Endpoint>,
}

impl ResolveEndpoint for OneEndpoint {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        if let Some(known) = self.resolved.get() {
            return EndpointFuture::ready(Ok(known.clone()));
        }
        EndpointFuture::new(async {
            let endpoint = self.rules.resolve_endpoint(params).await?;
            Ok(self.resolved.get_or_init(|| endpoint).clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn url(resolver: &OneEndpoint, region: &str, table: &str) -> Result<String, String> {
        let params = Params::builder().region(region).resource_arn(table).build().unwrap();
        let resolved = resolver.resolve_endpoint(&params).await;
        resolved.map(|endpoint| endpoint.url().to_owned()).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn the_endpoint_is_that_of_the_sdks_rules_for_every_table() {
        for (region, expected) in [
            ("eu-central-1", "https://dynamodb.eu-central-1.amazonaws.com"),
            ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
        ] {
            let resolver = OneEndpoint::default();
            for table in ["carts", "catalog", "carts"] {
                assert_eq!(url(&resolver, region, table).await.as_deref(), Ok(expected));
            }
        }
    }

    #[tokio::test]
    async fn a_failure_is_not_remembered() {
        let resolver = OneEndpoint::default();
        let nowhere = Params::builder().build().unwrap();
        assert!(resolver.resolve_endpoint(&nowhere).await.is_err());
        assert!(url(&resolver, "eu-central-1", "carts").await.is_ok());
    }
}
