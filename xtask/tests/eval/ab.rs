//! `lambda-ab`: two stacks, measured in turns.

use std::fs;

use insta::assert_snapshot;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    Test,
    fake_aws::{End, Fault},
    repository::zip,
    video::Video,
};

/// Of four iterations, A B B A A B B A, the executions of B.
const OF_B: [usize; 4] = [2, 3, 6, 7];

fn read(test: &Test, name: &str) -> String {
    fs::read_to_string(test.artifacts().join(name)).unwrap()
}

impl Test {
    /// The calls of `sam deploy`.
    fn deployed(&self) -> Vec<String> {
        self.tools.calls().into_iter().filter(|call| call.starts_with("sam deploy")).collect()
    }
}

#[test]
fn a_handler_is_measured_in_turns_with_itself_and_does_not_differ() {
    let test = Test::new();
    let ran = test.ab(&["--max-regression", "10%"]);
    ran.exit(0).says("PASS  none of 1 is more than 10 % slower, more expensive, or less like its baseline");
    let renders = ran.stderr.lines().filter_map(|line| line.split_once("render    ")).map(|(_, line)| line);
    let turns: Vec<&str> = renders.filter(|line| line.ends_with("frames a chunk")).map(|line| &line[..11]).collect();
    assert_eq!(turns, ["A: f N=4 #1", "B: f N=4 #1", "B: f N=4 #2", "A: f N=4 #2"]);
    assert_snapshot!(read(&test, "comparison.md").replace(&test.aws.endpoint, "<endpoint>"), @r"
    ### B: checkout, compared with A: checkout

    **PASS** none of 1 is more than 10 % slower, more expensive, or less like its baseline

    |  | before | now | wall clock | certainty | USD before | now | cost | PSNR | worst frame | worst region | frames |
    | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
    | f N=4 | 6.1 s | 6.1 s | +0.0 % | too few samples: may be chance | 0.00013 | 0.00013 | +0.0 % | +0.00 dB | +0.00 dB | +0.0 levels | the same |

    Medians, of the warm executions if both have any. +10 % means that this run was slower, or more expensive, than the earlier run by a tenth.

    - f N=4: B is neither faster nor slower for sure: 6.1 s, A 6.1 s: +0.0 % (too few samples: may be chance); about 4 iterations would settle it
    - f N=4: B is neither cheaper nor more expensive for sure: 0.00013 USD, A 0.00013 USD: +0.0 % (too few samples: may be chance); about 4 iterations would settle it
    - f N=4: the frames of both are the same
    - before and the earlier run are A, now and this run are B
    - both runs used an emulator at <endpoint>: times also depend on the machine and its load, which run.json does not record
    ");
    for (folder, side) in [("a", "A: checkout"), ("b", "B: checkout")] {
        let run = test.artifact(&format!("{folder}/run.json"));
        assert_eq!(
            (&run["side"], &run["command"], &run["localLeg"]),
            (&json!(side), &json!("lambda-eval"), &json!(false))
        );
        assert!(read(&test, &format!("{folder}/report.html")).contains("Side of the comparison"));
    }
    assert!(read(&test, "b/report.html").contains("B: checkout, compared with A: checkout"));
    assert!(
        read(&test, "b/junit.xml").contains("max-regression") && !read(&test, "a/junit.xml").contains("max-regression")
    );
    test.assert_account_clean();
}

#[test]
fn a_slower_and_more_expensive_b_is_found_with_its_interval() {
    let slower = OF_B.into_iter().fold(Test::new(), |test, nth| test.nth_render(nth, |render| render.ended += 1.875));
    let ran = slower.ab(&["--iterations", "4", "--max-regression", "10%", "--b", "memory=4096"]);
    ran.exit(5)
        .says("note: f N=4: B is slower: 8.0 s, A 6.1 s: +30.6 % (significant (p <= 0.05))")
        .says("note: f N=4: the frames of both are the same")
        .says("B: memory=4096, compared with A: checkout")
        .says("FAIL  1 regression of more than 10 % in 1 comparison (exit 5)");
    // Without a limit it is only said, and one sample decides nothing.
    slower.ab(&["--iterations", "4"]).exit(0);
    let once = Test::new().nth_render(2, |render| render.ended += 1.875);
    once.ab(&["--iterations", "1", "--max-regression", "10%"]).exit(0).says(
        "UNDECIDED  1 figure exceeded 10 %, which may be chance and fails nothing: about 4 iterations in each run \
         would settle it (lambda-ab --iterations 4)",
    );
    let [a, b] = &slower.deployed()[..2] else { panic!("two stacks") };
    assert!(!a.contains("LambdaMemoryMb") && b.contains("LambdaMemoryMb=4096"), "{a}\n{b}");
    slower.assert_account_clean();
}

#[test]
fn other_frames_and_a_worse_picture_are_found() {
    let worse = Video { mark: "ff", ..Video::levels(&[("42.000000", 60)]) };
    let test =
        OF_B.into_iter().fold(Test::new(), |test, nth| test.nth_render(nth, |render| render.video = worse.bytes()));
    let ran = test.ab(&["--iterations", "4", "--max-regression", "10%"]);
    ran.exit(5)
        .says("note: f N=4: B is less like the baseline in its PSNR: 42.00 dB, A 45.48 dB")
        .says("note: f N=4: the frames of both are different");
}

#[test]
fn each_side_deploys_its_own_zip_whichever_is_there() {
    let test = Test::new();
    let other = test.repository.root().join("other.zip");
    fs::write(&other, zip(700 << 10)).unwrap();
    let other = other.display().to_string();
    let hash = render_verdict::picture::hashes::sha256_of_file(other.as_ref()).unwrap();
    let there = render_verdict::picture::hashes::sha256_of_file(&test.repository.handler_zip()).unwrap();
    let side = format!("{other},sha256={hash}");
    test.ab(&["--iterations", "1", "--a", &side]).exit(0);
    let deployed = ["a/run.json", "b/run.json"].map(|file| test.artifact(file)["handler"]["sha256"].clone());
    assert_eq!(deployed, [json!(hash), json!(there)]);
}

#[test]
fn sides_differ_by_template_parameter_or_plan_protocol() {
    let test = Test::new();
    let template = test.repository.root().join("examples/aws-lambda/template.yaml");
    let (next_to_it, elsewhere) = (template.with_file_name("other.yaml"), test.repository.root().join("other.yaml"));
    for to in [&next_to_it, &elsewhere] {
        fs::copy(&template, to).unwrap();
    }
    let b = format!("template={},parameter=LambdaTimeoutSec=600,protocol=v1", next_to_it.display());
    let ran = test.ab(&["--a", "protocol=v2", "--b", &b]);
    ran.exit(0).says("f N=4: the frames of both are the same").never_says("only this run measured");
    let protocols = ["a", "b"].map(|side| {
        let results = test.artifact(&format!("{side}/results.json"));
        results["lambdaSamples"][0]["render"]["planProtocol"].clone()
    });
    assert_eq!(protocols, [json!("v2"), json!("v1")]);
    let [a, b] = &test.deployed()[..] else { panic!("two stacks") };
    assert!(a.contains("/template.yaml") && !a.contains("LambdaTimeoutSec"), "{a}");
    assert!(b.contains("/other.yaml") && b.contains("LambdaTimeoutSec=600"), "{b}");
    let refused = test.ab(&["--b", &format!("template={}", elsewhere.display())]);
    refused.exit(1).warns("put the template next to");
}

#[test]
fn the_account_is_clean_whatever_ends_the_comparison() {
    for (signal, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let test = Test::new().nth_render(2, |render| render.end = End::Never);
        let test = test.fault_at("DescribeExecution", 3, Fault::Signal(signal));
        let ran = test.ab(&[]);
        ran.exit(status).warns("stopping 1 running execution");
        assert_eq!(ran.stdout.matches("STOPPED  clean-up verified, 7 resources gone").count(), 2, "{ran}");
        assert_eq!(ran.stderr.matches("stopping; then cleaning up stack smoke-test-").count(), 2, "{ran}");
        test.assert_account_clean();
    }
    // The second deployment fails when the first stack is there.
    let test = Test::new().tool("sam deploy", "[ \"$stack\" = smoke-test-a ] || exit 1; make_stack");
    let ran = test.ab(&[]);
    ran.exit(3).never_says("compared with");
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{ran}");
    assert!(test.artifact("a/run.json")["failure"].as_str().unwrap().contains("sam deploy"));
    test.assert_account_clean();
}

#[test]
fn one_command_removes_both_stacks_of_a_comparison_that_was_killed() {
    for (operation, call) in [("CreateChangeSet", 1), ("CreateBucket", 2), ("StartExecution", 2), ("DeleteStack", 2)] {
        let test = Test::new().fault_at(operation, call, Fault::Signal(Signal::KILL));
        assert_eq!(test.ab(&[]).status, None, "killed at {operation}");
        test.run(&["lambda-teardown", "--unfinished"]).exit(0);
        test.assert_account_clean();
    }
}

#[test]
fn a_second_signal_ends_the_clean_up_of_both() {
    let test = Test::new().fault("StartExecution", 1, Fault::Signal(Signal::INT));
    let test = test.fault("DeleteStack", 1, Fault::Signal(Signal::INT));
    let ran = test.ab(&[]);
    ran.exit(130);
    assert_eq!(
        ran.stdout.matches("the clean-up was interrupted; finish the clean-up with: cargo xtask").count(),
        2,
        "{ran}"
    );
    test.run(&["lambda-teardown", "--unfinished"]).exit(0);
    test.assert_account_clean();
}

#[test]
fn a_dry_run_shows_both_sides_and_creates_nothing() {
    let test = Test::new();
    let ran = test.ab(&["--dry-run", "--a", "HEAD~1", "--b", "memory=4096,protocol=v2"]);
    ran.exit(0)
        .says("A: HEAD~1\n")
        .says("B: memory=4096,protocol=v2\n")
        .says("git clone to a temporary folder, with commit 0123456789abcdef0123456789abcdef01234567")
        .says("stack smoke-test-a")
        .says("stack smoke-test-b")
        .says("4096 MB");
    assert_eq!(test.aws.calls(), [""; 0]);
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_is_created() {
    let test = Test::new();
    let nowhere = Test::new().tool("git rev-parse", "exit 1");
    let refused = nowhere.ab(&["--a", "0.1.2"]);
    refused.exit(1).warns("--a 0.1.2: version 0.1.2 is neither the one that").warns("git knows no commit \"v0.1.2\"");
    assert_eq!(nowhere.aws.calls(), [""; 0]);
    for (args, why) in [
        (&["--a", "color=red"] as &[&str], "\"color\" is nothing that sides can differ in (zip, sha256, commit"),
        (&["--a", "no.zip"], "there is no file"),
        (&["--a", "checkout", "--reuse-stack", "s"], "--reuse-stack is about one stack"),
        (&["--a", "checkout", "--keep-local"], "--keep-local is about this machine"),
    ] {
        test.ab(args).exit(1).warns(why);
    }
    assert!(!test.aws.calls().contains(&"CreateBucket".to_owned()));
}

#[test]
fn both_sides_are_in_the_history() {
    let test = Test::new();
    let args =
        ["lambda-ab", "--a", "memory=2048", "--fixtures", "f", "--iterations", "1", "--skip-build", "--endpoint-url"];
    test.run(&[&args[..], &[&test.aws.endpoint]].concat()).exit(0);
    let ran = test.run(&["lambda-history"]);
    let listed: Vec<&str> = ran.exit(0).stdout.lines().skip(1).collect();
    assert_eq!(listed.len(), 2, "{}", ran.stdout);
    ran.says("  lambda-ab A  ").says("  lambda-ab B  ");
}
