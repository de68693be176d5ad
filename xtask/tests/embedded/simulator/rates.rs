//! The rates at which AWS takes calls: buckets of tokens that fill again.

use std::{collections::HashMap, time::Instant};

/// A bucket's size, and how many tokens a second fill it.
type Rate = (f64, f64);

/// Step Functions' buckets where they are smallest (its quotas, other Regions than
/// us-east-1, us-west-2 and eu-west-1); CloudFormation's rates are not published, so they are a guess.
const RATES: [(&str, Rate); 11] = [
    ("StartExecution", (800.0, 150.0)),
    ("DescribeExecution", (250.0, 10.0)),
    ("GetExecutionHistory", (400.0, 20.0)),
    ("ListExecutions", (100.0, 2.0)),
    ("StopExecution", (500.0, 25.0)),
    ("DescribeStateMachine", (200.0, 20.0)),
    ("ListTagsForResource", (100.0, 1.0)),
    ("DescribeStacks", (10.0, 5.0)),
    ("DescribeStackEvents", (10.0, 5.0)),
    ("FilterLogEvents", (10.0, 5.0)),
    ("DescribeLogGroups", (10.0, 10.0)),
];

/// What is left of each.
#[derive(Default)]
pub(crate) struct Buckets {
    left: HashMap<&'static str, (f64, Instant)>,
    /// Where others of the account have emptied all.
    empty_at_first: bool,
}

impl Buckets {
    pub(crate) fn new(empty_at_first: bool) -> Self {
        Self { empty_at_first, ..Self::default() }
    }

    /// Whether one more call of an operation is taken now.
    pub(crate) fn take(&mut self, operation: &str, now: Instant) -> bool {
        let Some((name, (size, refill))) = RATES.iter().find(|(name, _)| *name == operation) else { return true };
        let first = if self.empty_at_first { 0.0 } else { *size };
        let (left, at) = self.left.entry(name).or_insert((first, now));
        *left = (*left + refill * now.saturating_duration_since(*at).as_secs_f64()).min(*size);
        *at = now;
        let taken = *left >= 1.0;
        if taken {
            *left -= 1.0;
        }
        taken
    }
}

#[test]
fn a_bucket_fills_again_at_its_rate() {
    use std::time::Duration;
    let (mut buckets, start) = (Buckets::new(true), Instant::now());
    assert!(!buckets.take("DescribeExecution", start));
    assert!(buckets.take("DescribeExecution", start + Duration::from_millis(110)));
    assert!(!buckets.take("DescribeExecution", start + Duration::from_millis(120)));
    assert!(buckets.take("PutObject", start));
    assert!(Buckets::new(false).take("DescribeExecution", start));
}
