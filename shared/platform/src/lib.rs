//! The AWS side of a function: configuration, clients, secrets, tracing, serving.
