//! The limits of the gates, as the flags of every command that compares renders.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, builder::Resettable};
use render_verdict::gates::{Flag, Limit, Settings, Unit};

/// The limits that flags or their variables set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LimitArgs(pub Settings);

impl LimitArgs {
    /// The flag of a limit that is set, where there is one.
    pub(crate) fn flag_set(&self) -> Option<String> {
        let set = with_flag().find(|(limit, _)| self.0.get(limit).is_some());
        set.map(|(_, flag)| format!("--{}", flag.name))
    }
}

fn with_flag() -> impl Iterator<Item = (&'static Limit, &'static Flag)> {
    Limit::all().filter_map(|limit| Some((limit, limit.flag.as_ref()?)))
}

impl Args for LimitArgs {
    fn augment_args(command: Command) -> Command {
        with_flag().fold(command, |command, (limit, flag)| command.arg(arg(limit, flag)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(limit: &'static Limit, flag: &'static Flag) -> Arg {
    let unit = match limit.unit {
        Unit::Db | Unit::Relative => "DB",
        Unit::Dbfs => "DBFS",
        Unit::Frames => "N",
        Unit::Levels => "LEVELS",
        Unit::Shift => "FRAMES",
        Unit::Samples => "SAMPLES",
    };
    let help = format!("{} [default: {}]", flag.help, limit.default());
    let of_fixture = limit.meta.map(|name| format!("A fixture can set its own limit with {name} in meta.json."));
    let details: Vec<String> = [Some(flag.details.to_owned()), of_fixture].into_iter().flatten().collect();
    let details = details.join(" ");
    let long = if details.is_empty() { help.clone() } else { format!("{help}.\n\n{}", details.trim_start()) };
    Arg::new(flag.name)
        .long(flag.name)
        .value_name(unit)
        .help(help)
        .long_help(long)
        // Few people set these, and the short help has to fit a screen.
        .hide_short_help(matches!(limit.unit, Unit::Levels | Unit::Shift | Unit::Samples | Unit::Relative))
        .allow_negative_numbers(matches!(limit.unit, Unit::Db | Unit::Dbfs | Unit::Relative))
        .value_parser(move |text: &str| limit.parse(text))
        .env(flag.env.map_or(Resettable::Reset, |name| Resettable::Value(name.into())))
}

impl FromArgMatches for LimitArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let set = with_flag().try_fold(Settings::default(), |settings, (limit, flag)| {
            match matches.get_one::<f64>(flag.name) {
                Some(value) => settings.with(limit, *value),
                None => Ok(settings),
            }
        });
        set.map(Self).map_err(|error| clap::Error::raw(clap::error::ErrorKind::ValueValidation, format!("{error}\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use render_verdict::gates::{GATES, Gate, Rule};

    use super::*;

    #[test]
    fn the_documentation_lists_every_gate_and_every_limit() {
        let page = include_str!("../../../docs/verdict.md");
        let (_, gates) = page.split_once("\n## Gates\n").unwrap();
        let (gates, _) = gates.split_once("\n## ").unwrap();
        let listed: Vec<&str> = gates.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let known: Vec<&str> = GATES.iter().map(|gate| gate.id).filter(|id| *id != "exact").collect();
        assert_eq!(listed[..known.len()], known);
        let table: String =
            GATES.into_iter().flat_map(|gate| gate.limits.iter().map(|limit| row(gate, limit))).collect();
        assert!(gates.contains(&table), "docs/verdict.md lacks\n{table}");
    }

    fn row(gate: &Gate, limit: &Limit) -> String {
        let code = |name: Option<String>| name.map_or_else(String::new, |name| format!("`{name}`"));
        let flag = limit.flag.as_ref();
        let default = match limit.rule {
            Rule::Default(value) => limit.shown(value),
            Rule::Below(other, margin) => format!("{margin} dB below `{}`", other.key),
            Rule::Above(other, margin) => format!("{margin} dB above `{}`", other.key),
        };
        let names = [
            code(Some(gate.id.to_owned())),
            code(Some(limit.key.to_owned())),
            code(flag.map(|flag| format!("--{}", flag.name))),
            code(flag.and_then(|flag| flag.env).map(str::to_owned)),
            code(limit.meta.map(str::to_owned)),
            default,
        ];
        format!("| {} |\n", names.join(" | ").replace("  ", " "))
    }

    #[test]
    fn the_schema_has_every_limit() {
        let schema: serde_json::Value =
            serde_json::from_str(include_str!("../../../schemas/run.v1.schema.json")).unwrap();
        let listed: Vec<&String> = schema["$defs"]["gate"]["properties"].as_object().unwrap().keys().collect();
        assert_eq!(listed, Limit::all().map(|limit| limit.key).collect::<Vec<_>>());
    }
}
