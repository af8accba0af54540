use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// A folder of its own that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("kizashi-accounts-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn choices(servers: &[&str]) -> Choices {
    Choices { servers: servers.iter().map(|it| (*it).to_owned()).collect(), gigabytes: 2 }
}

fn name(text: &str) -> SensorName {
    SensorName::parse(text).unwrap()
}

#[test]
fn a_fleet_is_made_once_and_its_sensors_are_added_revoked_and_given_new_keys() {
    let folder = Folder::new();
    Fleet::make(&folder.0, &choices(&["hub.example.org"])).unwrap();
    let again = Fleet::make(&folder.0, &choices(&["hub.example.org"]));
    assert!(matches!(again, Err(FleetError::Exists(_))));
    let mut fleet = Fleet::open(&folder.0).unwrap();
    let path = fleet.add(&name("tokyo")).unwrap();
    let credentials = Credentials::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(credentials.sensor(), Some(name("tokyo")));
    assert_eq!(credentials.servers, ["tls://hub.example.org:4222"]);
    assert!(matches!(fleet.add(&name("tokyo")), Err(FleetError::Known(_))));
    let accounts = || std::fs::read_to_string(folder.0.join("server-1/accounts.conf")).unwrap();
    let key = fleet.members()[0].key.clone();
    assert!(accounts().contains(&key));
    fleet.revoke(&name("tokyo")).unwrap();
    assert!(!accounts().contains(&key) && !path.exists());
    let mut fleet = Fleet::open(&folder.0).unwrap();
    assert!(fleet.members()[0].revoked);
    fleet.add(&name("tokyo")).unwrap();
    assert_ne!(fleet.members()[0].key, key, "a revoked key never comes back");
    assert!(matches!(fleet.revoke(&name("osaka")), Err(FleetError::Unknown(_))));
}

#[test]
fn detectors_have_one_key_that_is_renewed_also_in_a_fleet_from_before_there_were_any() {
    let folder = Folder::new();
    let mut fleet = Fleet::make(&folder.0, &choices(&["hub.example.org"])).unwrap();
    let read = |path: &Path| Credentials::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    let first = read(&fleet.credentials(DETECTOR));
    assert!(first.is_detector() && !first.is_hub() && first.sensor().is_none());
    let accounts = || std::fs::read_to_string(folder.0.join("server-1/accounts.conf")).unwrap();
    let old = fleet.kept.detector.clone().unwrap();
    assert!(accounts().contains(&old));
    let second = read(&fleet.renew_detectors().unwrap());
    assert!(second != first && !accounts().contains(&old));
    let path = folder.0.join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.starts_with("detector")).unwrap();
    std::fs::write(&path, text.replace(line, "")).unwrap();
    let mut before = Fleet::open(&folder.0).unwrap();
    before.renew_detectors().unwrap();
    assert!(accounts().contains(&Fleet::open(&folder.0).unwrap().kept.detector.unwrap()));
}

#[test]
fn of_the_buckets_detectors_are_let_write_and_read_two_and_no_sensor_any() {
    let folder = Folder::new();
    let mut fleet = Fleet::make(&folder.0, &choices(&["hub.example.org"])).unwrap();
    fleet.add(&name("tokyo")).unwrap();
    let accounts = std::fs::read_to_string(folder.0.join("server-1/accounts.conf")).unwrap();
    let detector = fleet.kept.detector.clone().unwrap();
    let of = |key: &str| accounts.lines().find(|line| line.contains(key)).unwrap();
    // A key may have these letters by chance, and no such sign.
    let allowed = of(&detector).split('"').filter(|it| it.contains("KV_") || it.starts_with("$KV"));
    let expected = [
        "$JS.API.STREAM.INFO.KV_KIZASHI_DETECTORS",
        "$JS.API.STREAM.MSG.GET.KV_KIZASHI_DETECTORS",
        "$JS.API.DIRECT.GET.KV_KIZASHI_DETECTORS.>",
        "$KV.KIZASHI_DETECTORS.*",
        "$JS.API.STREAM.INFO.KV_KIZASHI_PARTS",
        "$JS.API.STREAM.MSG.GET.KV_KIZASHI_PARTS",
        "$KV.KIZASHI_PARTS.part.>",
    ];
    assert_eq!(allowed.collect::<Vec<_>>(), expected);
    let tokyo = fleet.members()[0].key.clone();
    assert!(!of(&tokyo).contains("KV_") && !of(&tokyo).contains('$'));
}

#[test]
fn secrets_are_the_owners_alone_and_stand_in_no_servers_folder() {
    let folder = Folder::new();
    let mut fleet =
        Fleet::make(&folder.0, &choices(&["a.example", "b.example", "c.example"])).unwrap();
    let sensor = fleet.add(&name("tokyo")).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.0), 0o700);
    let credentials = [sensor, fleet.credentials(HUB), fleet.credentials(DETECTOR)];
    for path in credentials.iter().chain([&folder.0.join(AUTHORITY_KEY)]) {
        assert_eq!(mode(path), 0o600, "{}", path.display());
    }
    let secrets = credentials.map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        let seed = text.split('"').find(|it| it.len() == 58 && it.starts_with("SU"));
        seed.expect("the seed of a user's key").to_owned()
    });
    for place in fleet.server_folders() {
        for file in std::fs::read_dir(place).unwrap().map(|it| it.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            let has = secrets.iter().any(|secret| text.contains(secret));
            assert!(!has, "{}", file.display());
        }
    }
}

#[test]
fn what_is_no_server_and_what_is_no_fleet_is_refused_in_a_sentence() {
    let folder = Folder::new();
    for servers in [&[][..], &["a b"], &["a:0"], &["a:65000"], &["a:x"], &["a\"b"], &["a"; 6]] {
        assert!(matches!(Fleet::make(&folder.0, &choices(servers)), Err(FleetError::Server(_))));
    }
    assert!(matches!(Fleet::open(&folder.0), Err(FleetError::Missing(_))));
    Fleet::make(&folder.0, &choices(&["a"])).unwrap();
    let path = folder.0.join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    for (from, to) in [
        ("version = 1", "version = 2"),
        ("hub = \"U", "hub = \"V"),
        ("host = \"a\"", "host = \"a b\""),
    ] {
        std::fs::write(&path, text.replace(from, to)).unwrap();
        assert!(matches!(Fleet::open(&folder.0), Err(FleetError::Broken { .. })), "{to}");
    }
}

#[test]
fn credentials_survive_their_file_and_one_that_was_changed_is_refused() {
    let folder = Folder::new();
    let fleet = Fleet::make(&folder.0, &choices(&["a", "b", "c"])).unwrap();
    let text = std::fs::read_to_string(fleet.credentials(HUB)).unwrap();
    let hub = Credentials::parse(&text).unwrap();
    assert_eq!((hub.replicas, hub.sensor(), hub.ports()), (3, None, vec![4_222; 3]));
    assert_eq!(Credentials::parse(&hub.to_text()), Ok(hub.clone()));
    assert!(!format!("{hub:?}").contains(hub.seed()));
    for (from, to) in [
        ("name = \"hub\"", "name = \"a.b\""),
        ("replicas = 3", "replicas = 2"),
        ("seed = \"SU", "seed = \"SA"),
        ("BEGIN CERTIFICATE", "BEGIN NOTHING"),
        ("tls://a:4222", "http://a"),
        ("replicas", "replica"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(Credentials::parse(&text.replace(from, to)).is_err(), "{to}");
    }
}
