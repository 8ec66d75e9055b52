//! The operator's own people.

use cloud::cognito::Account;
use local::seed::PASSWORD;
use serde_json::{Value, json};

use super::{Client, Shop};

impl Shop {
    /// The token of the invitation to the operator's people that was last mailed to an address.
    pub(crate) async fn team_invitation_for(&self, email: &str) -> String {
        self.wait_until_idle().await;
        let messages = self.cloud.services().mail.messages(Some(email)).expect("mail can be read");
        let mut texts = messages.iter().map(|stored| stored.message.text.as_str());
        let token = texts.find_map(|text| text.split_once("/operate/invitations/"));
        token.expect("an invitation was mailed").1.lines().next().expect("a line").to_owned()
    }

    /// Makes a new account one of the operator's people: an owner invites it, and it accepts.
    pub(crate) async fn operator_with(&self, name: &str, role: &str) -> Client {
        let (person, email) = (self.buyer(name).await, format!("{name}@people.test"));
        let invite = json!({"contact": email, "role": role});
        self.operator().await.post("/v1/admin/members/invitations", &invite).await.expect(202);
        let token = json!({"token": self.team_invitation_for(&email).await});
        person.post("/v1/operator-invitations/accept", &token).await.expect(200);
        person
    }

    /// A new person whom somebody has put into a group of the user pool.
    pub(crate) async fn in_group(&self, name: &str, group: &str) -> Client {
        let email = format!("{name}@people.test");
        self.buyer(name).await;
        let items = super::invariants::items(self, "AccountsTable").await;
        let found = items.iter().find(|item| item["pk"]["S"] == format!("EMAIL#{email}")).expect("an address");
        let data: Value = serde_json::from_str(found["data"]["S"].as_str().expect("data")).expect("JSON");
        let account = Account {
            username: data["username"].as_str().expect("a name").to_owned(),
            email: email.clone(),
            password: PASSWORD.to_owned(),
            name: None,
            groups: vec![group.to_owned()],
        };
        self.cloud.services().cognito.register(&account).await.expect("a group");
        self.sign_in(&email).await
    }

    /// The id of one of the operator's people.
    pub(crate) async fn operator_id(&self, email: &str) -> String {
        let listed = self.operator().await.get("/v1/admin/members").await.expect(200)["items"].clone();
        let mut members = listed.as_array().expect("a list").iter();
        let known = members.find(|member| member["email"] == email).expect("a member");
        known["user_id"].as_str().expect("an id").to_owned()
    }
}
