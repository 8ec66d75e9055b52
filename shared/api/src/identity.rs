//! Extractors for caller, time and source address, read from headers and from the context that API Gateway adds to a
//! request.
//!
//! A vendor's members and their roles are not in the token. They are read from the Accounts table at each call, so that
//! a change takes effect without a new token.

use std::collections::BTreeSet;
use std::fmt;

use axum::extract::FromRequestParts;
use domain::order::PlacedOrder;
use domain::{Code, Coded, FieldError, OrderId, Timestamp, UserId, VendorId};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, HeaderName};
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpRequestContext;
use lambda_http::request::RequestContext;

use crate::{Path, Problem};

/// The header in which a guest presents an order's token, to show that the order is theirs.
pub const ORDER_TOKEN: HeaderName = HeaderName::from_static("order-token");
/// The header in which a member of several vendors names the one that the call is about.
pub const VENDOR_ID: HeaderName = HeaderName::from_static("vendor-id");

/// The time at which the gateway received the request, in milliseconds. Handlers use no other clock, so that one
/// request has one time and tests can set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now(pub Timestamp);

/// The client's network address: the viewer's if an edge has named it ([`crate::edge`]), else that which the gateway
/// saw, which for a client behind a proxy is the proxy's. For rate limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceIp(pub String);

/// A signed-in user of any kind. The gateway's authorizer has verified the access token; without one it is 401.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The token's `sub` claim.
    pub user: UserId,
    /// The token's `cognito:groups` claim; empty without one.
    pub groups: BTreeSet<String>,
    /// The token's `auth_time` claim: when the person showed who they are. A refreshed token keeps it.
    pub signed_in_at: Timestamp,
}

impl Caller {
    /// Whether they are of the group `admin`, which only makes the first owner of the marketplace.
    pub fn may_be_first_owner(&self) -> bool {
        self.groups.contains("admin")
    }
}

/// A signed-in user in the role of a buyer. Every user may buy, so no group is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buyer {
    /// The token's `sub` claim.
    pub user: UserId,
}

/// One of the operator's people, by their membership; everyone else gets 403 `forbidden`, and whoever has not shown the
/// second factor that is needed 403 `mfa_required`. What they may do is asked with
/// [`domain::marketplace::Operator::may`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator(pub domain::marketplace::Operator);

/// State that knows the operator's people.
pub trait Operators {
    /// Why somebody is refused.
    type Error: Coded;

    /// The membership of the caller, unless a second factor is needed that was not shown. While there never was an
    /// owner, a caller of the group `admin` becomes the first.
    fn operator(
        &self,
        caller: &Caller,
        now: Timestamp,
    ) -> impl Future<Output = Result<domain::marketplace::Operator, Self::Error>> + Send;
}

/// The vendor in `Vendor-Id`, for calls that look for the membership themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamedVendor(pub Option<VendorId>);

/// A signed-in member of the staff of the vendor that is named in `Vendor-Id`, or of the only approved one that they
/// work for; everyone else gets 403 `forbidden`. A member of none or several approved ones who names none gets 400
/// `invalid`. What the member may do is asked with [`domain::vendor::Member::may`].
#[derive(Debug)]
pub struct Member(pub domain::vendor::Member);

/// State that knows the members of vendors.
pub trait Members {
    /// Why a membership is not found.
    type Error: Coded;

    /// A person's membership with the named vendor, or with the only approved one.
    fn member(
        &self,
        caller: &Caller,
        now: Timestamp,
        named: Option<VendorId>,
    ) -> impl Future<Output = Result<domain::vendor::Member, Self::Error>> + Send;
}

/// The access token itself, to be passed on in calls on its owner's behalf. `Debug` hides it, so that it cannot reach a
/// log.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(pub String);

/// The order in the path, for a guest who shows its token in `Order-Token`. Without the right token it is 404, because
/// 403 would confirm that the order exists.
#[derive(Debug)]
pub struct GuestOrder(pub PlacedOrder);

/// State that knows the orders of guests.
pub trait GuestOrders {
    /// Why an order is not opened.
    type Error: Coded;

    /// The order, if the token belongs to it. `client` is the network address that the request comes from.
    fn guest_order(
        &self,
        id: OrderId,
        token: Option<&str>,
        client: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<PlacedOrder, Self::Error>> + Send;
}

impl fmt::Debug for Bearer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Bearer(…)")
    }
}

/// The context that an HTTP API (payload version 2.0) adds to a request.
fn gateway(extensions: &Extensions) -> Option<&ApiGatewayV2httpRequestContext> {
    match extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    }
}

fn context(parts: &Parts) -> Result<&ApiGatewayV2httpRequestContext, Problem> {
    gateway(&parts.extensions).ok_or_else(|| Problem::internal("the request has no gateway context"))
}

/// Sets the address that counts as the client's.
pub(crate) fn set_source(extensions: &mut Extensions, client: std::net::IpAddr) {
    if let Some(RequestContext::ApiGatewayV2(context)) = extensions.get_mut::<RequestContext>() {
        context.http.source_ip = Some(client.to_string());
    }
}

/// The gateway's id of the request; none without a gateway, as in some tests.
pub fn request_id(extensions: &Extensions) -> Option<&str> {
    gateway(extensions)?.request_id.as_deref()
}

/// The key of the route that the gateway matched, as in `GET /v1/products/{handle}`, or `$default`.
pub fn route_key(extensions: &Extensions) -> Option<&str> {
    gateway(extensions)?.route_key.as_deref()
}

/// A header's trimmed value: none when it is absent, `malformed` when it is given twice or is not visible ASCII.
pub(crate) fn header<'a>(parts: &'a Parts, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = parts.headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(text), None) => Ok(Some(text.trim())),
        _ => Err(bad_header(name, "Give it once, in ASCII.")),
    }
}

/// 400 `malformed` with the header's name in the place of a pointer.
pub(crate) fn bad_header(name: &HeaderName, detail: &str) -> Problem {
    Problem::of(Code::Malformed).with_errors(vec![FieldError::new(name.as_str(), "invalid", detail)])
}

impl<S: Send + Sync> FromRequestParts<S> for Now {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        context(parts).map(|context| Self(Timestamp::from_millis(context.time_epoch)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SourceIp {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        context(parts).map(|context| Self(network_of(context.http.source_ip.as_deref().unwrap_or_default())))
    }
}

/// What counts as one client: an IPv4 address, or the /64 of an IPv6 address, of which one person has 2^64.
fn network_of(address: &str) -> String {
    let Ok(std::net::IpAddr::V6(v6)) = address.parse::<std::net::IpAddr>() else { return address.to_owned() };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.to_string();
    }
    let [first, second, third, fourth, ..] = v6.segments();
    format!("{}/64", std::net::Ipv6Addr::new(first, second, third, fourth, 0, 0, 0, 0))
}

fn signed_in(parts: &Parts) -> Result<Caller, Problem> {
    let unauthorized = || Problem::of(Code::Unauthorized);
    let authorizer = context(parts)?.authorizer.as_ref().ok_or_else(unauthorized)?;
    let claims = &authorizer.jwt.as_ref().ok_or_else(unauthorized)?.claims;
    let user = claims.get("sub").and_then(|sub| sub.parse().ok()).ok_or_else(unauthorized)?;
    let groups = groups(claims.get("cognito:groups").map_or("", String::as_str));
    // Without the claim the sign-in counts as the oldest there is.
    let seconds = claims.get("auth_time").and_then(|at| at.parse::<i64>().ok()).unwrap_or(0);
    Ok(Caller { user, groups, signed_in_at: Timestamp::from_millis(seconds.saturating_mul(1_000)) })
}

/// Splits a list claim, which the gateway flattens into one string: `[admin vendor]`, or `[admin, vendor]` in some
/// versions.
fn groups(claim: &str) -> BTreeSet<String> {
    claim
        .trim_matches(|character| character == '[' || character == ']')
        .split(|character: char| character.is_whitespace() || character == ',')
        .map(|group| group.trim_matches('"'))
        .filter(|group| !group.is_empty())
        .map(str::to_owned)
        .collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        signed_in(parts)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Buyer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        signed_in(parts).map(|person| Self { user: person.user })
    }
}

impl<S: Operators + Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let person = signed_in(parts)?;
        let Now(now) = Now::from_request_parts(parts, state).await?;
        Ok(Self(state.operator(&person, now).await?))
    }
}

/// The vendor named in `Vendor-Id`, if any.
fn named_vendor(parts: &Parts) -> Result<Option<VendorId>, Problem> {
    let named = header(parts, &VENDOR_ID)?.map(str::parse).transpose();
    named.map_err(|_| bad_header(&VENDOR_ID, "Not the id of a vendor."))
}

impl<S: Send + Sync> FromRequestParts<S> for NamedVendor {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        named_vendor(parts).map(Self)
    }
}

impl<S: Members + Send + Sync> FromRequestParts<S> for Member {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let (person, named) = (signed_in(parts)?, named_vendor(parts)?);
        let Now(now) = Now::from_request_parts(parts, state).await?;
        Ok(Self(state.member(&person, now, named).await?))
    }
}

impl<S: GuestOrders + Send + Sync> FromRequestParts<S> for GuestOrder {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::<OrderId>::from_request_parts(parts, state).await?;
        let Now(now) = Now::from_request_parts(parts, state).await?;
        let SourceIp(client) = SourceIp::from_request_parts(parts, state).await?;
        let token = header(parts, &ORDER_TOKEN)?;
        Ok(Self(state.guest_order(id, token, &client, now).await?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = header(parts, &AUTHORIZATION)?.and_then(|value| value.split_once(' '));
        match token {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Self(token.trim().to_owned())),
            _ => Err(Problem::of(Code::Unauthorized)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sample;

    const SUB: &str = "0192f1f0-5b3e-7c3a-9d52-3d1f0a6b7c8d";

    fn parts(claims: Option<serde_json::Value>, headers: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get("/").extension(sample::context(claims));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    async fn read<T: FromRequestParts<(), Rejection = Problem>>(mut parts: Parts) -> Result<T, &'static str> {
        T::from_request_parts(&mut parts, &()).await.map_err(|problem| problem.code().as_str())
    }

    #[tokio::test]
    async fn a_request_knows_its_time_and_its_sender() {
        assert_eq!(read(parts(None, &[])).await, Ok(Now(Timestamp::parse("2027-01-01T00:00:00Z").unwrap())));
        assert_eq!(read(parts(None, &[])).await, Ok(SourceIp("203.0.113.9".to_owned())));
    }

    #[test]
    fn all_addresses_of_one_network_are_one_client() {
        for (address, client) in [
            ("203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("", ""),
        ] {
            assert_eq!(network_of(address), client, "{address}");
        }
    }

    #[tokio::test]
    async fn groups_are_read_however_the_gateway_writes_them() {
        for written in ["[admin vendor]", "[admin, vendor]", "admin,vendor", "[\"admin\" \"vendor\"]"] {
            let person: Caller = read(parts(Some(json!({"sub": SUB, "cognito:groups": written})), &[])).await.unwrap();
            assert_eq!(person.groups, ["admin", "vendor"].map(str::to_owned).into(), "{written}");
            assert_eq!(person.user.to_string(), SUB);
        }
        assert_eq!(groups("[]"), BTreeSet::new());
    }

    #[tokio::test]
    async fn only_the_group_admin_itself_is_that_group() {
        let claims = |groups: &str| Some(json!({"sub": SUB, "cognito:groups": groups}));
        let is_first =
            async |groups: &str| read::<Caller>(parts(claims(groups), &[])).await.unwrap().may_be_first_owner();
        assert!(is_first("[admin]").await && is_first("[vendor admin]").await);
        assert!(!is_first("[administrators xadmin]").await && !is_first("[]").await);
        assert_eq!(read::<Buyer>(parts(Some(json!({"sub": "me"})), &[])).await, Err("unauthorized"));
    }

    #[test]
    fn a_vendor_is_named_by_its_id_or_not_at_all() {
        let vendor = VendorId::from_bits(9);
        let named = |headers: &[(&str, &str)]| named_vendor(&parts(None, headers)).map_err(|problem| problem.code());
        assert_eq!(named(&[]), Ok(None));
        assert_eq!(named(&[("vendor-id", &vendor.to_string())]), Ok(Some(vendor)));
        assert_eq!(named(&[("vendor-id", "ord_1")]), Err(Code::Malformed));
        assert_eq!(named(&[("vendor-id", "a"), ("vendor-id", "b")]), Err(Code::Malformed));
    }

    #[tokio::test]
    async fn a_bearer_is_read_whatever_the_case_of_its_scheme() {
        assert_eq!(read(parts(None, &[("authorization", "bearer abc")])).await, Ok(Bearer("abc".to_owned())));
        assert_eq!(read::<Bearer>(parts(None, &[("authorization", "Basic abc")])).await, Err("unauthorized"));
    }
}
