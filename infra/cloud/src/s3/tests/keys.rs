//! A key is text and no path: any of up to 1,024 bytes of UTF-8
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).

use super::*;

async fn listed(client: &Client, prefix: &str, delimiter: Option<&str>) -> (Vec<String>, Vec<String>) {
    let list = client.list_objects_v2().bucket("documents").prefix(prefix).set_delimiter(delimiter.map(str::to_owned));
    let list = list.send().await.unwrap();
    let keys = list.contents().iter().filter_map(|object| object.key()).map(str::to_owned);
    let groups = list.common_prefixes().iter().filter_map(|group| group.prefix()).map(str::to_owned);
    (keys.collect(), groups.collect())
}

#[tokio::test]
async fn a_key_may_have_1024_bytes_and_no_more() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let longest = ["k".repeat(1_024), "ü".repeat(512), format!("{}/x", "y".repeat(300)), "a/".repeat(512)];
    for key in &longest {
        put(&client, "documents", key, "x").await.unwrap();
        assert_eq!(read(&client, "documents", key).await, Ok("x".into()));
    }
    for key in ["k".repeat(1_025), format!("{}a", "ü".repeat(512))] {
        assert_eq!(put(&client, "documents", &key, "x").await, Err("KeyTooLongError".into()));
        assert_eq!(read(&client, "documents", &key).await, Err("KeyTooLongError".into()));
    }
    let mut expected = longest.to_vec();
    expected.sort_unstable();
    assert_eq!(listed(&client, "", None).await.0, expected, "in the order of their bytes");
}

#[tokio::test]
async fn a_key_stands_beside_its_own_folder() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let keys = ["a", "a/", "a/b", "a/b/c"];
    for key in keys {
        put(&client, "documents", key, "x").await.unwrap();
    }
    for key in keys {
        assert_eq!(read(&client, "documents", key).await, Ok("x".into()), "{key}");
    }
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    assert_eq!(listed(&client, "", Some("/")).await, (texts(&["a"]), texts(&["a/"])));
    assert_eq!(listed(&client, "a/", Some("/")).await, (texts(&["a/", "a/b"]), texts(&["a/b/"])));
    client.delete_object().bucket("documents").key("a").send().await.unwrap();
    client.delete_object().bucket("documents").key("a/b").send().await.unwrap();
    assert_eq!(listed(&client, "", None).await.0, ["a/", "a/b/c"]);
    assert_eq!(read(&client, "documents", "a/b").await, Err("NoSuchKey".into()));
}

#[tokio::test]
async fn a_key_that_looks_like_a_path_is_a_name_like_any_other() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    let keys = [
        "/",
        "//",
        "/a",
        "a//b",
        "a/",
        ".",
        "./a",
        "a/.",
        "a/..",
        "a/../b",
        "...",
        "~",
        "a\\b",
        "a:b",
        "a b",
        "a%2Fb",
        "a%",
        "a+b",
        "a?b#c",
        "a&b=c",
        "A",
        "ä",
        "a\u{308}",
        ".index.sqlite",
        ".blobs/a",
        "'",
        "\"",
    ];
    for (at, key) in keys.iter().enumerate() {
        let text: &'static str = Box::leak(at.to_string().into_boxed_str());
        put(&client, "documents", key, text).await.unwrap_or_else(|code| panic!("{key}: {code}"));
    }
    for (at, key) in keys.iter().enumerate() {
        assert_eq!(read(&client, "documents", key).await, Ok(at.to_string()), "{key}");
    }
    let mut expected = keys.to_vec();
    expected.sort_unstable();
    assert_eq!(listed(&client, "", None).await.0, expected);
    for key in ["..", "../a", "a/../..", "a/../../b", "./.."] {
        assert_eq!(put(&client, "documents", key, "x").await, Err("InvalidURI".into()), "{key}");
    }
}

#[tokio::test]
async fn a_list_is_read_page_by_page_and_a_group_is_one_entry() {
    let cloud = Cloud::start().await;
    let client = cloud.client("LOCALROOT");
    for key in ["a", "b/1", "b/2", "b/3", "c", "d/1", "e"] {
        put(&client, "documents", key, "x").await.unwrap();
    }
    let (mut token, mut pages) = (None, Vec::new());
    loop {
        let page = client.list_objects_v2().bucket("documents").delimiter("/").max_keys(2);
        let page = page.set_continuation_token(token).send().await.unwrap();
        let keys = page.contents().iter().filter_map(|object| object.key()).map(str::to_owned);
        let groups = page.common_prefixes().iter().filter_map(|group| group.prefix()).map(str::to_owned);
        let mut entries: Vec<String> = keys.chain(groups).collect();
        entries.sort_unstable();
        assert_eq!(page.key_count().unwrap(), i32::try_from(entries.len()).unwrap());
        pages.push(entries);
        token = page.next_continuation_token().map(str::to_owned);
        assert_eq!(page.is_truncated().unwrap(), token.is_some());
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec!["a", "b/"], vec!["c", "d/"], vec!["e"]]);
    let after = client.list_objects_v2().bucket("documents").start_after("b/2").max_keys(2).send().await.unwrap();
    assert_eq!(after.contents().iter().map(|object| object.key().unwrap()).collect::<Vec<_>>(), ["b/3", "c"]);
    let wrong = client.list_objects_v2().bucket("documents").continuation_token("?").send().await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidArgument"));
}
