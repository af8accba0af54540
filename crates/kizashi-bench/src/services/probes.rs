//! What nmap could say at all: read from its own `nmap-service-probes` (<https://nmap.org/book/vscan-fileformat.html>) as it is installed, so that
//! a port counts against the traps only where nmap has words for the product that stands there.

use std::path::PathBuf;

use super::imitated::is;

/// Where distributions and nmap's own installer put the file.
const PLACES: [&str; 3] = ["/usr/share/nmap", "/usr/local/share/nmap", "/opt/homebrew/share/nmap"];
const NAME: &str = "nmap-service-probes";

/// How much nmap has to say of a product
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// No line names it, or nmap asks that port nothing
    #[default]
    Nothing,
    /// The product, and no version
    Product,
    /// The product with its version
    Version,
}

impl Known {
    /// The word in the table
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::Product => "product",
            Self::Version => "version",
        }
    }
}

/// One `match` line: its product and its version, as templates.
#[derive(Debug, PartialEq, Eq)]
struct Line {
    product: String,
    version: String,
}

/// All lines of nmap's file
#[derive(Debug, Default)]
pub struct Knowledge {
    lines: Vec<Line>,
    /// Ports over TCP that are asked nothing, from and to.
    excluded: Vec<(u16, u16)>,
}

impl Knowledge {
    /// Reads the installed file; `None` where there is none
    #[must_use]
    pub fn installed() -> Option<Self> {
        let own = std::env::var_os("NMAPDIR").map(PathBuf::from);
        let places = own.into_iter().chain(PLACES.map(PathBuf::from));
        let bytes =
            places.map(|place| place.join(NAME)).find_map(|path| std::fs::read(path).ok())?;
        Some(Self::read(&String::from_utf8_lossy(&bytes)))
    }

    /// Reads such a file
    #[must_use]
    pub fn read(text: &str) -> Self {
        let lines = text.lines().filter_map(line).collect();
        let excluded =
            text.lines().filter_map(|line| line.strip_prefix("Exclude ")).flat_map(ports);
        Self { lines, excluded: excluded.collect() }
    }

    /// What nmap can say of a TCP port where one of these products stands
    #[must_use]
    pub fn of(&self, port: u16, products: &[&str]) -> Known {
        if self.excluded.iter().any(|(from, to)| (*from..=*to).contains(&port)) {
            return Known::Nothing;
        }
        if products.iter().any(|name| name.starts_with("script:")) {
            return Known::Product;
        }
        let names = |line: &&Line| products.iter().any(|name| is(name, &line.product));
        let lines: Vec<&Line> = self.lines.iter().filter(names).collect();
        let with_version = lines.iter().filter(|line| !line.version.is_empty()).count();
        // A version that is written in the line belongs to one release, which is rarely the one that stands there.
        let reads = lines.iter().any(|line| line.version.contains('$'));
        match lines.len() {
            0 => Known::Nothing,
            all if reads || with_version * 2 > all => Known::Version,
            _ => Known::Product,
        }
    }
}

/// `T:9100-9107,U:30000`: the ranges over TCP.
fn ports(text: &str) -> Vec<(u16, u16)> {
    let mut tcp = true;
    let mut found = Vec::new();
    for part in text.split(',') {
        let part = match part.trim().split_once(':') {
            Some((kind, rest)) => {
                tcp = kind == "T";
                rest
            }
            None => part.trim(),
        };
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (true, Ok(from), Ok(to)) = (tcp, from.parse(), to.parse()) {
            found.push((from, to));
        }
    }
    found
}

/// `match service m|pattern|flags p/product/ v/version/ …`; the marks around each are the line's own choice.
fn line(text: &str) -> Option<Line> {
    let rest = text.strip_prefix("match ").or(text.strip_prefix("softmatch "))?;
    let (_, rest) = rest.split_once(" m")?;
    let mark = rest.chars().next()?;
    let rest = rest[mark.len_utf8()..].split_once(mark)?.1;
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_alphabetic());
    let (product, version) = (field(rest, "p"), field(rest, "v"));
    (!product.is_empty()).then_some(Line { product, version })
}

/// The field of this name in what stands behind a pattern.
fn field(text: &str, name: &str) -> String {
    let mut rest = text.trim_start();
    while let Some(at) = rest.find(|letter: char| !letter.is_ascii_lowercase() && letter != ':') {
        let (key, mark) = (&rest[..at], rest[at..].chars().next().unwrap_or('/'));
        let Some((value, after)) = rest[at + mark.len_utf8()..].split_once(mark) else { break };
        if key == name {
            return value.to_owned();
        }
        // The mark `a` behind a CPE.
        rest = after.trim_start_matches('a').trim_start();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "# a comment\nExclude T:9100-9107,U:1\n\
        match smtp m|^220 ([-.\\w]+) ESMTP Postfix \\(([-.\\w]+)\\)| p/Postfix smtpd/ v/$2/ h/$1/ cpe:/a:postfix:postfix:$2/a\n\
        match smtp m|^220([\\s-]\\S+) ESMTP Postfix| p/Postfix smtpd/ h/$1/\n\
        match pop3 m=^\\+OK Dovecot=s p/Dovecot pop3d/\n\
        match imap m|^\\* OK|i p/Dovecot imapd/ v/2.0.11/\nmatch imap m|^x| p/Dovecot imapd/\n\
        match postgresql m|^E| p/PostgreSQL DB/ v/9.6/\n\
        match adb m|^CNXN| p/Android Debug Bridge $1/\n\
        match mqtt m|^ |\nsoftmatch upnp m|^HTTP|si\n\
        match ipp m|^HTTP/1| p|CUPS / x| cpe:/a:apple:cups:$1/ v/$1/\n";

    #[test]
    fn lines_are_read_with_whatever_marks_they_have() {
        let known = Knowledge::read(FILE);
        assert_eq!(known.lines.len(), 8, "{known:?}");
        assert_eq!(known.excluded, [(9_100, 9_107)]);
        let last = known.lines.last().unwrap();
        assert_eq!((last.product.as_str(), last.version.as_str()), ("CUPS / x", "$1"));
    }

    #[test]
    fn a_version_counts_where_it_is_read_or_where_most_lines_have_one() {
        let known = Knowledge::read(FILE);
        assert_eq!(known.of(25, &["Postfix smtpd"]), Known::Version);
        assert_eq!(known.of(110, &["Dovecot pop3d"]), Known::Product);
        assert_eq!(known.of(143, &["Dovecot imapd"]), Known::Product, "one release of many");
        assert_eq!(known.of(5_432, &["PostgreSQL DB"]), Known::Version);
        assert_eq!(known.of(1_723, &["script:linux"]), Known::Product);
        assert_eq!(known.of(5_555, &["Android Debug Bridge*"]), Known::Product);
        assert_eq!(known.of(110, &["Dovecot"]), Known::Nothing, "a part of a name");
        assert_eq!(known.of(9_100, &["Postfix smtpd"]), Known::Nothing, "a port that is left out");
        assert_eq!(known.of(1, &[]), Known::Nothing);
    }
}
