//! Brings a text into the input line of a `claude` in a window: says what to do next, from what is seen.
//!
//! Measured on 2.1: `claude` takes a paste in a while after it read the bytes, and keys that come meanwhile
//! land before it. So Enter is pressed only once the text is seen in the input line, and again only while
//! it is still seen there. At the end of a turn, and while it starts, a paste may vanish without a trace;
//! it is pasted again when the line has stayed empty.

use std::time::Duration;

use crate::agent::claude::input::{self, shows};
use crate::agent::claude::transcript;
use crate::agent::window::{Arrival, Delivered, Input, InputDelivery, InputView, Step};

/// A start with many plugins takes its time.
const START: Duration = Duration::from_secs(60);
/// Nothing could be typed for so long.
const GIVE_UP: Duration = Duration::from_secs(90);
/// So long may the input line be out of sight, or hold what somebody types.
const HIDDEN: Duration = Duration::from_secs(3);
/// Without hooks, its input line alone counts after this.
const UNREGISTERED: Duration = Duration::from_secs(5);
const DRAFT: Duration = Duration::from_secs(1);
/// A paste that has not appeared by now vanished.
const VANISHED: Duration = Duration::from_secs(3);
const PASTES: u32 = 3;
/// An Enter that did nothing by now was swallowed.
const SWALLOWED: Duration = Duration::from_millis(800);
const APPEARS: Duration = Duration::from_secs(12);
/// From the last Enter to the transcript, on a machine that is busy.
const ARRIVES: Duration = Duration::from_secs(15);
/// A command of the agent's own that leaves no trace.
const TAKEN: Duration = Duration::from_secs(2);

/// One text on its way.
#[derive(Debug)]
pub(super) struct Delivery<'a> {
    text: &'a str,
    stage: Stage,
    /// Before the last step.
    earlier: Stage,
    /// Since when the stage's own trouble is seen without a break.
    trouble: Option<(Trouble, Duration)>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Before,
    Pasted { first: Duration, last: Duration, times: u32 },
    Entered { first: Duration, last: Duration },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    Hidden,
    Draft,
    Empty,
}

impl<'a> Delivery<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, stage: Stage::Before, earlier: Stage::Before, trouble: None }
    }
}

impl InputDelivery for Delivery<'_> {
    fn read_input(&self, screen: &str) -> Input {
        input::read_input(screen)
    }

    fn arrival(&self, transcript: &[u8]) -> Option<Arrival> {
        transcript::arrival(transcript, self.text)
    }

    /// A blank at the end keeps `\` from being taken for "another line" and a name from being completed.
    /// It is cut off again, but not from a text that becomes a placeholder.
    fn pasted(&self) -> String {
        let text = self.text;
        let stays_whole = text.len() <= 700 && text.matches('\n').count() < 3;
        let last = text.rsplit(char::is_whitespace).next().unwrap_or_default();
        let at_stake = text.starts_with('/') || text.ends_with('\\') || last.contains('@') || text.chars().count() == 1;
        format!("{text}{}", if stays_whole && at_stake { " " } else { "" })
    }

    fn never_into(&self) -> &'static str {
        input::CHOICE
    }

    fn step(&mut self, seen: &InputView, now: Duration) -> Step {
        self.earlier = self.stage;
        if let Some(arrival) = seen.arrival {
            return Step::End(Delivered::Arrived(arrival));
        }
        match self.stage {
            Stage::Before => self.before(seen, now),
            Stage::Pasted { first, last, times } => self.pasted_at(seen, now, (first, last, times)),
            Stage::Entered { first, last } => self.entered(seen, now, (first, last)),
        }
    }

    fn withheld(&mut self) {
        self.stage = self.earlier;
    }
}

impl Delivery<'_> {
    fn before(&mut self, seen: &InputView, now: Duration) -> Step {
        if now >= GIVE_UP {
            return Step::End(Delivered::NoInput);
        }
        match &seen.input {
            Input::Empty if seen.registered || now >= UNREGISTERED => {
                self.trouble = None;
                self.stage = Stage::Pasted { first: now, last: now, times: 1 };
                Step::Paste
            }
            Input::Empty => Step::Look,
            Input::Holds(_) => self.after(Trouble::Draft, now, DRAFT, Delivered::Draft),
            Input::Hidden => match &seen.asks {
                Some(what) => Step::End(Delivered::Asks(what.clone())),
                None if seen.registered => self.after(Trouble::Hidden, now, HIDDEN, Delivered::NoInput),
                None if now >= START => Step::End(Delivered::NotUp),
                None => Step::Look,
            },
        }
    }

    fn pasted_at(&mut self, seen: &InputView, now: Duration, (first, last, times): (Duration, Duration, u32)) -> Step {
        if shows(&seen.input, self.text) {
            self.stage = Stage::Entered { first: now, last: now };
            return Step::Enter;
        }
        if now >= first + APPEARS {
            return Step::End(Delivered::Unentered);
        }
        let vanished = seen.input == Input::Empty && self.lasts(Trouble::Empty, now) >= VANISHED;
        if seen.input != Input::Empty {
            self.trouble = None;
        }
        if vanished && times < PASTES && now >= last + VANISHED {
            self.trouble = None;
            self.stage = Stage::Pasted { first, last: now, times: times + 1 };
            return Step::Paste;
        }
        Step::Look
    }

    fn entered(&mut self, seen: &InputView, now: Duration, (first, last): (Duration, Duration)) -> Step {
        let stands = shows(&seen.input, self.text);
        if stands && now >= last + SWALLOWED && now < first + ARRIVES {
            self.stage = Stage::Entered { first, last: now };
            return Step::Enter;
        }
        if !stands && self.text.starts_with('/') && now >= last + TAKEN {
            return Step::End(Delivered::Taken);
        }
        if now >= last + ARRIVES {
            return Step::End(if stands { Delivered::Unentered } else { Delivered::Unconfirmed });
        }
        Step::Look
    }

    /// `end` where the trouble lasts for so long.
    fn after(&mut self, trouble: Trouble, now: Duration, bound: Duration, end: Delivered) -> Step {
        if self.lasts(trouble, now) >= bound { Step::End(end) } else { Step::Look }
    }

    fn lasts(&mut self, trouble: Trouble, now: Duration) -> Duration {
        match self.trouble {
            Some((same, since)) if same == trouble => now.saturating_sub(since),
            _ => {
                self.trouble = Some((trouble, now));
                Duration::ZERO
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a text to say";

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn seen(input: Input) -> InputView {
        InputView { registered: true, asks: None, input, arrival: None }
    }

    fn shown() -> InputView {
        seen(Input::Holds(TEXT.to_owned()))
    }

    fn empty() -> InputView {
        seen(Input::Empty)
    }

    /// A delivery that has pasted at 0, and entered at 100 ms.
    fn entered() -> Delivery<'static> {
        let mut delivery = Delivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), Step::Paste);
        assert_eq!(delivery.step(&empty(), ms(50)), Step::Look, "not seen yet: a key would come before it");
        assert_eq!(delivery.step(&shown(), ms(100)), Step::Enter);
        delivery
    }

    #[test]
    fn it_is_pasted_seen_entered_and_confirmed() {
        let mut delivery = entered();
        assert_eq!(delivery.step(&empty(), ms(200)), Step::Look);
        let arrived = InputView { arrival: Some(Arrival::Exact), ..empty() };
        assert_eq!(delivery.step(&arrived, ms(300)), Step::End(Delivered::Arrived(Arrival::Exact)));
    }

    #[test]
    fn enter_is_pressed_again_only_while_the_text_stands_there() {
        let mut delivery = entered();
        assert_eq!(delivery.step(&shown(), ms(500)), Step::Look);
        assert_eq!(delivery.step(&shown(), ms(901)), Step::Enter);
        let other = seen(Input::Holds("what its user types now".to_owned()));
        assert_eq!(delivery.step(&other, ms(3000)), Step::Look);
        assert_eq!(delivery.step(&seen(Input::Hidden), ms(4000)), Step::Look);
        assert_eq!(delivery.step(&empty(), ms(15_500)), Step::Look);
        assert_eq!(delivery.step(&empty(), ms(16_000)), Step::End(Delivered::Unconfirmed));
        let mut deaf = entered();
        let mut presses = 0;
        let end = (1..).map(|n| deaf.step(&shown(), ms(100 + n * 100))).find(|step| {
            presses += usize::from(*step == Step::Enter);
            matches!(step, Step::End(_))
        });
        assert_eq!(end, Some(Step::End(Delivered::Unentered)));
        assert!(presses < 30, "{presses}");
    }

    #[test]
    fn a_paste_that_vanished_is_pasted_again_and_one_that_is_late_is_not() {
        let mut delivery = Delivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), Step::Paste);
        assert_eq!(delivery.step(&empty(), ms(100)), Step::Look);
        assert_eq!(delivery.step(&empty(), ms(2900)), Step::Look);
        assert_eq!(delivery.step(&empty(), ms(3100)), Step::Paste);
        assert_eq!(delivery.step(&empty(), ms(3200)), Step::Look);
        assert_eq!(delivery.step(&shown(), ms(3300)), Step::Enter);
        let mut covered = Delivery::new(TEXT);
        assert_eq!(covered.step(&empty(), ms(0)), Step::Paste);
        for at in [100, 3100, 8000] {
            assert_eq!(covered.step(&seen(Input::Hidden), ms(at)), Step::Look, "a dialog may have come before it");
        }
        assert_eq!(covered.step(&seen(Input::Hidden), ms(12_000)), Step::End(Delivered::Unentered));
    }

    #[test]
    fn nothing_is_typed_into_a_dialog_a_draft_or_what_is_not_up() {
        let asks = InputView { asks: Some("permission: Bash".to_owned()), ..seen(Input::Hidden) };
        assert_eq!(Delivery::new(TEXT).step(&asks, ms(0)), Step::End(Delivered::Asks("permission: Bash".to_owned())));
        // What it said last may be old: the input line is there.
        let over = InputView { asks: Some("permission: Bash".to_owned()), ..empty() };
        assert_eq!(Delivery::new(TEXT).step(&over, ms(0)), Step::Paste);
        let mut hidden = Delivery::new(TEXT);
        assert_eq!(hidden.step(&seen(Input::Hidden), ms(0)), Step::Look);
        assert_eq!(hidden.step(&seen(Input::Hidden), ms(3000)), Step::End(Delivered::NoInput));
        let draft = seen(Input::Holds("hers".to_owned()));
        let mut delivery = Delivery::new(TEXT);
        assert_eq!(delivery.step(&draft, ms(0)), Step::Look, "it may be on its way");
        assert_eq!(delivery.step(&draft, ms(1000)), Step::End(Delivered::Draft));
        let starting = InputView { registered: false, ..seen(Input::Hidden) };
        let mut starts = Delivery::new(TEXT);
        assert_eq!(starts.step(&starting, ms(59_000)), Step::Look);
        assert_eq!(starts.step(&InputView { registered: false, ..empty() }, ms(0)), Step::Look);
        assert_eq!(starts.step(&starting, ms(60_000)), Step::End(Delivered::NotUp));
        assert_eq!(
            Delivery::new(TEXT).step(&InputView { registered: false, ..empty() }, ms(5000)),
            Step::Paste,
            "no hooks"
        );
    }

    #[test]
    fn what_was_withheld_was_not_done() {
        let mut delivery = Delivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), Step::Paste);
        delivery.withheld();
        assert_eq!(delivery.step(&empty(), ms(40)), Step::Paste);
        assert_eq!(delivery.step(&shown(), ms(80)), Step::Enter);
        delivery.withheld();
        assert_eq!(delivery.step(&shown(), ms(120)), Step::Enter);
        let mut never = Delivery::new(TEXT);
        let end = (0..).map(|n| {
            let step = never.step(&empty(), ms(n * 1000));
            never.withheld();
            step
        });
        assert_eq!(end.take(200).find(|step| matches!(step, Step::End(_))), Some(Step::End(Delivered::NoInput)));
    }

    #[test]
    fn a_command_that_leaves_no_trace_counts_as_taken() {
        let mut delivery = Delivery::new("/clear");
        assert_eq!(delivery.step(&empty(), ms(0)), Step::Paste);
        assert_eq!(delivery.step(&seen(Input::Holds("/clear".to_owned())), ms(50)), Step::Enter);
        assert_eq!(delivery.step(&seen(Input::Hidden), ms(1000)), Step::Look);
        assert_eq!(delivery.step(&seen(Input::Hidden), ms(2050)), Step::End(Delivered::Taken));
    }

    #[test]
    fn only_what_its_editor_would_change_gets_a_blank() {
        for (text, blank) in [
            ("plain", false),
            ("/clear", true),
            ("ends\\", true),
            ("see @file", true),
            ("see @file now", false),
            ("?", true),
        ] {
            assert_eq!(Delivery::new(text).pasted(), if blank { format!("{text} ") } else { text.to_owned() });
        }
        let long = format!("{}@x", "line\n".repeat(5));
        assert_eq!(Delivery::new(&long).pasted(), long, "a placeholder keeps its blanks");
    }
}
