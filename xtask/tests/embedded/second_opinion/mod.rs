//! What the tool does with S3 and STS, on the emulator and on moto's server, by
//! one table of cases: what holds on both is not fitted to either.

mod buckets;
mod emptying;
mod identity;
mod moto;
mod objects;
mod place;

use std::panic::{AssertUnwindSafe, catch_unwind};

use moto::Moto;
use place::Place;

use crate::emulator::Emulator;

/// Something that holds wherever S3 and STS are as AWS documents them.
struct Case {
    name: &'static str,
    /// Panics where it does not hold.
    holds: fn(&Place),
    exception: Option<Exception>,
}

/// A place where a case can't hold, and in what that place is not as AWS documents it.
struct Exception(&'static str, &'static str);

impl Case {
    const fn new(holds: fn(&Place), name: &'static str) -> Self {
        Self { name, holds, exception: None }
    }

    const fn but(holds: fn(&Place), name: &'static str, exception: Exception) -> Self {
        Self { name, holds, exception: Some(exception) }
    }

    /// What the table says of the case at a place, and whether that is as it should be.
    fn verdict(&self, place: &Place) -> (&'static str, bool) {
        println!("{} on {}", self.name, place.name);
        let held = catch_unwind(AssertUnwindSafe(|| (self.holds)(place))).is_ok();
        match (held, &self.exception) {
            (true, Some(Exception(at, _))) if *at == place.name => ("HOLDS BY NOW", false),
            (true, _) => ("holds", true),
            (false, Some(Exception(at, why))) if *at == place.name => (why, true),
            (false, _) => ("FAILS", false),
        }
    }
}

const CASES: [&[Case]; 4] = [identity::CASES, buckets::CASES, objects::CASES, emptying::CASES];

#[test]
fn every_case_holds_on_both_emulators() {
    let (emulator, moto) = (Emulator::start(), Moto::start());
    let places = [Place::new("emulator", &emulator.endpoint), Place::new("moto", &moto.endpoint)];
    let mut table = format!("{:62} {:8} {}\n", "case", places[0].name, places[1].name);
    let mut as_it_should = true;
    for case in CASES.into_iter().flatten() {
        let verdicts = places.each_ref().map(|place| case.verdict(place));
        as_it_should &= verdicts.iter().all(|(_, fine)| *fine);
        table.push_str(&format!("{:62} {:8} {}\n", case.name, verdicts[0].0, verdicts[1].0));
    }
    println!("{table}");
    assert!(as_it_should, "{table}");
}
