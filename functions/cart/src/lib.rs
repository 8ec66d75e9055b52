//! Carts: filling one, pricing it, keeping it.
