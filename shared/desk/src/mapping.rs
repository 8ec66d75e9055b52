//! What the columns of a vendor's product files mean, when the files are of no system that is recognised.

use std::collections::BTreeMap;

use domain::job::{ColumnMapping, FileColumn};
use domain::text::Line;
use domain::vendor::{Member, Permission};
use domain::{Call, Expected};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{Desk, Done, Error};

/// The complete mapping that replaces the stored one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplaceMapping {
    /// What the columns mean, by their headers, which are compared by letters and digits in any case; at most 100. One
    /// of them is `handle`, or else `sku`. Without any, files of other systems are refused.
    columns: BTreeMap<Line, FileColumn>,
}

impl Desk {
    /// What the columns of the vendor's files mean.
    pub async fn column_mapping(&self, member: &Member) -> Result<ColumnMapping, Error> {
        member.may(Permission::ReadProducts)?;
        Ok(self.accounts.column_mapping(member.vendor()).await?.unwrap_or_default())
    }

    /// Replaces the mapping of the vendor's files. Imports that have begun go on with what they began with.
    pub async fn replace_column_mapping<R>(
        &self,
        member: &Member,
        asked: &ReplaceMapping,
        expected: &Expected,
        call: Call<'_, ColumnMapping, R>,
    ) -> Done<R> {
        member.may(Permission::EditProducts)?;
        let work = async {
            let loaded = self.accounts.column_mapping(member.vendor()).await?.unwrap_or_default();
            expected.check(loaded.version)?;
            let changed = ColumnMapping { columns: asked.columns.clone(), ..loaded.clone() };
            changed.check()?;
            let respond = |saved: &ColumnMapping| call.answer(saved);
            Ok::<_, Error>(self.accounts.save_column_mapping(member.vendor(), &loaded, changed, respond).await?)
        };
        self.accounts.once(call.request(), work).await
    }
}
