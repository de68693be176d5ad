//! Takes out of a text what differs from run to run.

/// Replaces seconds since the start, times, epochs and run ids. Paths and
/// endpoints are the caller's to replace.
pub(crate) fn redact(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| ids(&clock(line))).collect();
    lines.join("\n").trim_start_matches('\n').to_owned()
}

/// `[    1.2s] deploy` becomes `[<s>] deploy`.
fn clock(line: &str) -> String {
    match line.strip_prefix('[').and_then(|rest| rest.split_once("s] ")) {
        Some((seconds, rest)) if seconds.trim().parse::<f64>().is_ok() => format!("[<s>] {rest}"),
        _ => line.to_owned(),
    }
}

/// Words of letters and digits that are run ids, short ones, epochs or times of day.
fn ids(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while !rest.is_empty() {
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(length);
        let is_hex = word.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
        let is_number = word.chars().all(|c| c.is_ascii_digit());
        let shown = match word.len() {
            10 if is_number => "<epoch>",
            12 if is_hex && word != super::fake_aws::ACCOUNT && !out.ends_with("account ") => "<run>",
            6 if is_hex && out.ends_with("<epoch>-") => "<run>",
            _ => word,
        };
        out.push_str(shown);
        let mut symbols = tail.chars();
        out.extend(symbols.by_ref().take(usize::from(!tail.is_empty())));
        rest = symbols.as_str();
        rest = times(&mut out, rest);
    }
    out
}

/// Leaves out an RFC 3339 time at the text's start.
fn times<'a>(out: &mut String, rest: &'a str) -> &'a str {
    let is_time = rest.len() >= 20
        && rest.is_char_boundary(11)
        && rest[..11].char_indices().all(|(i, c)| match i {
            4 | 7 => c == '-',
            10 => c == 'T',
            _ => c.is_ascii_digit(),
        });
    match rest.find('Z') {
        Some(end) if is_time => {
            out.push_str("<time>");
            &rest[end + 1..]
        }
        _ => rest,
    }
}
