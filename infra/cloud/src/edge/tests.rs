//! What the edge asks, keeps and compresses.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;

use super::*;
use crate::time::Timestamp;

/// Answers with what it was asked, and how often it was: the path decides what the answer says of itself.
struct Shop {
    edge: Edge,
    clock: Clock,
    asked: Arc<Mutex<Vec<http::request::Parts>>>,
}

fn only(names: &[&str]) -> Names {
    Names::Only(names.iter().map(|name| (*name).to_owned()).collect())
}

fn behavior(pattern: &str, most: u64) -> Behavior {
    Behavior {
        pattern: pattern.to_owned(),
        origin: "api".to_owned(),
        methods: ["GET", "HEAD", "POST"].map(str::to_owned).into(),
        compresses: true,
        lifetime: Lifetime { least: 0, default: 0, most },
        key_headers: only(&[]),
        key_cookies: only(&[]),
        key_query: true,
        headers: only(&["cloudfront-viewer-address", "origin"]),
        cookies: only(&[]),
        query: true,
        response_headers: Vec::new(),
    }
}

impl Shop {
    fn open() -> Self {
        let api = Behavior { key_headers: only(&["authorization"]), headers: Names::All, ..behavior("/v1/*", 86_400) };
        let private =
            Behavior { key_cookies: Names::All, cookies: Names::All, headers: Names::All, ..behavior("/*/cart*", 1) };
        let headers = vec![("x-content-type-options".to_owned(), "nosniff".to_owned())];
        let bare = Behavior { key_query: false, query: false, response_headers: headers, ..behavior("/med_*", 86_400) };
        let origin = Origin {
            id: "api".to_owned(),
            domain: "api.example".to_owned(),
            headers: vec![("shop-edge".to_owned(), "secret".to_owned())],
        };
        let distribution = Distribution {
            origins: vec![origin],
            behaviors: vec![api, private, bare, behavior("*", 86_400)],
            errors: BTreeMap::from([(503, 0)]),
        };
        let clock = Clock::frozen(Timestamp::from_millis(1_800_000_000_000));
        Self { edge: Edge::new(distribution, clock.clone()), clock, asked: Arc::default() }
    }

    async fn send(&self, request: http::request::Builder) -> http::Response<Bytes> {
        let asked = Arc::clone(&self.asked);
        let ask = move |_: &Origin, request: Request| -> BoxFuture<'static, Response> {
            let asked = Arc::clone(&asked);
            Box::pin(async move {
                let (parts, _) = request.into_parts();
                let says = |wanted: &str| parts.uri.path().contains(wanted);
                let (status, control) = match () {
                    () if says("broken") => (503, "private, no-store"),
                    () if says("missing") => (404, "private, no-store"),
                    () if says("secret") => (200, "private, no-store"),
                    () if says("silent") => (200, ""),
                    () => (200, "public, s-maxage=60, stale-while-revalidate=300"),
                };
                let mut asked = asked.lock().unwrap();
                asked.push(parts);
                let body = format!("{} {}", asked.len(), "word ".repeat(400));
                let mut answer = (StatusCode::from_u16(status).unwrap(), body).into_response();
                answer.headers_mut().insert("etag", HeaderValue::from_static("\"one\""));
                if !control.is_empty() {
                    answer.headers_mut().insert("cache-control", HeaderValue::from_static(control));
                }
                answer
            })
        };
        let address: SocketAddr = "198.51.100.7:4711".parse().unwrap();
        let request = request.extension(ConnectInfo(address)).body(Body::empty()).unwrap();
        let (parts, body) = self.edge.serve(request, &ask).await.into_parts();
        Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
    }

    /// Which of the origin's answers somebody gets.
    async fn number(&self, request: http::request::Builder) -> String {
        let body = self.send(request).await.into_body();
        String::from_utf8_lossy(&body).split(' ').next().unwrap().to_owned()
    }

    fn last_asked(&self) -> http::request::Parts {
        self.asked.lock().unwrap().last().unwrap().clone()
    }
}

fn get(path: &str) -> http::request::Builder {
    http::Request::get(path)
}

#[test]
fn a_pattern_fits_as_cloudfront_says() {
    for (pattern, path, expected) in [
        ("*", "/anything", true),
        ("/", "/", true),
        ("/", "/en/", false),
        ("/v1/*", "/v1/", true),
        ("/v1/*", "/v1", false),
        ("/*/cart*", "/uz-cyrl/cart", true),
        ("/*/cart*", "/en/cart/items", true),
        ("/*/cart*", "/en/p/blue", false),
        ("/*/cart*", "//cart", true),
        ("/??/cart", "/en/cart", true),
        ("/??/cart", "/e/cart", false),
        ("/a*b*c", "/a-b-b-c", true),
        ("/a*b*c", "/a-c-b", false),
        ("/desk*", "/desk", true),
        ("/desk*", "/DESK", false),
    ] {
        assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), expected, "{pattern} {path}");
    }
    let (pattern, path) = ("*a".repeat(50), "a".repeat(5_000) + "b");
    assert!(!fits(pattern.as_bytes(), path.as_bytes()));
}

#[tokio::test]
async fn an_answer_is_kept_as_long_as_it_says() {
    let shop = Shop::open();
    assert_eq!(shop.number(get("/en/p/bowl")).await, "1");
    shop.clock.advance(Duration::from_secs(59));
    let kept = shop.send(get("/en/p/bowl")).await;
    assert!(kept.body().starts_with(b"1 "));
    assert_eq!(
        (&kept.headers()["age"], &kept.headers()["x-cache"]),
        (&"59".parse().unwrap(), &"Hit from cloudfront".parse().unwrap())
    );
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(shop.number(get("/en/p/bowl")).await, "2");
    for path in ["/en/secret", "/en/silent", "/en/broken"] {
        assert_ne!(shop.number(get(path)).await, shop.number(get(path)).await, "{path}");
    }
    // The template names 503 and not 404, which is kept for ten seconds then, whatever it says.
    let missing = shop.number(get("/en/missing")).await;
    assert_eq!(shop.number(get("/en/missing")).await, missing);
    shop.clock.advance(Duration::from_secs(10));
    assert_ne!(shop.number(get("/en/missing")).await, missing);
}

#[tokio::test]
async fn what_is_in_the_key_tells_answers_apart_and_nothing_else_does() {
    let shop = Shop::open();
    let page = shop.number(get("/en/p/bowl?size=1")).await;
    assert_ne!(shop.number(get("/en/p/bowl?size=2")).await, page);
    assert_eq!(shop.number(get("/en/p/bowl?size=1").header("cookie", "session=a")).await, page);
    assert_eq!(shop.number(get("/en/p/bowl?size=1").header("accept-language", "ru")).await, page);

    let anonymous = shop.number(get("/v1/products")).await;
    let mine = shop.number(get("/v1/products").header("authorization", "Bearer a")).await;
    assert_ne!(anonymous, mine);
    assert_ne!(shop.number(get("/v1/products").header("authorization", "Bearer b")).await, mine);

    let picture = shop.number(get("/med_1?v=1")).await;
    assert_eq!(shop.number(get("/med_1?v=2")).await, picture);
    assert_eq!(shop.last_asked().uri, "/med_1");
    assert_eq!(shop.send(get("/med_1")).await.headers()["x-content-type-options"], "nosniff");

    let cart = shop.number(get("/en/cart").header("cookie", "session=a")).await;
    assert_ne!(shop.number(get("/en/cart").header("cookie", "session=b")).await, cart);
    assert_ne!(shop.number(http::Request::post("/v1/products")).await, shop.number(get("/v1/products")).await);
}

#[tokio::test]
async fn an_origin_is_asked_with_what_is_forwarded_and_what_the_edge_adds() {
    let shop = Shop::open();
    let forged = |request: http::request::Builder| {
        let request =
            request.header("cloudfront-viewer-address", "203.0.113.1:1").header("cloudfront-viewer-city", "X");
        request.header("shop-edge", "guessed").header("host", "shop.example").header("x-forwarded-for", "203.0.113.1")
    };
    let sent = |request: http::request::Builder| {
        forged(request)
            .header("cookie", "a=1; b=2")
            .header("accept-language", "ru")
            .header("origin", "https://shop.example")
    };
    shop.send(sent(get("/en/p/bowl"))).await;
    let asked = shop.last_asked();
    let header = |name: &str| asked.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("cloudfront-viewer-address"), Some("198.51.100.7:4711"));
    assert_eq!((header("shop-edge"), header("host")), (Some("secret"), Some("api.example")));
    assert_eq!((header("cookie"), header("accept-language")), (None, None));
    assert_eq!((header("origin"), header("cloudfront-viewer-city")), (Some("https://shop.example"), None));
    assert_eq!(header("x-forwarded-for"), Some("203.0.113.1, 198.51.100.7"));
    assert_eq!(asked.headers.get_all("shop-edge").iter().count(), 1);
    let ConnectInfo(source) = asked.extensions.get::<ConnectInfo<SocketAddr>>().unwrap();
    assert_eq!(*source, OWN_ADDRESS);

    shop.send(sent(get("/en/cart"))).await;
    let asked = shop.last_asked();
    assert_eq!(
        (&asked.headers["cookie"], &asked.headers["accept-language"]),
        (&"a=1; b=2".parse().unwrap(), &"ru".parse().unwrap())
    );
    assert_eq!(asked.headers["cloudfront-viewer-address"], "198.51.100.7:4711");
}

#[tokio::test]
async fn text_is_compressed_for_who_takes_it() {
    let shop = Shop::open();
    let plain = shop.send(get("/en/p/bowl")).await;
    assert!(!plain.headers().contains_key("content-encoding"));
    assert_eq!(plain.headers()["etag"], "\"one\"");
    for offer in ["gzip", "br, gzip;q=0.8", "GZIP"] {
        let small = shop.send(get("/en/p/bowl").header("accept-encoding", offer)).await;
        assert_eq!(
            (&small.headers()["content-encoding"], &small.headers()["etag"]),
            (&"gzip".parse().unwrap(), &"W/\"one\"".parse().unwrap())
        );
        assert!(small.body().len() < plain.body().len() / 4);
        let mut text = String::new();
        flate2::read::GzDecoder::new(&small.body()[..]).read_to_string(&mut text).unwrap();
        assert!(text.ends_with("word word "));
    }
    for offer in ["identity", "gzip;q=0", "gzip;q=0.0", "br"] {
        let plain = shop.send(get("/en/secret").header("accept-encoding", offer)).await;
        assert!(!plain.headers().contains_key("content-encoding"), "{offer}");
    }
    // A page of one person too.
    let private = shop.send(get("/en/secret").header("accept-encoding", "gzip")).await;
    assert_eq!(private.headers()["content-encoding"], "gzip");
}

#[tokio::test]
async fn who_has_what_is_kept_gets_it_not_again() {
    let shop = Shop::open();
    for _ in 0..2 {
        for known in ["\"one\"", "W/\"one\"", "\"two\", W/\"one\"", "*"] {
            let answer = shop.send(get("/en/p/bowl").header("if-none-match", known)).await;
            assert_eq!((answer.status(), answer.body().len()), (StatusCode::NOT_MODIFIED, 0), "{known}");
        }
    }
    let other = shop.send(get("/en/p/bowl").header("if-none-match", "\"two\"")).await;
    assert_eq!(other.status(), StatusCode::OK);
    let own = shop.send(get("/en/secret").header("if-none-match", "\"one\"")).await;
    assert_eq!(own.status(), StatusCode::OK, "a version is no reason");
}

#[tokio::test]
async fn a_method_that_no_behaviour_has_is_refused() {
    let shop = Shop::open();
    let answer = shop.send(http::Request::delete("/en/p/bowl")).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(shop.asked.lock().unwrap().is_empty());
}

#[test]
fn the_oldest_answers_go_when_there_are_too_many() {
    let mut cache = Cache::default();
    let key = |number: u32| {
        let (parts, ()) = http::Request::get(format!("/{number}")).body(()).unwrap().into_parts();
        Key::of(&behavior("*", 60), &parts, false)
    };
    let answer = http::Response::new(Bytes::from(vec![0; 1024 * 1024]));
    for number in 0..40 {
        cache.keep(key(number), &answer, 0, 60);
        cache.keep(key(number), &answer, 0, 60);
    }
    assert!(cache.find(&key(0), 0).is_none() && cache.find(&key(39), 0).is_some());
    assert_eq!((0..40).filter(|number| cache.find(&key(*number), 0).is_some()).count(), 31);
}
