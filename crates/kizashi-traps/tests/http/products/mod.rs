//! Sites held against the products that they show, as `src/http` is against nginx and httpd. What the real products answered is kept in
//! `facts/`, one file a product; `serve` in this folder starts each of them by hand, and where one is installed it is asked again.
//! `KIZASHI_BLESS=1 cargo test -p kizashi-traps --test http products` writes the files anew from the products that are installed; none of
//! them is needed for the comparison with the traps.

mod facts;
mod probes;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kizashi_traps::{Identity, WebServer, WebSites};

use crate::house::House;
use probes::{Probe, get, page};

/// Error pages of httpd begin otherwise since 2.4.66, of which Debian 12 has a later one than the traps show.
const HTTPD: (&str, &str) = (
    "-//IETF//DTD HTML 2.0//EN",
    "-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd",
);

/// A product, the site that shows it, and where they are known to differ (docs/web-sites.md says why).
struct Product {
    name: &'static str,
    site: &'static str,
    probes: Vec<Probe>,
    known: &'static [&'static str],
    /// Whether sizes of pages are compared: PHP's pages past a buffer come in chunks, the trap's whole.
    sizes: bool,
    /// What the site says in its own words, and what the product said there: names drawn from the seed, other versions.
    ours: &'static [(&'static str, &'static str)],
}

struct Running {
    child: Child,
    address: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        // The script's own end takes what it started with it.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/products")
}

impl Running {
    /// The product itself, or nothing and a word where it is not installed.
    fn start(name: &str) -> Option<Self> {
        let address = crate::reference::free_port();
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("product-{name}"));
        let _ = std::fs::remove_dir_all(&at);
        std::fs::create_dir_all(&at).unwrap();
        let log = std::fs::File::create(at.join("serve.log")).unwrap();
        let child = Command::new(folder().join("serve"))
            .args([name, &address.port().to_string(), at.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut running = Self { child, address };
        let begun = Instant::now();
        while !at.join("ready").exists() {
            if running.child.try_wait().unwrap().is_some_and(|status| status.code() == Some(77)) {
                println!("skipped: {name} is not installed");
                return None;
            }
            if begun.elapsed() > Duration::from_secs(60) {
                println!("skipped: {name} does not start, see serve.log in {}", at.display());
                return None;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(running)
    }
}

/// All answers as a text: a heading for each probe.
fn gather(address: SocketAddr, probes: &[Probe]) -> Vec<(String, String)> {
    let open = Arc::new(Mutex::new(probes.iter().enumerate().collect::<Vec<_>>()));
    let gathered = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((number, (name, bytes))) = open.lock().unwrap().pop() else { return };
                    let facts = facts::of(address, bytes);
                    gathered.lock().unwrap().push((number, (name.clone(), facts)));
                }
            });
        }
    });
    let mut gathered: Vec<(usize, (String, String))> = gathered.into_inner().unwrap();
    gathered.sort_unstable();
    gathered.into_iter().map(|(_, facts)| facts).collect()
}

fn parse(text: &str) -> Vec<(String, String)> {
    let blocks = text.split("\n== ").skip(1);
    let block = |block: &str| {
        let (name, facts) = block.split_once('\n').unwrap();
        (name.to_owned(), format!("{}\n", facts.trim_end()))
    };
    blocks.map(block).collect()
}

fn differences(left: &[(String, String)], right: &[(String, String)]) -> Vec<(String, String)> {
    assert_eq!(left.len(), right.len(), "the same probes");
    let pairs = left.iter().zip(right).filter(|(one, other)| one != other);
    pairs
        .map(|((name, one), (_, other))| (name.clone(), format!("== {name}\n{one}--\n{other}")))
        .collect()
}

/// The product against the file, where it is installed, and the file against the trap.
fn hold(product: &Product) {
    let path = folder().join("facts").join(format!("{}.txt", product.name));
    if let Some(running) = Running::start(product.name) {
        let real = gather(running.address, &product.probes);
        if std::env::var_os("KIZASHI_BLESS").is_some() {
            let mut text = format!("What {} answers; see ../mod.rs.\n", product.name);
            real.iter().for_each(|(name, facts)| {
                let _ = write!(text, "\n== {name}\n{facts}");
            });
            std::fs::write(&path, text).unwrap();
        }
        let kept = parse(&std::fs::read_to_string(&path).unwrap());
        let differing = differences(&kept, &real);
        let texts: Vec<_> = differing.into_iter().map(|(_, text)| text).collect();
        assert!(texts.is_empty(), "{} answers otherwise\n{}", product.name, texts.join("\n"));
    }
    let sites = WebSites::of([("*", product.site)]).unwrap();
    let identity = Identity::draw([1; 32])
        .with_web_server(WebServer::ApacheDebian12)
        .with_http2(false)
        .with_web_sites(sites);
    let house = House::of_trap("http", identity);
    let sized = |facts: Vec<(String, String)>| {
        let strip = |(name, facts): (String, String)| {
            let is_size = |line: &&str| {
                line.starts_with("Content-Length: ") || line.starts_with("Transfer-Encoding: ")
            };
            let kept = facts.lines().filter(|line| product.sizes || !is_size(line));
            (name, kept.map(|line| format!("{line}\n")).collect())
        };
        facts.into_iter().map(strip).collect::<Vec<(String, String)>>()
    };
    let kept = sized(parse(&std::fs::read_to_string(&path).unwrap()));
    let ours = gather(house.address, &product.probes).into_iter();
    let in_their_words = |(name, facts): (String, String)| {
        let facts =
            product.ours.iter().fold(facts, |text, (ours, theirs)| text.replace(ours, theirs));
        (name, facts)
    };
    let differing = differences(&kept, &sized(ours.map(in_their_words).collect()));
    let unknown: Vec<&str> = differing
        .iter()
        .filter(|(name, _)| !product.known.contains(&name.as_str()))
        .map(|(_, text)| text.as_str())
        .collect();
    assert!(
        unknown.is_empty(),
        "{} of {}: the product, then the trap\n{}",
        unknown.len(),
        kept.len(),
        unknown.join("\n")
    );
    for name in product.known {
        assert!(differing.iter().any(|(differs, _)| differs == name), "{name} differs no more");
    }
}

fn with_server(pages: Vec<Probe>) -> Vec<Probe> {
    let mut probes = probes::server();
    probes.extend(pages);
    probes
}

#[test]
fn tomcat_and_its_site_answer_alike() {
    let bad = "Authorization: Basic dG9tY2F0OnRvbWNhdA==\r\n";
    hold(&Product {
        name: "tomcat9",
        site: "tomcat",
        probes: with_server(vec![
            get("/manager/html"),
            page("GET", "/manager/html", bad, ""),
            get("/manager"),
            get("/manager/"),
            get("/manager/status"),
            get("/manager/text/list"),
            get("/host-manager/html"),
            get("/favicon.ico"),
            page("OPTIONS", "/favicon.ico", "", ""),
            page("PUT", "/favicon.ico", "", "a"),
            get("/..;/manager/html"),
        ]),
        known: &["root", "root, POST", "a broken chunk", "above the root, escaped", "GET /manager"],
        sizes: true,
        ours: &[],
    });
}

#[test]
fn jetty_and_its_sites_answer_alike() {
    // The package leaves the date out (`sendDateHeader`), the sites' products do not.
    hold(&Product {
        name: "jetty",
        site: "hadoop-yarn",
        probes: probes::server(),
        known: &["root", "root, POST", "lower method", "a broken chunk"],
        sizes: true,
        ours: &[("Date: …\n", "")],
    });
}

#[test]
fn prometheus_and_its_site_answer_alike() {
    hold(&Product {
        name: "prometheus",
        site: "prometheus",
        probes: with_server(vec![
            get("/graph"),
            get("/favicon.ico"),
            get("/-/healthy"),
            get("/-/ready"),
            page("POST", "/-/quit", "", ""),
            page("POST", "/-/reload", "", ""),
            get("/-/reload"),
            get("/metrics"),
            get("/api/v1/status/buildinfo"),
            get("/api/v1/status/flags"),
            get("/api/v1/query"),
            get("/api/v1/query?query=up"),
            get("/api/v1/nothing"),
            get("/debug/pprof/"),
            get("/consoles/"),
            get("/graph/"),
        ]),
        known: &[
            "root",
            "GET /graph",
            "GET /graph/",
            "GET /favicon.ico",
            "GET /metrics",
            "GET /api/v1/query?query=up",
            "GET /debug/pprof/",
            "GET /consoles/",
        ],
        sizes: true,
        ours: &[],
    });
}

#[test]
fn uvicorn_and_its_site_answer_alike() {
    hold(&Product {
        name: "uvicorn",
        site: "llm-gateway",
        probes: probes::server(),
        known: &["root", "a broken chunk"],
        sizes: true,
        ours: &[],
    });
}

#[test]
fn docker_and_its_site_answer_alike() {
    hold(&Product {
        name: "docker",
        site: "docker",
        probes: with_server(vec![
            get("/_ping"),
            page("HEAD", "/_ping", "", ""),
            get("/version"),
            get("/v1.41/version"),
            get("/v1.24/containers/json"),
            get("/containers/json"),
            get("/images/json"),
            get("/volumes"),
            get("/v9.99/info"),
            get("/v1.0/info"),
            get("/containers/nothing/json"),
            page("POST", "/containers/create", "Content-Type: application/json\r\n", "{}"),
            page("POST", "/containers/nothing/start", "", ""),
            page("DELETE", "/containers/nothing", "", ""),
        ]),
        known: &[
            "CONNECT",
            "a broken chunk",
            "GET /v1.24/containers/json",
            "GET /containers/json",
            "GET /images/json",
            "GET /v9.99/info",
            "GET /v1.0/info",
        ],
        sizes: true,
        ours: &[],
    });
}

#[test]
fn phpmyadmin_and_its_site_answer_alike() {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let login = "pma_username=root&pma_password=toor&server=1";
    hold(&Product {
        name: "phpmyadmin",
        site: "phpmyadmin",
        probes: vec![
            get("/"),
            get("/index.php"),
            get("/index.php?route=/"),
            page("POST", "/index.php?route=/", form, login),
            page("GET", "/index.php?pma_username=root&pma_password=toor", "", ""),
            get("/nothing"),
            get("/nothing.php"),
            get("/robots.txt"),
            get("/themes/"),
            get("/setup/"),
            get("/favicon.ico"),
            get("/README"),
            get("/js/dist/login.js"),
            page("HEAD", "/", "", ""),
        ],
        known: &[
            "GET /robots.txt",
            "GET /themes/",
            "GET /favicon.ico",
            "GET /README",
            "GET /js/dist/login.js",
        ],
        sizes: false,
        ours: &[HTTPD],
    });
}

#[test]
fn wordpress_and_its_site_answer_alike() {
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let login = "log=admin&pwd=toor&wp-submit=Log+In";
    let call =
        "<?xml version=\"1.0\"?><methodCall><methodName>demo.sayHello</methodName></methodCall>";
    hold(&Product {
        name: "wordpress",
        site: "wordpress",
        probes: vec![
            get("/"),
            page("HEAD", "/", "", ""),
            get("/index.php"),
            get("/?author=1"),
            get("/?s=a"),
            get("/feed/"),
            get("/feed"),
            get("/wp-login.php"),
            page("POST", "/wp-login.php", form, login),
            get("/wp-admin"),
            get("/wp-admin/"),
            get("/admin"),
            get("/login"),
            get("/xmlrpc.php"),
            get("/xmlrpc.php?rsd"),
            page("POST", "/xmlrpc.php", "Content-Type: text/xml\r\n", call),
            get("/wp-json/"),
            get("/wp-json"),
            get("/wp-json/wp/v2/users"),
            get("/wp-json/wp/v2/nothing"),
            get("/robots.txt"),
            get("/sitemap.xml"),
            get("/wp-sitemap.xml"),
            get("/readme.html"),
            get("/wp-cron.php"),
            get("/nothing"),
            get("/nothing.php"),
            get("/wp-content/"),
            get("/wp-includes/"),
            get("/wp-admin/admin-ajax.php"),
            get("/wp-config.php"),
            get("/favicon.ico"),
        ],
        known: &[
            "GET /",
            "GET /?s=a",
            "GET /readme.html",
            "GET /nothing",
            "GET /nothing.php",
            "GET /wp-content/",
            "GET /wp-includes/",
            "GET /favicon.ico",
        ],
        sizes: false,
        ours: &[HTTPD, ("Hartwell Dental Care", "Example"), ("/author/jonas/", "/author/admin/")],
    });
}
