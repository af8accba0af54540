//! A real nginx or Apache httpd of this machine on a port of loopback, with nothing but the page in it, and the comparison of what it and
//! the trap answer. Skipped, and said so, where the server is not installed.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kizashi_traps::{Identity, WebServer};

use crate::house::House;
use crate::shapes::{Shape, shapes};

/// A server that ends with the test.
pub(crate) struct Real {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Real {
    fn drop(&mut self) {
        // SIGTERM, on which the first process takes its workers with it; a killed one would leave them.
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        if !asked.is_ok_and(|status| status.success()) {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(folder.join("html")).unwrap();
    folder
}

impl Real {
    fn start(program: &str, arguments: &[&str], address: SocketAddr) -> Option<Self> {
        let child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = child else {
            println!("skipped: {program} is not installed");
            return None;
        };
        let real = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{program} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(real)
    }

    /// nginx with its package's page.
    pub(crate) fn nginx(page: &str) -> Option<Self> {
        let (folder, address) = (folder("real-nginx"), free_port());
        std::fs::write(folder.join("html/index.html"), page).unwrap();
        let at = folder.display();
        let configuration = format!(
            "daemon off; master_process off; worker_processes 1; pid {at}/pid; error_log /dev/null;
             events {{ worker_connections 256; }}
             http {{ access_log off; client_body_temp_path {at}/body; server {{ listen {address}; root {at}/html; }} }}"
        );
        let path = folder.join(format!("nginx-{}.conf", address.port()));
        std::fs::write(&path, configuration).unwrap();
        Self::start("nginx", &["-e", "/dev/null", "-c", path.to_str().unwrap()], address)
    }

    /// Apache httpd as Debian configures it, as far as these tests see.
    pub(crate) fn apache() -> Option<Self> {
        let (folder, address) = (folder("real-apache"), free_port());
        std::fs::write(folder.join("html/index.html"), "<html>it works</html>").unwrap();
        let at = folder.display();
        let module = |name: &str| {
            format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n")
        };
        let modules: String =
            ["mpm_event", "authz_core", "dir", "mime", "reqtimeout"].map(module).concat();
        let configuration = format!(
            "ServerRoot {at}\nServerName localhost\nPidFile {at}/pid-{}\nListen {address}\n{modules}\
             TypesConfig /etc/mime.types\nServerTokens OS\nErrorLog /dev/null\nUser nobody\nGroup nogroup\n\
             DocumentRoot {at}/html\n<Directory />\nRequire all granted\n</Directory>\n",
            address.port()
        );
        let path = folder.join(format!("apache-{}.conf", address.port()));
        std::fs::write(&path, configuration).unwrap();
        Self::start("apache2", &["-DFOREGROUND", "-f", path.to_str().unwrap()], address)
    }
}

/// Statuses answered, whether something came that is no HTTP/1, and whether the connection ended.
fn answered(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let _ = stream.write_all(bytes);
    let (mut reply, mut piece) = (Vec::new(), [0; 65_536]);
    let ended = loop {
        match stream.read(&mut piece) {
            Ok(0) => break true,
            Ok(count) => reply.extend_from_slice(&piece[..count]),
            Err(error) => break error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    };
    let text = String::from_utf8_lossy(&reply);
    let mut words: Vec<&str> =
        text.split("HTTP/1.1 ").skip(1).filter_map(|part| part.get(..3)).collect();
    if !reply.is_empty() && !text.starts_with("HTTP/") {
        words.push("page");
    }
    if ended {
        words.push("closed");
    }
    words.join(" ")
}

/// httpd answers this before the body has come, since the connection ends anyway; the trap waits for the body, which it is after.
const LATER: [&str; 1] = ["te.cl"];

fn compare(real: &Real, server: WebServer, known: &[&str]) {
    let house = House::of_trap(
        "http",
        Identity::draw([1; 32]).with_default_page().with_web_server(server).with_http2(false),
    );
    let mut faults = Vec::new();
    for Shape { name, bytes, .. } in shapes() {
        let (theirs, ours) = (answered(real.address, &bytes), answered(house.address, &bytes));
        if (theirs == ours) == known.contains(&name) {
            faults.push(format!("{name}: the server {theirs:?}, the trap {ours:?}"));
        }
    }
    assert!(faults.is_empty(), "{} of {}\n{}", faults.len(), shapes().len(), faults.join("\n"));
}

#[test]
fn nginx_and_the_trap_take_and_refuse_the_same_shapes() {
    let page = include_str!("../../src/http/pages/nginx-debian.html");
    if let Some(real) = Real::nginx(page) {
        compare(&real, WebServer::NginxDebian12, &[]);
    }
}

#[test]
fn apache_httpd_and_the_trap_take_and_refuse_the_same_shapes() {
    if let Some(real) = Real::apache() {
        compare(&real, WebServer::ApacheDebian12, &LATER);
    }
}
