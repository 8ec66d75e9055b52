//! The profile of a signed-in person, with their memberships.

use domain::contact::PhoneNumber;
use domain::text::{Email, LanguageTag, Name};
use domain::vendor::{Role, VendorAccount};
use domain::{Call, Change, Code, Outcome, Refusal, UserId};
use serde::Deserialize;
use store::accounts::Profile;
use utoipa::ToSchema;

use crate::mfa::MfaView;
use crate::user_pool::{Person, UserPoolError};
use crate::{Done, Error, People};

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Me {
    pub id: UserId,
    pub email: Option<Email>,
    pub phone: Option<PhoneNumber>,
    /// How to address the person.
    pub name: Option<Name>,
    /// The language of mail to the person, as a BCP 47 tag.
    pub language: Option<String>,
    /// The vendors that the person works for.
    pub vendors: Vec<MyVendor>,
    /// The second factor, once it is needed to sign in.
    pub mfa: Option<MfaView>,
}

/// A vendor that a person works for.
#[derive(Clone, Debug)]
pub struct MyVendor {
    pub account: VendorAccount,
    pub role: Role,
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

/// The stored profile; until it is first changed, with the name and the language that were told at sign-up.
fn known(profile: &Profile, person: &Person) -> Profile {
    if profile.version > 0 {
        return profile.clone();
    }
    Profile { name: person.name.clone(), language: person.language.clone(), ..profile.clone() }
}

impl People {
    /// The language in which a person is written to, as a tag. A profile that cannot be read keeps nobody from being
    /// told.
    pub(crate) async fn language_of(&self, user: UserId, person: &Person) -> Result<Option<String>, Error> {
        match self.accounts.profile(user).await {
            Ok(profile) => Ok(known(&profile, person).language),
            Err(unreadable) if unreadable.is_unreadable() => Ok(person.language.clone()),
            Err(error) => Err(error.into()),
        }
    }

    /// The profile of a signed-in person.
    pub async fn me(&self, user: UserId) -> Result<Me, Error> {
        let person = self.signed_in(user).await?;
        let profile = known(&self.accounts.profile(user).await?, &person);
        let (vendors, mfa) = (self.vendors_of(user).await?, self.mfa(user).await?);
        let Person { email, phone, .. } = person;
        Ok(Me { id: user, email, phone, name: profile.name, language: profile.language, vendors, mfa })
    }

    /// Changes the profile of a signed-in person.
    pub async fn change_profile<R>(&self, user: UserId, asked: &ChangeMe, call: Call<'_, Me, R>) -> Done<R> {
        let work = async {
            let person = self.signed_in(user).await?;
            let (vendors, mfa) = (self.vendors_of(user).await?, self.mfa(user).await?);
            let decide = |profile: &Profile| {
                let profile = known(profile, &person);
                let language = asked.language.clone().map(String::from).applied(profile.language.clone());
                Profile { name: asked.name.clone().applied(profile.name.clone()), language, ..profile }
            };
            let respond = |profile: &Profile| {
                let (name, language) = (profile.name.clone(), profile.language.clone());
                call.answer_unstored(&Me {
                    id: user,
                    email: person.email.clone(),
                    phone: person.phone.clone(),
                    name,
                    language,
                    vendors: vendors.clone(),
                    mfa,
                })
            };
            Ok::<_, Error>(self.accounts.change_profile(user, decide, respond).await?)
        };
        match self.accounts.once(call.request(), work).await? {
            Outcome::Repeated(None) => Ok(call.again(&self.me(user).await?)?),
            outcome => Ok(outcome),
        }
    }

    /// A person whose account was deleted is signed in nowhere.
    pub(crate) async fn signed_in(&self, user: UserId) -> Result<Person, Error> {
        match self.user_pool.person(&user.to_string()).await {
            Err(UserPoolError::Unknown) => Err(Refusal::of(Code::Unauthorized).into()),
            known => Ok(known?),
        }
    }

    async fn vendors_of(&self, user: UserId) -> Result<Vec<MyVendor>, Error> {
        let mut vendors = Vec::new();
        for membership in self.accounts.memberships(user).await? {
            let account = self.accounts.vendor(membership.vendor).await?;
            vendors.extend(account.map(|account| MyVendor { account, role: membership.role }));
        }
        Ok(vendors)
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
