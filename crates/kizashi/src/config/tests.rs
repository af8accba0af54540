//! What the configuration file may say, and that the packaged one shows all of it.

use super::*;

fn read(text: &str) -> Result<Config, String> {
    let config: Config = toml::from_str(text).map_err(|error| explain(text, &error))?;
    config.check().map(|()| config)
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(read(""), Ok(Config::default()));
}

/// What `kizashi install` and the Debian package put into /etc.
const PACKAGED: &str = include_str!("../../../../packaging/kizashi.toml");

#[test]
fn the_packaged_file_shows_every_setting_with_its_default() {
    let is_setting = |line: &&str| {
        let name = line.strip_prefix("# ").and_then(|line| line.split_once(" = "));
        name.is_some_and(|(name, _)| {
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        })
    };
    let uncommented: Vec<&str> =
        PACKAGED.lines().map(|line| if is_setting(&line) { &line[2..] } else { line }).collect();
    let mut shown: Config = toml::from_str(&uncommented.join("\n")).unwrap();
    let settings = serde_json::to_value(Config::default()).unwrap();
    for (name, value) in settings.as_object().unwrap() {
        let below = value.as_object().map(|table| table.keys().cloned().collect());
        for name in below.unwrap_or_else(|| vec![name.clone()]) {
            let there = uncommented.iter().any(|line| line.starts_with(&format!("{name} = ")));
            assert!(there || name == "data", "{name} is missing: the unit alone sets `data`");
        }
    }
    // Where nothing is the default, the file shows an example.
    shown.sensor = None;
    shown.traps.web_rules = None;
    assert!(!shown.traps.web_sites.is_empty() && shown.traps.sites().is_ok());
    shown.traps.web_sites.clear();
    let ports = std::mem::take(&mut shown.traps.ports);
    assert!(!ports.is_empty());
    crate::listening::check_ports(&ports).unwrap();
    (shown.dashboard.certificate, shown.dashboard.key) = (None, None);
    (shown.places.countries, shown.places.networks) = (None, None);
    shown.places.scanners = None;
    shown.signs.campaigns = None;
    assert!(shown.notify.is_on() && shown.notify.check().is_ok());
    shown.notify.channels.clear();
    shown.notify.authorities = None;
    assert!(shown.history.bucket.take().is_some());
    assert!(!shown.feeds.sources.is_empty());
    shown.feeds.sources.clear();
    assert!(!shown.fleet.groups.is_empty() && shown.fleet.check().is_ok());
    shown.fleet.groups.clear();
    let traps = &mut shown.traps;
    for list in [
        &mut traps.http,
        &mut traps.https,
        &mut traps.ssh,
        &mut traps.telnet,
        &mut traps.elasticsearch,
        &mut traps.any_tcp,
        &mut traps.any_udp,
    ] {
        assert!(list.take().is_some_and(|list| list.parse::<kizashi_traps::PortList>().is_ok()));
    }
    assert_eq!(shown, Config::default());
}

#[test]
fn a_name_that_does_not_exist_is_refused_with_its_line() {
    let error = read("[traps]\nhttp = \"80\"\nhtpp = \"81\"\n").unwrap_err();
    assert!(error.contains("line 3") && error.contains("htpp"), "{error}");
}

#[test]
fn values_out_of_range_are_refused_with_what_is_allowed() {
    for text in [
        "false_alarms_per_week = 0.0",
        "false_alarms_per_week = nan",
        "[dashboard]\naddress = \"0.0.0.0:7777\"",
        "[dashboard]\naddress = \"[::]:7777\"\nkey = \"key.pem\"",
        "[dashboard]\ncertificate = \"certificate.pem\"",
        "[dashboard]\ncertificate = \"generated\"\nkey = \"key.pem\"",
        "[dashboard]\nnames = [\"http://a\"]",
        "sensor = \"\"",
        "[changefinder]\nr = 1.0",
        "[changefinder]\nstart = \"cold\"",
        "[traps]\nsessions = 0",
        "[traps]\nall_ports_except = \"x\"",
        "[traps]\nall_ports_except_interfaces = [\"a b\"]",
        "[traps]\nall_ports_except_networks = [\"here\"]",
        "[traps]\nevents_per_second = 0",
        "[traps]\nmemory_megabytes = 32",
        "[retention]\nmost_keys = 999",
        "[traps]\nsessions = 100000",
        "[traps]\nrenew_at = \"25:00\"",
        "[logins]\naccept = [\"nocolon\"]",
        "[logins]\naccept_keys = [\"MD5:00\"]",
        "[logins]\nkeys = \"some\"",
        "[logins]\ntries = [3, 1]",
        "[logins]\ntries = [0, 1]",
        "[machine]\nsystem = \"debian-9\"",
        "[machine]\ntelnet = \"toaster\"",
        "[traps]\nweb_sites = { \"80\" = \"toaster\" }",
        "[traps]\nweb_sites = { \"http\" = \"default\" }",
        "[machine]\nelasticsearch = \"9\"",
        "[machine]\nredis = \"9\"",
        "[machine]\nmysql = \"9\"",
        "[machine]\ndownloads = \"fetch\"",
        "[capture]\ntcp_services = \"ssh\"",
        "[capture]\nevents_per_second = 0",
        "[notify]\nquiet = \"late\"",
        "[share]\ndays = 0",
        "[fleet]\npartitions = 0",
        "[report]\nat = \"7\"",
        "[report]\nchannels = [\"nobody\"]",
        "[feeds]\nsources = { a = \"ftp://x\" }",
        "[share]\nallow = [\"here\"]",
        "[notify.channels.a]\nkind = \"pigeon\"",
    ] {
        assert!(read(text).is_err(), "{text}");
    }
}
