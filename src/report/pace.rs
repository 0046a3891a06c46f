//! How far a long stage is, told now and then.

use jiff::{SignedDuration, Timestamp};

/// The progress of one stage, as lines for people.
pub(super) struct Pace {
    began: Timestamp,
    told: Timestamp,
    /// How long after the last line the next one comes.
    gap: SignedDuration,
    unit: &'static str,
}

impl Pace {
    /// A stage that begins now and counts these, for example keys.
    pub(super) fn new(began: Timestamp, unit: &'static str) -> Self {
        Self { began, told: began, gap: SignedDuration::from_secs(1), unit }
    }

    /// A line when one is due: every second where it is drawn over the last one, else at growing distances, so
    /// that a log of hours stays short.
    pub(super) fn line(
        &mut self,
        now: Timestamp,
        done: usize,
        total: usize,
        redraws: bool,
    ) -> Option<String> {
        let is_due = now.duration_since(self.told) >= self.gap;
        if !is_due || done == 0 || done >= total {
            return None;
        }
        self.told = now;
        if !redraws {
            self.gap += self.gap;
        }
        let seconds = now.duration_since(self.began).as_secs_f64();
        let percent = done * 100 / total;
        let rate = (done as f64 / seconds) as usize;
        let unit = if self.unit.is_empty() { String::new() } else { format!(" {}", self.unit) };
        Some(format!(
            "{} of {}{unit}, {percent} %, {} a second",
            grouped(done),
            grouped(total),
            grouped(rate)
        ))
    }
}

/// `12,300`
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::{Pace, grouped};

    #[test]
    fn lines_come_every_second_or_at_growing_distances() {
        let told = |redraws: bool| {
            let mut pace = Pace::new(Timestamp::UNIX_EPOCH, "keys");
            let at = |tenths: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_millis(tenths * 100);
            let lines = (0..=200).filter_map(|tenths| {
                let line = pace.line(
                    at(tenths),
                    usize::try_from(tenths).unwrap_or_default() * 100,
                    20_000,
                    redraws,
                )?;
                Some((tenths, line))
            });
            lines.collect::<Vec<_>>()
        };
        let each: Vec<i64> = told(true).iter().map(|(at, _)| *at).collect();
        assert_eq!(each, (1..20).map(|second| second * 10).collect::<Vec<_>>());
        let growing = told(false);
        assert_eq!(growing.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [10, 30, 70, 150]);
        assert_eq!(growing[3].1, "15,000 of 20,000 keys, 75 %, 1,000 a second");
    }

    #[test]
    fn thousands_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
