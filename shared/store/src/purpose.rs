//! What the actions of a transaction are for, so that a cancelled one tells which rule refused it.

use domain::VariantId;

/// What an action of a transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Writes the record of an idempotency key, if the key is unused.
    Key,
    /// Writes an item under the version that was read.
    Item,
    /// Takes a handle, if it is free.
    Handle,
    /// Moves units of a variant, if they are there.
    Stock(VariantId),
    /// Closes or reopens a cart.
    Cart,
    /// Counts an unpaid order, if there is room.
    Unpaid,
    /// Writes a reference of a provider, unless another order has it.
    Reference,
    /// Writes the row that opens a person's orders, if there is none.
    PersonKey,
}
