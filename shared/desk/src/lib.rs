//! What vendors' staff and the operator can do, without HTTP: write products, count stock, import and export files,
//! ship vendor orders, apply to sell; decide on vendors, find orders and payments. Functions are its faces: they read
//! requests and show results.
//!
//! A use case of a vendor's takes the [`domain::vendor::Member`] who asks, and checks what they may do.

mod changing;
mod desk;
mod documents;
mod draft;
mod files;
mod hiding;
mod invitations;
mod inviting;
mod legal;
mod mapping;
mod media;
mod members;
mod operator;
mod orders;
mod papers;
mod people;
mod product_files;
mod products;
mod proof;
mod rebuilds;
mod settings;
mod settlements;
mod stock;
mod summary;
mod suppressions;
mod team;
mod vendors;

pub use desk::Desk;
pub use documents::{AddDocument, BegunDocument, DocumentType};
pub use draft::{WriteProduct, WriteTranslation, WriteVariant};
pub use invitations::{Accepted, AnswerInvitation, Invite, OpenInvitation, TakeBackInvitation};
pub use inviting::Inviter;
pub use legal::{AcceptTerms, PublishLegal};
pub use mapping::ReplaceMapping;
pub use media::{BeginUpload, BegunUpload, PictureType};
pub use members::RemoveMember;
pub use operator::{Decision, InviteOwner, ListOrders, Operator};
pub use orders::{Action, DeclineReturn, GrantOwnRefund, ListVendorOrders, OwnVendorOrder, ReturnedParcel, ShipOrder};
pub use product_file::names_listed;
pub use product_files::{AnnounceFile, AskedFile, BegunImport, ExportParameters, ImportParameters, ShownImport};
pub use products::OwnProduct;
pub use proof::Arrival;
pub use settings::{SettingChange, ShownSetting};
pub use settlements::settlement_file;
pub use stock::ChangeStock;
pub use store::catalog::{FindProducts, ShortProducts};
pub use store::orders::{OpenVendorOrders, OrderSummary, Waiting};
pub use summary::{OperatorSummary, VendorSummary};
pub use team::{ChangeOperator, InviteOperator, OpenTeamInvitation};
pub use vendors::{ChangeVendor, OpenVendor, Vendors};

domain::one_of! {
    /// Why a use case did not succeed.
    pub enum Error {
        Refused(domain::Refusal),
        Store(store::Error),
        Secret(platform::SecretError),
        Unsigned(platform::NotSigned),
        NotPut(platform::NotPut),
        NotSealed(platform::NotSealed),
        NotOpened(platform::NotOpened),
        File(files::BucketFailed),
        People(people::PeopleError),
        Job(platform::NotSent),
        NotLifted(suppressions::NotLifted),
    }
}

/// The outcome of a use case.
type Done<R> = Result<domain::Outcome<R>, Error>;
