//! What becomes of the labelled messages, judged as live mail is, with the defaults and nothing remembered.

use std::path::Path;

use bytes::Bytes;
use sincerely::config::Config;
use sincerely::flow::plan::Desk;
use sincerely::mail::{Fate, Kind, ReversePath};
use sincerely::message::{Message, Signal};
use sincerely::people::absence::NOTHING_SAID;
use sincerely::signing::Keys;
use sincerely::threads::Found;

use crate::files::{corpus, tell, with_crlf};
use crate::labels::{self, Label};
use crate::matrix::Matrix;

/// No share is asserted of fewer messages.
const ENOUGH: usize = 20;

/// What became of a message.
struct Verdict {
    kind: Kind,
    /// With the reason where it is held; what the door said where it refused.
    fate: String,
    signals: Vec<Signal>,
}

#[test]
fn the_corpus_is_taken_for_what_people_call_it() {
    let Some(folder) = corpus() else { return };
    let labels = labels::read(&folder).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let Some(labels) = labels else {
        tell("no labels.csv: nothing to compare with");
        return;
    };
    let office = Office::open();
    let judged: Vec<(Label, Verdict)> = labels
        .into_iter()
        .map(|label| {
            let verdict = office.judge(&std::fs::read(folder.join(&label.path)).unwrap());
            (label, verdict)
        })
        .collect();
    tell(&Matrix::new(judged.iter().map(|(label, verdict)| (label.kind, verdict.kind))).to_string());
    tell_differences(&judged);
    let shares = [
        Share::of("people's mail that is forwarded", &judged, Kind::Human, Verdict::is_forwarded, 0.99),
        Share::of("bounces that are not", &judged, Kind::Bounce, |verdict| !verdict.is_forwarded(), 0.98),
        Share::of("automatic replies that are not", &judged, Kind::AutoReply, |verdict| !verdict.is_forwarded(), 0.97),
    ];
    shares.iter().for_each(|share| tell(&share.in_words()));
    shares.iter().for_each(Share::check);
}

fn tell_differences(judged: &[(Label, Verdict)]) {
    let differ = judged.iter().filter(|(label, verdict)| label.kind != verdict.kind);
    for (label, verdict) in differ {
        let signals = verdict.signals.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        tell(&format!("{}\n    {}, taken for {}, {}: {signals}", label.path, label.kind, verdict.kind, verdict.fate));
    }
}

impl Verdict {
    fn is_forwarded(&self) -> bool {
        self.fate == "forward"
    }
}

/// How many of one kind become of what they should.
struct Share {
    name: &'static str,
    all: usize,
    right: usize,
    bound: f64,
}

impl Share {
    fn of(
        name: &'static str,
        judged: &[(Label, Verdict)],
        kind: Kind,
        is_right: fn(&Verdict) -> bool,
        bound: f64,
    ) -> Self {
        let of_kind = || judged.iter().filter(|(label, _)| label.kind == kind);
        let right = of_kind().filter(|(_, verdict)| is_right(verdict)).count();
        Self { name, all: of_kind().count(), right, bound }
    }

    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    fn value(&self) -> f64 {
        if self.all == 0 { 1.0 } else { self.right as f64 / self.all as f64 }
    }

    fn in_words(&self) -> String {
        format!("{}: {} of {} ({:.1} %)", self.name, self.right, self.all, self.value() * 100.0)
    }

    fn check(&self) {
        assert!(self.all < ENOUGH || self.value() >= self.bound, "{}, less than {}", self.in_words(), self.bound);
    }
}

/// Acme, to whose Sophie all of it comes.
struct Office {
    config: Config,
    keys: Keys,
}

impl Office {
    fn open() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kinds/acme.toml");
        let (config, _) = Config::load(&file).unwrap();
        Self { keys: Keys::load(&config.secret_file).unwrap(), config }
    }

    fn judge(&self, file: &[u8]) -> Verdict {
        let message = Message::read(Bytes::from(with_crlf(file)));
        let now = jiff::Timestamp::from_second(1_792_054_800).unwrap();
        let desk = Desk { policy: &self.config.policy, keys: &self.keys, absences: &NOTHING_SAID, now, serial: 0 };
        let sophie = "sophie@acme.example".parse().unwrap();
        let door = desk.door(&message);
        let path = message.value("Return-Path").filter(|path| path == "<>").map(|_null| ReversePath::Null);
        let recipients = vec![(sophie, desk.recipient(&"sophie@acme.example".parse().unwrap()).unwrap())];
        let arrival = desk.read(message, path, recipients);
        let plan = desk.plan(&arrival, Ok(&Found::default())).plans.remove(0);
        let fate = match (&plan.fate, door) {
            (_, Some(reply)) => format!("refused with {}", reply.code),
            (Fate::Hold(reason), None) => format!("hold/{reason}"),
            (fate, None) => fate.name().to_string(),
        };
        Verdict { kind: plan.kind, fate, signals: arrival.signals }
    }
}
