//! Which system a first segment looks like, by `data/systems.tsv`: one habit a line, the first that fits is told. The lines are
//! publicly known defaults of the systems' own TCP, gathered from their documents and sources, not from another tool's database.

use std::sync::LazyLock;

use super::signature::layout;
use super::{Syn, initial_time_to_live};

const TABLE: &str = include_str!("../../data/systems.tsv");

/// One habit.
#[derive(Debug)]
struct Habit {
    system: &'static str,
    time_to_live: u8,
    dont_fragment: Option<bool>,
    window: Window,
    scales: Option<(u8, u8)>,
    layout: &'static str,
}

#[derive(Debug)]
enum Window {
    Any,
    Exactly(u16),
    /// So many segments.
    Segments(u16),
    /// As many whole segments as fit below 65,536.
    Fills,
}

static HABITS: LazyLock<Vec<Habit>> = LazyLock::new(|| read(TABLE));

/// The system that this looks like.
#[must_use]
pub fn system_of(syn: &Syn) -> Option<&'static str> {
    let layout = layout(syn);
    let fits = |habit: &&Habit| habit.fits(syn, &layout);
    HABITS.iter().find(fits).map(|habit| habit.system)
}

impl Habit {
    fn fits(&self, syn: &Syn, layout: &str) -> bool {
        let size = syn.options.segment_size.unwrap_or_default();
        let window = syn.tcp.window;
        let window_fits = match self.window {
            Window::Any => true,
            Window::Exactly(exact) => window == exact,
            Window::Segments(count) => u32::from(window) == u32::from(size) * u32::from(count),
            Window::Fills => size > 0 && window > 0 && window == u16::MAX / size * size,
        };
        let scale_fits = match (self.scales, syn.options.scale) {
            (None, _) => true,
            (Some((least, most)), Some(scale)) => (least..=most).contains(&scale),
            (Some(_), None) => false,
        };
        // IPv6 has no flag that forbids fragments.
        let fragment_fits = syn.ip.identification.is_none()
            || self.dont_fragment.is_none_or(|flag| flag == syn.ip.dont_fragment);
        layout == self.layout
            && window_fits
            && scale_fits
            && fragment_fits
            && initial_time_to_live(syn.ip.time_to_live) == self.time_to_live
    }
}

/// The habits of a table; a line that is none is left out, which a test forbids.
fn read(table: &'static str) -> Vec<Habit> {
    let lines = table.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(habit).collect()
}

fn habit(line: &'static str) -> Option<Habit> {
    let mut fields = line.split('\t');
    let mut next = || fields.next().map(str::trim);
    let (system, time_to_live, flag) = (next()?, next()?.parse().ok()?, next()?);
    let (window, scales, layout) = (next()?, next()?, next()?);
    Some(Habit {
        system,
        time_to_live,
        dont_fragment: match flag {
            "yes" => Some(true),
            "no" => Some(false),
            "*" => None,
            _ => return None,
        },
        window: match window {
            "*" => Window::Any,
            "fills" => Window::Fills,
            text => match text.strip_prefix("mss*") {
                Some(count) => Window::Segments(count.parse().ok()?),
                None => Window::Exactly(text.parse().ok()?),
            },
        },
        scales: match scales {
            "*" => None,
            text => {
                let (least, most) = text.split_once('-').unwrap_or((text, text));
                Some((least.parse().ok()?, most.parse().ok()?))
            }
        },
        layout: if layout == "-" { "" } else { layout },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_a_habit() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        assert_eq!(lines.count(), HABITS.len());
        assert!(HABITS.len() > 20);
        for habit in HABITS.iter() {
            assert!(matches!(habit.time_to_live, 32 | 64 | 128 | 255), "{habit:?}");
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            assert!(habit.system.chars().all(plain), "{habit:?}");
        }
    }
}
