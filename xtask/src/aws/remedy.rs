//! What a user can do about a refusal that no repetition mends. Pure.

use std::time::{Duration, SystemTime};

use aws_smithy_types::{DateTime, date_time::Format};

use super::{
    Target,
    faults::{Fault, Refused},
};

/// What to do about the refusal behind an error that was met `now`; `None` where another try may help.
pub fn of(error: &anyhow::Error, target: &Target, now: SystemTime) -> Option<String> {
    let refused = Refused::behind(error)?;
    match refused.fault {
        Fault::Clock => Some(of_clock(&refused.told, now)),
        Fault::Credentials => Some(match target {
            Target::Account { profile: Some(profile) } => {
                format!("the credentials of profile {profile} are not taken any more; renew them, as with `aws sso login --profile {profile}`")
            }
            _ => "the credentials are not taken any more; renew them, as with `aws sso login` or new keys in the environment".to_owned(),
        }),
        Fault::Denied => Some("these credentials lack a right; `cargo xtask lambda-policy` prints all that a run needs".to_owned()),
        Fault::Absent | Fault::Transient | Fault::Other => None,
    }
}

/// How far this machine's clock is off, where the refusal says what time it is at AWS.
pub(super) fn of_clock(told: &str, now: SystemTime) -> String {
    let off = time_at_aws(told).map(|there| match there.duration_since(now) {
        Ok(behind) => format!("{} min behind", minutes(behind)),
        Err(ahead) => format!("{} min ahead", minutes(ahead.duration())),
    });
    let off = off.map_or("more than AWS takes off".to_owned(), |off| format!("{off} AWS's"));
    format!("this machine's clock is {off}; set it, as with `timedatectl set-ntp true`, and run it again")
}

fn minutes(off: Duration) -> u64 {
    (off.as_secs() + 30) / 60
}

/// The time in words such as `Signature expired: ... (20261121T223444Z - 15 min.)`.
fn time_at_aws(told: &str) -> Option<SystemTime> {
    let compact = told.rsplit_once('(')?.1.split_whitespace().next()?;
    let (date, time) = compact.strip_suffix('Z')?.split_once('T')?;
    let parts = |text: &str, at: [usize; 2], sep: &str| {
        Some([text.get(..at[0])?, text.get(at[0]..at[1])?, text.get(at[1]..)?].join(sep))
    };
    let text = format!("{}T{}Z", parts(date, [4, 6], "-")?, parts(time, [2, 4], ":")?);
    DateTime::from_str(&text, Format::DateTime).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    fn refused(code: &str, message: &str) -> anyhow::Error {
        let refused: Result<(), _> = Err(Refused::new(403, Some(code), Some(message)));
        refused.context("looking for stack s").context("clean-up").unwrap_err()
    }

    #[test]
    fn a_clock_is_told_by_how_much_it_is_off() {
        let there = DateTime::from_str("2026-11-21T22:34:44Z", Format::DateTime).unwrap();
        let there = SystemTime::try_from(there).unwrap();
        let told = "SignatureDoesNotMatch: Signature expired: 20261121T211544Z is now earlier than 20261121T221944Z (20261121T223444Z - 15 min.)";
        assert!(of_clock(told, there - Duration::from_secs(79 * 60)).contains("79 min behind AWS's"));
        let told = "Signature not yet current: 20261121T230000Z is still later than 20261121T223944Z (20261121T223444Z + 5 min.)";
        assert!(of_clock(told, there + Duration::from_secs(1526)).contains("25 min ahead AWS's"));
        for odd in ["", "(", "(2026Z - 15", "(20261121T2234é4Z -", "(20269921T223444Z - 15 min.)"] {
            assert!(of_clock(odd, there).contains("more than AWS takes"), "{odd}");
        }
    }

    #[test]
    fn only_what_no_repetition_mends_has_a_remedy() {
        let profile = Target::Account { profile: Some("dev".parse().unwrap()) };
        let remedy = |code, message| of(&refused(code, message), &profile, SystemTime::UNIX_EPOCH);
        assert!(remedy("ExpiredToken", "it is").unwrap().contains("aws sso login --profile dev"));
        assert!(remedy("InvalidSignatureException", "Signature expired: x").unwrap().contains("clock"));
        assert!(remedy("AccessDenied", "no").unwrap().contains("lambda-policy"));
        assert_eq!(remedy("SlowDown", "wait"), None);
        assert_eq!(of(&anyhow::anyhow!("the disk is full"), &profile, SystemTime::UNIX_EPOCH), None);
    }
}
