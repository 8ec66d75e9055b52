//! A person's own profile, and the shops he works for.

use api::{Answer, Bearer, Caller, IdempotencyKeyHeader, Idempotent, Json, Problem, ScopedRequest, replay_or_run};
use axum::extract::State;
use domain::text::{Email, Handle, Name};
use domain::vendor::{Role, VendorState};
use domain::{Change, UserId, VendorId};
use serde::{Deserialize, Deserializer, Serialize, de};
use store::Error;
use store::accounts::Profile;
use utoipa::ToSchema;

use crate::App;
use crate::user_pool::Person;

/// How often a change is tried again when another one came between.
const MAX_ATTEMPTS: usize = 8;

/// A signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    id: UserId,
    /// The address with which the person signs in.
    email: Email,
    /// What to call the person.
    name: Option<Name>,
    /// The language of mail.
    #[schema(example = "uz")]
    language: Option<String>,
    /// Groups, such as `admin`.
    groups: Vec<String>,
    /// The shops that the person works for.
    memberships: Vec<MembershipView>,
}

/// A person's role at a vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// The shop: what `Vendor-Id` names.
    vendor_id: VendorId,
    /// Handle of the shop page.
    handle: Handle,
    /// The shop's name.
    name: Name,
    /// Where the shop stands.
    state: VendorState,
    /// What the person may do there.
    role: Role,
}

/// What is to change; what is not named stays, and null empties a field.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMe {
    /// What to call the person.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    name: Change<Name>,
    /// The language of mail: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "uz")]
    language: Change<LanguageTag>,
}

/// The tag of a language: two or three letters, and subtags of up to eight letters and digits behind hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
struct LanguageTag(String);

impl<'de> Deserialize<'de> for LanguageTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let mut subtags = text.split('-');
        let language = subtags.next().is_some_and(|subtag| {
            matches!(subtag.len(), 2 | 3) && subtag.bytes().all(|character| character.is_ascii_lowercase())
        });
        let rest = subtags.all(|subtag| {
            (2..=8).contains(&subtag.len()) && subtag.bytes().all(|character| character.is_ascii_alphanumeric())
        });
        if language && rest && text.len() <= 35 {
            Ok(Self(text.into_owned()))
        } else {
            Err(de::Error::custom("must be the tag of a language, such as uz"))
        }
    }
}

/// Shows who is signed in.
#[utoipa::path(get, path = "/v1/me", responses((status = OK, body = MeView)))]
pub async fn show_my_profile(
    State(app): State<App>,
    person: Caller,
    Bearer(token): Bearer,
) -> Result<Json<MeView>, Problem> {
    let known = app.user_pool.person(&token).await?;
    let profile = app.profile(&person, &known).await?;
    app.me(person, known, profile).await.map(Json)
}

/// Changes one's profile.
#[utoipa::path(
    patch, path = "/v1/me", params(IdempotencyKeyHeader), request_body = ChangeMe, responses((status = OK, body = MeView))
)]
pub async fn change_my_profile(
    State(app): State<App>,
    person: Caller,
    Bearer(token): Bearer,
    Idempotent { body: Json(asked), call }: Idempotent<Json<ChangeMe>>,
) -> Result<Answer, Problem> {
    let call = call.scoped_to(person.user);
    replay_or_run(
        app.accounts.stored_response(call.as_idempotent()),
        app.change_profile(&person, &token, &asked, &call),
    )
    .await
}

impl App {
    async fn change_profile(
        &self,
        person: &Caller,
        token: &str,
        asked: &ChangeMe,
        call: &ScopedRequest,
    ) -> Result<Answer, Problem> {
        let known = self.user_pool.person(token).await?;
        for _ in 0..MAX_ATTEMPTS {
            let profile = self.profile(person, &known).await?;
            let changed = Profile {
                name: asked.name.clone().applied(profile.name.clone()),
                language: match &asked.language {
                    Change::Keep => profile.language.clone(),
                    Change::Clear => None,
                    Change::To(tag) => Some(tag.0.clone()),
                },
                version: profile.version,
            };
            let answer = Answer::ok(&self.me(person.clone(), known.clone(), changed.clone()).await?)?;
            let accounts = self.accounts.storing(call.stored(&answer)?);
            let done = if changed == profile {
                accounts.store_response().await
            } else {
                accounts.save_profile(person.user, &changed).await
            };
            match done {
                Ok(()) => return Ok(answer),
                Err(Error::Conflict) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Err(Error::Conflict.into())
    }

    /// The profile; until it is first changed, a person is called as the sign-up said.
    async fn profile(&self, person: &Caller, known: &Person) -> Result<Profile, Problem> {
        let profile = self.accounts.profile(person.user).await?;
        Ok(if profile.version == 0 { Profile { name: known.name.clone(), ..profile } } else { profile })
    }

    async fn me(&self, person: Caller, known: Person, profile: Profile) -> Result<MeView, Problem> {
        let mut memberships = Vec::new();
        for membership in self.accounts.memberships(person.user).await? {
            if let Some(account) = self.accounts.vendor(membership.vendor).await? {
                memberships.push(MembershipView {
                    vendor_id: membership.vendor,
                    handle: account.card.handle,
                    name: account.card.name,
                    state: account.state,
                    role: membership.role,
                });
            }
        }
        Ok(MeView {
            id: person.user,
            email: known.email,
            name: profile.name,
            language: profile.language,
            groups: person.groups.into_iter().collect(),
            memberships,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_has_a_tag() {
        let read = |text: &str| serde_json::from_value::<LanguageTag>(serde_json::json!(text)).is_ok();
        for good in ["uz", "uz-Cyrl", "uz-Latn-UZ", "kaa"] {
            assert!(read(good), "{good}");
        }
        for bad in
            ["", "u", "UZ", "uzbek", "uz-", "uz_UZ", "uz-x", "uz-abcdefghi", "uz-abcdefgh-abcdefgh-abcdefgh-abcdefgh"]
        {
            assert!(!read(bad), "{bad}");
        }
    }
}
