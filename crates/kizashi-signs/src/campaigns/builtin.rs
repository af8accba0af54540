//! What is known at the start: the files of `data/campaigns`, made by hand from public reports.

/// What to do.
pub(super) const ACTIONS: &str = include_str!("../../data/actions.toml");

/// Name and text of each file of campaigns.
pub(super) const FILES: &[(&str, &str)] = &[
    ("cloud.toml", include_str!("../../data/campaigns/cloud.toml")),
    ("databases.toml", include_str!("../../data/campaigns/databases.toml")),
    ("devices.toml", include_str!("../../data/campaigns/devices.toml")),
    ("floods.toml", include_str!("../../data/campaigns/floods.toml")),
    ("gateways.toml", include_str!("../../data/campaigns/gateways.toml")),
    ("logins.toml", include_str!("../../data/campaigns/logins.toml")),
    ("research.toml", include_str!("../../data/campaigns/research.toml")),
    ("servers.toml", include_str!("../../data/campaigns/servers.toml")),
    ("web.toml", include_str!("../../data/campaigns/web.toml")),
    ("windows.toml", include_str!("../../data/campaigns/windows.toml")),
];
