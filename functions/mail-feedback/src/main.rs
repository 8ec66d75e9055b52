//! The Lambda function of what comes back of mail.

platform::lambda!(consume_queue mail_feedback);
