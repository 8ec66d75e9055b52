//! Everybody who may knock.

/// A kind of caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Nobody, with nothing in hand.
    Anonymous,
    /// A guest with a cart and an order of his own, and no capability for this one.
    Guest,
    /// A guest who knows the cart's id, shows the order's token, or signs as the provider.
    Token,
    /// Somebody signed in who bought it.
    Buyer,
    /// Somebody else who is signed in.
    Other,
    /// The owner of the shop that it belongs to.
    Owner,
    /// The shop's manager.
    Manager,
    /// Who packs for the shop.
    Fulfilment,
    /// Who keeps the shop's books.
    Finance,
    /// The owner of another shop.
    Rival,
    /// The owner of a suspended shop.
    Suspended,
    /// The operator.
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
