//! The size budget of the handler ZIP.

use anyhow::ensure;

use super::ZipSizes;

/// Lambda's ceiling is 250 MiB unzipped; the budget leaves room for its own runtime files.
const UNZIPPED_MIB: u64 = 248;

/// What an upload should not exceed.
const ZIPPED_MIB: u64 = 150;

/// Holds a ZIP against the budget.
///
/// # Errors
/// When it is over; the message says by how much.
pub fn check(sizes: &ZipSizes) -> anyhow::Result<()> {
    let over = |what: &str, bytes: u64, budget: u64| {
        let mib = bytes as f64 / f64::from(1 << 20);
        ensure!(bytes <= budget << 20, "the handler ZIP has {mib:.1} MiB {what}, the budget is {budget} MiB");
        Ok(())
    };
    over("unzipped", sizes.unzipped, UNZIPPED_MIB)?;
    over("zipped", sizes.zipped, ZIPPED_MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_a_ceiling() {
        let sizes = |unzipped, zipped| ZipSizes { zipped, unzipped, files: 1 };
        assert!(check(&sizes(248 << 20, 150 << 20)).is_ok());
        assert!(check(&sizes((248 << 20) + 1, 1)).unwrap_err().to_string().contains("unzipped"));
        assert!(check(&sizes(1, (150 << 20) + 1)).unwrap_err().to_string().contains(" zipped"));
    }
}
