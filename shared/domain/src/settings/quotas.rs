//! Quotas: how much one shop may have, or do in a time.

use serde::{Deserialize, Serialize};

use crate::vendor::VendorState;

/// Declares each quota once: its name in Rust and on the wire, its default, and what it may be set to.
macro_rules! quotas {
    ($($(#[doc = $doc:literal])+ $name:ident $field:ident = $text:literal, $default:literal, $bounds:expr;)+) => {
        /// What a shop has a quota of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Quota { $($(#[doc = $doc])+ $name,)+ }

        impl Quota {
            /// Its name within the area `quotas`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// The least and the most that it can be set to.
            pub const fn bounds(self) -> (u32, u32) {
                match self { $(Self::$name => $bounds,)+ }
            }
        }

        /// The quotas of each shop.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Quotas { $($(#[doc = $doc])+ pub $field: u32,)+ }

        impl Default for Quotas {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl Quotas {
            pub const fn of(&self, quota: Quota) -> u32 {
                match quota { $(Quota::$name => self.$field,)+ }
            }

            pub(super) const fn set(&mut self, quota: Quota, most: u32) {
                match quota { $(Quota::$name => self.$field = most,)+ }
            }
        }
    };
}

quotas! {
    /// Members. They are read in one call.
    Members members = "members", 100, (1, 1_000);
    /// Invitations a day.
    Invitations invitations = "invitations", 30, (1, 1_000);
    /// Products.
    Products products = "products", 100_000, (1, 1_000_000);
    /// Drafts of a shop that is not approved.
    Drafts drafts = "drafts", 20, (1, 1_000);
    /// Pictures that are announced in a minute.
    Uploads uploads = "uploads", 60, (1, 10_000);
    /// Megabytes of pictures that are announced in thirty days.
    MediaMegabytes media_megabytes = "media-megabytes", 10_000, (1, 4_000_000);
    /// Imports a day.
    Imports imports = "imports", 100, (1, 10_000);
    /// Exports a day.
    Exports exports = "exports", 50, (1, 10_000);
}

impl Quotas {
    /// How many products a vendor in this state may have.
    pub const fn products_in(&self, state: VendorState) -> u32 {
        if state.holds_handle() { self.products } else { self.drafts }
    }
}
