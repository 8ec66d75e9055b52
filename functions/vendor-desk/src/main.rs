//! The Lambda function of the vendor's desk.

platform::lambda!(http vendor_desk);
