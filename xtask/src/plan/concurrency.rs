//! What an account's concurrency means for a function that reserves some of it. Pure.

/// Executions at once that Lambda keeps unreserved in every account (Lambda's quotas).
const KEPT_UNRESERVED: u64 = 100;

/// An account's unreserved concurrency, and what a run wants to reserve of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Executions at once that nobody has reserved.
    pub unreserved: u64,
    /// What the function reserves; `None` shares what is unreserved.
    pub reserved: Option<u32>,
}

impl Concurrency {
    /// What is said of it.
    ///
    /// # Errors
    /// When so much can't be reserved, with what to do.
    pub fn check(self) -> Result<String, String> {
        let Self { unreserved, reserved } = self;
        let Some(reserved) = reserved else {
            return Ok(format!("{unreserved} executions at once, none of which is reserved"));
        };
        match unreserved.checked_sub(KEPT_UNRESERVED) {
            Some(free) if free >= u64::from(reserved) => {
                Ok(format!("{unreserved} executions at once, of which {reserved} can be reserved"))
            }
            _ => Err(format!(
                "{unreserved} executions at once are unreserved, of which Lambda keeps {KEPT_UNRESERVED}: {reserved} \
                 can't be reserved; use --reserved-concurrency 0, or ask for a higher quota"
            )),
        }
    }

    /// How many chunks can be rendered at once; more are throttled, and Step Functions tries them again.
    pub fn at_once(self) -> u64 {
        self.reserved.map_or(self.unreserved, u64::from)
    }

    /// What to say where `chunks` are to be rendered at once, and fewer can be.
    pub fn throttles(self, chunks: u32) -> Option<String> {
        let at_once = self.at_once();
        (u64::from(chunks) > at_once).then(|| {
            let whose =
                if self.reserved.is_some() { "the function's reserved concurrency" } else { "the account's quota" };
            let way_out = match self.reserved {
                Some(_) => format!("--reserved-concurrency {chunks} or 0 helps"),
                None => "a higher quota helps".to_owned(),
            };
            format!(
                "{chunks} chunks are more than {whose} of {at_once}: Lambda throttles the others, which Step Functions \
                 tries again later, or in the end fails; {way_out}"
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_of_ten_can_reserve_nothing() {
        let check = |unreserved, reserved| Concurrency { unreserved, reserved }.check();
        assert!(check(10, Some(16)).unwrap_err().contains("--reserved-concurrency 0"));
        assert!(check(115, Some(16)).is_err());
        assert!(check(116, Some(16)).is_ok());
        assert!(check(10, None).is_ok());
    }

    #[test]
    fn chunks_beyond_the_ceiling_are_throttled() {
        let told = |unreserved, reserved, chunks| Concurrency { unreserved, reserved }.throttles(chunks);
        assert_eq!(told(1000, Some(16), 16), None);
        assert!(told(1000, Some(16), 17).unwrap().contains("--reserved-concurrency 17 or 0 helps"));
        assert_eq!(told(10, None, 10), None);
        assert!(told(10, None, 11).unwrap().contains("the account's quota of 10"));
    }
}
