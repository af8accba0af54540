//! The queues that are shared, and their attributes as CUPS 2.4.2 says them of a queue with a driver. The first is the printer that stands on
//! port 9100 ([`crate::printer`]).

use kizashi_event::Timestamp;

use super::wire::Value::{
    Boolean, Charset, Collection, Date, Enum, Integer, Keyword, Language, Mime, Name, Nothing,
    Range, Resolution, Text, Uri,
};
use super::wire::{Value, Writer};
use crate::draw::Draw;
use crate::{Identity, printer};

#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) model: &'static str,
    pub(super) place: &'static str,
    device: String,
    uuid: String,
    id: i64,
    since: Timestamp,
}

const PLACES: [&str; 6] =
    ["Office", "2nd floor", "Reception", "Room 104", "Accounting", "Print room"];
const SECOND: [&str; 3] =
    ["Brother HL-L2350DW series", "Canon iR-ADV C3525", "EPSON WF-C5790 Series"];

/// The installation's queues, the default one first.
pub(super) fn queues(identity: &Identity) -> Vec<Queue> {
    let draw = Draw::new(identity.seed(), "print queues");
    let models = [Some(printer::model(identity)), draw.one_of(0, &SECOND)];
    let network = 2 + draw.below(2, 200);
    let count = 1 + usize::try_from(draw.below(1, 2)).unwrap_or(0);
    let queue = |(place, model): (usize, &'static str)| {
        let place = place as u64;
        let first = draw.number(10 + place);
        Queue {
            name: model.replace([' ', '-'], "_"),
            model,
            place: draw.one_of(20 + place, &PLACES).unwrap_or("Office"),
            device: format!("socket://192.168.{network}.{}:9100", 20 + draw.below(30 + place, 60)),
            uuid: format!(
                "urn:uuid:{:08x}-{:04x}-3{:03x}-{:04x}-{:012x}",
                first >> 32,
                (first >> 16) & 0xffff,
                first & 0xfff,
                0x8000 | (draw.number(40 + place) & 0x3fff),
                draw.number(50 + place) & 0xffff_ffff_ffff
            ),
            id: i64::try_from(place + 1).unwrap_or(1),
            since: identity.set_up().plus(86_400_000_000),
        }
    };
    models.into_iter().flatten().take(count).enumerate().map(queue).collect()
}

/// Which attributes are wanted.
pub(super) struct Wanted<'a>(pub(super) &'a [Vec<u8>]);

impl Wanted<'_> {
    pub(super) fn has(&self, name: &str) -> bool {
        const GROUPS: [&[u8]; 4] =
            [b"all", b"printer-description", b"job-template", b"job-description"];
        self.0.is_empty()
            || self
                .0
                .iter()
                .any(|wanted| wanted == name.as_bytes() || GROUPS.contains(&wanted.as_slice()))
    }
}

fn keywords(list: &str) -> Vec<Value> {
    list.split(' ').map(|word| Keyword(word.to_owned())).collect()
}

fn enums(list: &[u32]) -> Vec<Value> {
    list.iter().copied().map(Enum).collect()
}

/// Paper of the tray: hundredths of a millimetre.
fn paper() -> Value {
    let size = Collection(vec![("x-dimension", Integer(21_000)), ("y-dimension", Integer(29_700))]);
    let margin = || Integer(423);
    Collection(vec![
        ("media-size", size),
        ("media-bottom-margin", margin()),
        ("media-left-margin", margin()),
        ("media-right-margin", margin()),
        ("media-top-margin", margin()),
    ])
}

/// The operations that are said to be there, of 2.4.2.
const OPERATIONS: [u32; 46] = [
    0x02, 0x04, 0x05, 0x06, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15,
    0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x22, 0x23, 0x25, 0x26, 0x38, 0x39, 0x3b, 0x4001,
    0x4002, 0x4003, 0x4004, 0x4005, 0x4006, 0x4007, 0x4008, 0x4009, 0x400a, 0x400b, 0x400c, 0x400d,
    0x400e, 0x400f, 0x4027,
];
const FORMATS: [&str; 13] = [
    "application/octet-stream",
    "application/pdf",
    "application/postscript",
    "application/vnd.cups-banner",
    "application/vnd.cups-pdf",
    "application/vnd.cups-postscript",
    "application/vnd.cups-raw",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/pwg-raster",
    "image/tiff",
    "text/plain",
];

impl Queue {
    pub(super) fn uri(&self, host: &str) -> String {
        format!("ipp://{host}/printers/{}", self.name)
    }

    /// Writes what is wanted of it.
    pub(super) fn describe(
        &self,
        writer: &mut Writer,
        wanted: &Wanted<'_>,
        host: &str,
        waiting: usize,
        now: Timestamp,
    ) {
        let state = if waiting > 0 { 4 } else { 3 };
        for (name, values) in [self.own(host, state, waiting, now), common(), job()].concat() {
            if wanted.has(name) {
                writer.put(name, &values);
            }
        }
    }

    /// What differs from queue to queue.
    fn own(&self, host: &str, state: u32, waiting: usize, now: Timestamp) -> Attributes {
        let page = format!("http://{host}/printers/{}", self.name);
        vec![
            ("marker-change-time", vec![Integer(0)]),
            ("printer-config-change-date-time", vec![Date(self.since)]),
            ("printer-config-change-time", vec![Integer(self.since.seconds())]),
            ("printer-current-time", vec![Date(now)]),
            ("printer-dns-sd-name", vec![Nothing]),
            ("printer-icons", vec![Uri(format!("http://{host}/icons/{}.png", self.name))]),
            ("printer-is-accepting-jobs", vec![Boolean(true)]),
            ("printer-is-shared", vec![Boolean(true)]),
            ("printer-is-temporary", vec![Boolean(false)]),
            ("printer-more-info", vec![Uri(page)]),
            ("printer-state", vec![Enum(state)]),
            ("printer-state-change-date-time", vec![Date(self.since)]),
            ("printer-state-change-time", vec![Integer(self.since.seconds())]),
            ("printer-state-message", vec![Text(String::new())]),
            ("printer-state-reasons", keywords("none")),
            ("printer-type", vec![Enum(0x0080_901c)]),
            ("printer-up-time", vec![Integer(now.seconds())]),
            ("printer-uri-supported", vec![Uri(self.uri(host))]),
            ("queued-job-count", vec![Integer(i64::try_from(waiting).unwrap_or(0))]),
            ("uri-authentication-supported", keywords("requesting-user-name")),
            ("uri-security-supported", keywords("none")),
            ("printer-id", vec![Integer(self.id)]),
            ("printer-name", vec![Name(self.name.clone())]),
            ("printer-location", vec![Text(self.place.to_owned())]),
            ("printer-info", vec![Text(self.model.to_owned())]),
            ("printer-uuid", vec![Uri(self.uuid.clone())]),
            ("device-uri", vec![Uri(self.device.clone())]),
            (
                "printer-make-and-model",
                vec![Text(format!("{} Postscript (recommended)", self.model))],
            ),
        ]
    }
}

type Attributes = Vec<(&'static str, Vec<Value>)>;

/// What CUPS itself can.
fn common() -> Attributes {
    vec![
        ("charset-configured", vec![Charset("utf-8")]),
        ("charset-supported", vec![Charset("us-ascii"), Charset("utf-8")]),
        ("compression-supported", keywords("none gzip")),
        ("document-format-default", vec![Mime(FORMATS[0].to_owned())]),
        ("document-format-supported", FORMATS.map(|kind| Mime(kind.to_owned())).to_vec()),
        ("generated-natural-language-supported", vec![Language("en")]),
        ("ipp-features-supported", keywords("subscription-object")),
        ("ipp-versions-supported", keywords("1.0 1.1 2.0 2.1")),
        ("ippget-event-life", vec![Integer(15)]),
        ("job-ids-supported", vec![Boolean(true)]),
        ("job-k-octets-supported", vec![Range(0, 41_153_088)]),
        ("job-priority-supported", vec![Integer(100)]),
        ("job-sheets-supported", keywords("none")),
        ("multiple-document-jobs-supported", vec![Boolean(true)]),
        ("multiple-operation-time-out", vec![Integer(900)]),
        ("multiple-operation-time-out-action", keywords("process-job")),
        ("natural-language-configured", vec![Language("en")]),
        ("operations-supported", enums(&OPERATIONS)),
        ("page-ranges-supported", vec![Boolean(true)]),
        ("pdl-override-supported", keywords("attempted")),
        ("printer-get-attributes-supported", keywords("document-format")),
        (
            "which-jobs-supported",
            keywords(
                "completed not-completed aborted all canceled pending pending-held processing processing-stopped",
            ),
        ),
    ]
}

/// What can be said of a job.
fn job() -> Attributes {
    vec![
        ("color-supported", vec![Boolean(false)]),
        ("copies-default", vec![Integer(1)]),
        ("copies-supported", vec![Range(1, 9_999)]),
        ("finishings-default", enums(&[3])),
        ("finishings-supported", enums(&[3])),
        (
            "job-creation-attributes-supported",
            keywords(
                "copies finishings ipp-attribute-fidelity job-hold-until job-name job-priority job-sheets media media-col multiple-document-handling number-up number-up-layout orientation-requested output-bin page-delivery page-ranges print-color-mode print-quality print-scaling printer-resolution sides",
            ),
        ),
        ("job-hold-until-default", keywords("no-hold")),
        (
            "job-hold-until-supported",
            keywords("no-hold indefinite day-time evening night second-shift third-shift weekend"),
        ),
        ("job-priority-default", vec![Integer(50)]),
        ("job-sheets-default", keywords("none none")),
        ("media-col-default", vec![paper()]),
        ("media-col-ready", vec![paper()]),
        (
            "media-col-supported",
            keywords(
                "media-bottom-margin media-left-margin media-right-margin media-size media-source media-top-margin media-type",
            ),
        ),
        ("media-default", keywords("iso_a4_210x297mm")),
        ("media-ready", keywords("iso_a4_210x297mm")),
        (
            "media-supported",
            keywords(
                "iso_a4_210x297mm na_letter_8.5x11in na_legal_8.5x14in iso_a5_148x210mm jis_b5_182x257mm",
            ),
        ),
        ("number-up-default", vec![Integer(1)]),
        ("number-up-supported", [1, 2, 4, 6, 9, 16].map(Integer).to_vec()),
        ("orientation-requested-default", vec![Nothing]),
        ("orientation-requested-supported", enums(&[3, 4, 5, 6])),
        ("output-bin-default", keywords("face-down")),
        ("output-bin-supported", keywords("face-down")),
        ("pages-per-minute", vec![Integer(45)]),
        ("print-color-mode-default", keywords("monochrome")),
        ("print-color-mode-supported", keywords("monochrome")),
        ("print-quality-default", enums(&[4])),
        ("print-quality-supported", enums(&[3, 4, 5])),
        ("printer-resolution-default", vec![Resolution(600)]),
        ("printer-resolution-supported", vec![Resolution(600)]),
        ("sides-default", keywords("one-sided")),
        ("sides-supported", keywords("one-sided two-sided-long-edge two-sided-short-edge")),
    ]
}
