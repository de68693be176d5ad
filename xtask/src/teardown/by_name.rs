//! `lambda-teardown`.
