//! `infra/smoke` proves a deployed shop from outside: here it proves that it does, and that it notices what is broken.
//! It needs bash and curl.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use local::Options;

use super::house::root;
use crate::shop::Shop;

/// Runs the script against this URL.
async fn smoke(url: String, arguments: Vec<String>) -> (bool, String) {
    let mut script = Command::new("bash");
    script.arg(root().join("infra/smoke")).arg(url).args(arguments);
    script.env("NO_PROXY", "*").env_remove("STRIPE_KEY").env_remove("SMOKE_CODE").stdin(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || script.output()).await.expect("it runs");
    let Output { status, stdout, stderr } = ended.expect("there is a bash");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.success(), said)
}

fn words(text: &[&str]) -> Vec<String> {
    text.iter().map(|word| (*word).to_owned()).collect()
}

async fn shop_with_goods() -> Shop {
    Shop::with(Options { demo: true, ..Options::for_tests() }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_is_proved_from_sign_up_to_the_paid_order() {
    let shop = shop_with_goods().await;
    let url = format!("http://{}", shop.cloud.address());
    let mailbox = format!(
        "curl -sS --noproxy '*' '{url}/_local/mail?to=smoke@people.test' | sed -n 's/.*\"code\":\"\\([0-9]*\\)\".*/\\1/p'"
    );
    let stripe = format!("{url}/_local/pay/stripe");
    let mut arguments = words(&["--origin", "http://localhost:3000", "--email", "smoke@people.test"]);
    arguments.extend(words(&["--password", "Smoke-test-2026!", "--code-command", &mailbox]));
    arguments.extend(words(&["--stripe-key", "sk_test_local", "--stripe-api", &stripe]));
    let (worked, said) = smoke(url, arguments).await;
    assert!(worked, "{said}");
    assert!(!said.contains("skip"), "{said}");
    assert_eq!(said.matches("ok    ").count(), 17, "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_credentials_it_checks_what_it_can() {
    let shop = shop_with_goods().await;
    let (worked, said) = smoke(format!("http://{}", shop.cloud.address()), Vec::new()).await;
    assert!(worked, "{said}");
    assert_eq!((said.matches("ok    ").count(), said.matches("skip  ").count()), (8, 3), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_broken_is_named_and_makes_it_fail() {
    let begun = Instant::now();
    let (worked, said) = smoke("http://127.0.0.1:9".to_owned(), Vec::new()).await;
    assert!(!worked && said.contains("FAIL  healthy"), "{said}");

    let shop = shop_with_goods().await;
    let url = format!("http://{}", shop.cloud.address());
    let (worked, said) = smoke(url.clone(), words(&["--origin", "https://unknown.example"])).await;
    assert!(!worked && said.contains("FAIL  CORS"), "{said}");
    let wrong_key = words(&["--stripe-key", "sk_test_wrong", "--stripe-api", &format!("{url}/_local/pay/stripe")]);
    let (worked, said) = smoke(url.clone(), wrong_key).await;
    assert!(!worked && said.contains("FAIL  paid at Stripe"), "{said}");
    let (worked, said) = smoke(url, words(&["--stripe-key", "sk_live_key"])).await;
    assert!(!worked && said.contains("no test key"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(120));
}
