//! Which product stands at each port of the machine that is looked at, in the words in which nmap would name it: the whole name, one that begins
//! so (`*`), or one that no line of its table has but a script of its own (`script:`). A product for which nmap has no words stands here all the
//! same, or as an empty list.

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

/// What else is chosen, for the same reason
pub(super) const MACHINE: &str = "[machine]\nsystem = \"ubuntu-22.04\"\ntelnet = \"router-mipsel\"\nelasticsearch = \"6.8.23\"\n";

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
