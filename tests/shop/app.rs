//! An authenticator app, as people have one on their phones.

use domain::mfa::step_at;
use local::seed::PASSWORD;
use platform::TotpSecret;
use serde_json::{Value, json};

use super::{Client, Shop};

/// An app that was set up.
pub(crate) struct App {
    secret: TotpSecret,
    /// The codes on paper.
    pub(crate) papers: Vec<String>,
}

impl App {
    /// What an app reads from the secret of this answer.
    pub(crate) fn reading(enrolment: &Value) -> Self {
        let text = enrolment["secret"].as_str().expect("a secret");
        let mut bits = String::new();
        for symbol in text.chars() {
            let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(symbol).expect("base32");
            bits.push_str(&format!("{value:05b}"));
        }
        let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits");
        let secret = TotpSecret::from_bytes(&(0..20).map(byte).collect::<Vec<_>>()).expect("as many bytes as one has");
        Self { secret, papers: Vec::new() }
    }

    /// Begins to set up an app for whoever the client is, and returns it with its first code.
    pub(crate) async fn begun(shop: &Shop, client: &Client) -> (Self, String) {
        let begun = client.post("/v1/me/mfa", &json!({})).await.expect(200).clone();
        let app = Self::reading(&begun);
        let code = app.code(shop);
        (app, code)
    }

    /// Sets an app up for whoever the client is.
    pub(crate) async fn set_up(shop: &Shop, client: &Client) -> Self {
        let (mut app, code) = Self::begun(shop, client).await;
        let confirmed = client.post("/v1/me/mfa/confirm", &json!({"code": code})).await.expect(200).clone();
        let papers = confirmed["recovery_codes"].as_array().expect("codes").iter();
        app.papers = papers.map(|code| code.as_str().expect("a code").to_owned()).collect();
        assert_eq!(app.papers.len(), 10);
        app
    }

    /// What the app shows now.
    pub(crate) fn code(&self, shop: &Shop) -> String {
        self.secret.code(step_at(shop.cloud.now()))
    }

    /// What the app shows half a minute later, which is taken already.
    pub(crate) fn next_code(&self, shop: &Shop) -> String {
        self.secret.code(step_at(shop.cloud.now()) + 1)
    }
}

impl Shop {
    /// The client of a person who signs in without an app.
    pub(crate) async fn signed_in(&self, email: &str) -> Client {
        let asked = json!({"email": email, "password": PASSWORD});
        let session = self.anon().post("/v1/auth/sign-in", &asked).await.expect(200).clone();
        self.anon().with_token(session["access_token"].as_str().expect("a token"))
    }

    /// The session of the challenge that the right password leads to.
    pub(crate) async fn challenged(&self, email: &str) -> String {
        let asked = json!({"email": email, "password": PASSWORD});
        let answer = self.anon().post("/v1/auth/sign-in", &asked).await.expect(200).clone();
        assert_eq!(answer["challenge"], "totp");
        assert!(answer["access_token"].is_null(), "no token comes before the second factor");
        answer["session"].as_str().expect("a session").to_owned()
    }
}
