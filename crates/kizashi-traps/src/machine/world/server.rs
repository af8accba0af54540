//! The files of a Debian or Ubuntu server with one web server, some months after it was set up. The texts are our own, in the form that
//! the packages' files have.

use super::super::commands::{self, Place};
use super::super::files::ImageBuilder;
use super::{World, calendar};

/// Sizes that scripts look at, of Debian 12's packages; the others are drawn.
const SIZES: [(&str, u32); 14] = [
    ("bash", 1_265_648),
    ("dash", 125_688),
    ("ls", 151_344),
    ("cat", 44_016),
    ("echo", 43_888),
    ("cp", 151_152),
    ("mv", 142_968),
    ("rm", 72_752),
    ("busybox", 733_760),
    ("uname", 43_888),
    ("wget", 543_832),
    ("curl", 325_552),
    ("ps", 145_032),
    ("top", 138_352),
];

pub(super) fn fill(builder: &mut ImageBuilder, world: &World) {
    programs(builder, world);
    etc(builder, world);
    network(builder, world);
    services(builder, world);
    homes(builder, world);
    var(builder, world);
    for (path, mode) in [
        ("/boot", 0o755),
        ("/media", 0o755),
        ("/mnt", 0o755),
        ("/opt", 0o755),
        ("/srv", 0o755),
        ("/lost+found", 0o700),
        ("/tmp", 0o1777),
        ("/var/tmp", 0o1777),
        ("/run/lock", 0o1777),
        ("/run/user/0", 0o700),
        ("/run/sshd", 0o755),
        ("/sys/class/net", 0o755),
        ("/usr/local/bin", 0o755),
        ("/usr/local/sbin", 0o755),
        ("/usr/share/doc", 0o755),
        ("/usr/src", 0o755),
        ("/usr/games", 0o755),
        ("/usr/include", 0o755),
    ] {
        builder.folder(path, mode);
    }
    builder.link("/var/run", "/run");
    builder.link("/var/lock", "/run/lock");
    for name in ["vmlinuz", "initrd.img", "System.map", "config"] {
        let id = builder.program(&format!("/boot/{name}-{}", world.system.kernel), "", 8_150_464);
        builder.dated(id, world.set_up);
    }
    for name in [
        "libc.so.6",
        "libm.so.6",
        "libselinux.so.1",
        "libpthread.so.0",
        "libcrypto.so.3",
        "libz.so.1",
    ] {
        builder.program(&format!("/usr/lib/x86_64-linux-gnu/{name}"), "", 1_922_136);
    }
    builder.program("/usr/lib64/ld-linux-x86-64.so.2", "", 210_968);
}

fn programs(builder: &mut ImageBuilder, world: &World) {
    for (short, long) in
        [("/bin", "usr/bin"), ("/sbin", "usr/sbin"), ("/lib", "usr/lib"), ("/lib64", "usr/lib64")]
    {
        builder.link(short, long);
    }
    let draw = world.draw("program sizes");
    for (number, (name, place)) in commands::programs(world.system.dialect).enumerate() {
        let folder = if place == Place::Administration { "/usr/sbin" } else { "/usr/bin" };
        let known = SIZES.iter().find(|(known, _)| *known == name).map(|(_, size)| *size);
        let drawn =
            u32::try_from(14_480 + draw.below(number as u64, 90) * 1_024 / 8 * 8).unwrap_or(35_000);
        let id = builder.program(&format!("{folder}/{name}"), name, known.unwrap_or(drawn));
        if matches!(name, "su" | "sudo" | "passwd" | "mount" | "umount") {
            builder.set_mode(id, 0o4755);
        }
    }
    builder.link("/usr/bin/sh", "dash");
    builder.link("/usr/bin/awk", "/etc/alternatives/awk");
    builder.link("/etc/alternatives/awk", "/usr/bin/mawk");
    builder.link("/usr/bin/editor", "/usr/bin/nano");
    builder.program("/usr/bin/mawk", "awk", 158_352);
}

fn etc(builder: &mut ImageBuilder, world: &World) {
    let system = world.system;
    let host = &world.host;
    builder.text("/etc/hostname", format!("{host}\n"));
    builder.text("/etc/hosts", format!("127.0.0.1\tlocalhost\n127.0.1.1\t{host}\n\n# The following lines are desirable for IPv6 capable hosts\n::1     localhost ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n"));
    builder.text("/etc/passwd", world.passwd());
    builder.text("/etc/group", world.group());
    builder.secret("/etc/shadow", world.shadow(), 0o640, 42);
    builder.secret("/etc/gshadow", "root:*::\n", 0o640, 42);
    let release = if system.is_debian() {
        format!(
            "PRETTY_NAME=\"{}\"\nNAME=\"{}\"\nVERSION_ID=\"{}\"\nVERSION=\"{}\"\nVERSION_CODENAME={}\nID=debian\nHOME_URL=\"https://www.debian.org/\"\nSUPPORT_URL=\"https://www.debian.org/support\"\nBUG_REPORT_URL=\"https://bugs.debian.org/\"\n",
            system.pretty, system.name, system.version_id, system.version, system.codename
        )
    } else {
        format!(
            "PRETTY_NAME=\"{}\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"{}\"\nVERSION=\"{}\"\nVERSION_CODENAME={}\nID=ubuntu\nID_LIKE=debian\nHOME_URL=\"https://www.ubuntu.com/\"\nSUPPORT_URL=\"https://help.ubuntu.com/\"\nBUG_REPORT_URL=\"https://bugs.launchpad.net/ubuntu/\"\nUBUNTU_CODENAME={}\n",
            system.pretty, system.version_id, system.version, system.codename, system.codename
        )
    };
    builder.text("/usr/lib/os-release", release);
    builder.link("/etc/os-release", "../usr/lib/os-release");
    builder.text("/etc/issue", system.issue);
    builder.text(
        "/etc/issue.net",
        format!("{}\n", system.pretty.split(" (").next().unwrap_or_default()),
    );
    if system.is_debian() {
        let version = if system.version_id == "11" { "11.11\n" } else { "12.8\n" };
        builder.text("/etc/debian_version", version);
        builder.text("/etc/motd", "\nThe programs included with the Debian GNU/Linux system are free software;\nthe exact distribution terms for each program are described in the\nindividual files in /usr/share/doc/*/copyright.\n\nDebian GNU/Linux comes with ABSOLUTELY NO WARRANTY, to the extent\npermitted by applicable law.\n");
    } else {
        builder.text(
            "/etc/debian_version",
            match system.version_id {
                "24.04" => "trixie/sid\n",
                "22.04" => "bookworm/sid\n",
                _ => "bullseye/sid\n",
            },
        );
        builder.text("/etc/lsb-release", format!("DISTRIB_ID=Ubuntu\nDISTRIB_RELEASE={}\nDISTRIB_CODENAME={}\nDISTRIB_DESCRIPTION=\"{}\"\n", system.version_id, system.codename, system.pretty));
    }
    builder.text("/etc/machine-id", format!("{}\n", world.machine_id()));
    builder.text("/etc/host.conf", "multi on\n");
    builder.text(
        "/etc/hosts.allow",
        "# /etc/hosts.allow: list of hosts that are allowed to access the system.\n",
    );
    builder.text(
        "/etc/hosts.deny",
        "# /etc/hosts.deny: list of hosts that are _not_ allowed to access the system.\n",
    );
    builder.text("/etc/passwd-", world.passwd());
    builder.text("/etc/pam.d/passwd", "@include common-password\n");
    builder.folder("/var/spool", 0o755);
    builder.link("/var/spool/mail", "../mail");
    builder.text("/etc/timezone", "Etc/UTC\n");
    builder.text("/etc/shells", "# /etc/shells: valid login shells\n/bin/sh\n/usr/bin/sh\n/bin/bash\n/usr/bin/bash\n/bin/rbash\n/usr/bin/rbash\n/usr/bin/dash\n");
    builder.text("/etc/fstab", format!("# /etc/fstab: static file system information.\n# <file system> <mount point>   <type>  <options>       <dump>  <pass>\nUUID={} /               ext4    errors=remount-ro 0       1\n", world.disk_id()));
    builder.text("/etc/profile", "# /etc/profile: system-wide .profile file for the Bourne shell (sh(1))\n\nif [ \"$(id -u)\" -eq 0 ]; then\n  PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\nelse\n  PATH=\"/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games\"\nfi\nexport PATH\n");
    builder.text("/etc/bash.bashrc", "# System-wide .bashrc file for interactive bash(1) shells.\n\n[ -z \"$PS1\" ] && return\nshopt -s checkwinsize\n");
    builder.text("/etc/environment", if system.is_debian() { "" } else { "PATH=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin\"\n" });
    settings(builder, world);
}

/// Settings of programs.
fn settings(builder: &mut ImageBuilder, world: &World) {
    let system = world.system;
    builder.secret("/etc/sudoers", "Defaults\tenv_reset\nDefaults\tmail_badpass\nDefaults\tsecure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"\nroot\tALL=(ALL:ALL) ALL\n%sudo\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0o440, 0);
    for (path, text) in [
        (
            "/etc/crontab",
            "# /etc/crontab: system-wide crontab\nSHELL=/bin/sh\n\n17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly\n25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }\n47 6\t* * 7\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.weekly; }\n52 6\t1 * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.monthly; }\n",
        ),
        ("/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n"),
        ("/etc/adduser.conf", "# /etc/adduser.conf: `adduser' configuration.\n"),
        (
            "/etc/login.defs",
            "PASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\nPASS_WARN_AGE\t7\nUID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\nENCRYPT_METHOD YESCRYPT\n",
        ),
        (
            "/etc/sysctl.conf",
            "# /etc/sysctl.conf - Configuration file for setting system variables\n#net.ipv4.ip_forward=1\n",
        ),
        (
            "/etc/rsyslog.conf",
            "module(load=\"imuxsock\")\nmodule(load=\"imklog\")\n$FileOwner root\n$FileGroup adm\n*.*;auth,authpriv.none\t\t-/var/log/syslog\nauth,authpriv.*\t\t\t/var/log/auth.log\n",
        ),
    ] {
        builder.text(path, text);
    }
    for path in [
        "/etc/cron.yearly",
        "/etc/sysctl.d",
        "/etc/selinux",
        "/etc/cron.d",
        "/etc/cron.daily",
        "/etc/cron.hourly",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
        "/etc/sudoers.d",
        "/etc/profile.d",
        "/etc/init.d",
        "/etc/systemd/system",
        "/etc/ld.so.conf.d",
        "/etc/apt/sources.list.d",
        "/etc/skel",
        "/etc/default",
    ] {
        builder.folder(path, 0o755);
    }
    let mirror = if system.is_debian() {
        format!(
            "deb http://deb.debian.org/debian {0} main\ndeb http://deb.debian.org/debian {0}-updates main\ndeb http://security.debian.org/debian-security {0}-security main\n",
            system.codename
        )
    } else {
        format!(
            "deb http://archive.ubuntu.com/ubuntu {0} main restricted universe\ndeb http://archive.ubuntu.com/ubuntu {0}-updates main restricted universe\ndeb http://security.ubuntu.com/ubuntu {0}-security main restricted universe\n",
            system.codename
        )
    };
    builder.text("/etc/apt/sources.list", mirror);
}

fn network(builder: &mut ImageBuilder, world: &World) {
    let hardware = &world.hardware;
    builder.text("/etc/resolv.conf", "nameserver 1.1.1.1\nnameserver 8.8.8.8\n");
    builder.text("/etc/nsswitch.conf", "passwd:         files systemd\ngroup:          files systemd\nshadow:         files\nhosts:          files dns\nnetworks:       files\n");
    builder.text("/etc/network/interfaces", format!("source /etc/network/interfaces.d/*\n\nauto lo\niface lo inet loopback\n\nallow-hotplug {0}\niface {0} inet dhcp\n", hardware.interface));
    builder.text("/etc/services", "ftp\t\t21/tcp\nssh\t\t22/tcp\t\t\t\t# SSH Remote Login Protocol\ntelnet\t\t23/tcp\nsmtp\t\t25/tcp\t\tmail\ndomain\t\t53/udp\nhttp\t\t80/tcp\t\twww\nhttps\t\t443/tcp\n");
    builder.text("/etc/protocols", "ip\t0\tIP\nicmp\t1\tICMP\ntcp\t6\tTCP\nudp\t17\tUDP\n");
    for name in ["lo", hardware.interface] {
        builder.text(
            &format!("/sys/class/net/{name}/address"),
            if name == "lo" {
                "00:00:00:00:00:00\n".to_owned()
            } else {
                format!("{}\n", hardware.mac_text())
            },
        );
        builder.text(
            &format!("/sys/class/net/{name}/operstate"),
            if name == "lo" { "unknown\n" } else { "up\n" },
        );
    }
    builder.text("/sys/class/dmi/id/product_name", "Standard PC (i440FX + PIIX, 1996)\n");
    builder.text("/sys/class/dmi/id/sys_vendor", "QEMU\n");
    builder.folder("/sys/block/vda", 0o755);
}

fn services(builder: &mut ImageBuilder, world: &World) {
    builder.text("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n\n#Port 22\nPermitRootLogin yes\n#PubkeyAuthentication yes\n#PasswordAuthentication yes\nKbdInteractiveAuthentication no\nUsePAM yes\nX11Forwarding yes\nPrintMotd no\nAcceptEnv LANG LC_*\nSubsystem\tsftp\t/usr/lib/openssh/sftp-server\n");
    builder.text("/etc/ssh/ssh_config", "Include /etc/ssh/ssh_config.d/*.conf\n\nHost *\n    SendEnv LANG LC_*\n    HashKnownHosts yes\n    GSSAPIAuthentication yes\n");
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let draw = world.draw("host key text");
    let key: String =
        (0..43).filter_map(|place| draw.one_of(place, letters)).map(char::from).collect();
    builder.text(
        "/etc/ssh/ssh_host_ed25519_key.pub",
        format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{key} root@{}\n", world.host),
    );
    builder.secret("/etc/ssh/ssh_host_ed25519_key", "", 0o600, 0);
    for (name, kind) in [
        ("ecdsa", "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBB"),
        ("rsa", "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ"),
    ] {
        builder.text(
            &format!("/etc/ssh/ssh_host_{name}_key.pub"),
            format!("{kind}{key}{key} root@{}\n", world.host),
        );
        builder.secret(&format!("/etc/ssh/ssh_host_{name}_key"), "", 0o600, 0);
    }
    builder.text(
        "/sys/devices/system/cpu/online",
        if world.hardware.processors > 1 {
            format!("0-{}\n", world.hardware.processors - 1)
        } else {
            "0\n".to_owned()
        },
    );
    for name in ["cron", "dbus", "ssh", "udev", "procps", "rsyslog"] {
        builder.put_script(
            &format!("/etc/init.d/{name}"),
            "#!/bin/sh\n# Hands on to systemd.\nservice \"${0##*/}\" \"$@\"\n",
        );
    }
    builder.text("/var/log/dpkg.log", "2024-04-21 16:46:31 startup archives unpack\n2024-04-21 16:46:40 status installed libc-bin:amd64 2.36-9+deb12u4\n");
    let page = "<!DOCTYPE html>\n<html>\n<head>\n<title>Welcome</title>\n</head>\n<body>\n<h1>It works!</h1>\n</body>\n</html>\n";
    if world.daemons.iter().any(|daemon| daemon.name == "nginx") {
        builder.text("/etc/nginx/nginx.conf", "user www-data;\nworker_processes auto;\npid /run/nginx.pid;\n\nevents {\n\tworker_connections 768;\n}\n\nhttp {\n\tsendfile on;\n\tinclude /etc/nginx/mime.types;\n\taccess_log /var/log/nginx/access.log;\n\terror_log /var/log/nginx/error.log;\n\tinclude /etc/nginx/conf.d/*.conf;\n\tinclude /etc/nginx/sites-enabled/*;\n}\n");
        builder.text("/etc/nginx/sites-available/default", "server {\n\tlisten 80 default_server;\n\troot /var/www/html;\n\tindex index.html;\n\tserver_name _;\n}\n");
        builder.link("/etc/nginx/sites-enabled/default", "/etc/nginx/sites-available/default");
        builder.text("/var/www/html/index.nginx-debian.html", page);
        builder.text("/run/nginx.pid", "455\n");
    } else {
        builder.text("/etc/apache2/apache2.conf", "DefaultRuntimeDir ${APACHE_RUN_DIR}\nTimeout 300\nKeepAlive On\nIncludeOptional mods-enabled/*.load\nIncludeOptional sites-enabled/*.conf\n");
        builder.text("/etc/apache2/ports.conf", "Listen 80\n");
        builder.text("/var/www/html/index.html", page);
    }
    builder.text("/run/sshd.pid", "446\n");
    builder.text("/run/crond.pid", "402\n");
}

fn homes(builder: &mut ImageBuilder, world: &World) {
    let bashrc = "# ~/.bashrc: executed by bash(1) for non-login shells.\n\n# export LS_OPTIONS='--color=auto'\n# alias ls='ls $LS_OPTIONS'\n# alias ll='ls $LS_OPTIONS -l'\n";
    let profile = "# ~/.profile: executed by Bourne-compatible login shells.\n\nif [ \"$BASH\" ]; then\n  if [ -f ~/.bashrc ]; then\n    . ~/.bashrc\n  fi\nfi\n\nmesg n 2> /dev/null || true\n";
    builder.text("/root/.bashrc", bashrc);
    builder.text("/root/.profile", profile);
    builder.folder("/root/.ssh", 0o700);
    let id = builder.text(
        "/root/.bash_history",
        "apt update\napt upgrade -y\nsystemctl status ssh\ndf -h\nreboot\n",
    );
    builder.secret(
        "/root/.bash_history",
        "apt update\napt upgrade -y\nsystemctl status ssh\ndf -h\nreboot\n",
        0o600,
        0,
    );
    builder.dated(id, world.set_up + 400_000);
    builder.folder("/root", 0o700);
    builder.folder("/home", 0o755);
    let Some(user) = world.user else { return };
    for (name, text) in [
        (".bashrc", bashrc),
        (".profile", profile),
        (".bash_logout", "# ~/.bash_logout: executed by bash(1) when login shell exits.\n"),
    ] {
        let id = builder.text(&format!("/home/{user}/{name}"), text);
        builder.owned(id, 1000, 1000);
    }
    let id = builder.folder(&format!("/home/{user}"), 0o700);
    builder.owned(id, 1000, 1000);
}

fn var(builder: &mut ImageBuilder, world: &World) {
    for (path, mode, gid) in [
        ("/var/spool/cron/crontabs", 0o1730, 101),
        ("/var/mail", 0o2775, 8),
        ("/var/log/journal", 0o2755, 999),
        ("/var/cache/apt/archives", 0o755, 0),
        ("/var/backups", 0o755, 0),
        ("/var/lib/apt/lists", 0o755, 0),
        ("/var/local", 0o2775, 50),
        ("/var/opt", 0o755, 0),
        ("/var/spool/cron", 0o755, 0),
    ] {
        let id = builder.folder(path, mode);
        builder.owned(id, 0, gid);
    }
    let when = calendar(world.set_up);
    let stamp = format!(
        "{} {:2} {:02}:{:02}:{:02} {}",
        when.short_month(),
        when.day,
        when.hour,
        when.minute,
        when.second,
        world.host
    );
    builder.secret("/var/log/syslog", format!("{stamp} systemd[1]: Started Regular background program processing daemon.\n{stamp} cron[402]: (CRON) INFO (pidfile fd = 3)\n{stamp} systemd[1]: Reached target Multi-User System.\n"), 0o640, 4);
    builder.secret("/var/log/auth.log", format!("{stamp} sshd[446]: Server listening on 0.0.0.0 port 22.\n{stamp} sshd[446]: Server listening on :: port 22.\n"), 0o640, 4);
    builder.secret(
        "/var/log/kern.log",
        format!(
            "{stamp} kernel: [    0.000000] Linux version {} {} {}\n",
            world.system.kernel, world.system.compiler, world.system.build
        ),
        0o640,
        4,
    );
    for (name, mode, gid) in [
        ("wtmp", 0o664, 43),
        ("btmp", 0o660, 43),
        ("lastlog", 0o664, 43),
        ("dpkg.log", 0o644, 0),
        ("alternatives.log", 0o644, 0),
        ("faillog", 0o644, 0),
    ] {
        builder.secret(&format!("/var/log/{name}"), "", mode, gid);
    }
    builder.folder("/var/log/apt", 0o755);
    let id = builder.folder("/var/log", 0o755);
    builder.owned(id, 0, 0);
    builder.text("/var/lib/dpkg/status", commands::package_status(world.system));
    builder.text("/var/lib/dpkg/arch", "amd64\n");
    builder.folder("/var/lib/dpkg/info", 0o755);
}

impl World {
    /// What stands in `/etc/machine-id`.
    pub(crate) fn machine_id(&self) -> String {
        let draw = self.draw("machine id");
        format!("{:016x}{:016x}", draw.number(0), draw.number(1))
    }

    /// The root file system's UUID.
    pub(crate) fn disk_id(&self) -> String {
        let (high, low) = (self.draw("disk id").number(0), self.draw("disk id").number(1));
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }
}

/// Where the web server's pages lie belongs to its account, as whoever wants to upload there sets it up.
pub(super) fn fill_site(builder: &mut ImageBuilder, site: &[(String, String)]) {
    const WWW_DATA: u32 = 33;
    let root = builder.folder("/var/www/html", 0o755);
    builder.owned(root, WWW_DATA, WWW_DATA);
    for (path, text) in site {
        let id = match path.strip_suffix('/') {
            Some(folder) => builder.folder(folder, 0o755),
            None => builder.text(path, text.clone()),
        };
        builder.owned(id, WWW_DATA, WWW_DATA);
    }
}
