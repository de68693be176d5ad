//! How long long histories take to become reports, how soon a page of 1,000 chunks opens,
//! and what `cargo xtask --help` takes beyond cargo itself.
//!
//!     cargo bench --profile dev --bench history
//!
//! Each is done by the binary as users run it, `cargo xtask` of the dev profile, in a
//! process of its own: the time is from its start to its end.

#![allow(clippy::disallowed_methods, reason = "a benchmark starts programs by itself")]
#![expect(clippy::unwrap_used, reason = "a panic is how a benchmark says what it met")]
#![expect(clippy::print_stdout, reason = "the table is what it is for")]

#[expect(dead_code, reason = "the tests use more of it")]
#[path = "../../tests/embedded/emulator.rs"]
mod emulator;
mod generated;
mod help;
mod opened;
#[path = "../printed/mod.rs"]
mod printed;
mod remade;

use printed::Printed;

fn main() {
    let mut printed = Printed::new();
    remade::measure(&mut printed);
    help::measure(&mut printed);
    opened::measure(&mut printed);
    printed.print("history");
}
