//! What every site must keep: its folder is right, each link leads somewhere on the site itself, its pages are whole, and nothing that a
//! rule answers contradicts it.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use kizashi_event::Detail;

use super::*;
use crate::http::rules::WebRules;
use crate::http::rules::tests::{bytes_of, converse};
use crate::{Identity, TelnetFace, WebServer, WebSites};

const SERVERS: [WebServer; 2] = [WebServer::NginxDebian12, WebServer::ApacheDebian12];

fn installation(site: &str, server: WebServer) -> Arc<Identity> {
    let sites = WebSites::of([("*", site)]).unwrap();
    Arc::new(Identity::draw([7; 32]).with_web_server(server).with_web_sites(sites))
}

/// An answer as text: status, head, body.
struct Heard {
    status: u16,
    head: String,
    body: String,
    seen: Vec<Detail>,
}

impl Heard {
    fn field(&self, name: &str) -> Option<&str> {
        let found = self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(": ")?;
            field.eq_ignore_ascii_case(name).then_some(value)
        });
        found.map(str::trim)
    }

    fn is_page(&self) -> bool {
        self.field("Content-Type").is_some_and(|kind| kind.starts_with("text/html"))
    }
}

fn send(identity: &Arc<Identity>, request: &[u8]) -> Heard {
    let (reply, seen) = converse(identity, request);
    let text = String::from_utf8_lossy(&reply).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
    Heard { status, head: head.to_owned(), body: body.to_owned(), seen }
}

fn get(identity: &Arc<Identity>, target: &str) -> Heard {
    let head = format!("GET {target} HTTP/1.1\r\nHost: 192.0.2.1\r\nConnection: close\r\n\r\n");
    send(identity, head.as_bytes())
}

fn post(identity: &Arc<Identity>, target: &str, body: &str) -> Heard {
    let request = format!(
        "POST {target} HTTP/1.1\r\nHost: 192.0.2.1\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    send(identity, request.as_bytes())
}

#[test]
fn every_folder_is_right_and_is_in_the_list_with_all_its_files() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/sites");
    let names = |path: &Path| -> BTreeSet<String> {
        let entries = path.read_dir().unwrap().map(|entry| entry.unwrap().file_name());
        entries.map(|name| name.into_string().unwrap()).collect()
    };
    let listed: BTreeSet<String> = builtin::SITES.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(names(&data), listed);
    let mut bytes = 0;
    for folder in builtin::SITES {
        if let Err(reason) = format::read(folder) {
            panic!("{}: {reason}", folder.name);
        }
        let files: BTreeSet<String> = folder.files.iter().map(|(n, _)| (*n).to_owned()).collect();
        assert_eq!(names(&data.join(folder.name)), files, "{}", folder.name);
        bytes += folder.files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    }
    assert!(bytes < 600 * 1024, "all sites together are {bytes} bytes");
}

#[test]
fn every_rule_and_family_that_a_site_names_exists() {
    let rules = WebRules::builtin();
    for site in Site::all() {
        let known = |family: &String| rules.all().any(|rule| rule.family == *family);
        assert!(site.families.iter().all(known), "{}: {:?}", site.name, site.families);
        for pattern in &site.rules {
            let named =
                rules.all().any(|rule| pattern.fits(rule.name.to_ascii_lowercase().as_bytes()));
            assert!(named, "{}: {pattern:?} names no rule", site.name);
        }
    }
}

/// Every address in the attributes of a page, with the attribute's name.
fn links(page: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for attribute in ["href", "src", "action", "data-src"] {
        for quote in ['"', '\''] {
            for rest in page.split(&format!(" {attribute}={quote}")).skip(1) {
                let value = rest.split(quote).next().unwrap_or_default();
                found.push((
                    attribute.to_owned(),
                    value.replace("&amp;", "&").replace("&#038;", "&"),
                ));
            }
        }
    }
    found
}

/// The target that a link on the page at `base` means.
fn resolve(base: &str, link: &str) -> Option<String> {
    let link = link.split('#').next().unwrap_or_default();
    let link = link.strip_prefix("http://192.0.2.1").unwrap_or(link);
    match link {
        "" => None,
        link if link.starts_with("data:") || link.starts_with("javascript:") => None,
        link if link.starts_with("//") || link.contains("://") => {
            panic!("{base} leads away, to {link}")
        }
        link if link.starts_with('/') => Some(link.to_owned()),
        link if link.starts_with('?') => Some(format!("{}{link}", base.split('?').next()?)),
        link => {
            let folder = base.split('?').next()?.rsplit_once('/').map_or("", |(folder, _)| folder);
            let link = link.strip_prefix("./").unwrap_or(link);
            Some(format!("{folder}/{link}"))
        }
    }
}

#[test]
fn every_link_asset_and_form_leads_somewhere_on_the_site_itself() {
    let mut faults = Vec::new();
    for site in Site::all() {
        for server in SERVERS {
            let identity = installation(site.name, server);
            let mut seen: BTreeSet<String> = BTreeSet::from(["/".to_owned()]);
            for page in site.pages.iter().filter(|page| page.methods.is_empty()) {
                seen.extend(page.spelled_out());
            }
            let begun = seen.clone();
            let mut queue: VecDeque<String> = begun.iter().cloned().collect();
            while let Some(target) = queue.pop_front() {
                assert!(seen.len() < 300, "{}: it never ends, {target}", site.name);
                let heard = get(&identity, &target);
                let forward = heard.field("Location").map(str::to_owned);
                let mut next: Vec<String> =
                    forward.iter().filter_map(|place| resolve(&target, place)).collect();
                if heard.is_page() {
                    for (attribute, link) in links(&heard.body) {
                        let Some(link) = resolve(&target, &link) else { continue };
                        if attribute == "action" {
                            let posted = post(&identity, &link, "a=b");
                            let asked = get(&identity, &link);
                            let by_get = !heard.body.contains("method=") && asked.status < 400;
                            if !by_get
                                && (matches!(posted.status, 404 | 405) || posted.status >= 500)
                            {
                                faults
                                    .push(format!("{}: POST {link} {}", site.name, posted.status));
                            }
                        } else {
                            next.push(link);
                        }
                    }
                }
                // The root of an interface may be nothing; what is linked is there, if only for who may see it.
                let is_there =
                    matches!(heard.status, 200..=399 | 401 | 403) || begun.contains(&target);
                if !is_there {
                    faults.push(format!("{}: GET {target} {}", site.name, heard.status));
                }
                queue.extend(next.into_iter().filter(|link| seen.insert(link.clone())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Elements that have no end.
const VOID: [&str; 12] = [
    "meta", "link", "br", "hr", "img", "input", "!doctype", "col", "base", "area", "source", "wbr",
];

/// What is wrong with the nesting of a page's elements.
fn misnested(page: &str) -> Option<String> {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")? + 3..];
            continue;
        }
        let end = rest.find('>')?;
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| !c.is_whitespace() && *c != '/' && *c != '>')
            .collect::<String>()
            .to_ascii_lowercase();
        if tag.starts_with('?') || VOID.contains(&name.as_str()) || tag.ends_with('/') {
            continue;
        }
        if tag.starts_with('/') {
            match open.pop() {
                Some(last) if last == name => {}
                last => return Some(format!("</{name}> ends {last:?}")),
            }
        } else {
            if matches!(name.as_str(), "script" | "style") {
                let close = format!("</{name}>");
                let Some(at) = rest.find(&close) else {
                    return Some(format!("<{name}> has no end"));
                };
                rest = &rest[at + close.len()..];
                continue;
            }
            open.push(name);
        }
    }
    open.pop().map(|name| format!("<{name}> has no end"))
}

#[test]
fn every_page_is_well_formed_and_says_its_length() {
    for site in Site::all() {
        let identity = installation(site.name, WebServer::ApacheDebian12);
        let targets: Vec<String> = site.pages.iter().flat_map(|page| page.spelled_out()).collect();
        for target in targets.iter().map(String::as_str).chain(["/", "/no/such/page"]) {
            let heard = get(&identity, target);
            assert!(!heard.body.contains("@{"), "{} {target}: {}", site.name, heard.body);
            assert!(!heard.head.contains("@{"), "{} {target}: {}", site.name, heard.head);
            if let Some(length) = heard.field("Content-Length") {
                let sent = converse(
                    &identity,
                    format!("GET {target} HTTP/1.0\r\nHost: a\r\n\r\n").as_bytes(),
                )
                .0;
                let body = sent.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
                if !heard.body.is_empty() && !heard.body.contains("192.0.2.1") {
                    assert_eq!(length, (sent.len() - body).to_string(), "{} {target}", site.name);
                }
            }
            let careless = ["boa", "rompager"];
            if heard.is_page() && site.style.is_none_or(|style| !careless.contains(&style.name)) {
                assert_eq!(misnested(&heard.body), None, "{} {target}\n{}", site.name, heard.body);
            }
            if heard.field("Content-Type").is_some_and(|kind| kind.contains("json"))
                && !heard.body.is_empty()
            {
                let parsed: Result<serde::de::IgnoredAny, _> = serde_json::from_str(&heard.body);
                // Streams hold an object a line.
                let first = heard.body.lines().next().unwrap_or_default();
                let line: Result<serde::de::IgnoredAny, _> = serde_json::from_str(first);
                assert!(parsed.is_ok() || line.is_ok(), "{} {target}: {}", site.name, heard.body);
            }
        }
    }
}

/// The rule of faces (docs/web-rules.md), for every site and every example of every rule.
#[test]
fn no_rule_is_answered_in_contradiction_to_the_face_of_its_listener() {
    let rules = WebRules::builtin();
    let mut faults = Vec::new();
    for site in Site::all() {
        for server in SERVERS {
            let identity = installation(site.name, server);
            let face = get(&identity, "/");
            let own_name = site.server(&identity);
            let nothing = get(&identity, "/no-such-page-here");
            for rule in rules.all() {
                for example in &rule.examples {
                    let heard = send(&identity, &bytes_of(example));
                    let mut fault = |what: &str| {
                        faults.push(format!(
                            "{} {} {}: {what} ({})",
                            site.name, rule.name, example.request, heard.status
                        ));
                    };
                    // What is malformed is refused by a part of the server that may say less of itself.
                    let refused = matches!(heard.status, 400 | 505);
                    // Docker's name is said by its handlers and not by the router before them.
                    let routed =
                        site.router.is_some() && heard.field("Server") == Some(own_name.as_str());
                    if !refused && !routed && heard.field("Server") != face.field("Server") {
                        fault("another server answers");
                    }
                    if heard.head.split(' ').next() != face.head.split(' ').next() {
                        fault("another version of HTTP answers");
                    }
                    let named = heard.seen.iter().find_map(|detail| match detail {
                        Detail::Request { request, .. } => {
                            request.rule.as_ref().map(|n| n.raw().to_owned())
                        }
                        _ => None,
                    });
                    if named.as_deref() != Some(&rule.name) {
                        fault(&format!("the event names {named:?}"));
                    }
                    let own = site.pages.iter().any(|page| {
                        page.paths
                            .iter()
                            .any(|path| path.fits(path_of(&example.request).as_bytes()))
                    });
                    let admitted = site.admits(rule) && (site.is_kind(rule.runs_on()));
                    // Methods and malformed targets are the server's own to refuse, and those that are not clean a router's to lead on.
                    let refused = matches!(heard.status, 400 | 405 | 501)
                        || (heard.status == 301 && site.router.is_some());
                    if !admitted && !own && !refused && heard.status != nothing.status {
                        fault(
                            "it is answered, though it is no part of the site and cannot be beside it",
                        );
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

fn path_of(request: &str) -> String {
    let target = request.split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default().to_ascii_lowercase()
}

#[test]
fn every_sign_in_refuses_believably_and_is_told() {
    for site in Site::all() {
        for page in site.pages.iter().filter(|page| page.login.is_some()) {
            let (user, password) = page.login.as_ref().unwrap();
            let identity = installation(site.name, WebServer::NginxDebian12);
            for target in page.spelled_out() {
                let heard = post(&identity, &target, &format!("{user}=admin&{password}=hunter2"));
                let told = heard.seen.iter().any(|detail| match detail {
                    Detail::Login { username, password, accepted: false, .. } => {
                        let raw = |text: &Option<kizashi_event::HostileText>| {
                            text.as_ref().map(|t| t.raw().to_owned())
                        };
                        (raw(username).as_deref(), raw(password).as_deref())
                            == (Some("admin"), Some("hunter2"))
                    }
                    _ => false,
                });
                assert!(told, "{} {target}: {:?}", site.name, heard.seen);
                assert!(!heard.body.contains("hunter2"), "{} {target}", site.name);
            }
        }
    }
}

#[test]
fn what_a_visitor_sends_is_never_shown_as_markup() {
    for site in Site::all() {
        let identity = installation(site.name, WebServer::ApacheDebian12);
        let mut targets: Vec<String> =
            site.pages.iter().flat_map(|page| page.spelled_out()).collect();
        targets.push("/nothing".to_owned());
        for target in targets {
            let hostile = "%3Cscript%3Ealert(1)%3C/script%3E";
            let raw = "<script>alert(1)</script>";
            let request = format!(
                "GET {target}?log={hostile}&q={raw}&from={hostile} HTTP/1.0\r\nHost: a\r\nUser-Agent: {raw}\r\nCookie: a={raw}\r\n\r\n"
            );
            let heard = send(&identity, request.as_bytes());
            assert!(!heard.body.contains("<script>alert"), "{} {target}", site.name);
            let request = format!(
                "POST {target} HTTP/1.0\r\nHost: a\r\nContent-Length: 60\r\n\r\n{:60}",
                format!("log={hostile}&pwd={hostile}")
            );
            let heard = send(&identity, request.as_bytes());
            assert!(!heard.body.contains("<script>alert"), "{} POST {target}", site.name);
        }
    }
}

#[test]
fn a_site_is_drawn_once_and_only_where_it_is_plausible() {
    let mut drawn = BTreeSet::new();
    for seed in 0..200_u8 {
        for face in TelnetFace::ALL {
            let identity = Identity::draw([seed; 32]).with_telnet_face(face);
            for port in [80, 81, 2375, 3000, 4000, 5601, 8080, 8081, 8088, 9090, 11_434] {
                let site = identity.web_site(port);
                assert_eq!(site.map(|s| s.name), identity.web_site(port).map(|s| s.name));
                let Some(site) = site else { continue };
                drawn.insert(site.name);
                assert!(site.ports.contains(&port), "{} at {port}", site.name);
                let device = site.machine == MachineKind::Device;
                assert!(!device || face.machine().is_device(), "{} beside {face:?}", site.name);
            }
            assert!(identity.web_site(4000).is_none());
        }
    }
    assert!(drawn.len() > 5, "{drawn:?}");
}

#[test]
fn an_owners_choice_of_sites_is_checked() {
    let identity = Identity::draw([7; 32]);
    let sites = WebSites::of([("8080", "jenkins"), ("*", DEFAULT_SITE)]).unwrap();
    let identity = identity.with_web_sites(sites);
    assert_eq!(identity.web_site(8080).map(|site| site.name), Some("jenkins"));
    assert!(identity.web_site(80).is_none());
    for (port, site) in
        [("0", "jenkins"), ("http", "jenkins"), ("70000", "jenkins"), ("80", "jenkin")]
    {
        assert!(WebSites::of([(port, site)]).is_err(), "{port} {site}");
    }
}

#[test]
fn what_is_looked_for_on_the_default_page_is_linked_from_its_site_map_and_nothing_else_is() {
    let identity = installation(DEFAULT_SITE, WebServer::NginxDebian12);
    for page in ["/sitemap.xml", "/robots.txt", "/sitemap.html"] {
        assert_eq!(get(&identity, page).status, 404, "{page} of a server fresh from its package");
    }
    for target in [
        "/wp-login.php",
        "/pma/",
        "/<script>alert(1)</script>",
        "/.env",
        "/GponForm/diag_Form",
        "/my-own-words",
    ] {
        get(&identity, target);
    }
    let (map, page) = (get(&identity, "/sitemap.xml"), get(&identity, "/sitemap.html"));
    assert_eq!((map.status, page.status), (200, 200));
    assert_eq!(misnested(&page.body), None);
    for said in [&map.body, &page.body] {
        assert!(said.contains("/wp-login.php") && said.contains("/phpmyadmin"), "{said}");
        for word in ["script", "my-own-words", ".env", "gponform"] {
            assert!(!said.to_lowercase().contains(word), "{word} in {said}");
        }
    }
    for (_, link) in links(&page.body) {
        let Some(target) = resolve("/sitemap.html", &link) else { continue };
        assert_eq!(get(&identity, &target).status, 200, "{target}");
    }
    assert!(get(&identity, "/robots.txt").body.contains("/sitemap.xml"));
    let other = installation(DEFAULT_SITE, WebServer::NginxDebian12);
    assert_eq!(get(&other, "/sitemap.xml").status, 404, "another installation knows nothing of it");
}

#[test]
fn ports_of_routers_show_their_device_beside_every_machine() {
    for (port, name) in [(7547, "rompager"), (37_215, "huawei-hg532"), (52_869, "realtek-igd")] {
        for face in TelnetFace::ALL {
            let identity = Identity::draw([3; 32]).with_telnet_face(face);
            assert_eq!(identity.web_site(port).map(|site| site.name), Some(name), "{face:?}");
        }
    }
}

#[test]
fn the_misfortune_cookie_stands_where_the_path_should_and_is_no_markup() {
    let identity = installation("rompager", WebServer::NginxDebian12);
    let ask = |cookie: &str| {
        let head = format!(
            "GET /blabla HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n"
        );
        send(&identity, head.as_bytes())
    };
    let heard = ask("C107373883=/omg1337hax");
    assert_eq!(heard.status, 404);
    assert!(heard.body.contains("'/omg1337hax' was not found on the RomPager server."));
    assert!(heard.head.contains("Server: RomPager/4.07 UPnP/1.0"), "{}", heard.head);
    assert!(ask("a=b").body.contains("'/blabla' was not found"));
    assert!(!ask("C107373883=<script>").body.contains("<script>"));
}
