//! Emptying a bucket of 100,000 versions and delete markers.

use xtask::{
    aws::{
        access::{Access, Target},
        clients::Clients,
        emptying,
    },
    tools::env::Env,
};

use crate::{
    emulator::{Emulator, block_on},
    python::python,
};

fn clients(emulator: &Emulator) -> Clients {
    let target = Target::Endpoint { url: emulator.endpoint.clone(), configured: None };
    let access = Access::new(target, "us-east-1".parse().unwrap(), &Env::default()).unwrap();
    block_on(Clients::new(&access, &xtask::console::Console::default()))
}

/// How fast is the bench `emptying`'s matter.
#[test]
fn a_hundred_thousand_versions_and_markers_are_emptied() {
    const COUNT: u64 = 100_000;
    let emulator = Emulator::start();
    python(&emulator, include_str!("fill_bucket.py"), &["full", &COUNT.to_string()]);
    let clients = clients(&emulator);
    let emptied = block_on(emptying::empty(&clients, "full", async || Ok(()), &|_| ())).unwrap();
    assert_eq!((emptied.versions, emptied.uploads), (COUNT, 1));
    assert_eq!(emptied.passes, 2, "the second pass finds nothing");
    block_on(xtask::aws::buckets::delete_bucket(&clients, "full")).unwrap();
}
