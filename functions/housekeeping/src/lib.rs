//! Housekeeping: deadlines, refunds, undelivered events.
