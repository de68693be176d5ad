//! The current activities, as lines for a terminal. Pure.

use std::time::{Duration, Instant};

use crate::console::text;

/// Which activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u64);

/// The current activities: the phase of the run, and below it the activities in the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct Live {
    phase: Option<String>,
    renders: Renders,
    activities: Vec<Activity>,
    begun: u64,
}

/// How many renders are done.
#[derive(Debug, Default)]
struct Renders {
    expected: u64,
    done: u64,
    /// When the first one began, and when the last one ended.
    span: Option<(Instant, Instant)>,
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
        self.activities.is_empty() && self.phase.is_none()
    }

    /// Replaces the phase of the run; without one, the run has no line, and its renders are forgotten.
    pub(crate) fn set_phase(&mut self, phase: Option<&str>) {
        self.phase = phase.map(str::to_owned);
        if phase.is_none() {
            self.renders = Renders::default();
        }
    }

    /// Adds renders that begin now.
    pub(crate) fn expect(&mut self, renders: u64, now: Instant) {
        self.renders.expected += renders;
        self.renders.span.get_or_insert((now, now));
    }

    /// Counts a render that is over.
    pub(crate) fn advance(&mut self, now: Instant) {
        self.renders.done += 1;
        if let Some((_, last)) = &mut self.renders.span {
            *last = now;
        }
    }

    /// The line of the run, which began at `started`, and one for each activity, the latest `rows` of all of them, none
    /// wider than `columns`.
    pub(crate) fn lines(&self, started: Instant, now: Instant, columns: usize, rows: usize) -> Vec<Line> {
        let phase = self.phase.iter().map(|phase| {
            let clock = format!("[{:7.1}s] ", seconds(started, now));
            Line::of(&clock, "run", &self.renders.reported(phase, now), columns)
        });
        let activities = self.activities.iter().map(|activity| {
            let clock = format!("{:8.1}s  ", seconds(activity.since, now));
            Line::of(&clock, &activity.stage, &activity.now, columns)
        });
        let mut lines: Vec<_> = phase.chain(activities).collect();
        lines.drain(..lines.len().saturating_sub(rows));
        lines
    }
}

impl Renders {
    fn reported(&self, phase: &str, now: Instant) -> Now {
        if self.expected == 0 {
            return Now { text: phase.to_owned(), share: None };
        }
        let left = self.left(now).map(|left| format!(", about {} left", text::duration(left))).unwrap_or_default();
        let text = format!("{phase}: {} of {}{left}", self.done, self.expected);
        Now { text, share: Some(self.done as f64 / self.expected as f64) }
    }

    /// How long the other renders take if they take as long as those that are done; `None` before the first one is
    /// done, and once that time is over.
    fn left(&self, now: Instant) -> Option<Duration> {
        let (first, last) = self.span?;
        let others = u32::try_from(self.expected.saturating_sub(self.done)).ok()?;
        let each = last.duration_since(first).checked_div(u32::try_from(self.done).ok()?)?;
        (each * others).checked_sub(now.saturating_duration_since(last)).filter(|left| !left.is_zero())
    }
}

fn seconds(since: Instant, now: Instant) -> f64 {
    now.saturating_duration_since(since).as_secs_f64()
}

impl Line {
    fn of(clock: &str, stage: &str, now: &Now, columns: usize) -> Self {
        let bar = now.share.map(|share| format!(" {}", bar(share))).unwrap_or_default();
        let words = format!(" {}", text::plain(&now.text));
        let (clock, left) = text::cut(clock, columns);
        let (stage, left) = text::cut(&format!("{stage:<9}"), left);
        // Where there is no room for both, words say more than a bar.
        let with_bar = format!("{bar}{words}");
        let rest = if text::width(&with_bar) > left { words } else { with_bar };
        let (rest, _) = text::cut(rest.trim_end(), left);
        Self { clock, stage, rest }
    }

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
    use super::*;

    fn shown(live: &Live, now: Instant, columns: usize, rows: usize) -> Vec<String> {
        let lines = live.lines(now.checked_sub(Duration::from_secs(60)).unwrap(), now, columns, rows);
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
    fn the_run_has_a_line_with_what_is_done_and_what_is_left() {
        let (mut live, start) = (Live::default(), Instant::now());
        let after = |seconds| start + Duration::from_secs(seconds);
        live.set_phase(Some("Build"));
        assert_eq!(shown(&live, start, 80, 9), ["[   60.0s] run       Build"]);
        live.set_phase(Some("Renders"));
        live.expect(4, start);
        assert_eq!(shown(&live, after(9), 40, 9), ["[   60.0s] run       Renders: 0 of 4"]);
        live.advance(after(10));
        let one = "[   60.0s] run       [#####---------------] Renders: 1 of 4, about 26 s left";
        assert_eq!(shown(&live, after(14), 100, 9), [one]);
        // What takes longer than expected has no time left that could be said.
        assert_eq!(shown(&live, after(40), 40, 9), ["[   60.0s] run       Renders: 1 of 4"]);
        live.begin("render", after(10));
        assert_eq!(shown(&live, after(12), 60, 1), ["     2.0s  render"].map(|line| format!("{line}   ")));
        (0..3).for_each(|_| live.advance(after(30)));
        assert_eq!(shown(&live, after(31), 40, 9)[0], "[   60.0s] run       Renders: 4 of 4");
        live.set_phase(None);
        assert_eq!(shown(&live, after(31), 60, 9).len(), 1);
        live.set_phase(Some("Clean-up"));
        assert_eq!(shown(&live, after(31), 60, 9)[0], "[   60.0s] run       Clean-up");
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
