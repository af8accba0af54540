//! Which product stands at each port of the machine that is looked at, in the words in which nmap would name it: the whole name, one that begins
//! so (`*`), or one that no line of its table has but a script of its own (`script:`). A product for which nmap has no words stands here all the
//! same, or as an empty list. Where nmap's lines are about other releases than the one that stands there, [`as_it_is`] says what it makes of a real one.

use super::asked::Asked;
use super::probes::Known;

/// What the web trap shows at each of its ports, so that two runs look at the same machine: port, site, product
pub(super) const SITES: [(u16, &str, &[&str]); 27] = [
    (80, "default", WEB_SERVER),
    (81, "gpon-router", &["Boa HTTPd"]),
    (443, "wordpress", WEB_SERVER),
    (2375, "docker", &["Docker*"]),
    (3000, "grafana", &["Grafana"]),
    (5000, "llm-gateway", &["Uvicorn"]),
    (5601, "kibana-6", &["Elasticsearch Kibana"]),
    (5984, "couchdb", &["CouchDB httpd"]),
    (6443, "kubernetes", &["Kubernetes master node httpd"]),
    (7001, "weblogic", &["Oracle WebLogic admin httpd"]),
    (7547, "rompager", &["Allegro RomPager"]),
    (8000, "phpmyadmin", WEB_SERVER),
    (8080, "tomcat", &["Apache Tomcat"]),
    (8081, "ip-camera", &["uc-httpd"]),
    (8086, "influxdb", &["InfluxDB http admin"]),
    (8088, "hadoop-yarn", &["Jetty"]),
    (8123, "clickhouse", &["ClickHouse DBMS"]),
    (8161, "default", WEB_SERVER),
    (8443, "exchange-owa", &["Microsoft IIS httpd"]),
    (8888, "jenkins", &["Jetty"]),
    (8983, "solr", &["Apache Solr"]),
    (9090, "prometheus", &["Golang net/http server"]),
    (10_250, "kubelet", &["Golang net/http server"]),
    (10_443, "fortigate", &["Fortinet security device httpd"]),
    (11_434, "ollama", &["Ollama"]),
    (37_215, "huawei-hg532", &["Huawei-ATP"]),
    (52_869, "realtek-igd", &["miniigd"]),
];
const WEB_SERVER: &[&str] = &["nginx", "Apache httpd"];

/// What else is chosen, for the same reason, beside the system
pub(super) const MACHINE: &str = "telnet = \"router-mipsel\"\nelasticsearch = \"6.8.23\"\n";

/// Whether nmap's word for a product, or a line's, is this name
pub(super) fn is(name: &str, word: &str) -> bool {
    let name = name.strip_prefix("script:").unwrap_or(name);
    name.strip_suffix('*').map_or(name == word, |begin| word.starts_with(begin))
}

/// The product at a trap's port
pub(super) fn products(trap: &str, port: u16) -> &'static [&'static str] {
    match (trap, port) {
        ("http" | "https", _) => {
            SITES.iter().find(|(of, ..)| *of == port).map_or(&[], |(_, _, products)| *products)
        }
        ("adb", _) => &["Android Debug Bridge*"],
        ("elasticsearch", _) => &["Elasticsearch REST API"],
        ("epmap", _) => &["Microsoft Windows RPC"],
        ("ftp", _) => &["vsftpd"],
        ("imap", _) => &["Dovecot imapd"],
        ("ipp", _) => &["CUPS"],
        ("memcached", _) => &["Memcached"],
        ("minecraft", _) => &["Minecraft"],
        ("modbus", _) => &["Modbus TCP"],
        ("mongodb", _) => &["MongoDB"],
        ("mssql", _) => &["Microsoft SQL Server*"],
        ("mysql", _) => &["MySQL", "MariaDB"],
        ("pop3", _) => &["Dovecot pop3d"],
        ("postgresql", _) => &["PostgreSQL DB"],
        ("pptp", _) => &["script:linux"],
        ("radmin", _) => &["Famatech Radmin"],
        ("rdp", _) => &["Microsoft Terminal Services"],
        ("redis", _) => &["Redis key-value store"],
        ("rtsp", _) => &["Hikvision DVR rtspd"],
        ("s7", _) => &["script:Siemens S7 PLC"],
        ("sip", _) => &["Asterisk PBX"],
        ("smb", 139) => &["Microsoft Windows netbios-ssn"],
        ("smb", _) => &["Microsoft Windows Server 2008 R2 - 2012 microsoft-ds"],
        ("smtp", _) => &["Postfix smtpd"],
        ("ssh", _) => &["OpenSSH"],
        ("teamviewer", _) => &["TeamViewer"],
        ("telnet", _) => &["BusyBox telnetd"],
        ("vnc", _) => &["TightVNC", "VNC"],
        ("x11", _) => &["X.Org"],
        // For these it has a protocol's name at most: MQTT, rsync, EtherNet/IP, DNP3, IEC 104, DICOM, HL7, WINS, and raw printing it leaves out.
        _ => &[],
    }
}

/// What nmap 7.93 says of a real server of the release that stands there, where its table knows the product by answers that this release no longer
/// gives; `None` where the table can be believed.
pub(super) fn as_it_is(trap: &str, port: u16, asked: &Asked) -> Option<Known> {
    match (trap, port) {
        // Grafana's two lines want the cookie `grafana_sess` of releases before 6. A real 8.2 is `ppp?`.
        ("http", 3_000) => Some(Known::Nothing),
        // Its line wants the password of HTTP that servers before 1.19 could ask for; since then an anonymous visitor is answered 403 or 200 in JSON.
        ("https", 6_443) => Some(Known::Nothing),
        // All its lines are about the native protocol, and one about HTTP that was sent to the native port.
        ("http", 8_123) => Some(Known::Nothing),
        // The lines that read a version are Gentoo's and Mandrake's own builds. Xvfb of Debian 12 itself, of the same sources, is `X.Org (open)`.
        ("x11", _) => Some(Known::Product),
        // Debian's and Ubuntu's banner has no version, unless the owner wrote it there.
        ("smtp", _) => Some(if asked.banner_has_version { Known::Version } else { Known::Product }),
        // Its line reads a version out of what OP_QUERY's serverStatus is answered. 5.1 and later refuse that, as any release does whose owner
        // turned authorization on, in words that no line has (<https://secfree.com/news/industry/11968.html> for 6.0).
        ("mongodb", _) => Some(if asked.tells_its_state { Known::Version } else { Known::Nothing }),
        _ => None,
    }
}
