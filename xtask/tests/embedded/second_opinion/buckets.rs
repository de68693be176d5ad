//! Making, finding, reading and deleting buckets.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, PublicAccessBlockConfiguration};
use xtask::aws::{
    buckets::{self, BucketState},
    clients::Clients,
};

use super::{Case, Place, place::HOME};

pub(super) const CASES: &[Case] = &[
    Case::new(in_us_east_1, "a bucket in us-east-1: tags, closed to the public"),
    Case::new(in_eu_central_1, "a bucket in eu-central-1: tags, closed, in that region"),
    Case::new(made_again, "a bucket is made again after its answer was lost"),
    Case::new(state, "a bucket's state: ours, or absent"),
    Case::new(tags_of_others, "the tags of an untagged and of an absent bucket"),
    Case::new(listing, "the account's buckets by their first letters"),
    Case::new(not_empty, "a bucket that is not empty is not deleted"),
    Case::new(deletion, "an emptied bucket is deleted, an absent one is fine"),
];

const TAGS: [(&str, &str); 2] = [("HyperframesSmokeRun", "0123456789ab"), ("Of", "a & b <c> +/=:@ ü")];

fn in_us_east_1(place: &Place) {
    made_in(place, &place.clients, HOME, "home-bucket");
}

fn in_eu_central_1(place: &Place) {
    made_in(place, &place.clients_in("eu-central-1"), "eu-central-1", "bucket-elsewhere");
}

fn made_in(place: &Place, clients: &Clients, region: &str, name: &str) {
    place.run(buckets::create_bucket(clients, name, &region.parse().unwrap(), &TAGS)).unwrap();
    let tags = place.run(buckets::bucket_tags(clients, name)).unwrap().unwrap();
    let sent = TAGS.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(BTreeSet::from_iter(tags), BTreeSet::from(sent));
    let block = place.run(clients.s3.get_public_access_block().bucket(name).send()).unwrap();
    let all = PublicAccessBlockConfiguration::builder()
        .block_public_acls(true)
        .block_public_policy(true)
        .ignore_public_acls(true)
        .restrict_public_buckets(true);
    assert_eq!(block.public_access_block_configuration(), Some(&all.build()));
    let location = place.run(clients.s3.get_bucket_location().bucket(name).send()).unwrap();
    let constraint = location.location_constraint().map(BucketLocationConstraint::as_str).filter(|c| !c.is_empty());
    assert_eq!(constraint, (region != HOME).then_some(region));
}

fn made_again(place: &Place) {
    for region in [HOME, "eu-central-1"] {
        let (clients, name) = (place.clients_in(region), format!("again-in-{region}"));
        let make = |tags| place.run(buckets::create_bucket(&clients, &name, &region.parse().unwrap(), tags));
        place
            .run(clients.s3.create_bucket().bucket(&name).set_create_bucket_configuration(within(region)).send())
            .unwrap();
        make(&TAGS).unwrap();
        assert_eq!(place.run(buckets::bucket_tags(&clients, &name)).unwrap().unwrap().len(), TAGS.len());
        let refused = make(&[("Owner", "someone else")]).unwrap_err().to_string();
        assert!(refused.contains("someone else in this account created it"), "{refused}");
    }
}

/// What CreateBucket has to be given outside us-east-1.
fn within(region: &str) -> Option<CreateBucketConfiguration> {
    let constraint = (region != HOME).then(|| BucketLocationConstraint::from(region))?;
    Some(CreateBucketConfiguration::builder().location_constraint(constraint).build())
}

fn state(place: &Place) {
    let state = |name| place.run(buckets::bucket_state(&place.clients, name)).unwrap();
    assert_eq!(state("not-yet-there"), BucketState::Absent);
    place.bucket("not-yet-there");
    assert_eq!(state("not-yet-there"), BucketState::Ours);
}

fn tags_of_others(place: &Place) {
    let tags = |name| place.run(buckets::bucket_tags(&place.clients, name)).unwrap();
    assert_eq!(tags("absent-and-untagged"), None);
    place.run(place.clients.s3.create_bucket().bucket("untagged").send()).unwrap();
    assert_eq!(tags("untagged"), Some(Vec::new()));
}

fn listing(place: &Place) {
    for name in ["listed-a-1", "listed-a-2", "listed-b-1", "listed-c"] {
        place.bucket(name);
    }
    let of = |prefixes: &[&str]| {
        let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
        let mut names = place.run(buckets::buckets_starting(&place.clients, &prefixes)).unwrap();
        names.sort();
        names
    };
    assert_eq!(of(&["listed-a-", "listed-b-"]), ["listed-a-1", "listed-a-2", "listed-b-1"]);
    assert_eq!(of(&["nothing-is-called-so"]), [""; 0]);
}

fn not_empty(place: &Place) {
    let bucket = place.bucket("not-empty");
    place.put(&bucket, &["key".to_owned()]);
    let deleted = place.run(buckets::delete_bucket(&place.clients, &bucket)).unwrap();
    assert_eq!(deleted, buckets::Deleted::NotEmpty);
    assert_eq!(place.keys(&bucket).len(), 1);
}

fn deletion(place: &Place) {
    let bucket = place.bucket("to-be-deleted");
    place.put(&bucket, &["key".to_owned()]);
    place.empty(&bucket);
    for _ in 0..2 {
        place.run(buckets::delete_bucket(&place.clients, &bucket)).unwrap();
        assert_eq!(place.run(buckets::bucket_state(&place.clients, &bucket)).unwrap(), BucketState::Absent);
    }
}
