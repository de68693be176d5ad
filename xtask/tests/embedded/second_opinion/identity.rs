//! sts GetCallerIdentity.

use xtask::aws::identity;

use super::{Case, Place};

pub(super) const CASES: &[Case] = &[Case::new(account_and_arn, "who am I: account and ARN")];

fn account_and_arn(place: &Place) {
    let identity = place.run(identity::caller(&place.access, &place.clients)).unwrap();
    assert!(identity.account.len() == 12 && identity.account.bytes().all(|b| b.is_ascii_digit()), "{identity:?}");
    let parts: Vec<&str> = identity.arn.split(':').collect();
    assert!(matches!(parts[..], ["arn", "aws", "iam" | "sts", "", account, _] if account == identity.account));
}
