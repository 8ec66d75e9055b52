//! A nested template with a CloudFront distribution: its behaviours, and the policies that they name.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::document::Resource;
use super::{TemplateError, only, properties, refuse};
use crate::edge::{Behavior, Distribution, Lifetime, Names, Origin};

/// The types that are read here. An access control has no meaning: nobody signs within this cloud.
pub(super) const KINDS: [&str; 5] = [
    "AWS::CloudFront::CachePolicy",
    "AWS::CloudFront::Distribution",
    "AWS::CloudFront::OriginAccessControl",
    "AWS::CloudFront::OriginRequestPolicy",
    "AWS::CloudFront::ResponseHeadersPolicy",
];

/// The id of AWS's own policy `AllViewerExceptHostHeader`: all that the viewer sends but the host, and the headers of
/// CloudFront about the viewer's device and place, its address among them
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html>).
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DistributionProperties {
    distribution_config: DistributionConfig,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct DistributionConfig {
    enabled: bool,
    origins: Vec<OriginProperties>,
    cache_behaviors: Vec<BehaviorProperties>,
    default_cache_behavior: BehaviorProperties,
    custom_error_responses: Vec<ErrorProperties>,
    // How a viewer reaches it has no meaning on one machine.
    #[serde(rename = "Comment")]
    _comment: Option<String>,
    #[serde(rename = "HttpVersion")]
    _http: Option<IgnoredAny>,
    #[serde(rename = "IPV6Enabled")]
    _ipv6: Option<IgnoredAny>,
    #[serde(rename = "PriceClass")]
    _price: Option<IgnoredAny>,
    #[serde(rename = "Aliases")]
    _aliases: Option<IgnoredAny>,
    #[serde(rename = "WebACLId")]
    _web_acl: Option<IgnoredAny>,
    #[serde(rename = "ViewerCertificate")]
    _certificate: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OriginProperties {
    id: String,
    domain_name: String,
    #[serde(default)]
    origin_custom_headers: Vec<OriginHeader>,
    #[serde(rename = "OriginAccessControlId")]
    _access: Option<String>,
    #[serde(rename = "S3OriginConfig")]
    _bucket: Option<IgnoredAny>,
    #[serde(rename = "CustomOriginConfig")]
    _server: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OriginHeader {
    header_name: String,
    header_value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct BehaviorProperties {
    path_pattern: Option<String>,
    target_origin_id: String,
    allowed_methods: Vec<String>,
    compress: bool,
    cache_policy_id: String,
    origin_request_policy_id: Option<String>,
    response_headers_policy_id: Option<String>,
    // Everything is plain HTTP here.
    #[serde(rename = "ViewerProtocolPolicy")]
    _protocol: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorProperties {
    #[serde(rename = "ErrorCode")]
    code: u16,
    #[serde(rename = "ErrorCachingMinTTL")]
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct CachePolicyProperties {
    cache_policy_config: CachePolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CachePolicy {
    #[serde(rename = "Name")]
    _name: String,
    #[serde(rename = "MinTTL")]
    least: u64,
    #[serde(rename = "DefaultTTL")]
    default: u64,
    #[serde(rename = "MaxTTL")]
    most: u64,
    #[serde(rename = "ParametersInCacheKeyAndForwardedToOrigin")]
    key: Key,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Key {
    enable_accept_encoding_gzip: bool,
    // Brotli is not spoken here.
    #[serde(rename = "EnableAcceptEncodingBrotli")]
    _brotli: bool,
    cookies_config: Cookies,
    headers_config: Headers,
    query_strings_config: Queries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OriginRequestPolicyProperties {
    origin_request_policy_config: OriginRequestPolicy,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct OriginRequestPolicy {
    #[serde(rename = "Name")]
    _name: String,
    cookies_config: Cookies,
    headers_config: Headers,
    query_strings_config: Queries,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Cookies {
    cookie_behavior: Named,
    #[serde(default)]
    cookies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Headers {
    header_behavior: Named,
    #[serde(default)]
    headers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct Queries {
    query_string_behavior: Named,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Named {
    None,
    Whitelist,
    All,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ResponseHeadersProperties {
    response_headers_policy_config: ResponseHeaders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ResponseHeaders {
    #[serde(rename = "Name")]
    _name: String,
    security_headers_config: SecurityHeaders,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct SecurityHeaders {
    content_security_policy: Option<ContentSecurity>,
    content_type_options: Option<IgnoredAny>,
    // Nothing is encrypted here.
    #[serde(rename = "StrictTransportSecurity")]
    _https_only: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
struct ContentSecurity {
    content_security_policy: String,
    #[serde(rename = "Override")]
    _instead: bool,
}

impl Named {
    /// The names that it means, of a list that has names only with `whitelist`.
    fn names(self, id: &str, listed: Vec<String>) -> Result<Names, TemplateError> {
        match (self, listed.is_empty()) {
            (Self::None, true) => Ok(Names::Only(Vec::new())),
            (Self::All, true) => Ok(Names::All),
            // CloudFront's quota of names in one policy.
            (Self::Whitelist, false) if listed.len() <= 10 => Ok(Names::Only(listed)),
            _ => Err(refuse(id, "a whitelist has 1 to 10 names, and nothing else has any")),
        }
    }
}

impl Headers {
    fn names(self, id: &str) -> Result<Names, TemplateError> {
        if self.header_behavior == Named::All {
            return Err(refuse(id, "all headers of the viewer are forwarded by AllViewerExceptHostHeader only"));
        }
        let names = self.header_behavior.names(id, self.headers)?;
        Ok(names.map(|name| name.to_ascii_lowercase()))
    }
}

impl Queries {
    fn are_forwarded(&self, id: &str) -> Result<bool, TemplateError> {
        match self.query_string_behavior {
            Named::None => Ok(false),
            Named::All => Ok(true),
            Named::Whitelist => Err(refuse(id, "a choice of query parameters is not known here")),
        }
    }
}

/// The distribution of a nested template; `None` if it has nothing of CloudFront's.
pub(super) fn read(resources: &[(String, Resource)]) -> Result<Option<Distribution>, TemplateError> {
    let of = |kind: &str| -> Vec<(String, Resource)> {
        resources.iter().filter(|(_, resource)| resource.kind == kind).cloned().collect()
    };
    if resources.is_empty() {
        return Ok(None);
    }
    let distributions = of("AWS::CloudFront::Distribution");
    let (id, resource) = only("AWS::CloudFront::Distribution", &distributions)?;
    let policies = Policies {
        id,
        keys: by_name(&of("AWS::CloudFront::CachePolicy")),
        requests: by_name(&of("AWS::CloudFront::OriginRequestPolicy")),
        headers: by_name(&of("AWS::CloudFront::ResponseHeadersPolicy")),
    };
    let DistributionProperties { distribution_config: read } = properties(id, &resource.properties)?;
    if !read.enabled {
        return Err(refuse(id, "it is not enabled"));
    }
    let origins: Vec<Origin> = read.origins.into_iter().map(origin).collect();
    let mut behaviors = Vec::new();
    for behavior in read.cache_behaviors {
        if behavior.path_pattern.is_none() {
            return Err(refuse(id, "a behaviour has no path"));
        }
        behaviors.push(policies.behavior(behavior, &origins)?);
    }
    let default = policies.behavior(read.default_cache_behavior, &origins)?;
    behaviors.push(default);
    let errors = read.custom_error_responses.into_iter().map(|error| (error.code, error.seconds)).collect();
    Ok(Some(Distribution { origins, behaviors, errors }))
}

fn by_name(resources: &[(String, Resource)]) -> BTreeMap<String, (String, Value)> {
    let named =
        |(id, resource): &(String, Resource)| (resource.name.clone(), (id.clone(), resource.properties.clone()));
    resources.iter().map(named).collect()
}

fn origin(read: OriginProperties) -> Origin {
    let headers = read.origin_custom_headers.into_iter();
    Origin {
        id: read.id,
        domain: read.domain_name,
        headers: headers.map(|header| (header.header_name.to_ascii_lowercase(), header.header_value)).collect(),
    }
}

/// The policies of a template by their physical names: what they are called there, and their properties.
struct Policies<'a> {
    id: &'a str,
    keys: BTreeMap<String, (String, Value)>,
    requests: BTreeMap<String, (String, Value)>,
    headers: BTreeMap<String, (String, Value)>,
}

impl Policies<'_> {
    fn behavior(&self, read: BehaviorProperties, origins: &[Origin]) -> Result<Behavior, TemplateError> {
        let pattern = read.path_pattern.unwrap_or_else(|| "*".to_owned());
        let unknown = |what: &str, name: &str| refuse(self.id, format!("{pattern}: {what} {name} is not known"));
        if !origins.iter().any(|origin| origin.id == read.target_origin_id) {
            return Err(unknown("the origin", &read.target_origin_id));
        }
        let (key_id, key) =
            self.keys.get(&read.cache_policy_id).ok_or_else(|| unknown("the policy", &read.cache_policy_id))?;
        let CachePolicyProperties { cache_policy_config: policy } = properties(key_id, key)?;
        if policy.least > policy.default || policy.default > policy.most {
            return Err(refuse(key_id, "the least time is at most the default one, and that at most the most"));
        }
        let may_be_compressed = policy.most > 0 && policy.key.enable_accept_encoding_gzip;
        let key_query = policy.key.query_strings_config.are_forwarded(key_id)?;
        let key_headers = policy.key.headers_config.names(key_id)?;
        let key_cookies = policy.key.cookies_config;
        let key_cookies = key_cookies.cookie_behavior.names(key_id, key_cookies.cookies)?;
        let (headers, cookies, query) = match read.origin_request_policy_id.as_deref() {
            None => (Names::Only(Vec::new()), Names::Only(Vec::new()), false),
            Some(ALL_VIEWER_EXCEPT_HOST) => (Names::All, Names::All, true),
            Some(name) => {
                let (id, request) = self.requests.get(name).ok_or_else(|| unknown("the policy", name))?;
                let OriginRequestPolicyProperties { origin_request_policy_config: policy } = properties(id, request)?;
                let query = policy.query_strings_config.are_forwarded(id)?;
                let cookies = policy.cookies_config;
                (policy.headers_config.names(id)?, cookies.cookie_behavior.names(id, cookies.cookies)?, query)
            }
        };
        let response_headers = match read.response_headers_policy_id.as_deref() {
            None => Vec::new(),
            Some(name) => {
                let (id, policy) = self.headers.get(name).ok_or_else(|| unknown("the policy", name))?;
                let ResponseHeadersProperties { response_headers_policy_config: policy } = properties(id, policy)?;
                let security = policy.security_headers_config;
                let sniffing = security.content_type_options.map(|_| "nosniff".to_owned());
                let sniffing = sniffing.map(|value| ("x-content-type-options".to_owned(), value));
                let content = security.content_security_policy.map(|policy| policy.content_security_policy);
                sniffing
                    .into_iter()
                    .chain(content.map(|policy| ("content-security-policy".to_owned(), policy)))
                    .collect()
            }
        };
        Ok(Behavior {
            pattern,
            origin: read.target_origin_id,
            methods: read.allowed_methods,
            compresses: read.compress && may_be_compressed,
            lifetime: Lifetime { least: policy.least, default: policy.default, most: policy.most },
            key_headers,
            key_cookies,
            key_query,
            headers,
            cookies,
            query,
            response_headers,
        })
    }
}
