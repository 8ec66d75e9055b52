//! The vendor's desk: products, stock, media, imports, orders.
