//! The club and what it writes, drawn from the installation's seed: names of places and people that are nobody's.

use crate::Identity;
use crate::draw::Draw;

const PLACES: [&str; 16] = [
    "Hartwell",
    "Lindenau",
    "Broekdam",
    "Westerby",
    "Castelmar",
    "Nordhavn",
    "Ellerford",
    "Marenbach",
    "Oldminster",
    "Rivabella",
    "Tannfeld",
    "Kirkholm",
    "Ashcombe",
    "Zandhoek",
    "Valmeira",
    "Sternau",
];
const KINDS: [(&str, &str); 8] = [
    ("Rowing Club", "boat house"),
    ("Chess Society", "club room"),
    ("Cycling Club", "workshop"),
    ("Allotment Society", "meeting hut"),
    ("Sailing Club", "harbour office"),
    ("Model Railway Club", "layout room"),
    ("Choral Society", "rehearsal hall"),
    ("Hiking Club", "lodge"),
];
const FIRST: [&str; 16] = [
    "anna", "peter", "maria", "jonas", "eva", "lukas", "sofia", "martin", "clara", "david", "nina",
    "paul", "lena", "simon", "julia", "tomas",
];
const LAST: [&str; 16] = [
    "hallmer",
    "brandvik",
    "okelly",
    "sorensby",
    "vandermoel",
    "castellin",
    "novakis",
    "feldner",
    "ashdown",
    "lindroth",
    "marchetto",
    "pohlmann",
    "weatherby",
    "duvallon",
    "krasner",
    "eriksund",
];
const COLOURS: [&str; 6] = ["#234e70", "#5b3a29", "#2f5d3a", "#6b2737", "#3d3d6b", "#4a4a4a"];

/// An article.
#[derive(Clone, Debug)]
pub(super) struct Article {
    pub(super) id: u64,
    pub(super) title: String,
    pub(super) category: &'static str,
    pub(super) author: String,
    /// `2024-03-09 18:20:00`.
    pub(super) posted: String,
    pub(super) body: String,
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) mail: String,
    pub(super) role: &'static str,
    pub(super) salt: String,
    pub(super) hash: String,
    pub(super) last: String,
}

/// The club.
#[derive(Clone, Debug)]
pub(super) struct Club {
    pub(super) name: String,
    pub(super) place: &'static str,
    pub(super) house: &'static str,
    pub(super) colour: &'static str,
    pub(super) database: String,
    pub(super) password: String,
    pub(super) founded: u64,
    pub(super) articles: Vec<Article>,
    pub(super) members: Vec<Member>,
}

impl Club {
    pub(super) fn draw(identity: &Identity) -> Self {
        let draw = Draw::new(identity.seed(), "club");
        let place = draw.one_of(0, &PLACES).unwrap_or("Hartwell");
        let (kind, house) = draw.one_of(1, &KINDS).unwrap_or(("Hiking Club", "lodge"));
        let word: String = place.chars().take(6).collect::<String>().to_ascii_lowercase();
        let suffix = draw.one_of(3, &["", "_web", "_db", "site", "_cms"]).unwrap_or("");
        let members = members(identity, &word);
        Self {
            name: format!("{place} {kind}"),
            place,
            house,
            colour: draw.one_of(2, &COLOURS).unwrap_or("#4a4a4a"),
            database: format!("{word}{suffix}"),
            password: letters(identity, "application's database", 14),
            founded: 1_908 + draw.below(4, 80),
            articles: articles(identity, house, &members),
            members,
        }
    }
}

/// Letters and digits drawn for a purpose.
pub(super) fn letters(identity: &Identity, purpose: &str, count: u64) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let draw = Draw::new(identity.seed(), purpose);
    (0..count).filter_map(|place| draw.one_of(place, ALPHABET)).map(char::from).collect()
}

/// A moment some days after the machine was set up, as MariaDB writes it.
fn moment(identity: &Identity, days: u64, minute: u64) -> String {
    let micros = i64::try_from((days * 1_440 + minute) * 60_000_000).unwrap_or(0);
    let text = identity.set_up().plus(micros).rfc3339();
    format!("{} {}:00", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}

fn members(identity: &Identity, word: &str) -> Vec<Member> {
    let draw = Draw::new(identity.seed(), "members");
    let count = 5 + draw.below(0, 4);
    let mut members: Vec<Member> = Vec::new();
    for number in 0..count {
        let first = FIRST[(draw.below(1, 16) + number * 5) as usize % 16];
        let last = LAST[(draw.below(2, 16) + number * 7) as usize % 16];
        let (name, role) = match number {
            0 => ("admin".to_owned(), "admin"),
            1 => (format!("{first}.{last}"), "editor"),
            _ => (format!("{}{last}", &first[..1]), "member"),
        };
        members.push(Member {
            mail: format!("{first}.{last}@{word}-club.example"),
            name,
            role,
            salt: letters(identity, &format!("salt {number}"), 8),
            // The hash of nothing: drawn, as long as base64 of SHA-256.
            hash: format!("{}=", letters(identity, &format!("hash {number}"), 43)),
            last: moment(
                identity,
                20 + draw.below(10 + number, 150),
                draw.below(30 + number, 1_440),
            ),
        });
    }
    members
}

#[expect(clippy::too_many_lines, reason = "the texts themselves")]
fn articles(identity: &Identity, house: &str, members: &[Member]) -> Vec<Article> {
    const SUBJECTS: [(&str, &str, &str); 12] = [
        (
            "Annual general meeting: the minutes",
            "club",
            "The minutes of this year's general meeting can be read at the {house}. The board was confirmed, the treasurer thanks everybody who paid in time, and the fees stay as they are for {n} members.",
        ),
        (
            "Open day at the {house}",
            "events",
            "On Saturday we open the {house} to everybody who wants to see what we do. There will be coffee and cake, and whoever brings a friend gets a second piece. Last time {n} people came.",
        ),
        (
            "New roof for the {house}",
            "club",
            "After {n} winters the roof has had its day. Work begins in spring and takes three weeks. Helping hands are welcome on both weekends; please bring gloves.",
        ),
        (
            "Season opens on Sunday",
            "events",
            "We meet at nine in front of the {house}. Those who need a lift write to the secretary until Friday. Last season ended with {n} entries in the log book, a record.",
        ),
        (
            "Thank you to our volunteers",
            "people",
            "Without the {n} hours that you gave us last year there would be no {house}. The board invites all volunteers to dinner; the date follows by mail.",
        ),
        (
            "Youth group looks for a second leader",
            "youth",
            "Our youth group has grown to {n} children, and one pair of eyes is no longer enough. Experience is welcome, patience is needed, the course is paid for by the club.",
        ),
        (
            "Results of the autumn competition",
            "events",
            "With {n} participants the field was as large as never before. The full list hangs in the {house}. Congratulations to all, and to the kitchen.",
        ),
        (
            "Key list to be renewed",
            "club",
            "Who holds a key to the {house} is asked to show it to the caretaker until the end of the month. At the moment {n} keys are out and not all of them have a name.",
        ),
        (
            "New on our shelves",
            "club",
            "The library in the {house} got {n} books from an estate. They may be borrowed for four weeks; the list lies next to the door.",
        ),
        (
            "Trip to the coast",
            "events",
            "There are {n} places left on the bus. We leave at six, and we really do. Registration with the secretary or by the contact form.",
        ),
        (
            "Fifty years of membership",
            "people",
            "At the last evening we honoured members of long standing. The speech took {n} minutes and nobody complained.",
        ),
        (
            "New web site",
            "club",
            "Our site has a new look. Members can log in, upload pictures and read the minutes. If something does not work, please write to us; we found {n} mistakes ourselves already.",
        ),
    ];
    let draw = Draw::new(identity.seed(), "articles");
    let count = 8 + draw.below(0, 5);
    let first = draw.below(1, 12);
    (0..count)
        .map(|number| {
            let (title, category, text) = SUBJECTS[(first + number) as usize % 12];
            let n = (7 + draw.below(10 + number, 90)).to_string();
            let author =
                members.get(1 + (draw.below(30 + number, 4) as usize)).map_or("admin", |m| &m.name);
            Article {
                id: number + 1,
                title: title.replace("{house}", house),
                category,
                author: author.to_owned(),
                posted: moment(
                    identity,
                    3 + number * (5 + draw.below(2, 9)),
                    draw.below(50 + number, 1_440),
                ),
                body: text.replace("{house}", house).replace("{n}", &n),
            }
        })
        .collect()
}
