//! The projections' Lambda function.

platform::lambda!(consume_stream projections);
