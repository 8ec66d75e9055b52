//! The rows of accounts: signing up and in, the second factor, a person's own data.

use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::cases::Expected;
use super::row::{Row, Who, row};
use super::rows::{full_address, invalid};
use super::world::World;
use crate::shop::{NO_REQUEST, address};

pub(super) async fn of_accounts(world: &World) -> Vec<Row> {
    let anyone = |route| row(route, Who::Anyone);
    let email = "signer@people.test";
    let weak = || ["short1A", "elevenchars", "password1234", "aaaaaaaaaaaa"].map(Value::from);
    // Cognito's pattern and lengths: 129 keys are 258 UTF-16 units.
    let keys = "\u{1f511}".repeat(129);
    let unfit = || ["x", "Correct\nhorse 1", "Correct\u{2028}horse 1", keys.as_str()].map(Value::from);
    let too_long = || [json!(format!("{}@{}.test", "a".repeat(60), "b".repeat(63)))];
    let no_token = || ["", "a b", "\u{e9}", &"x".repeat(257)].map(Value::from);
    let no_second_factor = || ["12345", "1234567", "ab2de_fgh3j", "ab2defgh3jk"].map(Value::from);
    vec![
        anyone("POST /v1/auth/sign-up")
            .body(
                json!({"contact": "somebody@people.test", "password": PASSWORD, "name": "Somebody", "language": "uz"}),
            )
            .refuses("/password", weak())
            .refuses("/password", unfit())
            .refuses(
                "/contact",
                ["nobody", "a@b", "@b.test", "a@b.test\0", "998901234567", "+0998901234567"].map(Value::from),
            )
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/confirm")
            .body(
                json!({"contact": "nobody@people.test", "code": "123456", "request": NO_REQUEST, "password": PASSWORD}),
            )
            .refuses("/request", no_token())
            .refuses("/password", weak())
            .refuses("/password", unfit())
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/resend")
            .body(json!({"contact": email, "language": "uz"}))
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/sign-in")
            .body(json!({"contact": email, "password": PASSWORD}))
            .refuses("/password", unfit())
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/code").body(json!({"contact": email, "language": "uz"})).refuses("/contact", too_long()),
        anyone("POST /v1/auth/code/sign-in")
            .body(json!({"contact": "nobody@people.test", "code": "123456", "request": NO_REQUEST}))
            .refuses("/request", no_token())
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/refresh").body(json!({"refresh_token": world.refresh_token})).refuses_body(
            "no token",
            json!({"refresh_token": "nonsense"}),
            Expected::Problem(401, "unauthorized", None),
        ),
        anyone("POST /v1/auth/challenge")
            .body(json!({"session": "bm9uZQ", "code": "123456"}))
            .not_given(&["password"])
            .refuses("/code", no_second_factor()),
        row("POST /v1/auth/sign-out", Who::Buyer),
        row("GET /v1/me/sessions", Who::Buyer),
        row("DELETE /v1/me/sessions/{id}", Who::Buyer).id("ses_00000000000000000000000001"),
        row("POST /v1/me/password", Who::Buyer)
            .body(json!({"current_password": "Wrong horse 345", "password": PASSWORD}))
            .refuses("/current_password", unfit())
            .refuses("/password", weak())
            .refuses("/password", unfit()),
        row("POST /v1/me/contact", Who::Buyer)
            .body(json!({"contact": "moved@people.test", "language": "uz"}))
            .refuses("/contact", too_long()),
        row("POST /v1/me/contact/confirm", Who::Buyer)
            .body(json!({"contact": "nobody@people.test", "code": "123456", "request": NO_REQUEST}))
            .refuses("/request", no_token())
            .refuses("/contact", too_long()),
        row("POST /v1/me/mfa", Who::Buyer),
        row("POST /v1/me/mfa/confirm", Who::Buyer).body(json!({"code": "123456"})).refuses("/code", no_second_factor()),
        row("POST /v1/me/mfa/recovery-codes", Who::Buyer)
            .body(json!({"code": "123456"}))
            .refuses("/code", no_second_factor()),
        row("DELETE /v1/me/mfa", Who::Buyer).body(json!({"code": "123456"})).refuses("/code", no_second_factor()),
        anyone("POST /v1/auth/forgot-password")
            .body(json!({"contact": email, "language": "uz"}))
            .refuses("/contact", too_long()),
        anyone("POST /v1/auth/reset-password")
            .body(
                json!({"contact": "nobody@people.test", "code": "123456", "request": NO_REQUEST, "password": PASSWORD}),
            )
            .refuses("/request", no_token())
            .refuses("/password", weak())
            .refuses("/password", unfit())
            .refuses("/contact", too_long()),
        row("GET /v1/me", Who::Buyer),
        row("PATCH /v1/me", Who::Buyer)
            .body(json!({"name": "Buyer", "language": "uz"}))
            .refuses("/language", ["UZ", "uzbek", "uz_UZ", "u"].map(Value::from)),
        row("GET /v1/me/addresses", Who::Buyer),
        row("PUT /v1/me/addresses", Who::Buyer)
            .body(json!({"items": [{"address": full_address()}]}))
            .refuses("/items", [json!(vec![json!({"address": address()}); 51])])
            .refuses("/items/0/address/country", ["uz", "UZB", "XX"].map(Value::from))
            .refuses_body(
                "an id that is not in the book",
                json!({"items": [{"id": "adr_00000000000000000000000001", "address": address()}]}),
                invalid("/items/0/id"),
            ),
    ]
}
