use crate::project::template::machine::OfferedProtocols;
use execution_history::chunking::PlanProtocol;

use super::*;
use crate::project::{names::ProjectName, repo::tool_root};

fn values() -> Values {
    Values::default().with("ProjectName", "p-1").with("AWS::AccountId", "123456789012").with("AWS::Region", "us-east-1")
}

/// The values of a template's parameters without a run's.
fn values_of(template: &Template) -> Values {
    template.values(template.parameters.defaults())
}

/// The functions whose log groups outlive the stack.
fn leaving(template: &Template) -> Vec<String> {
    let values = template.values(values());
    template.leaving_log_groups(&values).iter().map(|function| function.logical_id.clone()).collect()
}

fn of_checkout(age: &str) -> Template {
    let path = tool_root().join("xtask/tests/data/checkout").join(age);
    Template::read(&path).unwrap()
}

fn parse(text: &str) -> Result<Template, String> {
    let path = Path::new("/r/examples/aws-lambda/template.yaml");
    let file = |_: &Path| anyhow::bail!("there is no file");
    Template::parse(text, path, path.parent().unwrap(), &file).map_err(|error| format!("{error:#}"))
}

#[test]
fn this_projects_template_is_read() {
    let own = Template::read(&tool_root().join("examples/aws-lambda/template.yaml")).unwrap();
    assert_eq!(own.machine.protocols, OfferedProtocols::Chosen(vec![PlanProtocol::V1, PlanProtocol::V2]));
    assert_eq!((own.machine.start_at.as_str(), own.machine.states.len()), ("SelectPlanProtocol", 10));
    assert_eq!((own.sizes(&values_of(&own)).chunk.memory_mb, own.left_behind.len()), (10_240, 0));
    assert_eq!(own.code, tool_root().join("examples/aws-lambda/handler/dist/handler.zip"));
    assert_eq!(leaving(&own), [""; 0]);
    let names = own.names(&values());
    assert_eq!(names.bucket.as_deref(), Some("p-1-123456789012"));
    assert_eq!((names.functions, names.machine.as_deref()), (vec!["p-1-render".to_owned()], Some("p-1-render")));
    assert_eq!(names.log_groups, ["/aws/lambda/p-1-render", "/aws/vendedlogs/states/p-1-render"]);
}

#[test]
fn the_first_age_of_checkouts_has_no_choice_and_leaves_a_log_group() {
    let seed = of_checkout("seed.yaml");
    assert_eq!(seed.machine.protocols, OfferedProtocols::Fixed(Some(PlanProtocol::V1)));
    assert_eq!((seed.machine.start_at.as_str(), seed.machine.states.len()), ("Plan", 4));
    assert_eq!(seed.code, tool_root().join("xtask/tests/packages/aws-lambda/dist/handler.zip"));
    assert_eq!(leaving(&seed), ["RenderFunction"]);
    let names = seed.names(&values());
    assert_eq!((names.bucket, names.machine.as_deref()), (None, Some("p-1-state-machine")));
    assert_eq!(names.log_groups, ["/aws/lambda/p-1-render"]);
}

#[test]
fn the_later_age_has_a_choice_and_its_properties_in_globals() {
    let later = of_checkout("later.yaml");
    assert_eq!(later.machine.protocols, OfferedProtocols::Chosen(vec![PlanProtocol::V1, PlanProtocol::V2]));
    assert_eq!((later.machine.start_at.as_str(), later.machine.states.len()), ("SelectPlanProtocol", 14));
    assert_eq!(later.sizes(&values_of(&later)).plan.memory_mb, 10_240);
    assert_eq!(leaving(&later), ["RenderFunction"]);
    assert_eq!(later.names(&values()).log_groups, ["/aws/lambda/p-1-render", "/aws/states/p-1-render"]);
    assert_eq!(later.resource_types()["AWS::CloudWatch::Alarm"], 2);
    let project = ProjectName::new(&"smoke".parse().unwrap(), &"0123456789ab".parse().unwrap());
    let given = later.parameters.given(&project, Capacity::default(), &[]).unwrap();
    assert_eq!(given.overrides.last().unwrap(), &("ReservedConcurrency".to_owned(), "-1".to_owned()));
}

#[test]
fn a_template_of_today_has_a_second_function_for_chunks_and_a_step_for_the_sound() {
    let today = of_checkout("today.yaml");
    assert_eq!(today.machine.protocols, OfferedProtocols::Chosen(vec![PlanProtocol::V2]));
    assert_eq!((today.planner.as_str(), today.machine.states.len()), ("RenderFunction", 8));
    let values = values_of(&today);
    let line = |call: &functions::Call<'_>| {
        let function = call.function.map(|function| function.logical_id.as_str()).unwrap_or_default();
        format!("{} {function} {}", call.state, call.action.as_deref().unwrap_or_default())
    };
    let calls: Vec<String> = today.calls(&values).iter().map(line).collect();
    insta::assert_snapshot!(calls.join("\n"), @r"
    Plan RenderFunction plan
    RenderChunk ChunkFunction renderChunk
    MixAudio RenderFunction mixAudio
    Assemble RenderFunction assemble
    ");
    let sizes = today.sizes(&values);
    assert_eq!((sizes.plan.memory_mb, sizes.chunk.memory_mb, sizes.others.len()), (10_240, 4096, 1));
    assert_eq!(leaving(&today), ["ChunkFunction"]);
    assert_eq!(today.names(&self::values()).functions, ["p-1-render", "p-1-chunk"]);
    assert_eq!(today.names(&self::values()).log_groups, ["/aws/lambda/p-1-chunk", "/aws/lambda/p-1-render"]);
}

/// A template as short as one can be.
const SHORT: &str = "\
Parameters:
  ProjectName: {Type: String, Default: x}
Resources:
  B: {Type: AWS::S3::Bucket}
  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: handler.zip}}
  M: {Type: AWS::Serverless::StateMachine, Properties: {Definition: {StartAt: P, States: {P: {Type: Pass}}}}}
Outputs:
  RenderBucketName: {Value: !Ref B}
  RenderFunctionArn: {Value: !GetAtt F.Arn}
  RenderStateMachineArn: {Value: !Ref M}
";

#[test]
fn what_cloudformation_names_is_not_known_before() {
    let short = parse(SHORT).unwrap();
    assert_eq!(short.names(&values()), StackNames::default());
    assert_eq!(leaving(&short), ["F"]);
    assert_eq!(short.sizes(&values()).plan.memory_mb, 10_240);
    assert_eq!(short.code, Path::new("/r/examples/aws-lambda/handler.zip"));
}

#[test]
fn without_a_parameter_for_names_the_stack_s_must_be_in_them() {
    let short = SHORT.replace("  ProjectName: {Type: String, Default: x}", "  Prefix: {Type: String, Default: x}");
    let named = |name: &str| short.replace("CodeUri: ", &format!("FunctionName: {name}, CodeUri: "));
    let group = |name: &str| {
        let group = format!("Resources:\n  G: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {name}}}}}");
        short.replace("Resources:", &group)
    };
    let stack = "gate-1".parse().unwrap();
    let check = |text: &str| {
        let template = parse(text).unwrap();
        let values = values().with("Prefix", "x").with("AWS::StackName", "gate-1");
        template.check_names(&template.values(values), &stack).map_err(|error| error.to_string())
    };
    for own in [short.clone(), named("!Sub \"${AWS::StackName}-render\""), group("!Sub \"/aws/lambda/${F}\"")] {
        assert_eq!(check(&own), Ok(()), "{own}");
    }
    for (shared, id) in [
        (named("hyperframes"), "F"),
        (named("!Sub \"${Prefix}-render\""), "F"),
        (named("!ImportValue x"), "F"),
        (group("/aws/lambda/x"), "G"),
    ] {
        assert!(check(&shared).unwrap_err().starts_with(&format!("Resources.{id} would have one name in all")), "{id}");
    }
    assert_eq!(check(&SHORT.replace("CodeUri: ", "FunctionName: hyperframes, CodeUri: ")), Ok(()), "as before");
}

#[test]
fn an_output_that_is_computed_leads_to_the_only_one_of_its_kind() {
    let computed = SHORT.replace("!GetAtt F.Arn", "!Sub \"arn:aws:lambda:x:y:function:${ProjectName}\"");
    assert_eq!(parse(&computed).unwrap().planner, "F");
    let two = computed.replace("  M: {", "  F2: {Type: AWS::Lambda::Function, Properties: {}}\n  M: {");
    let error = parse(&two).unwrap_err();
    let expected = "Resources has 2 AWS::Serverless::Function or AWS::Lambda::Function, and Outputs.RenderFunctionArn";
    assert!(error.starts_with(expected), "{error}");
    // The definition says which one plans.
    let task = "P: {Type: Task, Resource: !GetAtt F2.Arn, Parameters: {Action: plan}}";
    let by_definition = two.replace("P: {Type: Pass}", task).replace("Properties: {}", "Properties: {Code: x.zip}");
    assert_eq!(parse(&by_definition).unwrap().planner, "F2");
}

#[test]
fn outputs_may_have_other_names_where_there_is_one_of_a_kind() {
    for output in ["RenderBucketName", "RenderFunctionArn", "RenderStateMachineArn"] {
        let template = parse(&SHORT.replace(output, "Other")).unwrap();
        assert_eq!((template.planner.as_str(), template.machine.logical_id.as_str()), ("F", "M"));
        assert_eq!(template.bucket.logical_id, "B");
    }
    let two = SHORT.replace("  F: {", "  B2: {Type: AWS::S3::Bucket}\n  F: {");
    assert_eq!(parse(&two).unwrap().bucket.logical_id, "B");
    let error = parse(&two.replace("RenderBucketName", "Other")).unwrap_err();
    assert!(error.starts_with("Resources has 2 AWS::S3::Bucket, and Outputs.RenderBucketName"), "{error}");
}

#[test]
fn what_a_run_needs_and_a_template_lacks_is_named_by_field_and_line() {
    for (from, to, reported) in [
        ("Resources:", "Resource:", "Resources is missing"),
        (
            "RenderStateMachineArn: {Value",
            "RenderStateMachineArn: {Val",
            "Outputs.RenderStateMachineArn.Value is missing (line 10)",
        ),
        (
            "!Ref M",
            "!Ref F",
            "Outputs.RenderStateMachineArn.Value leads to F, which is not an AWS::Serverless::StateMachine",
        ),
        // Someone else's bucket by a parameter, though the stack has one of its own.
        (
            "!Ref B",
            "!Ref ProjectName",
            "Outputs.RenderBucketName.Value leads to ProjectName, which is not an AWS::S3::Bucket",
        ),
        ("{CodeUri: handler.zip}", "{Handler: x}", "Resources.F.Properties has no CodeUri (line 5)"),
        (
            "handler.zip",
            "s3://b/k.zip",
            "Resources.F.Properties.CodeUri is s3://b/k.zip; a run deploys only a local ZIP",
        ),
        ("handler.zip", "src/", "Resources.F.Properties.CodeUri is src/, which is not a ZIP"),
        ("handler.zip", "!Ref X", "Resources.F.Properties.CodeUri is not plain text (line 5)"),
        ("Properties: {Definition", "Properties: {Def", "Resources.M.Properties has no Definition (line 6)"),
        ("States: {P", "State: {P", "the definition of M: States is missing"),
        ("Outputs:", "Outputs: [", "it is not YAML"),
    ] {
        assert!(SHORT.contains(from), "{from}");
        let error = parse(&SHORT.replace(from, to)).unwrap_err();
        assert!(error.starts_with(reported), "{from} -> {to}: {error}");
    }
}

#[test]
fn the_concurrency_is_planned_for_each_function() {
    let path = tool_root().join("xtask/tests/data/checkout/today.yaml");
    let today = fs::read_to_string(path).unwrap();
    let of = |text: &str, reserved: &str| {
        let template = parse(text).unwrap();
        let values = template.values(template.parameters.defaults().with("ReservedConcurrency", reserved));
        let concurrency = template.concurrency(&values, 1000);
        (concurrency.reserved, concurrency.for_chunks, concurrency.at_once())
    };
    assert_eq!(of(&today, "-1"), (0, None, 1000));
    assert_eq!(of(&today, "16"), (16, Some(16), 16));
    let both = today.replace("Runtime: nodejs22.x", "ReservedConcurrentExecutions: 7");
    assert_eq!(of(&both, "16"), (23, Some(16), 16));
    // The first function alone reserves something, so the chunks share the rest.
    let first = today.replace("MemorySize: !Ref LambdaMemoryMb", "ReservedConcurrentExecutions: 7");
    assert_eq!(of(&first, "-1"), (7, None, 993));
}

#[test]
fn what_the_template_retains_is_known_before() {
    let retained = "  Layer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/}}
  DeletedLayer: {Type: AWS::Serverless::LayerVersion, Properties: {ContentUri: layer/, RetentionPolicy: Delete}}
  Images: {Type: AWS::ECR::Repository, DeletionPolicy: RetainExceptOnCreate}
  Topic: {Type: AWS::SNS::Topic, DeletionPolicy: Delete}
  Group: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}
Outputs:
";
    let template = parse(&SHORT.replace("Outputs:\n", retained)).unwrap();
    assert_eq!(template.left_behind, ["Layer", "Images"]);
}
