//! What nmap's XML says of each port, and the table of it.

use super::imitated::is;
use super::probes::Known;

/// What nmap took a port's service for; empty where it did not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// `open`, `closed`
    pub state: String,
    /// The protocol's name
    pub name: String,
    /// The product
    pub product: String,
    /// Its version
    pub version: String,
    /// Taken from the answers, not guessed from the port's number
    pub probed: bool,
}

/// A port of the decoy machine
#[derive(Debug)]
pub struct Row {
    /// Where
    pub port: String,
    /// Which trap stands there
    pub trap: &'static str,
    /// What it was taken for
    pub found: Found,
    /// What stands there, in nmap's words
    pub imitated: &'static [&'static str],
    /// What nmap could say of that
    pub known: Known,
}

impl Row {
    /// It was taken for what stands there.
    fn is_named(&self) -> bool {
        let product = &self.found.product;
        self.imitated.iter().any(|name| is(name, product))
    }

    /// All that nmap could say was said.
    fn is_named_in_full(&self) -> bool {
        self.is_named() && (self.known != Known::Version || !self.found.version.is_empty())
    }
}

/// Reads nmap's XML (`-oX`): port numbers and what was found there
#[must_use]
pub fn found(xml: &str) -> Vec<(u16, Found)> {
    let mut all = Vec::new();
    for part in xml.split("<port ").skip(1) {
        let part = part.split("</port>").next().unwrap_or_default();
        let Some(number) = attribute(part, "portid").and_then(|text| text.parse().ok()) else {
            continue;
        };
        let state = part.split("<state ").nth(1).and_then(|rest| attribute(rest, "state"));
        let service = part.split("<service ").nth(1);
        let service = service.and_then(|rest| rest.split('>').next()).unwrap_or_default();
        let word = |name| attribute(service, name).unwrap_or_default();
        all.push((
            number,
            Found {
                state: state.unwrap_or_default(),
                name: word("name"),
                product: word("product"),
                version: word("version"),
                probed: word("method") == "probed",
            },
        ));
    }
    all
}

fn attribute(element: &str, name: &str) -> Option<String> {
    let begin = format!("{name}=\"");
    let at = element
        .match_indices(&begin)
        .find(|(at, _)| *at == 0 || element.as_bytes()[at - 1].is_ascii_whitespace())?
        .0;
    let text = element[at + begin.len()..].split('"').next()?;
    let plain = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    Some(plain.iter().fold(text.to_owned(), |text, (mark, letter)| text.replace(mark, letter)))
}

/// The table, with the shares below it
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!(
        "{:<11} {:<14} {:<7} {:<16} {:<8} {:<40} {}\n",
        "port", "trap", "state", "service", "knows", "product", "version"
    );
    let said = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    for Row { port, trap, found, known, .. } in rows {
        let name = if found.probed { found.name.clone() } else { format!("{}?", found.name) };
        let line = format!(
            "{:<11} {trap:<14} {:<7} {name:<16} {:<8} {:<40} {}",
            port,
            said(&found.state),
            known.word(),
            said(&found.product),
            said(&found.version),
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let share = |what: &str, of: &dyn Fn(&Row) -> bool, counts: &dyn Fn(&Row) -> bool| {
        let all = rows.iter().filter(|row| of(row)).count();
        let count = rows.iter().filter(|row| of(row) && counts(row)).count();
        let percent = 100.0 * count as f64 / all.max(1) as f64;
        format!("{what}: {count} of {all} ({percent:.0} %)\n")
    };
    text.push_str("\nof all ports\n");
    text.push_str(&share("  protocol recognised", &|_| true, &|row| row.found.probed));
    text.push_str(&share("  product named", &|_| true, &|row| !row.found.product.is_empty()));
    text.push_str(&share("  product and version named", &|_| true, &|row| {
        !row.found.product.is_empty() && !row.found.version.is_empty()
    }));
    let knows = |least: Known| move |row: &Row| row.known >= least;
    text.push_str("of the ports whose product stands in nmap's own table\n");
    text.push_str(&share("  product named", &knows(Known::Product), &Row::is_named));
    text.push_str(&share("  version named, where it reads one", &knows(Known::Version), &|row| {
        row.is_named() && !row.found.version.is_empty()
    }));
    text.push_str(&share(
        "  product named, with its version where nmap reads one",
        &knows(Known::Product),
        &Row::is_named_in_full,
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_what_nmap_wrote_of_its_port_and_not_of_the_next() {
        let xml = r#"<ports><port protocol="tcp" portid="22"><state state="open" reason="syn-ack"/><service name="ssh" product="OpenSSH" version="9.2p1 Debian 2" extrainfo="protocol 2.0" method="probed" conf="10"><cpe>cpe:/a:x</cpe></service></port>
<port protocol="tcp" portid="23"><state state="open"/><service name="telnet" method="table" conf="3"/></port><port protocol="tcp" portid="24"><state state="closed"/></port></ports>"#;
        let all = found(xml);
        assert_eq!(all.len(), 3);
        let ssh = &all[0].1;
        assert_eq!((ssh.product.as_str(), ssh.version.as_str()), ("OpenSSH", "9.2p1 Debian 2"));
        assert!(ssh.probed);
        assert_eq!((all[1].0, all[1].1.product.as_str(), all[1].1.probed), (23, "", false));
        assert_eq!(all[2].1.state, "closed");
    }

    #[test]
    fn a_port_counts_against_the_traps_only_where_nmap_has_words_for_what_stands_there() {
        let row = |product: &str, version: &str, known| Row {
            port: "tcp/22".into(),
            trap: "ssh",
            found: Found {
                product: product.into(),
                version: version.into(),
                probed: true,
                ..Found::default()
            },
            imitated: &["OpenSSH"],
            known,
        };
        let text = table(&[
            row("OpenSSH", "9.2", Known::Version),
            row("OpenSSH", "", Known::Version),
            row("OpenSSH", "", Known::Product),
            row("Dropbear sshd", "2020.81", Known::Version),
            row("", "", Known::Nothing),
        ]);
        for part in [
            "product named: 4 of 5 (80 %)",
            "product and version named: 2 of 5 (40 %)",
            "product named: 3 of 4 (75 %)",
            "version named, where it reads one: 1 of 3 (33 %)",
            "product named, with its version where nmap reads one: 2 of 4 (50 %)",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
