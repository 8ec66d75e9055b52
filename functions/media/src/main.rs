//! The Lambda function of uploaded pictures.

platform::lambda!(consume_queue media);
