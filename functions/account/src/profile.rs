//! The profile of the signed-in person, with their memberships.

use api::{Answer, Bearer, Caller, Idempotent, Json, Problem, ScopedRequest, replay_or_run};
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

/// Attempts to save a profile that is changed concurrently.
const MAX_ATTEMPTS: usize = 8;

/// The profile of the signed-in person.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeView {
    id: UserId,
    /// The e-mail address with which the person signs in.
    email: Email,
    /// The person's name for display.
    #[schema(required = true)]
    name: Option<Name>,
    /// The language of mail to the person, as a BCP 47 tag.
    #[schema(required = true, examples("uz"))]
    language: Option<String>,
    /// The person's groups in the user pool, such as `admin`.
    groups: Vec<String>,
    /// The vendors that the person works for.
    memberships: Vec<MembershipView>,
}

/// The person's role at one vendor.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembershipView {
    /// The vendor's id, as the header `Vendor-Id` takes it.
    vendor_id: VendorId,
    /// The handle in the address of the vendor's shop page.
    handle: Handle,
    /// The vendor's name.
    name: Name,
    /// The vendor's state; only an `approved` one sells.
    state: VendorState,
    /// The person's role, which decides what they may do for the vendor.
    role: Role,
}

/// The fields to change: a missing one stays as it is, and `null` clears one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMe {
    /// The person's name for display.
    #[serde(default)]
    #[schema(value_type = Option<Name>)]
    name: Change<Name>,
    /// The language of mail to the person: a tag such as `uz` or `uz-Cyrl` (BCP 47).
    #[serde(default)]
    #[schema(value_type = Option<String>, examples("uz"))]
    language: Change<LanguageTag>,
}

/// A language tag: two or three lower-case letters, then subtags of two to eight letters and digits after hyphens; at
/// most 35 characters.
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

/// Shows the profile of the signed-in person.
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

/// Changes the profile of the signed-in person.
#[utoipa::path(
    patch, path = "/v1/me", request_body = ChangeMe, responses((status = OK, body = MeView))
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

    /// The stored profile; until it is first changed, with the name that was given at sign-up.
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
