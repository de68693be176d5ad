//! A command line for people who asked to see it. Pure.

use std::path::Path;

use crate::env::Env;

/// The command line as a shell would take it, without what is secret in `env`.
pub(super) fn command_line(program: &Path, args: &[String], env: &Env) -> String {
    let secrets: Vec<&str> = env.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value).collect();
    let program = program.display().to_string();
    let words = std::iter::once(&program).chain(args).map(|word| {
        // A short value would be found by chance.
        let masked = secrets.iter().filter(|secret| secret.len() >= 8);
        quoted(&masked.fold(word.clone(), |word, secret| word.replace(secret, "***")))
    });
    words.collect::<Vec<_>>().join(" ")
}

fn is_secret(name: &str) -> bool {
    ["SECRET", "TOKEN", "PASSWORD", "_auth", "ACCESS_KEY"].iter().any(|part| name.contains(part))
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%*".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_and_has_no_secrets() {
        let env = Env::from([("AWS_SECRET_ACCESS_KEY", "wJalrSECRET"), ("PATH", "/usr/bin"), ("X_TOKEN", "1")]);
        let args = ["deploy", "a b", "it's", "", "--key=wJalrSECRET", "/usr/bin"].map(str::to_owned);
        assert_eq!(
            command_line(Path::new("/bin/sam"), &args, &env),
            r"/bin/sam deploy 'a b' 'it'\''s' '' --key=*** /usr/bin"
        );
    }
}
