//! What is known of campaigns: botnets, worms, exploits and habits of attackers, each with the marks that it leaves, what it
//! hits, what to do about it and where to read on. It is data (`data/campaigns/*.toml`, docs/campaigns.md), so that people
//! can add to it, read strictly ([`format`]), and applied to what a sign's visitors did by [`matching`] and [`recognition`].
//!
//! Nothing here opens a file: an owner's own entries come as texts, as everything else does.

mod builtin;
mod format;
mod matching;
mod recognition;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};

pub use format::CampaignError;
pub(crate) use matching::{Borne, Gathered, MarksSeen};
pub use recognition::{Certainty, Mark as MarkSeen, Recognised, Recognition};

use matching::Matcher;

/// A text in the languages that Kizashi speaks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Japanese; what an owner left out is English.
    #[serde(default)]
    pub ja: String,
}

impl Words {
    /// The text in a language.
    #[must_use]
    pub fn get(&self, language: crate::Language) -> &str {
        match language {
            crate::Language::Japanese if !self.ja.is_empty() => &self.ja,
            _ => &self.en,
        }
    }
}

/// What kind of thing a campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CampaignKind {
    /// Machines that were taken over and take over others.
    Botnet,
    /// A program that spreads by itself.
    Worm,
    /// The use of one hole.
    Exploit,
    /// Passwords tried one after the other.
    Guessing,
    /// A search for something.
    Scan,
    /// Coins made at others' cost.
    Miner,
    /// Data wiped or locked for money.
    Ransom,
    /// Calls, mails or clicks at others' cost.
    Fraud,
    /// Servers used to flood others.
    Flood,
    /// Data taken.
    Theft,
    /// Scanners that say who they are.
    Research,
}

impl CampaignKind {
    /// The word in the data files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Botnet => "botnet",
            Self::Worm => "worm",
            Self::Exploit => "exploit",
            Self::Guessing => "guessing",
            Self::Scan => "scan",
            Self::Miner => "miner",
            Self::Ransom => "ransom",
            Self::Fraud => "fraud",
            Self::Flood => "flood",
            Self::Theft => "theft",
            Self::Research => "research",
        }
    }
}

/// How much a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strength {
    /// Fits, as much else does: a port, a common user name. Any number of these names nothing.
    Weak,
    /// Usual for it, and not rare elsewhere.
    Medium,
    /// Hardly seen elsewhere.
    Strong,
    /// Its own name in its own words.
    Certain,
}

impl Strength {
    /// The word in the data files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Medium => "medium",
            Self::Strong => "strong",
            Self::Certain => "certain",
        }
    }
}

/// Where a mark is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// A port, `tcp/23`.
    Port,
    /// A protocol, `ssh`.
    Service,
    /// A user name tried, whole.
    User,
    /// A password tried, whole.
    Password,
    /// Both, whole, with a `/` between.
    Pair,
    /// A part of a line given to a shell, in the form of its family.
    Command,
    /// A part of the target of a request, in the form of its family.
    Path,
    /// The name of the rule that knew a request, or of a reflected flood.
    Signature,
    /// A part of the first 64 bytes of what was sent.
    FirstBytes,
    /// What was sent, by its SHA-256.
    Sha256,
    /// A fingerprint with its kind in front.
    Fingerprint,
    /// A part of what the software says of itself.
    Client,
}

impl MarkKind {
    /// The word in the data files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::Service => "service",
            Self::User => "user",
            Self::Password => "password",
            Self::Pair => "pair",
            Self::Command => "command",
            Self::Path => "path",
            Self::Signature => "signature",
            Self::FirstBytes => "first_bytes",
            Self::Sha256 => "sha256",
            Self::Fingerprint => "fingerprint",
            Self::Client => "client",
        }
    }
}

/// What is looked for: any of the texts, under one kind of key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where it is looked for.
    pub kind: MarkKind,
    /// Any of these.
    pub texts: Vec<String>,
    /// How much it says.
    pub strength: Strength,
}

/// One campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Campaign {
    /// Its name in files and on the command line: `mirai`.
    pub id: String,
    /// What kind of thing.
    pub kind: CampaignKind,
    /// What people call it.
    pub name: Words,
    /// What it does, in a sentence or two.
    pub what: Words,
    /// What it takes over.
    pub hits: Words,
    /// What to do beyond what `actions` say.
    pub advice: Words,
    /// What to do: ids of actions (`data/actions.toml`), the first one first.
    pub actions: Vec<String>,
    /// Where to read on.
    pub references: Vec<String>,
    /// The CVE that it uses, where it is about one.
    pub cves: Vec<String>,
    /// Names of packages whose version decides whether a machine is hit.
    pub packages: Vec<String>,
    /// The campaign that this is a particular form of: where this one is recognised, that one is not named beside it.
    pub form_of: Option<String>,
    /// Whether it is a habit of many rather than somebody's campaign: named only where nothing more particular is.
    pub general: bool,
    /// The marks that it leaves.
    pub marks: Vec<Mark>,
}

/// Something to do, with the commands that do it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What to do, as an order.
    pub en: String,
    /// The same in Japanese.
    pub ja: String,
    /// Exact lines for a shell, in which `{port}`, `{transport}` and `{sources}` are filled in.
    #[serde(default)]
    pub commands: Vec<String>,
}

impl Action {
    /// What to do, in a language.
    #[must_use]
    pub fn text(&self, language: crate::Language) -> &str {
        match language {
            crate::Language::English => &self.en,
            crate::Language::Japanese => &self.ja,
        }
    }
}

/// All campaigns, ready to be looked for.
pub struct Campaigns {
    all: Vec<Campaign>,
    matcher: Matcher,
    digest: u64,
}

impl std::fmt::Debug for Campaigns {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{} campaigns, {:016x}", self.all.len(), self.digest)
    }
}

impl PartialEq for Campaigns {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

/// What to do, by id.
static ACTIONS: LazyLock<BTreeMap<String, Action>> =
    LazyLock::new(|| format::actions(builtin::ACTIONS).unwrap_or_default());

/// An action that comes with Kizashi.
#[must_use]
pub fn action(id: &str) -> Option<&'static Action> {
    ACTIONS.get(id)
}

impl Campaigns {
    /// What comes with Kizashi.
    #[must_use]
    pub fn builtin() -> Arc<Self> {
        static BUILTIN: LazyLock<Arc<Campaigns>> = LazyLock::new(|| {
            let read = Campaigns::of_files(builtin::FILES, true);
            // A test reads what is shipped; without it nothing is recognised and all else goes on.
            Arc::new(read.unwrap_or_else(|_| Campaigns::of(Vec::new())))
        });
        Arc::clone(&BUILTIN)
    }

    /// What comes with Kizashi and the owner's entries: name and text of each file. An entry with the id of one that is shipped
    /// takes its place.
    ///
    /// # Errors
    /// With one sentence for each thing that is wrong, file and line in front where they are known.
    pub fn with_own(files: &[(String, String)]) -> Result<Self, Vec<CampaignError>> {
        let own: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let builtin = Self::builtin();
        let own = format::campaigns(&own, false, &|id| builtin.get(id).is_some())?;
        let mut all = own;
        let ids: Vec<String> = all.iter().map(|campaign| campaign.id.clone()).collect();
        all.extend(builtin.all.iter().filter(|one| !ids.contains(&one.id)).cloned());
        Ok(Self::of(all))
    }

    fn of_files(files: &[(&str, &str)], shipped: bool) -> Result<Self, Vec<CampaignError>> {
        format::campaigns(files, shipped, &|_| false).map(Self::of)
    }

    fn of(all: Vec<Campaign>) -> Self {
        let matcher = Matcher::of(&all);
        let digest = format::digest(&all);
        Self { all, matcher, digest }
    }

    /// Every campaign.
    #[must_use]
    pub fn all(&self) -> &[Campaign] {
        &self.all
    }

    /// The campaign of this id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Campaign> {
        self.all.iter().find(|campaign| campaign.id == id)
    }

    /// What these visitors are recognised as by what they did in these bins.
    #[must_use]
    pub fn recognise_in(&self, bins: &[kizashi_store::ClosedBin], visitors: &[u32]) -> Recognition {
        let mut dossier = crate::dossier::Dossier::default();
        dossier.add_visitors(visitors);
        bins.iter().for_each(|bin| dossier.add(&self.marks_in(bin)));
        self.recognise(&dossier)
    }

    /// Changes with everything that recognition depends on.
    pub(crate) const fn digest(&self) -> u64 {
        self.digest
    }
}
