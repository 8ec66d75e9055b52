//! The user pool's triggers' Lambda function.

platform::lambda!(answer_user_pool tokens);
