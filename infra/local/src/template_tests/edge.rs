//! The edge of the template: which behaviour answers which path, and what its policies let through.

use cloud::edge::{Behavior, Distribution, Names};
use cloud::secrets::SecretValue;
use cloud::template::Template;

use super::nested::file;
use super::{parse, text};
use crate::site;

/// The languages of the shop's pages, the first step of their paths.
const LANGUAGES: [&str; 5] = ["uz", "uz-cyrl", "ru", "en", "zh"];

/// The paths of pages that are one person's. Every route that is neither the API's nor `$default` belongs to them, so
/// this is only what there is before its route.
const PRIVATE_PATHS: [&str; 22] = [
    "/{lang}/cart",
    "/{lang}/cart/items",
    "/{lang}/checkout",
    "/{lang}/checkout/payment",
    "/{lang}/orders/{id}",
    "/{lang}/orders/{id}/cancel",
    "/{lang}/account",
    "/{lang}/account/addresses",
    "/{lang}/sign-in",
    "/{lang}/sign-up",
    "/{lang}/sign-out",
    "/{lang}/confirm",
    "/{lang}/reset",
    "/{lang}/challenge",
    "/r/{token}",
    "/desk",
    "/desk/",
    "/desk/orders/{id}",
    "/desk/products",
    "/operate",
    "/operate/",
    "/operate/vendors/{id}",
];

/// The paths of pages that everybody sees alike.
const PUBLIC_PATHS: [&str; 11] = [
    "/{lang}/",
    "/{lang}/c/bowls/large",
    "/{lang}/search",
    "/{lang}/p/blue-bowl",
    "/{lang}/v/chorsu-ceramics",
    "/{lang}/delivery",
    "/{lang}/feed.xml",
    "/robots.txt",
    "/speculation-rules.json",
    "/sw.js",
    "/sitemap.xml",
];

fn with_edge(parameters: &[(&str, &str)]) -> Template {
    let site = site("http://localhost:3000");
    parse(&text(), &parameters.iter().fold(site, |site, (name, value)| site.with(name, *value))).unwrap()
}

fn distribution() -> Distribution {
    with_edge(&[("Edge", "only")]).edge.unwrap()
}

/// The paths with each language and with something for each of their parameters.
fn spelled(path: &str) -> Vec<String> {
    let step = |step: &str| if step.starts_with('{') { "01j0".to_owned() } else { step.to_owned() };
    let paths = LANGUAGES.map(|language| path.replace("{lang}", language));
    paths.iter().map(|path| path.split('/').map(step).collect::<Vec<_>>().join("/")).collect()
}

/// Whether everything of one person reaches the pages, and is kept for nobody else.
fn is_private(behavior: &Behavior) -> bool {
    let is_kept_for_nobody = behavior.lifetime.default == 0 && behavior.lifetime.most <= 1;
    is_kept_for_nobody
        && behavior.key_cookies == Names::All
        && behavior.headers == Names::All
        && behavior.cookies == Names::All
        && behavior.origin == "api"
        && ["GET", "HEAD", "POST"].iter().all(|method| behavior.methods.iter().any(|known| known == method))
}

#[test]
fn every_page_of_one_person_is_private_at_the_edge_and_no_other_page_is() {
    let (distribution, template) = (distribution(), with_edge(&[]));
    let pages = template.api.routes.iter().map(|route| route.path.as_str()).filter(|path| !path.starts_with("/v1/"));
    let pages = pages.filter(|path| *path != "$default");
    for path in PRIVATE_PATHS.into_iter().chain(pages).flat_map(spelled) {
        let behavior = distribution.behavior(&path).unwrap();
        assert!(is_private(behavior), "{path} is answered by {}", behavior.pattern);
    }
    for path in PUBLIC_PATHS.into_iter().flat_map(spelled) {
        let behavior = distribution.behavior(&path).unwrap();
        assert_eq!(behavior.pattern, "*", "{path}");
    }
}

/// A public page that could see a cookie could be kept for everybody with what it saw.
#[test]
fn what_a_public_page_may_depend_on_is_what_tells_its_answers_apart() {
    let distribution = distribution();
    let no = Names::Only(Vec::new());
    let names = |names: &[&str]| Names::Only(names.iter().map(|name| (*name).to_owned()).collect());
    let public = distribution.behavior("/en/p/blue-bowl").unwrap();
    assert_eq!((&public.key_cookies, &public.cookies, &public.key_headers), (&no, &no, &no));
    assert!(public.key_query && public.query);
    let forwarded = names(&["cloudfront-viewer-address", "content-type", "origin", "sec-fetch-site"]);
    assert_eq!(public.headers, forwarded);
    let first = distribution.behavior("/").unwrap();
    assert_eq!((&first.key_cookies, &first.key_headers), (&names(&["language"]), &names(&["accept-language"])));
    assert_eq!((&first.cookies, &first.headers), (&no, &forwarded));
}

#[test]
fn an_answer_of_the_api_is_told_apart_by_who_asks() {
    let distribution = distribution();
    for path in ["/v1/products", "/v1/orders/ord_1", "/v1/carts/cart", "/v1/webhooks/stripe", "/v1/cart/checkout"] {
        let behavior = distribution.behavior(path).unwrap();
        assert_eq!(behavior.pattern, "/v1/*", "{path}");
        for credential in [http::header::AUTHORIZATION, api::identity::ORDER_TOKEN, api::identity::VENDOR_ID] {
            assert!(behavior.key_headers.has(credential.as_str()), "{credential}");
        }
        assert!(behavior.key_query && behavior.headers == Names::All);
        assert_eq!((behavior.lifetime.least, behavior.lifetime.default), (0, 0));
        assert!(behavior.methods.iter().any(|method| method == "PATCH") && behavior.methods.len() == 7);
    }
}

#[test]
fn everything_of_the_api_knows_its_viewer_and_comes_with_the_secret() {
    let distribution = distribution();
    for behavior in distribution.behaviors.iter().filter(|behavior| behavior.origin == "api") {
        assert!(behavior.headers.has(api::edge::VIEWER_ADDRESS.as_str()), "{}", behavior.pattern);
        assert!(!behavior.key_headers.has(api::edge::VIEWER_ADDRESS.as_str()), "{}", behavior.pattern);
        assert!(behavior.compresses, "{}", behavior.pattern);
    }
    let [api, pictures] = distribution.origins.as_slice() else { panic!("two origins") };
    let [(name, value)] = api.headers.as_slice() else { panic!("one header") };
    assert_eq!(name, api::edge::EDGE_SECRET.as_str());
    let secret = with_edge(&[("Edge", "only")]).secret("EdgeSecret").unwrap().arn.clone();
    assert_eq!(*value, format!("{{{{resolve:secretsmanager:{secret}:SecretString:current::}}}}"));
    assert!(pictures.headers.is_empty());
    assert_eq!(pictures.domain, "bozor-mediabucket.s3.us-east-1.amazonaws.com");
    assert!(!file("infra/edge.yaml").contains("Logging:"), "paths hold ids of carts and links of orders");
}

#[test]
fn no_error_is_kept_longer_than_it_says() {
    let errors = distribution().errors;
    // Those that CloudFront keeps: HTTPStatusCodes.html.
    for status in [400, 403, 404, 405, 414, 500, 501, 502, 503, 504] {
        assert_eq!(errors.get(&status), Some(&0), "{status}");
    }
}

#[test]
fn without_an_edge_everything_is_as_it_was() {
    let template = with_edge(&[]);
    assert!(template.edge.is_none() && template.secret("EdgeSecret").is_none());
    assert!(template.stacks.iter().all(|stack| stack.location != "infra/edge.yaml"));
    let pictures = template.bucket("MediaBucket").unwrap();
    assert!(pictures.public_read && !pictures.edge_read);
    assert_eq!(template.function("CatalogFunction").unwrap().environment["EDGE"], "");
}

#[test]
fn the_edge_alone_reads_pictures_once_they_are_addressed_there_and_it_is_the_only_way() {
    let media = ("MediaUrl", "https://shop.example");
    for (parameters, is_public) in [
        (vec![("Edge", "open")], true),
        (vec![("Edge", "open"), media], true),
        (vec![("Edge", "only")], true),
        (vec![("Edge", "only"), media], false),
    ] {
        let pictures = with_edge(&parameters).bucket("MediaBucket").unwrap().clone();
        assert_eq!((pictures.public_read, pictures.edge_read), (is_public, true), "{parameters:?}");
    }
}

#[test]
fn every_function_behind_the_api_knows_the_edge_and_no_other() {
    let template = with_edge(&[("Edge", "only"), ("EdgeSecretVersion", "v-2")]);
    let secret = template.secret("EdgeSecret").unwrap();
    assert!(matches!(&secret.value, SecretValue::Generated { key, length: 64, .. } if key == "current"));
    let expected = format!("only {{{{resolve:secretsmanager:{}::::v-2}}}}", secret.arn);
    for function in &template.functions {
        let is_asked = template.api.routes.iter().any(|route| route.function == function.id);
        let told = function.environment.get("EDGE");
        assert_eq!(told, is_asked.then_some(&expected), "{}", function.id);
    }
}

/// Neither this cloud nor cfn-lint looks at what a nested stack gives back.
#[test]
fn what_is_asked_of_the_stack_is_what_it_gives() {
    let (root, edge) = (text(), file("infra/edge.yaml"));
    let (_, outputs) = edge.split_once("\nOutputs:\n").unwrap();
    let asked: Vec<&str> =
        root.split("EdgeStack.Outputs.").skip(1).map(|rest| rest.split(['}', '\n']).next().unwrap()).collect();
    assert_eq!(asked.len(), 2, "{asked:?}");
    for output in asked {
        assert!(outputs.contains(&format!("  {output}:\n")), "{output}");
    }
}
