//! The kinds of callers: the columns of the authorization table.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// No credentials at all.
    Anonymous,
    /// A guest with a cart and an order of their own, without the capability for this resource.
    Guest,
    /// A guest who knows the cart's id, shows the order's token, or signs as the provider.
    Token,
    /// Signed in, and the buyer of the cart or order.
    Buyer,
    /// Signed in, with no relation to the resource.
    Other,
    /// The owner of the vendor that the resource belongs to.
    Owner,
    Manager,
    /// A member who packs and ships orders.
    Fulfilment,
    /// A member who does the accounts.
    Finance,
    /// The owner of another vendor.
    Rival,
    /// The owner of a suspended vendor.
    Suspended,
    Operator,
}

impl Caller {
    pub(super) const ALL: [Self; 12] = [
        Self::Anonymous,
        Self::Guest,
        Self::Token,
        Self::Buyer,
        Self::Other,
        Self::Owner,
        Self::Manager,
        Self::Fulfilment,
        Self::Finance,
        Self::Rival,
        Self::Suspended,
        Self::Operator,
    ];

    /// The column's heading.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Anonymous => "anon",
            Self::Guest => "guest",
            Self::Token => "token",
            Self::Buyer => "buyer",
            Self::Other => "other",
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Fulfilment => "fulfil",
            Self::Finance => "finance",
            Self::Rival => "rival",
            Self::Suspended => "suspended",
            Self::Operator => "operator",
        }
    }
}
