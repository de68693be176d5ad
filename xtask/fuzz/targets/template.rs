//! A SAM template, and what a run makes of it.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use xtask::project::{
    names::ProjectName,
    template::{Capacity, Template},
};

fuzz_target!(|text: &str| {
    let path = Path::new("/r/examples/aws-lambda/template.yaml");
    let file = |_: &Path| Ok(text.to_owned());
    let Ok(template) = Template::parse(text, path, Path::new("/r/examples/aws-lambda"), &file) else { return };
    assert!(template.resource_types().values().sum::<usize>() >= 3);
    let project = ProjectName::new(&"smoke".parse().expect("a name"), &"0123456789ab".parse().expect("an id"));
    let capacity = Capacity { reserved_concurrency: Some(16), memory: None };
    if let Ok(given) = template.parameters.given(&project, capacity, &[]) {
        let values = template.values(given.values());
        template.names(&values);
        template.leaving_log_groups(&values);
        template.sizes(&values);
        given.notes();
    }
});
