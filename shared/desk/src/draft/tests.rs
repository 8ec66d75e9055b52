use domain::{Coded, VendorId};
use serde_json::{Value, json};

use super::*;

fn built(written: Value, known: Option<&Product>) -> Result<Built, String> {
    let vendor = VendorCard {
        id: VendorId::from_bits(1),
        handle: Handle::parse("chorsu").unwrap(),
        name: Name::parse("Chorsu").unwrap(),
    };
    let written: WriteProduct = serde_json::from_value(written).unwrap();
    let mut ids = Ids::new(Timestamp::from_millis(1_798_761_600_000), || [7; 16]);
    build(&written, known, &vendor, &CategoryTree::default(), &mut ids).map_err(|refusal| {
        refusal
            .fields()
            .first()
            .map_or_else(|| refusal.to_string(), |error| format!("{} {}", error.pointer, error.code))
    })
}

fn bowl(sizes: &[&str]) -> Value {
    let variant = |size: &&str| json!({"options": {"Size": size}, "price": {"amount": "5.00", "currency": "USD"}});
    json!({
        "title": "Bowl", "options": [{"name": "Size", "values": ["S", "L", "S", "XL"]}],
        "variants": sizes.iter().map(variant).collect::<Vec<_>>(),
    })
}

#[test]
fn an_option_has_each_value_of_its_variants_once_in_the_vendors_order() {
    let product = built(bowl(&["M", "L", "S"]), None).unwrap().product;
    let values: Vec<&str> = product.options[0].values.iter().map(Name::as_str).collect();
    assert_eq!(values, ["S", "L", "M"]);
}

#[test]
fn an_empty_description_for_search_engines_is_none() {
    let mut written = bowl(&["S"]);
    written["seo"] = json!({"title": "Bowl", "description": ""});
    let seo = built(written, None).unwrap().product.seo;
    assert_eq!((seo.title.map(|title| title.to_string()), seo.description), (Some("Bowl".to_owned()), None));
}

#[test]
fn an_ordinal_is_never_used_again() {
    let first = built(bowl(&["S", "M"]), None).unwrap().product;
    let mut without = bowl(&["S"]);
    without["variants"][0]["id"] = json!(first.variants[0].id);
    let second = built(without.clone(), Some(&first)).unwrap().product;
    let another = without["variants"][0].clone();
    without["variants"] = json!([another, bowl(&["L"])["variants"][0]]);
    let third = built(without, Some(&second)).unwrap().product;
    let ordinals: Vec<u16> = third.variants.iter().map(|variant| variant.id.ordinal()).collect();
    assert_eq!((ordinals, third.next_ordinal), (vec![1, 3], 4));
}

#[test]
fn a_description_is_as_long_as_what_is_shown_of_it() {
    let described = |html: String| {
        let mut written = bowl(&["S"]);
        written["description_html"] = json!(html);
        built(written, None).map(|built| built.description_html)
    };
    // Each `&` is escaped to the five characters of `&amp;`.
    let longest = described("&".repeat(8_000)).unwrap();
    assert_eq!(longest.len(), 40_000);
    assert_eq!(described(longest.clone()).unwrap(), longest, "what was answered can be sent back");
    assert_eq!(described("&".repeat(8_001)).unwrap_err(), "/description_html too_long");
}

#[test]
fn what_does_not_fit_is_refused_where_it_stands() {
    let known = built(bowl(&["S"]), None).unwrap().product;
    let with = |field: &str, value: Value| {
        let mut written = bowl(&["S"]);
        written["variants"][0]["id"] = json!(known.variants[0].id);
        written["variants"][0][field] = value;
        written
    };
    let usd = |amount: &str| json!({"amount": amount, "currency": "USD"});
    let stranger = json!(VariantId::new(known.id, 9));
    let two = json!({"title": "Bowl", "variants": [{"price": usd("5.00")}, {"price": usd("6.00")}]});
    let mut elsewhere = bowl(&["S"]);
    elsewhere["category"] = json!("moon");
    let tagged = |tags: &[&str]| {
        let mut written = bowl(&["S"]);
        written["tags"] = json!(tags);
        written
    };
    let mut pictured = bowl(&["S"]);
    pictured["images"] =
        json!([{"src": "https://a.test/1"}, {"src": "https://a.test/1", "alt": "The same from the side"}]);
    let without_options = json!({
        "title": "Bowl", "options": [{"name": "title"}],
        "variants": [{"options": {"title": "DEFAULT title"}, "price": usd("5.00")}],
    });
    for (written, refused) in [
        (with("id", stranger), "/variants/0/id unknown"),
        (with("on_hand", json!(5)), "/variants/0/on_hand not_new"),
        (with("prices", json!([usd("6.00")])), "/variants/0/price duplicate"),
        (with("prices", json!([usd("5.00"), usd("-5.00")])), "/variants/0/prices/1 out_of_range"),
        (with("price", usd("-5.00")), "/variants/0/price out_of_range"),
        (with("compare_at_price", usd("-6.00")), "/variants/0/compare_at_price out_of_range"),
        (with("compare_at_prices", json!([usd("-6.00")])), "/variants/0/compare_at_prices/0 out_of_range"),
        (
            with("compare_at_price", json!({"amount": "6.00", "currency": "UZS"})),
            "/variants/0/compare_at_price missing",
        ),
        (with("options", json!({"Colour": "Red"})), "/variants/0/options unknown"),
        (with("options", json!({})), "/variants/0/options mismatch"),
        (with("shards", json!(33)), "/variants/0/shards out_of_range"),
        (two, "/variants/1/options duplicate"),
        (with("compare_at_price", usd("0.00")), "/variants/0/compare_at_price out_of_range"),
        (with("compare_at_prices", json!([usd("0.00")])), "/variants/0/compare_at_prices/0 out_of_range"),
        (tagged(&["blue", "glazed, matt"]), "/tags/1 comma"),
        (tagged(&["blue", "matt", "blue"]), "/tags/2 duplicate"),
        (pictured, "/images/1/src duplicate"),
        (without_options, "/options/0 reserved"),
        (elsewhere, "/category unknown"),
    ] {
        assert_eq!(built(written.clone(), Some(&known)).err().as_deref(), Some(refused), "{written}");
    }
}
