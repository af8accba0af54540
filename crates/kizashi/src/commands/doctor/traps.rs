//! What `kizashi doctor` says of the traps: which the dashboard's page turned off or on, which no reader of the configuration file sees.

use std::path::Path;

use super::Finding;
use crate::chosen_traps::{ChosenTraps, FILE};

/// What was chosen over these data; nothing where the file decides alone.
pub(super) fn look(data: &Path) -> Vec<Finding> {
    let chosen = ChosenTraps::read(data);
    let (off, on): (Vec<&str>, Vec<&str>) = (chosen.off().collect(), chosen.on().collect());
    let back = format!(
        "or remove {} while Kizashi does not run: the configuration file decides again",
        data.join(FILE).display()
    );
    let mut found = Vec::new();
    if !off.is_empty() {
        let what = format!(
            "{}; nobody who comes to their ports is seen in them: turn them on in the dashboard's settings, {back}",
            off.join(", ")
        );
        found.push(finding("turned off on the page", what));
    }
    if !on.is_empty() {
        let what = format!(
            "{}; they stand whatever `[traps]` says: turn them off in the dashboard's settings, {back}",
            on.join(", ")
        );
        found.push(finding("turned on on the page", what));
    }
    found
}

/// What the owner chose is as he wants it.
fn finding(name: &str, what: String) -> Finding {
    Finding { part: "traps", name: name.to_owned(), good: true, what }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_the_page_turned_off_is_named_with_the_way_to_turn_it_on_and_what_the_file_says_is_not()
    {
        let folder =
            std::env::temp_dir().join(format!("kizashi-doctor-traps-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        assert!(look(&folder).is_empty(), "nothing was chosen");
        let wish = |wishes: &[(&str, bool)]| -> BTreeMap<String, Option<bool>> {
            wishes.iter().map(|(name, on)| ((*name).to_owned(), Some(*on))).collect()
        };
        let chosen = ChosenTraps::default()
            .changed(&wish(&[("ssh", false), ("redis", false), ("snmp", true)]))
            .unwrap();
        chosen.write(&folder).unwrap();
        let found = look(&folder);
        let _ = std::fs::remove_dir_all(&folder);
        let told: Vec<(&str, &str)> =
            found.iter().map(|finding| (finding.name.as_str(), finding.what.as_str())).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].0 == "turned off on the page" && told[0].1.starts_with("redis, ssh; "));
        assert!(told[0].1.contains("dashboard's settings") && told[0].1.contains(FILE), "{told:?}");
        assert!(told[1].1.starts_with("snmp; "), "{told:?}");
        assert!(found.iter().all(|finding| finding.good && finding.part == "traps"));
    }
}
