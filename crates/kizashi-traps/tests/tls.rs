//! The `https` trap and the catch-all visited by the programs that look at TLS in the field: curl, OpenSSL from TLS 1.0 on, Python, nmap and
//! sslscan. Each must go all the way, and see one named server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says what it skips"
)]

#[path = "support/house.rs"]
#[allow(dead_code, reason = "each test file uses a part of it")]
mod house;

use std::process::{Command, Stdio};

use house::{House, installed, said};
use kizashi_event::{Detail, Event};
use kizashi_traps::{Identity, TlsKeys, WebServer, WebSites};

const KEYS: &str = include_str!("../src/tls/test-keys.txt");

fn identity(server: WebServer) -> Identity {
    Identity::draw([1; 32])
        .with_default_page()
        .with_web_server(server)
        .with_tls_keys(TlsKeys::from_text(KEYS).unwrap())
}

fn https(server: WebServer) -> House {
    House::of_trap("https", identity(server))
}

/// A program under a time limit, without input; all that it printed.
fn run(program: &str, arguments: &[&str]) -> String {
    let limited = Command::new("timeout")
        .args(["120", program])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    said(&limited.unwrap())
}

fn notes<'a>(events: &'a [Event], name: &str) -> Vec<&'a str> {
    let value = |event: &'a Event| match &event.detail {
        Detail::Note { name: found, value } if found.raw() == name => Some(value.raw()),
        _ => None,
    };
    events.iter().filter_map(value).collect()
}

#[test]
fn curl_gets_the_page_in_tls_1_2_and_1_3_and_is_known_by_its_fingerprint() {
    if !installed("curl") {
        return;
    }
    let house = https(WebServer::NginxDebian12);
    let address = format!("https://127.0.0.1:{}/", house.port());
    for version in [&["--tls-max", "1.2"][..], &["--tlsv1.3"]] {
        let page = run("curl", &[&["-sk", &address][..], version].concat());
        assert!(page.contains("Welcome to nginx!"), "{page}");
    }
    let events = house.close();
    let agreed = notes(&events, "tls");
    assert_eq!(
        agreed,
        [
            "TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384 X25519 http/1.1",
            "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 http/1.1"
        ]
    );
    let fingerprints = events.iter().filter_map(|event| match &event.detail {
        Detail::Client { fingerprint: Some(text), .. } => Some(text.raw()),
        _ => None,
    });
    let fingerprints: Vec<&str> = fingerprints.collect();
    assert!(fingerprints[0].starts_with("ja4:t12i"), "{fingerprints:?}");
    assert!(fingerprints[1].starts_with("ja4:t13i"), "{fingerprints:?}");
    assert!(notes(&events, "ja3").iter().all(|digest| digest.len() == 32));
}

/// nginx is told `http2` in its configuration; httpd has the module on. Devices and Tomcat have none, whatever the installation's server does.
#[test]
fn curl_speaks_http2_over_tls_where_the_shown_server_does_and_falls_back_elsewhere() {
    if !installed("curl") {
        return;
    }
    for (server, site, version) in [
        (WebServer::NginxDebian12, "default", "2"),
        (WebServer::ApacheDebian12, "default", "2"),
        (WebServer::NginxDebian12, "exchange-owa", "2"),
        (WebServer::NginxDebian12, "tomcat", "1.1"),
        (WebServer::ApacheDebian12, "fortigate", "1.1"),
    ] {
        let sites = WebSites::of([("*", site)]).unwrap();
        let identity = identity(server).with_http2(true).with_web_sites(sites);
        let house = House::of_trap("https", identity);
        let address = format!("https://127.0.0.1:{}", house.port());
        let format = "%{http_version} %{http_code} %{redirect_url}";
        let page = run("curl", &["-sk", "--http2", "-o", "/dev/null", "-w", format, &address]);
        assert!(page.starts_with(&format!("{version} ")), "{server:?} {site}: {page}");
        assert!(!page.contains("http://"), "{site} leads out of TLS: {page}");
        let env = run("curl", &["-sk", "--http2", &format!("{address}/.env")]);
        assert_eq!(env.contains("DB_PASSWORD"), site == "default", "{site}: {env}");
        let seen = house.close();
        let requests: Vec<_> = seen
            .iter()
            .filter_map(|event| match &event.detail {
                Detail::Request { request, .. } => Some(request),
                _ => None,
            })
            .collect();
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|one| one.http2.is_some() == (version == "2")), "{site}");
        assert!(requests.iter().all(|one| one.print.is_some() && one.class.is_some()), "{site}");
    }
}

#[test]
fn openssl_goes_through_each_version_that_the_server_has_and_no_other() {
    if !installed("openssl") {
        return;
    }
    for (server, versions) in [
        (WebServer::NginxDebian11, &["tls1", "tls1_1", "tls1_2", "tls1_3"][..]),
        (WebServer::NginxUbuntu20, &["tls1_2", "tls1_3"]),
        (WebServer::ApacheUbuntu24, &["tls1_2", "tls1_3"]),
    ] {
        let house = https(server);
        let address = format!("127.0.0.1:{}", house.port());
        for version in ["tls1", "tls1_1", "tls1_2", "tls1_3"] {
            let flag = format!("-{version}");
            let suites = "ALL:@SECLEVEL=0";
            let arguments = ["s_client", &flag, "-cipher", suites, "-connect", &address];
            let printed = run("openssl", &arguments);
            let through = printed.contains("Verify return code: 18 (self-signed certificate)")
                && printed.contains("Cipher is ")
                && !printed.contains("Cipher is (NONE)");
            assert_eq!(through, versions.contains(&version), "{server:?} {version}: {printed}");
        }
        house.close();
    }
}

/// Every suite that is not chosen by default, in each version that has it, and a retry for another group.
#[test]
fn openssl_speaks_every_suite_and_group_alone() {
    if !installed("openssl") {
        return;
    }
    let house = https(WebServer::NginxDebian11);
    let address = format!("127.0.0.1:{}", house.port());
    let old = ["ECDHE-RSA-AES256-SHA", "ECDHE-RSA-AES128-SHA", "AES256-SHA", "AES128-SHA"];
    let new = [
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-GCM-SHA256",
        "AES256-SHA256",
        "AES128-SHA256",
        "ECDHE-ARIA256-GCM-SHA384",
        "ARIA128-GCM-SHA256",
        "ECDHE-RSA-CAMELLIA256-SHA384",
        "CAMELLIA128-SHA256",
        "CAMELLIA256-SHA",
        "AES256-CCM8",
        "AES128-CCM",
    ];
    let mut wanted: Vec<(&str, &str)> = Vec::new();
    for version in ["-tls1", "-tls1_1", "-tls1_2"] {
        wanted.extend(old.map(|suite| (version, suite)));
    }
    wanted.extend(new.map(|suite| ("-tls1_2", suite)));
    for (version, suite) in wanted {
        let suites = format!("{suite}:@SECLEVEL=0");
        for options in [&[][..], &["-no_etm"]] {
            let arguments = ["s_client", version, "-cipher", &suites, "-connect", &address];
            let printed = run("openssl", &[&arguments[..], options].concat());
            let line = format!("Cipher is {suite}");
            assert!(printed.contains(&line), "{version} {suite}: {printed}");
        }
    }
    for groups in ["P-256", "P-384", "P-521", "X25519", "X448", "X448:P-384"] {
        for version in ["-tls1_2", "-tls1_3"] {
            let arguments = ["s_client", version, "-groups", groups, "-connect", &address];
            let printed = run("openssl", &arguments);
            assert!(printed.contains("Verify return code: 18"), "{version} {groups}: {printed}");
        }
    }
    let events = house.close();
    assert!(notes(&events, "tls alert sent").is_empty());
}

/// httpd has parameters for prime fields before TLS 1.3; OpenSSL 3 has groups of them since.
#[test]
fn openssl_agrees_on_prime_fields_where_the_server_would() {
    if !installed("openssl") {
        return;
    }
    let house = https(WebServer::ApacheUbuntu24);
    let address = format!("127.0.0.1:{}", house.port());
    for suite in ["DHE-RSA-AES256-GCM-SHA384", "DHE-RSA-CAMELLIA128-SHA", "DHE-RSA-AES128-CCM8"] {
        let suites = format!("{suite}:@SECLEVEL=0");
        let printed =
            run("openssl", &["s_client", "-tls1_2", "-cipher", &suites, "-connect", &address]);
        assert!(printed.contains(&format!("Cipher is {suite}")), "{printed}");
        assert!(printed.contains("Server Temp Key: DH, 2048 bits"), "{printed}");
    }
    for group in ["ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"] {
        let printed =
            run("openssl", &["s_client", "-tls1_3", "-groups", group, "-connect", &address]);
        assert!(printed.contains("Verify return code: 18"), "{group}: {printed}");
    }
    let events = house.close();
    assert!(notes(&events, "tls alert sent").is_empty());
}

/// By a ticket from nginx, by its number from httpd; in TLS 1.3 with a whole key exchange beside it.
#[test]
fn openssl_goes_on_with_a_session_in_each_version() {
    if !installed("openssl") {
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    for server in [WebServer::NginxDebian12, WebServer::ApacheDebian12] {
        let house = https(server);
        let address = format!("127.0.0.1:{}", house.port());
        for version in ["-tls1_2", "-tls1_3"] {
            let path = folder.join(format!("session{version}-{server:?}"));
            let path = path.to_str().unwrap();
            // Tickets of TLS 1.3 come after the handshake: the client stays until the page has come.
            let ask = |option: &str| {
                let script = format!(
                    "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 120 openssl s_client {version} -ign_eof -connect {address} {option} {path}"
                );
                run("bash", &["-c", &script])
            };
            let first = ask("-sess_out");
            assert!(first.contains("\nNew, TLSv1"), "{first}");
            let again = ask("-sess_in");
            assert!(again.contains("\nReused, TLSv1"), "{server:?} {version}: {again}");
            assert!(again.contains("HTTP/1.1 200 OK"), "{again}");
        }
        let agreed = house.close();
        let agreed = notes(&agreed, "tls");
        assert_eq!(agreed.iter().filter(|what| what.ends_with("resumed")).count(), 2, "{agreed:?}");
    }
}

/// What sslscan lists: suites by version, and groups.
fn listed(address: &str) -> Vec<String> {
    let printed = run("sslscan", &["--no-colour", "--no-check-certificate", address]);
    let is_listed = |line: &&str| {
        ["Preferred", "Accepted", "TLSv1.3  ", "TLSv1.2  "]
            .iter()
            .any(|word| line.starts_with(word))
    };
    printed.lines().filter(is_listed).map(|line| line.trim_end().to_owned()).collect()
}

/// A real server of this machine with TLS, in a folder that may be thrown away.
struct Real(std::process::Child);

impl Drop for Real {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn real(server: &str) -> (Real, String) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{server}"));
    std::fs::create_dir_all(&folder).unwrap();
    let at = folder.display();
    let made = run(
        "openssl",
        &[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=x.test",
            "-keyout",
            &format!("{at}/key"),
            "-out",
            &format!("{at}/certificate"),
        ],
    );
    assert!(folder.join("certificate").exists(), "{made}");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let modules = "/usr/lib/apache2/modules";
    let (configuration, arguments) = match server {
        "nginx" => (
            format!(
                "daemon off; master_process off; pid {at}/pid; error_log /dev/null; events {{}}
                 http {{ access_log off; ssl_prefer_server_ciphers on; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
                 server {{ listen {address} ssl; ssl_certificate {at}/certificate; ssl_certificate_key {at}/key; }} }}"
            ),
            vec!["-e", "/dev/null", "-c"],
        ),
        _ => (
            format!(
                "ServerRoot {at}\nPidFile {at}/pid\nErrorLog {at}/error\nServerName x.test
                 LoadModule mpm_event_module {modules}/mod_mpm_event.so
                 LoadModule authz_core_module {modules}/mod_authz_core.so
                 LoadModule ssl_module {modules}/mod_ssl.so
                 Listen {address}\nSSLEngine on\nSSLCipherSuite HIGH:!aNULL\nSSLProtocol all -SSLv3
                 SSLCertificateFile {at}/certificate\nSSLCertificateKeyFile {at}/key\n"
            ),
            vec!["-X", "-f"],
        ),
    };
    let path = folder.join("configuration");
    std::fs::write(&path, configuration).unwrap();
    let mut command = Command::new(server);
    command.args(arguments).arg(&path).stdin(Stdio::null()).stdout(Stdio::null());
    let started = Real(command.stderr(Stdio::null()).spawn().unwrap());
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while std::net::TcpStream::connect(&address).is_err() {
        assert!(std::time::Instant::now() < until, "{server} does not start");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    (started, address)
}

/// The suites and groups of the trap are those of the server that it pretends to be, in the same order.
#[test]
fn sslscan_lists_the_same_of_the_trap_and_of_the_real_server() {
    for (name, server) in
        [("nginx", WebServer::NginxDebian12), ("apache2", WebServer::ApacheDebian12)]
    {
        if !installed("sslscan") || !installed("openssl") || !installed(name) {
            return;
        }
        let (running, address) = real(name);
        let theirs = listed(&address);
        drop(running);
        let house = https(server);
        let ours = listed(&format!("127.0.0.1:{}", house.port()));
        house.close();
        assert!(theirs.len() > 30, "{theirs:#?}");
        assert_eq!(ours, theirs, "{name}");
    }
}

#[test]
fn python_reads_a_whole_page_and_the_certificate() {
    if !installed("python3") {
        return;
    }
    let house = https(WebServer::ApacheDebian12);
    let program = r"
import http.client, ssl, sys
context = ssl._create_unverified_context()
context.set_alpn_protocols(['http/1.1'])
for maximum in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context.maximum_version = maximum
    connection = http.client.HTTPSConnection('127.0.0.1', int(sys.argv[1]), context=context)
    for _ in range(3):
        connection.request('GET', '/')
        answer = connection.getresponse()
        print(connection.sock.version(), answer.status, len(answer.read()), connection.sock.selected_alpn_protocol())
print(len(ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(('127.0.0.1', int(sys.argv[1]))))))
";
    let printed = run("python3", &["-c", program, &house.port()]);
    assert_eq!(printed.matches("TLSv1.2 200 10701 http/1.1").count(), 3, "{printed}");
    assert_eq!(printed.matches("TLSv1.3 200 10701 http/1.1").count(), 3, "{printed}");
    house.close();
}

#[test]
fn sslscan_sees_the_protocols_of_one_named_server() {
    if !installed("sslscan") {
        return;
    }
    for (server, old) in
        [(WebServer::NginxUbuntu20, "disabled"), (WebServer::NginxDebian11, "enabled")]
    {
        let house = https(server);
        let printed = run("sslscan", &["--no-colour", &format!("127.0.0.1:{}", house.port())]);
        for (version, state) in [
            ("SSLv2", "disabled"),
            ("SSLv3", "disabled"),
            ("TLSv1.0", old),
            ("TLSv1.1", old),
            ("TLSv1.2", "enabled"),
            ("TLSv1.3", "enabled"),
        ] {
            let line = printed.lines().find(|line| line.starts_with(version)).unwrap();
            assert!(line.ends_with(state), "{printed}");
        }
        for line in [
            "Server supports TLS Fallback SCSV",
            "TLSv1.2 not vulnerable to heartbleed",
            "Preferred TLSv1.3  256 bits  TLS_AES_256_GCM_SHA384        Curve 25519 DHE 253",
            "Preferred TLSv1.2  256 bits  ECDHE-RSA-AES256-GCM-SHA384   Curve 25519 DHE 253",
            "Accepted  TLSv1.2  128 bits  AES128-SHA",
            "RSA Key Strength:    2048",
        ] {
            assert!(printed.contains(line), "{line}: {printed}");
        }
        house.close();
    }
}

#[test]
fn nmap_reads_certificate_suites_and_the_server_behind_them() {
    if !installed("nmap") {
        return;
    }
    let house = https(WebServer::NginxDebian12);
    let arguments =
        ["-Pn", "-sV", "--script", "ssl-cert,ssl-enum-ciphers,http-title", "-p", &house.port()];
    let printed = run("nmap", &[&arguments[..], &["127.0.0.1"]].concat());
    for found in [
        "ssl/http",
        "nginx 1.22.1",
        "Subject: commonName=",
        "Public Key bits: 2048",
        "TLSv1.2:",
        "TLSv1.3:",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "least strength: A",
        "Welcome to nginx!",
    ] {
        assert!(printed.contains(found), "{found}: {printed}");
    }
    assert!(!printed.contains("TLSv1.0:"), "{printed}");
    house.close();
}

#[test]
fn the_catch_all_shows_a_device_on_a_devices_port_and_the_server_elsewhere() {
    if !installed("openssl") {
        return;
    }
    let house = House::of_trap("any", identity(WebServer::NginxDebian12));
    let address = format!("127.0.0.1:{}", house.port());
    let printed = run("openssl", &["s_client", "-connect", &address]);
    assert!(printed.contains("TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384"), "{printed}");
    assert!(printed.contains("Server public key is 2048 bit"), "{printed}");
    house.close();
}
