use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Json;
use axum::Router;
use axum::extract::{Path, Query, Request};
use axum::routing::{get, post};
use http::{Method, StatusCode};
use lambda_http::RequestExt;
use lambda_http::request::RequestContext;
use serde_json::{Map, Value, json};

use super::*;

const NOON: Timestamp = Timestamp::from_millis(1_795_000_000_123);

/// A function that records its events and returns a scripted response.
struct Scripted {
    events: Mutex<Vec<Value>>,
    answer: Box<dyn Fn() -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync>,
}

impl Scripted {
    fn new(answer: impl Fn() -> BoxFuture<'static, Result<Bytes, InvokeError>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { events: Mutex::default(), answer: Box::new(answer) })
    }

    fn answering(answer: Value) -> Arc<Self> {
        Self::new(move || {
            let answer = Bytes::from(answer.to_string());
            Box::pin(async move { Ok(answer) })
        })
    }

    fn only_event(&self) -> Value {
        let events = self.events.lock().unwrap();
        assert_eq!(events.len(), 1);
        events[0].clone()
    }
}

impl Invoke for Scripted {
    fn invoke(&self, event: Bytes, _: InvocationContext) -> BoxFuture<'_, Result<Bytes, InvokeError>> {
        self.events.lock().unwrap().push(serde_json::from_slice(&event).unwrap());
        (self.answer)()
    }
}

fn route(key: &str) -> Route {
    let (method, path) = key.split_once(' ').unwrap();
    Route {
        method: method.into(),
        path: path.into(),
        function: "Function".into(),
        authorizer: path.contains("/me"),
        scopes: Vec::new(),
    }
}

/// Accepts the tokens `good` and `noscope`, forbids `weak`, and refuses all others.
fn verifier() -> Verifier {
    Arc::new(|token, now| {
        assert_eq!(now, NOON);
        let scope = match token {
            "good" => "aws.cognito.signin.user.admin openid",
            "noscope" => "openid",
            "weak" => return Err(Denied::Forbidden),
            _ => return Err(Denied::Unauthorized),
        };
        let claims = json!({
            "sub": "s", "scope": scope, "exp": 1_795_000_900, "cognito:groups": ["admin", "vendor"],
            "email_verified": true,
        });
        Ok(claims.as_object().unwrap().clone())
    })
}

fn specification(keys: &[&str], function: Arc<dyn Invoke>) -> Specification {
    Specification {
        routes: keys.iter().map(|key| route(key)).collect(),
        authorizer: Authorizer { verify: verifier(), scopes: vec!["aws.cognito.signin.user.admin".into()] },
        cors: None,
        throttle: None,
        functions: HashMap::from([("Function".to_owned(), function)]),
        clock: Clock::frozen(NOON),
        usage: Usage::default(),
    }
}

fn gateway(keys: &[&str], function: Arc<dyn Invoke>) -> Gateway {
    Gateway::new(specification(keys, function)).unwrap()
}

async fn send(gateway: &Gateway, request: http::Request<&'static str>) -> (StatusCode, http::HeaderMap, String) {
    let (parts, body) = request.into_parts();
    let answer = gateway.call(parts, Bytes::from_static(body.as_bytes())).await;
    let (parts, body) = answer.into_parts();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn request(method: Method, path: &str) -> http::request::Builder {
    http::Request::builder().method(method).uri(path).header("host", "localhost:3000")
}

#[tokio::test]
async fn an_event_is_api_gateways_own() {
    let function = Scripted::answering(json!({"statusCode": 200}));
    let gateway = gateway(&["POST /v1/me/things/{thing}"], function.clone());
    let sent = request(Method::POST, "/v1/me/things/a%20b?tag=x&tag=y%26&q=1+2")
        .header("Authorization", "Bearer good")
        .header("X-Many", "one")
        .header("x-many", "two")
        .header("cookie", "a=1; b=2")
        .header("user-agent", "test")
        .header("content-type", "application/json")
        .header("connection", "close")
        .body("{\"a\":1}")
        .unwrap();
    assert_eq!(send(&gateway, sent).await.0, StatusCode::OK);

    let mut event = function.only_event();
    let id = event["requestContext"]["requestId"].take();
    assert_eq!(id.as_str().unwrap().len(), 16);
    let trace = event["headers"]["x-amzn-trace-id"].take();
    assert!(trace.as_str().unwrap().starts_with("Root=1-"), "{trace}");
    assert_eq!(
        event,
        json!({
            "version": "2.0",
            "routeKey": "POST /v1/me/things/{thing}",
            "rawPath": "/v1/me/things/a b",
            "rawQueryString": "tag=x&tag=y%26&q=1+2",
            "cookies": ["a=1", "b=2"],
            "headers": {
                "authorization": "Bearer good",
                "content-length": "7",
                "content-type": "application/json",
                "host": "localhost:3000",
                "user-agent": "test",
                "x-amzn-trace-id": null,
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "3000",
                "x-forwarded-proto": "http",
                "x-many": "one,two",
            },
            "queryStringParameters": {"q": "1 2", "tag": "x,y&"},
            "pathParameters": {"thing": "a b"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "authorizer": {"jwt": {
                    "claims": {
                        "sub": "s",
                        "scope": "aws.cognito.signin.user.admin openid",
                        "exp": "1795000900",
                        "cognito:groups": "[admin vendor]",
                        "email_verified": "true",
                    },
                    "scopes": ["aws.cognito.signin.user.admin", "openid"],
                }},
                "domainName": "localhost",
                "domainPrefix": "localhost",
                "http": {
                    "method": "POST",
                    "path": "/v1/me/things/a b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "test",
                },
                "requestId": null,
                "routeKey": "POST /v1/me/things/{thing}",
                "stage": "$default",
                "time": "18/Nov/2026:11:06:40 +0000",
                "timeEpoch": 1_795_000_000_123_i64,
            },
            "body": "{\"a\":1}",
            "isBase64Encoded": false,
        })
    );
}

#[tokio::test]
async fn an_event_leaves_out_what_the_request_does_not_have() {
    let function = Scripted::answering(json!({"statusCode": 204}));
    let gateway = gateway(&["GET /v1/a"], function.clone());
    send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await;
    let event = function.only_event();
    for absent in ["cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert!(event["requestContext"].get("authorizer").is_none());
}

#[tokio::test]
async fn a_body_that_is_no_text_stands_in_base64() {
    for (kind, body, expected) in [
        ("application/x-www-form-urlencoded", "a=b", json!(["YT1i", true])),
        ("application/problem+json; charset=utf-8", "{}", json!(["{}", false])),
        ("text/csv", "é", json!(["é", false])),
        ("image/png", "x", json!(["eA==", true])),
    ] {
        let function = Scripted::answering(json!({"statusCode": 204}));
        let gateway = gateway(&["POST /v1/a"], function.clone());
        send(&gateway, request(Method::POST, "/v1/a").header("content-type", kind).body(body).unwrap()).await;
        let event = function.only_event();
        assert_eq!(json!([event["body"], event["isBase64Encoded"]]), expected, "{kind}");
    }
}

#[tokio::test]
async fn tokens_are_checked_before_the_function() {
    let function = Scripted::answering(json!({"statusCode": 204}));
    let gateway = gateway(&["GET /v1/me", "GET /v1/a"], function.clone());
    let unauthorized = (StatusCode::UNAUTHORIZED, "{\"message\":\"Unauthorized\"}");
    let forbidden = (StatusCode::FORBIDDEN, "{\"message\":\"Forbidden\"}");
    for (authorization, (status, body)) in [
        (None, unauthorized),
        (Some(""), unauthorized),
        (Some("Bearer "), unauthorized),
        (Some("Bearer bad"), unauthorized),
        (Some("Basic good"), unauthorized),
        (Some("Bearer noscope"), forbidden),
        (Some("Bearer weak"), forbidden),
    ] {
        let mut sent = request(Method::GET, "/v1/me");
        if let Some(authorization) = authorization {
            sent = sent.header("authorization", authorization);
        }
        let (answered, headers, text) = send(&gateway, sent.body("").unwrap()).await;
        assert_eq!((answered, text.as_str()), (status, body), "{authorization:?}");
        let challenge = headers.get("www-authenticate").map(|value| value.to_str().unwrap());
        assert_eq!(challenge, (status == StatusCode::UNAUTHORIZED).then_some("Bearer"));
    }
    assert!(function.events.lock().unwrap().is_empty());
    for authorization in ["Bearer good", "bearer good", "good"] {
        let sent = request(Method::GET, "/v1/me").header("authorization", authorization).body("").unwrap();
        assert_eq!(send(&gateway, sent).await.0, StatusCode::NO_CONTENT, "{authorization}");
    }
}

#[tokio::test]
async fn what_has_no_route_is_not_found() {
    let gateway = gateway(&["GET /v1/a"], Scripted::answering(json!({"statusCode": 204})));
    for (method, path) in [
        (Method::GET, "/v1/b"),
        (Method::GET, "/v1/a/"),
        (Method::HEAD, "/v1/a"),
        (Method::POST, "/v1/a"),
        (Method::OPTIONS, "/v1/a"),
    ] {
        let (status, headers, body) = send(&gateway, request(method, path).body("").unwrap()).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "{\"message\":\"Not Found\"}"));
        assert_eq!(headers["content-type"], "application/json");
        assert_eq!(headers["apigw-requestid"].len(), 16);
    }
}

#[tokio::test]
async fn requests_over_the_limits_never_reach_the_function() {
    let function = Scripted::answering(json!({"statusCode": 204}));
    let gateway = gateway(&["POST /v1/a"], function.clone());
    let post = |body: Vec<u8>| request(Method::POST, "/v1/a").body(axum::body::Body::from(body)).unwrap();
    let too_large = gateway.serve(post(vec![b'a'; MAX_REQUEST_SIZE + 1])).await;
    assert_eq!(too_large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let body = too_large.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "{\"message\":\"Request Entity Too Large\"}");
    let announced = request(Method::POST, "/v1/a").header("content-length", "10485761");
    let announced = gateway.serve(announced.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    // Lambda's limit is lower, and base64 makes a binary body a third larger.
    assert_eq!(gateway.serve(post(vec![0xff; 5 * 1024 * 1024])).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let long = request(Method::POST, "/v1/a").header("x-long", "a".repeat(MAX_HEAD_SIZE)).body("").unwrap();
    assert_eq!(send(&gateway, long).await.0, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    assert!(function.events.lock().unwrap().is_empty());
    assert_eq!(gateway.serve(post(vec![b'a'; 5 * 1024 * 1024])).await.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn what_goes_wrong_behind_the_gateway_is_not_told() {
    let internal = (StatusCode::INTERNAL_SERVER_ERROR, "{\"message\":\"Internal Server Error\"}");
    let failing = Scripted::new(|| Box::pin(async { Err(InvokeError::Failed("secret".into())) }));
    let huge = Scripted::answering(json!({"statusCode": 200, "body": "a".repeat(MAX_RESPONSE_SIZE)}));
    let senseless = Scripted::answering(json!({"statusCode": "many"}));
    for function in [failing, huge, senseless] {
        let gateway = gateway(&["GET /v1/a"], function);
        let (status, _, body) = send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await;
        assert_eq!((status, body.as_str()), internal);
    }
    let mut gateway = gateway(&["GET /v1/a"], Scripted::new(|| Box::pin(std::future::pending())));
    gateway.timeout = Duration::ZERO;
    let (status, _, body) = send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "{\"message\":\"Service Unavailable\"}"));
}

#[tokio::test]
async fn more_requests_than_the_throttle_grants_are_refused() {
    let function = Scripted::answering(json!({"statusCode": 204}));
    let throttle = Some(Throttle { burst: 1, rate_per_second: 0 }.into());
    let gateway = Gateway::new(Specification { throttle, ..specification(&["GET /v1/a"], function) }).unwrap();
    assert_eq!(send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await.0, StatusCode::NO_CONTENT);
    let (status, _, body) = send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::TOO_MANY_REQUESTS, "{\"message\":\"Too Many Requests\"}"));
}

#[tokio::test]
async fn only_configured_origins_may_read_answers() {
    let answer = json!({"statusCode": 200, "headers": {"access-control-allow-origin": "https://evil.example"}});
    let function = Scripted::answering(answer);
    let cors = Cors {
        origins: vec!["https://shop.example".into()],
        methods: vec!["GET".into(), "PUT".into()],
        headers: vec!["authorization".into(), "if-match".into()],
        exposed: vec!["etag".into()],
        max_age: Some(600),
    };
    let gateway =
        Gateway::new(Specification { cors: Some(cors), ..specification(&["GET /v1/a"], function.clone()) }).unwrap();

    let preflight = |origin| {
        request(Method::OPTIONS, "/v1/a")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
            .body("")
            .unwrap()
    };
    let (status, headers, _) = send(&gateway, preflight("https://shop.example")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(headers["access-control-allow-origin"], "https://shop.example");
    assert_eq!(headers["access-control-allow-methods"], "GET,PUT");
    assert_eq!(headers["access-control-allow-headers"], "authorization,if-match");
    assert_eq!(headers["access-control-max-age"], "600");
    let (status, headers, _) = send(&gateway, preflight("https://evil.example")).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(!headers.keys().any(|name| name.as_str().starts_with("access-control")));
    assert!(function.events.lock().unwrap().is_empty());

    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        for path in ["/v1/a", "/v1/nowhere"] {
            let sent = request(Method::GET, path).header("origin", origin).body("").unwrap();
            let (_, headers, _) = send(&gateway, sent).await;
            let marked = headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(marked, allowed.then(|| origin.to_owned()), "{origin} {path}");
            assert_eq!(headers.contains_key("access-control-expose-headers"), allowed);
        }
    }
}

#[tokio::test]
async fn a_functions_answer_becomes_an_http_answer() {
    let answer = json!({
        "statusCode": 201,
        "headers": {"Location": "/v1/a/1", "x-count": 3, "content-length": "999"},
        "multiValueHeaders": {"x-ignored": ["1"]},
        "cookies": ["a=1", "b=2"],
        "body": "4pyT",
        "isBase64Encoded": true,
    });
    let gateway_one = gateway(&["GET /v1/a"], Scripted::answering(answer));
    let (status, headers, body) = send(&gateway_one, request(Method::GET, "/v1/a").body("").unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::CREATED, "✓"));
    assert_eq!((&headers["location"], &headers["x-count"]), (&"/v1/a/1".parse().unwrap(), &"3".parse().unwrap()));
    assert!(!headers.contains_key("x-ignored") && !headers.contains_key("content-length"));
    assert_eq!(headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(headers["content-type"], "text/plain;charset=UTF-8");

    let gateway_two = gateway(&["GET /v1/a"], Scripted::answering(json!({"hello": "there"})));
    let (status, headers, body) = send(&gateway_two, request(Method::GET, "/v1/a").body("").unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "{\"hello\":\"there\"}"));
    assert_eq!(headers["content-type"], "application/json");
}

#[tokio::test]
async fn a_router_in_this_process_meets_the_request_through_lambda_http() {
    async fn show(Path(id): Path<String>, Query(query): Query<Map<String, Value>>, request: Request) -> Json<Value> {
        let Some(RequestContext::ApiGatewayV2(context)) = request.extensions().get::<RequestContext>() else {
            panic!("no request context");
        };
        let groups = context.authorizer.as_ref().unwrap().jwt.as_ref().unwrap().claims["cognito:groups"].clone();
        let function = request.lambda_context().invoked_function_arn.clone();
        Json(json!({"id": id, "query": query, "groups": groups, "at": context.time_epoch, "function": function}))
    }
    let router = Router::new()
        .route("/v1/me/{id}", get(show))
        .route("/v1/echo", post(|body: Bytes| async move { ([("content-type", "image/png")], body) }))
        .route(
            "/v1/panic",
            get(|| async {
                if true {
                    panic!("never told")
                }
            }),
        );
    let gateway = gateway(
        &["GET /v1/me/{id}", "POST /v1/echo", "GET /v1/panic"],
        Arc::new(InProcess::router("Function", router)),
    );
    let sent = request(Method::GET, "/v1/me/a%20b?x=1").header("authorization", "Bearer good").body("").unwrap();
    let (status, headers, body) = send(&gateway, sent).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap(),
        json!({
            "id": "a b",
            "query": {"x": "1"},
            "groups": "[admin vendor]",
            "at": NOON.millis(),
            "function": "arn:aws:lambda:us-east-1:000000000000:function:Function",
        })
    );
    let echo = request(Method::POST, "/v1/echo").header("content-type", "image/png").body("\u{1}é").unwrap();
    let (_, headers, body) = send(&gateway, echo).await;
    assert_eq!((body.as_str(), &headers["content-type"]), ("\u{1}é", &"image/png".parse().unwrap()));
    let (status, _, body) = send(&gateway, request(Method::GET, "/v1/panic").body("").unwrap()).await;
    assert_eq!((status, body.as_str()), (StatusCode::INTERNAL_SERVER_ERROR, "{\"message\":\"Internal Server Error\"}"));
}

#[tokio::test]
async fn a_function_in_this_process_has_its_own_time_limit() {
    let done = Arc::new(AtomicUsize::new(0));
    let calls = done.clone();
    let router = Router::new().route(
        "/v1/a",
        get(move || async move {
            std::future::pending::<()>().await;
            calls.fetch_add(1, Ordering::SeqCst);
        }),
    );
    let function = InProcess::router("Function", router).with_limit(Duration::ZERO);
    let gateway = gateway(&["GET /v1/a"], Arc::new(function));
    let (status, _, _) = send(&gateway, request(Method::GET, "/v1/a").body("").unwrap()).await;
    assert_eq!((status, done.load(Ordering::SeqCst)), (StatusCode::INTERNAL_SERVER_ERROR, 0));
}

#[test]
fn a_route_needs_a_function_that_exists() {
    let mut specified = specification(&["GET /v1/a"], Scripted::answering(json!({})));
    specified.functions.clear();
    let expected = SpecificationError::NoFunction { route: "GET /v1/a".into(), function: "Function".into() };
    assert_eq!(Gateway::new(specified).unwrap_err(), expected);
}

#[test]
fn ids_look_like_the_clouds() {
    let context = InvocationContext::new(NOON, Duration::from_secs(30));
    assert_eq!(context.deadline.millis() - NOON.millis(), 30_000);
    assert_eq!(context.request_id.len(), 36);
    let (root, rest) = context.trace_id.split_once(";Parent=").unwrap();
    assert_eq!((root.len(), rest.len()), (40, 26), "{}", context.trace_id);
    assert_ne!(context, InvocationContext::new(NOON, Duration::from_secs(30)));
}
