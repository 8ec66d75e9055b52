//! What waits for a vendor's staff or for the operator: the numbers on the first page of a desk.

use domain::Count;
use domain::vendor::{Member, Permission, VendorState};
use store::catalog::ShortProducts;
use store::orders::{OpenVendorOrders, Waiting};

use crate::{Desk, Error, Operator};

/// What waits for a vendor's staff. A part that the member may not read is absent.
#[derive(Clone, Copy, Debug)]
pub struct VendorSummary {
    pub orders: Option<OpenVendorOrders>,
    pub products: Option<ShortProducts>,
}

/// What waits for the operator.
#[derive(Clone, Copy, Debug)]
pub struct OperatorSummary {
    pub submitted_vendors: Count,
    pub waiting: Waiting,
}

impl Desk {
    /// What waits for a vendor's staff, as far as the member may read it.
    pub async fn summary(&self, member: &Member) -> Result<VendorSummary, Error> {
        member.may(Permission::ReadShop)?;
        let orders = async {
            if member.may(Permission::ReadOrders).is_err() {
                return Ok::<_, Error>(None);
            }
            let is_relisted = self.lists_are_whole().await?;
            Ok(Some(self.orders.open_of_vendor(member.vendor(), is_relisted).await?))
        };
        let products = async {
            if member.may(Permission::ReadProducts).is_err() {
                return Ok::<_, Error>(None);
            }
            Ok(Some(self.catalog.short_of(member.vendor()).await?))
        };
        let (orders, products) = tokio::try_join!(orders, products)?;
        Ok(VendorSummary { orders, products })
    }
}

impl Operator {
    /// What waits for the operator.
    pub async fn summary(&self) -> Result<OperatorSummary, Error> {
        let vendors = async { Ok::<_, Error>(self.accounts.count_vendors_in(VendorState::Submitted).await?) };
        let orders = async { Ok::<_, Error>(self.orders.waiting().await?) };
        let (submitted_vendors, waiting) = tokio::try_join!(vendors, orders)?;
        Ok(OperatorSummary { submitted_vendors, waiting })
    }
}
