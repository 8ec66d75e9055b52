//! Checkout: from a cart to an order and its payment.
