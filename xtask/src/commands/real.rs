//! `lambda-doctor --real`: what a first run on an account can know beforehand, by calls that only read.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use execution_history::{chunking::ChunkCounts, cost::Prices};
use roxmltree::Document;

use crate::{
    aws::{
        buckets,
        rights::{self, Answer},
        signed_request::{Body, Call, accepted},
        stacks::ByName,
    },
    commands::doctor::{Checkup, Health},
    context::Connection,
    project::{fixture::Fixture, plan::Extent, repo::Repo, template::Template},
    run::estimate::{CallTimes, Estimate, Split},
};

/// What the account says to calls that only read.
pub(super) async fn checkups(connection: &Connection, repo: &Repo, template: Option<&Template>) -> Vec<Checkup> {
    let called = rights::called(connection).await;
    let simulated = rights::simulated(connection).await;
    let mut checkups = vec![
        Checkup {
            what: "permissions by calls".to_owned(),
            health: called.map_or_else(noted, |all| granted(&all, "calls that only read")),
        },
        Checkup {
            what: "permissions by simulation".to_owned(),
            health: simulated.map_or_else(not_simulated, |all| granted(&all, "permissions")),
        },
    ];
    checkups.extend(quotas(connection).await);
    let size = template.and_then(|template| template.code.metadata().ok()).map_or(USUAL_ZIP, |zip| zip.len());
    let rate = upload_rate(connection).await;
    checkups.push(Checkup { what: "upload".to_owned(), health: rate.map_or_else(noted, |rate| upload(size, rate)) });
    checkups.extend(template.and_then(|template| cost(repo, template)));
    checkups.push(Checkup::note("not known", UNKNOWN.to_owned()));
    checkups
}

/// What calls that only read can't show.
const UNKNOWN: &str = "the most memory that a function may have (new accounts: 3,008 MB), whether a control policy of \
    the organization forbids a call that changes something, and how long CloudFormation takes";

fn noted(error: anyhow::Error) -> Health {
    Health::Note(format!("{error:#}"))
}

fn not_simulated(error: anyhow::Error) -> Health {
    Health::Note(format!("{} permissions can be checked only by a run: {error:#}", rights::untried()))
}

/// The result of the calls that check permissions.
fn granted(answers: &BTreeMap<&'static str, Answer>, what: &str) -> Health {
    let of = |wanted: fn(&Answer) -> Option<&str>| {
        let found = answers.iter().filter_map(|(action, answer)| Some((*action, wanted(answer)?)));
        found.collect::<Vec<(&str, &str)>>()
    };
    let denied = of(|answer| if let Answer::Denied(why) = answer { Some(why) } else { None });
    let unclear = of(|answer| if let Answer::Unclear(why) = answer { Some(why) } else { None });
    let lines =
        |found: &[(&str, &str)]| found.iter().map(|(action, why)| format!("\n{action}: {why}")).collect::<String>();
    let all = answers.len();
    match (denied.as_slice(), unclear.as_slice()) {
        ([], []) => Health::Good(format!("all {all} {what} are allowed")),
        ([], unclear) => {
            Health::Note(format!("{} of {all} {what} could not be checked:{}", unclear.len(), lines(unclear)))
        }
        (denied, _) => Health::Bad(format!(
            "{} of {all} {what} are not allowed; attach the policy that `cargo xtask lambda-policy` prints:{}",
            denied.len(),
            lines(denied)
        )),
    }
}

/// A quota that a run counts towards.
struct Quota {
    what: &'static str,
    /// How many there are.
    used: u64,
    /// How many there may be.
    limit: u64,
    /// How many a run adds.
    needs: u64,
}

impl Quota {
    fn health(&self) -> Health {
        let Self { what, used, limit, needs } = self;
        let text = format!("{used} of {limit} {what} are used, and a run adds {needs}");
        if used + needs > *limit { Health::Bad(text) } else { Health::Good(text) }
    }
}

async fn quotas(connection: &Connection) -> Vec<Checkup> {
    let (stacks, buckets, roles) = tokio::join!(stacks(connection), of_buckets(connection), roles(connection));
    let quotas = [("stacks", stacks), ("buckets", buckets), ("roles", roles)];
    let checkup = |(what, quota): (&str, anyhow::Result<Quota>)| Checkup {
        what: format!("quota of {what}"),
        health: quota.map_or_else(|error| Health::Note(format!("not readable: {error:#}")), |quota| quota.health()),
    };
    quotas.into_iter().map(checkup).collect()
}

/// The answer to a call of the query protocol.
async fn asked(connection: &Connection, service: &'static str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
    let body = Body::form(fields.iter().copied());
    accepted(Call::post(service, body).send(&connection.clients).await?)
}

/// CloudFormation's stacks in the region (DescribeAccountLimits, DescribeStacks).
async fn stacks(connection: &Connection) -> anyhow::Result<Quota> {
    let call = |action: &'static str, token: Option<String>| async move {
        let mut fields = vec![("Action", action), ("Version", "2010-05-15")];
        fields.extend(token.as_deref().map(|token| ("NextToken", token)));
        asked(connection, "cloudformation", &fields).await
    };
    let limit = number(&call("DescribeAccountLimits", None).await?, "Name", "StackLimit", "Value")?;
    let (mut used, mut token) = (0, None);
    loop {
        let page = call("DescribeStacks", token.take()).await?;
        let document = Document::parse(&page).context("DescribeStacks returned no XML")?;
        used += document.descendants().filter(|node| node.text_of("StackStatus").is_some()).count() as u64;
        token = document.descendants().find_map(|node| node.text_of("NextToken"));
        if token.is_none() {
            return Ok(Quota { what: "stacks", used, limit, needs: 1 });
        }
    }
}

/// S3's buckets of the account (ListBuckets, Service Quotas' GetServiceQuota).
async fn of_buckets(connection: &Connection) -> anyhow::Result<Quota> {
    let used = buckets::buckets_starting(&connection.clients, &[String::new()]).await?.len() as u64;
    let input = serde_json::json!({ "ServiceCode": "s3", "QuotaCode": "L-DC2B2D3D" });
    let body = Body::Json { target: "ServiceQuotasV20190624.GetServiceQuota", input };
    let call = Call::post("servicequotas", body);
    let body = accepted(call.send(&connection.clients).await?)?;
    let answer: serde_json::Value = serde_json::from_str(&body).context("GetServiceQuota returned no JSON")?;
    let limit = answer["Quota"]["Value"].as_f64().context("GetServiceQuota returned no value")?;
    Ok(Quota { what: "buckets", used, limit: limit as u64, needs: 2 })
}

/// IAM's roles of the account (GetAccountSummary).
async fn roles(connection: &Connection) -> anyhow::Result<Quota> {
    let summary = asked(connection, "iam", &[("Action", "GetAccountSummary"), ("Version", "2010-05-08")]).await?;
    let of = |key: &str| number(&summary, "key", key, "value");
    Ok(Quota { what: "roles", used: of("Roles")?, limit: of("RolesQuota")?, needs: 2 })
}

/// In the entry of an XML list whose element `name` has the text `key`, the number in the element `of`.
fn number(xml: &str, name: &str, key: &str, of: &str) -> anyhow::Result<u64> {
    let document = Document::parse(xml).context("an answer that is no XML")?;
    let entry = document.descendants().find(|node| node.text_of(name).as_deref() == Some(key));
    let value = entry.and_then(|entry| entry.text_of(of)?.trim().parse().ok());
    value.with_context(|| format!("the answer has no {key}"))
}

/// A handler ZIP that is not built yet, bytes.
const USUAL_ZIP: u64 = 106 << 20;

/// The most that a template in a request may have is 51,200 bytes.
const BIG: usize = 50_000;

const SMALL: usize = 1_000;

/// How many requests of each size are timed; the fastest counts.
const TIMES: usize = 3;

/// The upload rate to AWS in bytes per second, from the times of requests with a big and a small template
/// (GetTemplateSummary, which `sam` calls too). Longer transfers are faster, so this is a lower limit. `None` where the
/// difference cannot be measured.
async fn upload_rate(connection: &Connection) -> anyhow::Result<Option<f64>> {
    let mut fastest = [Duration::MAX; 2];
    for _ in 0..TIMES {
        for (size, fastest) in [SMALL, BIG].into_iter().zip(&mut fastest) {
            let comment = "x".repeat(size);
            let template = format!("Resources: {{W: {{Type: AWS::CloudFormation::WaitConditionHandle}}}} # {comment}");
            let started = Instant::now();
            let fields = [("Action", "GetTemplateSummary"), ("Version", "2010-05-15"), ("TemplateBody", &template)];
            asked(connection, "cloudformation", &fields).await?;
            *fastest = started.elapsed().min(*fastest);
        }
    }
    let longer = fastest[1].saturating_sub(fastest[0]);
    Ok((longer > Duration::from_millis(2)).then(|| (BIG - SMALL) as f64 / longer.as_secs_f64()))
}

/// How long the upload of a ZIP of `size` bytes takes at most, at `rate` bytes a second.
fn upload(size: u64, rate: Option<f64>) -> Health {
    const MIB: f64 = 1_048_576.0;
    let size_mib = size as f64 / MIB;
    Health::Good(match rate {
        Some(rate) => format!(
            "{size_mib:.1} MiB take {:.0} s at most, at {:.2} MiB/s, which a short request reached",
            (size as f64 / rate).ceil(),
            rate / MIB
        ),
        None => format!("{size_mib:.1} MiB; the connection is faster than a short request can measure"),
    })
}

/// What `lambda-smoke` without flags is going to cost.
fn cost(repo: &Repo, template: &Template) -> Option<Checkup> {
    let fixture = Fixture::load(repo, "mp4-h264-sdr").ok()?;
    let extent = Extent::declared_by(&fixture.composition, fixture.meta.fps.get())?;
    let counts: ChunkCounts = "2,4,8".parse().ok()?;
    let frames = extent.frames;
    let splits: Vec<Split> = counts.iter().map(|count| Split { frames, chunks: u64::from(count.get()) }).collect();
    let sizes = template.sizes(&template.values(template.parameters.defaults()));
    let estimate = Estimate::of(&splits, &CallTimes::default(), &sizes, &Prices::default());
    let text = format!("lambda-smoke of {} at 2, 4, and 8 chunks: {estimate}; --dry-run has other runs", fixture.name);
    Some(Checkup::of("cost", Ok(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_that_a_run_would_exceed_is_bad() {
        let of = |used| Quota { what: "stacks", used, limit: 200, needs: 2 }.health();
        assert_eq!(of(198), Health::Good("198 of 200 stacks are used, and a run adds 2".to_owned()));
        assert!(matches!(of(199), Health::Bad(_)));
    }

    #[test]
    fn numbers_are_found_by_their_names() {
        let xml = "<R xmlns='u'><S><entry><key>Users</key><value>3</value></entry><entry><key>Roles</key><value>41</value></entry></S></R>";
        assert_eq!(number(xml, "key", "Roles", "value").unwrap(), 41);
        assert!(number(xml, "key", "RolesQuota", "value").unwrap_err().to_string().contains("no RolesQuota"));
    }

    #[test]
    fn denied_rights_are_listed_before_unclear_ones() {
        let of = |answers: &[(&'static str, Answer)]| granted(&answers.iter().cloned().collect(), "permissions");
        let (denied, unclear) = (Answer::Denied("no".to_owned()), Answer::Unclear("500".to_owned()));
        assert_eq!(of(&[("a:B", Answer::Allowed)]), Health::Good("all 1 permissions are allowed".to_owned()));
        assert!(matches!(of(&[("a:B", unclear.clone())]), Health::Note(text) if text.ends_with("\na:B: 500")));
        assert!(
            matches!(of(&[("a:B", unclear), ("a:C", denied)]), Health::Bad(text) if text.ends_with("prints:\na:C: no"))
        );
    }

    #[test]
    fn an_upload_takes_as_long_as_its_bytes() {
        assert_eq!(
            upload(105 << 20, Some(1_048_576.0)),
            Health::Good("105.0 MiB take 105 s at most, at 1.00 MiB/s, which a short request reached".to_owned())
        );
    }
}
