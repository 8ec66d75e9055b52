//! The table: for each route a valid request, and what only this route refuses.

use serde_json::{Value, json};

use super::cases::Expected;
use super::row::{Row, Who, row};
use super::world::World;
use crate::shop::{Shop, address};

pub(super) fn invalid(pointer: &str) -> Expected {
    Expected::Problem(400, "invalid", Some(pointer.to_owned()))
}

pub(super) async fn all(world: &World) -> Vec<Row> {
    let mut rows = of_everybody(world).await;
    rows.extend(super::account_rows::of_accounts(world).await);
    rows.extend(of_shops(world));
    rows.extend(of_goods(world).await);
    rows.extend(super::operator_rows::of_operators(world).await);
    for row in &mut rows {
        row.strangers_token = world.strangers_token.clone();
    }
    rows
}

/// An address with every field.
pub(super) fn full_address() -> Value {
    let mut full = address();
    full["line2"] = json!("Flat 3");
    full["region"] = json!("Tashkent");
    full["phone"] = json!("+998 71 200 00 00");
    full
}

async fn of_everybody(world: &World) -> Vec<Row> {
    let anyone = |route| row(route, Who::Anyone);
    let (cart, variant, token) = (&world.guest.cart, &world.bowl.variant, world.token.as_str());
    let list = world.cursor_of(Who::Anyone, "/v1/products?limit=1").await;
    let by_price = world.cursor_of(Who::Anyone, "/v1/products?limit=1&sort=price").await;
    let total = json!({"amount": "17.50", "currency": "USD"});
    vec![
        anyone("GET /v1/health"),
        anyone("GET /v1/states"),
        anyone("GET /v1/openapi.json"),
        anyone("GET /v1/categories").query("lang=uz-Cyrl"),
        anyone("GET /v1/terms"),
        anyone("GET /v1/products").query("sort=price").cursors(by_price, &list),
        anyone("GET /v1/products/{handle}").at("handle", "bowl"),
        anyone("GET /v1/vendors/{handle}").at("handle", "ceramics"),
        anyone("POST /v1/carts")
            .body(json!({"currency": "USD"}))
            .refuses("/currency", ["usd", "XXX", "USDT"].map(Value::from)),
        anyone("GET /v1/carts/{id}").id(cart),
        anyone("DELETE /v1/carts/{id}").id(cart),
        anyone("PUT /v1/carts/{id}/items/{variant_id}")
            .id(cart)
            .at("variant_id", variant)
            .body(json!({"quantity": 2}))
            .refuses("/quantity", [json!(10_000), json!(4_294_967_296_u64)]),
        anyone("DELETE /v1/carts/{id}/items/{variant_id}").id(cart).at("variant_id", variant).idempotent_delete(),
        row("POST /v1/carts/{id}/claim", Who::Buyer).id(cart),
        anyone("POST /v1/carts/{id}/shipping-options")
            .id(cart)
            .body(json!({"address": full_address()}))
            .refuses("/address/country", ["uz", "UZB", "XX"].map(Value::from))
            .refuses("/address/phone", ["no number", "12", "12345x"].map(Value::from)),
        anyone("PUT /v1/carts/{id}/shipping")
            .id(cart)
            .body(json!([{"vendor_id": world.owner.id, "option_id": "flat"}]))
            .refuses("/0/vendor_id", [json!(world.applicant), json!("ven_x"), json!(world.order)])
            .refuses("/0/option_id", ["express", "FLAT"].map(Value::from)),
        anyone("GET /v1/carts/{id}/payment-methods").id(cart),
        anyone("POST /v1/checkout")
            .with("idempotency-key", "bad-input")
            .not_given(&["accepted_terms"])
            .body(json!({
                "cart_id": cart, "email": "guest@guests.test",
                "contact": {"email": "guest@guests.test", "phone": "+998 90 123 45 67"}, "expected_total": total,
                "payment": {"provider": "stripe", "return_url": "http://localhost:5173/back", "hosted_page": false},
                "language": "uz",
            }))
            .refuses("/language", ["UZ", "uzbek", "uz_UZ", "u"].map(Value::from))
            .refuses("/email", ["nobody", "a@b", "a b@c.test", "a@b.test\r\nBcc: x@y.test"].map(Value::from))
            .refuses("/contact/email", ["nobody", "a@b", "a b@c.test"].map(Value::from))
            .refuses("/contact/phone", ["no number", "12", "12345x"].map(Value::from))
            .refuses("/payment/provider", ["barter", "Stripe"].map(Value::from))
            .refuses(
                "/payment/return_url",
                [
                    "http://shop.test",
                    "https://evil.test/back",
                    "http://localhost.evil.test",
                    "javascript:alert(1)",
                    "//shop.test",
                    "https",
                ]
                .map(Value::from),
            )
            .refuses(
                "/expected_total",
                [("17.50", "UZS"), ("-0.01", "USD"), ("90000000000000000.00", "USD")]
                    .map(|(amount, currency)| json!({"amount": amount, "currency": currency})),
            ),
        anyone("GET /v1/orders/{id}").id(&world.order).with("order-token", token),
        anyone("POST /v1/orders/{id}/cancel").id(&world.order).with("order-token", token),
        anyone("POST /v1/orders/{id}/confirm")
            .id(&world.order)
            .with("order-token", token)
            .body(json!({"code": "048151"}))
            .refuses("/code", ["12345", "1234567", "o48151"].map(Value::from)),
        anyone("POST /v1/orders/{id}/confirm/resend").id(&world.order).with("order-token", token),
        anyone("POST /v1/orders/{id}/settle").id(&world.order).with("order-token", token),
        anyone("POST /v1/orders/{id}/returns")
            .id(&world.order)
            .with("order-token", token)
            .with("idempotency-key", "bad-input")
            .body(Shop::gives_back(&world.vendor_order, &world.bowl.variant))
            .refuses("/reason", ["other", "Damaged"].map(Value::from)),
        anyone("POST /v1/orders/{id}/payments")
            .id(&world.order)
            .with("order-token", token)
            .with("idempotency-key", "bad-input")
            .body(json!({"provider": "stripe", "return_url": "http://localhost:5173/back", "hosted_page": false}))
            .refuses("/provider", ["barter", "Stripe"].map(Value::from))
            .refuses(
                "/return_url",
                ["https://evil.test/back", "http://localhost.evil.test", "//shop.test"].map(Value::from),
            ),
        // Its body is the provider's, and has tests of its own.
        anyone("POST /v1/webhooks/{provider}").at("provider", "stripe"),
        row("GET /v1/me/orders", Who::Buyer).cursors(world.cursor_of(Who::Buyer, "/v1/me/orders?limit=1").await, &list),
        row("GET /v1/me/orders/{id}", Who::Buyer).id(&world.buyers_order),
        row("POST /v1/me/orders/{id}/cancel", Who::Buyer).id(&world.buyers_order),
        row("POST /v1/me/orders/{id}/settle", Who::Buyer).id(&world.buyers_order),
        row("POST /v1/me/orders/{id}/returns", Who::Buyer)
            .id(&world.buyers_order)
            .with("idempotency-key", "bad-input")
            .body(Shop::gives_back(&world.vendor_order, &world.bowl.variant)),
    ]
}

fn of_shops(world: &World) -> Vec<Row> {
    let owner = |route| row(route, Who::Owner);
    let rates = json!([{"amount": "5.00", "currency": "USD"}]);
    let bad_rates = || {
        [
            json!([{"amount": "5.00", "currency": "USD"}, {"amount": "6.00", "currency": "USD"}]),
            json!([{"amount": "100000000000.01", "currency": "USD"}]),
            json!(vec![json!({"amount": "5.00", "currency": "USD"}); 51]),
            json!([5]),
        ]
    };
    let bad_limits = || {
        [
            json!([{"amount": "5.00", "currency": "USD"}, {"amount": "6.00", "currency": "USD"}]),
            json!([{"amount": "0.00", "currency": "USD"}]),
            json!(vec![json!({"amount": "5.00", "currency": "USD"}); 51]),
            json!([5]),
        ]
    };
    let answer = |route| {
        row(route, Who::Buyer)
            .body(json!({"token": "A".repeat(86)}))
            .not_given(&["accepted_terms"])
            .refuses("/token", [json!("x".repeat(129)), json!("a b"), json!("x\ny")])
            .refuses_body("no such invitation", json!({"token": "A"}), Expected::Problem(404, "not_found", None))
    };
    let identity = json!({
        "legal_name": "ceramics", "kind": "company", "country": "UZ", "address": "12 Navoi Street, Tashkent",
    });
    vec![
        row("POST /v1/vendors", Who::Buyer)
            .not_given(&["accepted_terms"])
            .body(json!({
                "handle": "new-shop", "name": "New shop", "currency": "USD", "email": "shop@people.test",
                "phone": "+998 71 200 00 00", "legal_name": "New shop", "about": "Bowls", "shipping_rates": rates,
                "cash_on_delivery": rates, "public_identity": identity.clone(), "language": "uz",
            }))
            .accepts("/about", &[""])
            .refuses("/public_identity/kind", ["shop", "Company", "other"].map(Value::from))
            .refuses("/public_identity/country", ["uz", "XX"].map(Value::from))
            .refuses("/handle", ["me", "admin", "New", "a--b", "-a", "a_b"].map(Value::from))
            .refuses("/about", [json!("x".repeat(5_001))])
            .refuses("/currency", ["usd", "XXX"].map(Value::from))
            .refuses("/shipping_rates", bad_rates())
            .refuses("/cash_on_delivery", bad_limits())
            .refuses_body(
                "a name that suggests no handle",
                json!({"name": "茶壶", "currency": "USD"}),
                invalid("/handle"),
            )
            .refuses_body(
                "a handle that is taken",
                json!({"handle": "ceramics", "name": "Mine", "currency": "USD"}),
                Expected::Problem(409, "handle_taken", None),
            ),
        owner("GET /v1/vendors/me"),
        owner("PATCH /v1/vendors/me")
            .body(json!({
                "name": "ceramics", "handle": "ceramics", "currency": "USD", "legal_name": "ceramics",
                "email": "shop@people.test", "language": "uz",
                "phone": "+998 71 200 00 00", "about": "Bowls", "shipping_rates": rates,
                "cash_on_delivery": rates, "public_identity": identity,
            }))
            .accepts("/about", &[""])
            .refuses("/about", [json!("x".repeat(5_001))])
            .refuses("/shipping_rates", bad_rates())
            .refuses("/cash_on_delivery", bad_limits())
            .refuses_body(
                "another name",
                json!({"name": "Other"}),
                Expected::Problem(409, "wrong_state", Some("/name".into())),
            )
            .refuses_body(
                "no way of delivery",
                json!({"shipping_rates": []}),
                Expected::Problem(409, "checklist_incomplete", Some("/shipping_rates".into())),
            ),
        owner("POST /v1/vendors/me/documents")
            .body(json!({
                "kind": "identity", "filename": "passport.pdf", "content_type": "application/pdf", "size": 1000,
                "expires_at": "2030-01-01T00:00:00Z",
            }))
            .refuses("/expires_at", ["tomorrow", "2030-01-01"].map(Value::from))
            .refuses("/kind", ["diploma", "Identity"].map(Value::from))
            .refuses("/content_type", ["image/svg+xml", "text/html"].map(Value::from))
            .refuses("/size", [json!(0), json!(10 * 1024 * 1024 + 1)]),
        owner("POST /v1/vendors/me/submit"),
        owner("GET /v1/vendors/me/members"),
        owner("GET /v1/vendors/me/invitations"),
        owner("POST /v1/vendors/me/invitations")
            .body(json!({"contact": "signer@people.test", "role": "finance"}))
            .refuses("/role", ["boss", "Owner", "admin", "other"].map(Value::from)),
        owner("DELETE /v1/vendors/me/invitations").body(json!({"contact": "signer@people.test"})).refuses_body(
            "an address that is not invited",
            json!({"contact": "nobody@people.test"}),
            Expected::Problem(404, "not_found", None),
        ),
        owner("POST /v1/vendors/me/leave"),
        owner("POST /v1/vendors/me/terms").body(json!({"version": 1})).refuses("/version", [json!(-1), json!("one")]),
        answer("POST /v1/invitations/accept"),
        answer("POST /v1/invitations/decline"),
        answer("POST /v1/operator-invitations/accept"),
        owner("DELETE /v1/vendors/me/members")
            .body(json!({"contact": "ceramics@people.test", "role": "owner"}))
            .refuses("/role", ["boss"].map(Value::from))
            .refuses_body(
                "the last owner",
                json!({"contact": "ceramics@people.test"}),
                Expected::Problem(409, "wrong_state", None),
            ),
        owner("GET /v1/vendor/orders/{id}").id(&world.vendor_order),
        owner("POST /v1/vendor/orders/{id}/accept").id(&world.vendor_order),
        owner("POST /v1/vendor/orders/{id}/decline").id(&world.vendor_order),
        owner("POST /v1/vendor/orders/{id}/refuse").id(&world.vendor_order),
        owner("POST /v1/vendor/orders/{id}/ship")
            .id(&world.vendor_order)
            .body(json!({
                "carrier": "UzPost", "tracking_number": "RR123456785UZ",
                "lines": [{"variant_id": world.bowl.variant, "quantity": 1}],
            }))
            .may_be_empty(),
        owner("POST /v1/vendor/orders/{id}/deliver").id(&world.vendor_order),
        owner("POST /v1/vendor/orders/{id}/parcels/{number}/deliver").id(&world.vendor_order).at("number", "1"),
        owner("POST /v1/vendor/orders/{id}/refunds")
            .id(&world.vendor_order)
            .with("idempotency-key", "bad-input")
            .body(json!({"amount": {"amount": "1.00", "currency": "USD"}, "reason": "It came late."}))
            .not_given(&["lines", "shipping", "variant_id", "quantity"]),
        owner("POST /v1/vendor/orders/{id}/returns/{number}/approve").id(&world.vendor_order).at("number", "1"),
        owner("POST /v1/vendor/orders/{id}/returns/{number}/decline")
            .id(&world.vendor_order)
            .at("number", "1")
            .body(json!({"reason": "It was worn."})),
        owner("POST /v1/vendor/orders/{id}/returns/{number}/receive")
            .id(&world.vendor_order)
            .at("number", "1")
            .body(json!({"restock": true}))
            .may_be_empty(),
        owner("POST /v1/vendor/orders/{id}/parcels/{number}/lost").id(&world.vendor_order).at("number", "1"),
        owner("POST /v1/vendor/orders/{id}/parcels/{number}/returned-to-sender")
            .id(&world.vendor_order)
            .at("number", "1")
            .body(json!({"restock": true}))
            .may_be_empty(),
    ]
}

/// A product with every field. `variant` adds fields to its variant.
fn product(variant: Value) -> Value {
    let mut first = json!({
        "sku": "BOWL-S", "options": {"Size": "S"}, "prices": [{"amount": "12.50", "currency": "USD"}],
        "compare_at_prices": [{"amount": "15.00", "currency": "USD"}], "grams": 300, "sale_unit": {"unit": "kg", "step": "0.25"},
        "image": "https://example.test/bowl.png", "shards": 2, "low_stock_at": 3,
    });
    for (name, value) in variant.as_object().expect("fields") {
        first[name] = value.clone();
    }
    json!({
        "title": "Another bowl", "handle": "another-bowl", "description_html": "<p>Blue</p>", "category": "kitchen",
        "options": [{"name": "Size", "values": ["S"]}], "variants": [first],
        "images": [{"src": "https://example.test/bowl.png", "alt": "A bowl"}], "tags": ["blue"],
        "seo": {"title": "Bowl", "description": "A blue bowl"},
        "manufacturer": "Rishton Ceramics", "importer": "Chorsu Trade", "country_of_origin": "UZ", "language": "en",
        "translations": {"ru": {
            "title": "Миска", "description_html": "<p>Синяя</p>", "seo": {"title": "Миска", "description": "Миска"},
            "options": {"Size": {"name": "Размер", "values": {"S": "Малая"}}},
        }},
    })
}

/// Adds what every route that takes a product refuses.
fn refusing_products(row: Row) -> Row {
    let price = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
    let priced = |index: usize| json!({"prices": [price("1.00", "USD")], "options": {"Size": format!("S{index}")}});
    let prices = [
        json!([]),
        json!([price("1.00", "USD"), price("2.00", "USD")]),
        json!([price("100000000000.01", "USD")]),
        json!([price("1.00", "UZS"), price("1.005", "EUR")]),
        json!([price("1.00", "JPY")]),
        Value::Array(
            ["USD", "EUR", "UZS", "KZT", "GBP", "CHF", "CNY", "RUB", "TRY"].map(|code| price("1.00", code)).to_vec(),
        ),
    ];
    row.accepts("/description_html", &[""])
        .accepts("/seo/description", &[""])
        .accepts("/translations/ru/description_html", &[""])
        .accepts("/translations/ru/seo/description", &[""])
        .refuses("/language", ["u", "russian", "uz_Cyrl"].map(Value::from))
        .refuses(
            "/translations",
            [json!({"russian": {}}), json!({"en": {"title": "Bowl"}}), json!({"ru": {}, "RU": {}})],
        )
        .refuses("/category", ["garden", "No Such"].map(Value::from))
        .refuses("/handle", ["Bowl", "a--b", "a b"].map(Value::from))
        .refuses("/variants", [json!([]), Value::Array((0..101).map(priced).collect())])
        .refuses("/variants/0/prices", prices)
        .refuses("/variants/0/shards", [json!(0), json!(33), json!(65_536)])
        .refuses("/variants/0/low_stock_at", [json!(-1), json!(10_000_001)])
        .refuses("/variants/0/grams", [json!(4_294_967_296_u64)])
        .refuses("/variants/0/sale_unit/unit", ["oz", "KG", "other"].map(Value::from))
        .refuses("/variants/0/sale_unit/step", ["0", "-1", "1.2345", "10000.001", "1e3", "½"].map(Value::from))
        .refuses("/variants/0/options", [json!({}), json!({"Colour": "Blue"}), json!({"Size": "S", "Colour": "Blue"})])
        .refuses("/variants/0/image", ["http://a.test/b", "javascript:alert(1)", "media:x"].map(Value::from))
        .refuses("/images/0/src", ["http://a.test/b", "data:image/png;base64,AA", "https://a@b.test/"].map(Value::from))
        .refuses("/images", [json!(vec![json!({"src": "https://a.test/b"}); 51])])
        .refuses("/images", [json!([{"src": "https://a.test/b"}, {"src": "https://a.test/b", "alt": "The same"}])])
        .refuses("/tags", [json!(vec!["blue"; 251]), json!(["blue", "green", "blue"])])
        .refuses("/tags/0", [json!("blue, green")])
        .refuses("/description_html", [json!("&".repeat(8_001))])
        .refuses("/variants/0/compare_at_prices", [json!([price("0.00", "USD")])])
        .refuses_body(
            "the option by which a product file says that there is none",
            json!({
                "title": "Bowl", "options": [{"name": "Title"}],
                "variants": [{"options": {"Title": "Default Title"}, "prices": [price("1.00", "USD")]}],
            }),
            invalid("/options/0"),
        )
        .refuses(
            "/options",
            [
                json!([{"name": "Size"}, {"name": "Size"}]),
                json!(["Size", "B", "C", "D"].map(|name| json!({"name": name}))),
            ],
        )
}

async fn of_goods(world: &World) -> Vec<Row> {
    let owner = |route| row(route, Who::Owner);
    let (bowl, draft) = (&world.bowl, &world.draft);
    let products = world.cursor_of(Who::Owner, "/v1/vendor/products?limit=1").await;
    let orders = world.cursor_of(Who::Owner, "/v1/vendor/orders?limit=1").await;
    let imports = world.cursor_of(Who::Owner, "/v1/vendor/imports?limit=1").await;
    let exports = world.cursor_of(Who::Owner, "/v1/vendor/exports?limit=1").await;
    vec![
        owner("GET /v1/vendor/products").cursors(products.clone(), &orders),
        refusing_products(
            owner("POST /v1/vendor/products")
                .body(product(json!({"on_hand": 3})))
                .refuses("/variants/0/on_hand", [json!(10_000_001)])
                .refuses(
                    "/variants/0",
                    [json!({"id": bowl.variant, "prices": [{"amount": "1.00", "currency": "USD"}]})],
                )
                .refuses_body(
                    "a handle that is taken",
                    json!({
                        "title": "Bowl", "handle": "bowl",
                        "variants": [{"prices": [{"amount": "1.00", "currency": "USD"}]}],
                    }),
                    Expected::Problem(409, "handle_taken", None),
                )
                .refuses_body(
                    "a title that suggests no handle",
                    json!({"title": "茶壶", "variants": [{"prices": [{"amount": "1.00", "currency": "USD"}]}]}),
                    invalid("/handle"),
                ),
        ),
        owner("GET /v1/vendor/products/{id}").id(&bowl.id),
        refusing_products(
            owner("PUT /v1/vendor/products/{id}")
                .id(&draft.id)
                .with("if-match", &world.draft_etag)
                .body(product(json!({"id": draft.variant})))
                .refuses("/variants/0/id", [json!(bowl.variant), json!(draft.id)]),
        ),
        owner("DELETE /v1/vendor/products/{id}").id(&draft.id),
        owner("POST /v1/vendor/products/{id}/publish").id(&draft.id),
        owner("POST /v1/vendor/products/{id}/unpublish").id(&bowl.id),
        owner("PUT /v1/vendor/products/{id}/variants/{variant_id}/stock")
            .id(&bowl.id)
            .at("variant_id", &bowl.variant)
            .body(json!({"on_hand": 5}))
            .not_given(&["adjust", "shards"])
            .refuses_body("no shard", json!({"shards": 0}), invalid("/shards"))
            .refuses_body("too many shards", json!({"shards": 33}), invalid("/shards"))
            .refuses_body("more shards than a u16 holds", json!({"shards": 65_536}), invalid("/shards"))
            .refuses("/on_hand", [json!(10_000_001), json!(i64::MIN)])
            .refuses_body("both", json!({"on_hand": 5, "adjust": 1}), invalid(""))
            .refuses_body("neither", json!({}), invalid(""))
            .refuses_body("too many more", json!({"adjust": 10_000_001}), invalid("/adjust"))
            .refuses_body("half a unit", json!({"adjust": 0.5}), invalid("/adjust"))
            .refuses_body("a text", json!({"adjust": "1"}), invalid("/adjust"))
            .refuses_body("fewer than nothing", json!({"adjust": -51}), Expected::Problem(409, "out_of_stock", None)),
        owner("POST /v1/vendor/media")
            .body(json!({"content_type": "image/png", "size": 1000}))
            .refuses("/content_type", ["image/svg+xml", "image/avif", "text/html", "image/PNG"].map(Value::from))
            .refuses("/size", [json!(0), json!(10 * 1024 * 1024 + 1)]),
        owner("GET /v1/vendor/media/{id}").id(&world.picture),
        owner("GET /v1/vendor/imports").cursors(imports.clone(), &exports),
        owner("POST /v1/vendor/imports")
            .body(json!({"filename": "goods.csv", "size": 100}))
            .limit(1024 * 1024)
            .refuses("/size", [json!(0), json!(200 * 1024 * 1024 + 1)]),
        owner("GET /v1/vendor/imports/{id}").id(&world.import),
        owner("GET /v1/vendor/import-mapping"),
        owner("PUT /v1/vendor/import-mapping")
            .body(json!({"columns": {"Kod": "sku", "Nomi": "title"}}))
            .refuses_body("no product is told", json!({"columns": {"Nomi": "title"}}), invalid("/columns"))
            .refuses_body("no such column", json!({"columns": {"Kod": "code"}}), invalid("/columns"))
            .refuses_body("twice", json!({"columns": {"Kod": "sku", "kod!": "title"}}), invalid("/columns/kod!")),
        owner("GET /v1/vendor/exports").cursors(exports, &imports),
        owner("POST /v1/vendor/exports"),
        owner("GET /v1/vendor/exports/{id}").id(&world.export),
        owner("GET /v1/vendor/orders").cursors(orders, &products),
        owner("GET /v1/vendor/settlements").query("from=2026-01-01&to=2028-01-01"),
        owner("GET /v1/vendor/summary"),
    ]
}
