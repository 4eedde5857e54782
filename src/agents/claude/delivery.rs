//! Brings a text into the input line of a `claude` in a window: decides the next step from what the caller observes.
//!
//! Measured on 2.1: `claude` processes a paste some time after it read the bytes, and keys that arrive meanwhile land
//! before it. So Enter is pressed only once the text is visible in the input line, and again only while it is still
//! visible there. At the end of a turn, and while `claude` starts, a paste may vanish without a trace; it is pasted
//! again when the line has stayed empty.

use std::time::Duration;

use crate::agents::claude::input::{self, shows};
use crate::agents::claude::transcript;
use crate::agents::window::{Arrival, Delivered, DeliveryStep, InputContent, InputDelivery, InputView};

/// Longest wait for a starting agent: a start with many plugins takes time.
const START: Duration = Duration::from_secs(60);
/// Longest time in which nothing could be typed.
const GIVE_UP: Duration = Duration::from_secs(90);
/// How long the input line may be hidden.
const HIDDEN: Duration = Duration::from_secs(3);
/// After this, an empty input line is enough, without a hook's report.
const UNREGISTERED: Duration = Duration::from_secs(5);
/// How long the input line may hold other text.
const DRAFT: Duration = Duration::from_secs(1);
/// A paste that is not visible after this time has vanished.
const VANISHED: Duration = Duration::from_secs(3);
/// Most pastes of one text.
const PASTES: u32 = 3;
/// An Enter without effect after this time was lost.
const SWALLOWED: Duration = Duration::from_millis(800);
/// Longest time from the first paste until the text is visible.
const APPEARS: Duration = Duration::from_secs(12);
/// Longest time from the last Enter to the transcript, on a busy machine.
const ARRIVES: Duration = Duration::from_secs(15);
/// After this time a command of the agent's own counts as taken: some leave no trace.
const TAKEN: Duration = Duration::from_secs(2);

/// The delivery of one text.
#[derive(Debug)]
pub(super) struct PasteDelivery<'a> {
    text: &'a str,
    stage: DeliveryStage,
    /// The stage before the last step, to which [`InputDelivery::withheld`] returns.
    earlier: DeliveryStage,
    /// The present obstacle, and since when it is observed without a break.
    trouble: Option<(Trouble, Duration)>,
}

#[derive(Clone, Copy, Debug)]
enum DeliveryStage {
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

impl<'a> PasteDelivery<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, stage: DeliveryStage::Before, earlier: DeliveryStage::Before, trouble: None }
    }
}

impl InputDelivery for PasteDelivery<'_> {
    fn read_input(&self, screen: &str) -> InputContent {
        input::read_input(screen)
    }

    fn arrival(&self, transcript: &[u8]) -> Option<Arrival> {
        transcript::arrival(transcript, self.text)
    }

    /// A blank at the end keeps `\` from continuing the line and a name from being completed. `claude` removes the
    /// blank, but not from a text that becomes a placeholder.
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

    fn step(&mut self, seen: &InputView, now: Duration) -> DeliveryStep {
        self.earlier = self.stage;
        if let Some(arrival) = seen.arrival {
            return DeliveryStep::End(Delivered::Arrived(arrival));
        }
        match self.stage {
            DeliveryStage::Before => self.before(seen, now),
            DeliveryStage::Pasted { first, last, times } => self.pasted_at(seen, now, (first, last, times)),
            DeliveryStage::Entered { first, last } => self.entered(seen, now, (first, last)),
        }
    }

    fn withheld(&mut self) {
        self.stage = self.earlier;
    }
}

impl PasteDelivery<'_> {
    fn before(&mut self, seen: &InputView, now: Duration) -> DeliveryStep {
        if now >= GIVE_UP {
            return DeliveryStep::End(Delivered::NoInput);
        }
        match &seen.input {
            InputContent::Empty if seen.registered || now >= UNREGISTERED => {
                self.trouble = None;
                self.stage = DeliveryStage::Pasted { first: now, last: now, times: 1 };
                DeliveryStep::Paste
            }
            InputContent::Empty => DeliveryStep::Look,
            InputContent::Holds(_) => self.after(Trouble::Draft, now, DRAFT, Delivered::Draft),
            InputContent::Hidden => match &seen.asks {
                Some(what) => DeliveryStep::End(Delivered::Asks(what.clone())),
                None if seen.registered => self.after(Trouble::Hidden, now, HIDDEN, Delivered::NoInput),
                None if now >= START => DeliveryStep::End(Delivered::NotUp),
                None => DeliveryStep::Look,
            },
        }
    }

    fn pasted_at(
        &mut self,
        seen: &InputView,
        now: Duration,
        (first, last, times): (Duration, Duration, u32),
    ) -> DeliveryStep {
        if shows(&seen.input, self.text) {
            self.stage = DeliveryStage::Entered { first: now, last: now };
            return DeliveryStep::Enter;
        }
        if now >= first + APPEARS {
            return DeliveryStep::End(Delivered::Unentered);
        }
        let vanished = seen.input == InputContent::Empty && self.lasts(Trouble::Empty, now) >= VANISHED;
        if seen.input != InputContent::Empty {
            self.trouble = None;
        }
        if vanished && times < PASTES && now >= last + VANISHED {
            self.trouble = None;
            self.stage = DeliveryStage::Pasted { first, last: now, times: times + 1 };
            return DeliveryStep::Paste;
        }
        DeliveryStep::Look
    }

    fn entered(&mut self, seen: &InputView, now: Duration, (first, last): (Duration, Duration)) -> DeliveryStep {
        let stands = shows(&seen.input, self.text);
        if stands && now >= last + SWALLOWED && now < first + ARRIVES {
            self.stage = DeliveryStage::Entered { first, last: now };
            return DeliveryStep::Enter;
        }
        if !stands && self.text.starts_with('/') && now >= last + TAKEN {
            return DeliveryStep::End(Delivered::Taken);
        }
        if now >= last + ARRIVES {
            return DeliveryStep::End(if stands { Delivered::Unentered } else { Delivered::Unconfirmed });
        }
        DeliveryStep::Look
    }

    /// Ends the delivery with `end` once `trouble` has lasted for `bound`.
    fn after(&mut self, trouble: Trouble, now: Duration, bound: Duration, end: Delivered) -> DeliveryStep {
        if self.lasts(trouble, now) >= bound { DeliveryStep::End(end) } else { DeliveryStep::Look }
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

    fn seen(input: InputContent) -> InputView {
        InputView { registered: true, asks: None, input, arrival: None }
    }

    fn shown() -> InputView {
        seen(InputContent::Holds(TEXT.to_owned()))
    }

    fn empty() -> InputView {
        seen(InputContent::Empty)
    }

    /// A delivery that pasted at 0 ms and entered at 100 ms.
    fn entered() -> PasteDelivery<'static> {
        let mut delivery = PasteDelivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), DeliveryStep::Paste);
        assert_eq!(delivery.step(&empty(), ms(50)), DeliveryStep::Look, "not seen yet: a key would come before it");
        assert_eq!(delivery.step(&shown(), ms(100)), DeliveryStep::Enter);
        delivery
    }

    #[test]
    fn it_is_pasted_seen_entered_and_confirmed() {
        let mut delivery = entered();
        assert_eq!(delivery.step(&empty(), ms(200)), DeliveryStep::Look);
        let arrived = InputView { arrival: Some(Arrival::Exact), ..empty() };
        assert_eq!(delivery.step(&arrived, ms(300)), DeliveryStep::End(Delivered::Arrived(Arrival::Exact)));
    }

    #[test]
    fn enter_is_pressed_again_only_while_the_text_stands_there() {
        let mut delivery = entered();
        assert_eq!(delivery.step(&shown(), ms(500)), DeliveryStep::Look);
        assert_eq!(delivery.step(&shown(), ms(901)), DeliveryStep::Enter);
        let other = seen(InputContent::Holds("what its user types now".to_owned()));
        assert_eq!(delivery.step(&other, ms(3000)), DeliveryStep::Look);
        assert_eq!(delivery.step(&seen(InputContent::Hidden), ms(4000)), DeliveryStep::Look);
        assert_eq!(delivery.step(&empty(), ms(15_500)), DeliveryStep::Look);
        assert_eq!(delivery.step(&empty(), ms(16_000)), DeliveryStep::End(Delivered::Unconfirmed));
        let mut deaf = entered();
        let mut presses = 0;
        let end = (1..).map(|n| deaf.step(&shown(), ms(100 + n * 100))).find(|step| {
            presses += usize::from(*step == DeliveryStep::Enter);
            matches!(step, DeliveryStep::End(_))
        });
        assert_eq!(end, Some(DeliveryStep::End(Delivered::Unentered)));
        assert!(presses < 30, "{presses}");
    }

    #[test]
    fn a_paste_that_vanished_is_pasted_again_and_one_that_is_late_is_not() {
        let mut delivery = PasteDelivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), DeliveryStep::Paste);
        assert_eq!(delivery.step(&empty(), ms(100)), DeliveryStep::Look);
        assert_eq!(delivery.step(&empty(), ms(2900)), DeliveryStep::Look);
        assert_eq!(delivery.step(&empty(), ms(3100)), DeliveryStep::Paste);
        assert_eq!(delivery.step(&empty(), ms(3200)), DeliveryStep::Look);
        assert_eq!(delivery.step(&shown(), ms(3300)), DeliveryStep::Enter);
        let mut covered = PasteDelivery::new(TEXT);
        assert_eq!(covered.step(&empty(), ms(0)), DeliveryStep::Paste);
        for at in [100, 3100, 8000] {
            assert_eq!(
                covered.step(&seen(InputContent::Hidden), ms(at)),
                DeliveryStep::Look,
                "a dialog may have come before it"
            );
        }
        assert_eq!(covered.step(&seen(InputContent::Hidden), ms(12_000)), DeliveryStep::End(Delivered::Unentered));
    }

    #[test]
    fn nothing_is_typed_into_a_dialog_a_draft_or_what_is_not_up() {
        let asks = InputView { asks: Some("permission: Bash".to_owned()), ..seen(InputContent::Hidden) };
        assert_eq!(
            PasteDelivery::new(TEXT).step(&asks, ms(0)),
            DeliveryStep::End(Delivered::Asks("permission: Bash".to_owned()))
        );
        // The last report may be old: the input line is visible.
        let over = InputView { asks: Some("permission: Bash".to_owned()), ..empty() };
        assert_eq!(PasteDelivery::new(TEXT).step(&over, ms(0)), DeliveryStep::Paste);
        let mut hidden = PasteDelivery::new(TEXT);
        assert_eq!(hidden.step(&seen(InputContent::Hidden), ms(0)), DeliveryStep::Look);
        assert_eq!(hidden.step(&seen(InputContent::Hidden), ms(3000)), DeliveryStep::End(Delivered::NoInput));
        let draft = seen(InputContent::Holds("hers".to_owned()));
        let mut delivery = PasteDelivery::new(TEXT);
        assert_eq!(delivery.step(&draft, ms(0)), DeliveryStep::Look, "it may be on its way");
        assert_eq!(delivery.step(&draft, ms(1000)), DeliveryStep::End(Delivered::Draft));
        let starting = InputView { registered: false, ..seen(InputContent::Hidden) };
        let mut starts = PasteDelivery::new(TEXT);
        assert_eq!(starts.step(&starting, ms(59_000)), DeliveryStep::Look);
        assert_eq!(starts.step(&InputView { registered: false, ..empty() }, ms(0)), DeliveryStep::Look);
        assert_eq!(starts.step(&starting, ms(60_000)), DeliveryStep::End(Delivered::NotUp));
        assert_eq!(
            PasteDelivery::new(TEXT).step(&InputView { registered: false, ..empty() }, ms(5000)),
            DeliveryStep::Paste,
            "no hooks"
        );
    }

    #[test]
    fn what_was_withheld_was_not_done() {
        let mut delivery = PasteDelivery::new(TEXT);
        assert_eq!(delivery.step(&empty(), ms(0)), DeliveryStep::Paste);
        delivery.withheld();
        assert_eq!(delivery.step(&empty(), ms(40)), DeliveryStep::Paste);
        assert_eq!(delivery.step(&shown(), ms(80)), DeliveryStep::Enter);
        delivery.withheld();
        assert_eq!(delivery.step(&shown(), ms(120)), DeliveryStep::Enter);
        let mut never = PasteDelivery::new(TEXT);
        let end = (0..).map(|n| {
            let step = never.step(&empty(), ms(n * 1000));
            never.withheld();
            step
        });
        assert_eq!(
            end.take(200).find(|step| matches!(step, DeliveryStep::End(_))),
            Some(DeliveryStep::End(Delivered::NoInput))
        );
    }

    #[test]
    fn a_command_that_leaves_no_trace_counts_as_taken() {
        let mut delivery = PasteDelivery::new("/clear");
        assert_eq!(delivery.step(&empty(), ms(0)), DeliveryStep::Paste);
        assert_eq!(delivery.step(&seen(InputContent::Holds("/clear".to_owned())), ms(50)), DeliveryStep::Enter);
        assert_eq!(delivery.step(&seen(InputContent::Hidden), ms(1000)), DeliveryStep::Look);
        assert_eq!(delivery.step(&seen(InputContent::Hidden), ms(2050)), DeliveryStep::End(Delivered::Taken));
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
            assert_eq!(PasteDelivery::new(text).pasted(), if blank { format!("{text} ") } else { text.to_owned() });
        }
        let long = format!("{}@x", "line\n".repeat(5));
        assert_eq!(PasteDelivery::new(&long).pasted(), long, "a placeholder keeps its blanks");
    }
}
