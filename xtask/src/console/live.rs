//! What goes on now, as lines for a terminal. Pure.

use std::time::Instant;

use crate::console::text;

/// Which activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u64);

/// Everything that goes on, in the order in which it began.
#[derive(Debug, Default)]
pub(crate) struct Live {
    activities: Vec<Activity>,
    begun: u64,
}

#[derive(Debug)]
struct Activity {
    id: Id,
    stage: String,
    since: Instant,
    now: Now,
}

/// How far an activity is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Now {
    /// For people.
    pub(crate) text: String,
    /// How much is done, 0 to 1, where that is known.
    pub(crate) share: Option<f64>,
}

/// The stage of a line, and everything else of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) clock: String,
    pub(crate) stage: String,
    pub(crate) rest: String,
}

/// Cells of a bar.
const BAR: usize = 20;

impl Live {
    pub(crate) fn begin(&mut self, stage: &str, since: Instant) -> Id {
        self.begun += 1;
        let id = Id(self.begun);
        self.activities.push(Activity { id, stage: stage.to_owned(), since, now: Now::default() });
        id
    }

    pub(crate) fn end(&mut self, id: Id) {
        self.activities.retain(|activity| activity.id != id);
    }

    pub(crate) fn update(&mut self, id: Id, now: Now) {
        if let Some(activity) = self.activities.iter_mut().find(|activity| activity.id == id) {
            activity.now = now;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.activities.is_empty()
    }

    /// One line for each activity, the latest `rows` of them, none wider than `columns`.
    pub(crate) fn lines(&self, now: Instant, columns: usize, rows: usize) -> Vec<Line> {
        let hidden = self.activities.len().saturating_sub(rows);
        self.activities[hidden..].iter().map(|activity| activity.line(now, columns)).collect()
    }
}

impl Activity {
    fn line(&self, now: Instant, columns: usize) -> Line {
        let clock = format!("{:8.1}s  ", now.saturating_duration_since(self.since).as_secs_f64());
        let stage = format!("{:<9}", self.stage);
        let bar = self.now.share.map(|share| format!(" {}", bar(share))).unwrap_or_default();
        let words = format!(" {}", text::plain(&self.now.text));
        let (clock, left) = text::cut(&clock, columns);
        let (stage, left) = text::cut(&stage, left);
        // Where there is no room for both, words say more than a bar.
        let with_bar = format!("{bar}{words}");
        let rest = if text::width(&with_bar) > left { words } else { with_bar };
        let (rest, _) = text::cut(rest.trim_end(), left);
        Line { clock, stage, rest }
    }
}

impl Line {
    /// The columns that it takes.
    pub(crate) fn width(&self) -> usize {
        [&self.clock, &self.stage, &self.rest].into_iter().map(|part| text::width(part)).sum()
    }
}

fn bar(share: f64) -> String {
    let full = (share.clamp(0.0, 1.0) * BAR as f64) as usize;
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR - full))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn shown(live: &Live, now: Instant, columns: usize, rows: usize) -> Vec<String> {
        let lines = live.lines(now, columns, rows);
        assert!(lines.iter().all(|line| line.width() <= columns), "{lines:?}");
        lines.into_iter().map(|line| line.clock + &line.stage + &line.rest).collect()
    }

    #[test]
    fn activities_are_shown_with_their_time_and_their_text() {
        let (mut live, start) = (Live::default(), Instant::now());
        let build = live.begin("build", start);
        let upload = live.begin("upload", start + Duration::from_secs(2));
        live.update(upload, Now { text: "5 of 10 MB".into(), share: Some(0.5) });
        let now = start + Duration::from_millis(12_340);
        let expected = ["    12.3s  build", "    10.3s  upload    [##########----------] 5 of 10 MB"];
        assert_eq!(shown(&live, now, 80, 9).iter().map(|line| line.trim_end()).collect::<Vec<_>>(), expected);
        assert_eq!(shown(&live, now, 80, 1).len(), 1);
        live.end(build);
        live.end(upload);
        assert!(live.is_empty());
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let (mut live, start) = (Live::default(), Instant::now());
        let id = live.begin("a stage with a long name", start);
        live.update(id, Now { text: "漢字かな交じり文".repeat(20), share: Some(7.0) });
        for columns in 0..200 {
            shown(&live, start, columns, 9);
        }
    }
}
