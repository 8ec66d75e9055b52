//! The tour in infra/tour.md works as it is written. Only a shell is needed to show it: curl is played by this program.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use local::Options;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;

use super::house::root;
use crate::shop::Shop;

/// Where the child finds the arguments of curl, and leaves what curl would print.
const FOLDER: &str = "BOZOR_TOUR_FOLDER";

/// Runs before the tour: `curl` hands its arguments to this program, started once more as the test below.
const PREAMBLE: &str = r#"
set -eu
curl() {
    for argument in "$@"; do printf '%s\0' "$argument"; done > "$BOZOR_TOUR_FOLDER/arguments"
    "$TOUR_PROGRAM" --ignored --exact conventions::tour::curl_as_the_tour_calls_it > "$BOZOR_TOUR_FOLDER/log" 2>&1 || {
        cat "$BOZOR_TOUR_FOLDER/log" >&2
        return 22
    }
    cat "$BOZOR_TOUR_FOLDER/body"
}
"#;

/// The `sh` blocks of a text, in their order.
fn blocks(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "```sh" {
            let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            found.push(block.join("\n"));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_works_as_it_is_written() {
    let tour = fs::read_to_string(root().join("infra/tour.md")).expect("the tour");
    let script = format!("{PREAMBLE}\n{}", blocks(&tour).join("\n"));
    assert!(script.matches("curl -").count() > 15, "the tour has lost its calls");
    let shop = Shop::with(Options { demo: true, ..Options::for_tests() }).await;
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tour-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .env("B", format!("http://{}", shop.cloud.address()))
        .env("TOUR_PROGRAM", std::env::current_exe().expect("this program"))
        .env(FOLDER, &folder)
        .stdin(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || shell.output()).await.expect("it runs").expect("there is a shell");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ended.status.success(), "{}\n{}", said(&ended.stdout), said(&ended.stderr));
    fs::remove_dir_all(folder).expect("the folder can be removed");
}

/// What the tour asks curl for.
struct Request {
    method: Option<Method>,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Request {
    /// Reads the options that the tour uses; any other is a fault of this test.
    fn read(arguments: &[String]) -> Self {
        let mut request = Self { method: None, url: String::new(), headers: Vec::new(), body: None };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().expect("an option has a value").clone();
            match argument.as_str() {
                "-s" | "-sS" | "--fail-with-body" => {}
                "-X" => request.method = Some(value().parse().expect("a method")),
                "-H" => {
                    let header = value();
                    let (name, value) = header.split_once(':').expect("a header has a colon");
                    request.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
                "--json" => {
                    request.headers.push((CONTENT_TYPE.to_string(), "application/json".to_owned()));
                    request.body = Some(value().into_bytes());
                }
                "--data-binary" => {
                    assert_eq!(value(), "@-", "only standard input");
                    let mut bytes = Vec::new();
                    std::io::stdin().read_to_end(&mut bytes).expect("standard input");
                    request.body = Some(bytes);
                }
                option if option.starts_with('-') => panic!("the tour's curl does not know {option}"),
                url => url.clone_into(&mut request.url),
            }
        }
        request
    }
}

#[tokio::test]
#[ignore = "plays curl for the tour, started by its shell"]
#[expect(clippy::disallowed_methods, reason = "the shell says by the environment where the arguments are")]
async fn curl_as_the_tour_calls_it() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("the tour starts this"));
    let arguments = fs::read_to_string(folder.join("arguments")).expect("arguments");
    let arguments: Vec<String> = arguments.split_terminator('\0').map(str::to_owned).collect();
    let Request { method, url, headers, body } = Request::read(&arguments);
    let method = method.unwrap_or(if body.is_some() { Method::POST } else { Method::GET });
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut request = client.request(method, &url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let body = response.bytes().await.expect("a body");
    fs::write(folder.join("body"), &body).expect("a file");
    assert!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&body));
}
