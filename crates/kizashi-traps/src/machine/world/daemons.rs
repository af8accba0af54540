//! The processes that run whoever visits: the same in `ps`, `top`, `/proc` and `ss`.

use super::Persona;
use crate::Identity;
use crate::identity::WebServer;

/// A process that is always there.
#[derive(Clone, Debug)]
pub(crate) struct Daemon {
    pub(crate) number: u32,
    pub(crate) parent: u32,
    pub(crate) user: &'static str,
    pub(crate) name: &'static str,
    /// Empty for a thread of the kernel's.
    pub(crate) command: &'static str,
    /// Seconds after the start of the machine.
    pub(crate) after: u32,
    pub(crate) virtual_kb: u32,
    pub(crate) resident_kb: u32,
    pub(crate) state: &'static str,
    pub(crate) terminal: &'static str,
    /// Thousandths of the time since the start that it computed.
    pub(crate) busy: u32,
}

type Row = (u32, u32, &'static str, &'static str, &'static str, u32, u32, u32, &'static str);

const THREADS: [(u32, &str, &str); 34] = [
    (2, "kthreadd", "S"),
    (3, "rcu_gp", "I<"),
    (4, "rcu_par_gp", "I<"),
    (5, "slub_flushwq", "I<"),
    (6, "netns", "I<"),
    (8, "kworker/0:0H-events_highpri", "I<"),
    (10, "mm_percpu_wq", "I<"),
    (11, "rcu_tasks_kthread", "I"),
    (12, "rcu_tasks_rude_kthread", "I"),
    (13, "rcu_tasks_trace_kthread", "I"),
    (14, "ksoftirqd/0", "S"),
    (15, "rcu_preempt", "I"),
    (16, "migration/0", "S"),
    (18, "cpuhp/0", "S"),
    (20, "kdevtmpfs", "S"),
    (21, "inet_frag_wq", "I<"),
    (22, "kauditd", "S"),
    (23, "khungtaskd", "S"),
    (24, "oom_reaper", "S"),
    (25, "writeback", "I<"),
    (26, "kcompactd0", "S"),
    (27, "ksmd", "SN"),
    (28, "khugepaged", "SN"),
    (29, "kintegrityd", "I<"),
    (30, "kblockd", "I<"),
    (31, "blkcg_punt_bio", "I<"),
    (32, "tpm_dev_wq", "I<"),
    (33, "edac-poller", "I<"),
    (34, "devfreq_wq", "I<"),
    (36, "kswapd0", "S"),
    (42, "kthrotld", "I<"),
    (44, "acpi_thermal_pm", "I<"),
    (147, "jbd2/vda1-8", "S"),
    (148, "ext4-rsv-conver", "I<"),
];

const SERVER: [Row; 11] = [
    (1, 0, "root", "systemd", "/sbin/init", 0, 167_844, 12_104, "Ss"),
    (207, 1, "root", "systemd-journal", "/lib/systemd/systemd-journald", 2, 33_084, 12_892, "Ss"),
    (231, 1, "root", "systemd-udevd", "/lib/systemd/systemd-udevd", 2, 26_348, 5_936, "Ss"),
    (
        341,
        1,
        "systemd-timesync",
        "systemd-timesyn",
        "/lib/systemd/systemd-timesyncd",
        4,
        90_080,
        6_672,
        "Ssl",
    ),
    (402, 1, "root", "cron", "/usr/sbin/cron -f", 5, 6_612, 2_640, "Ss"),
    (
        403,
        1,
        "messagebus",
        "dbus-daemon",
        "/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation --syslog-only",
        5,
        9_128,
        4_868,
        "Ss",
    ),
    (408, 1, "root", "systemd-logind", "/lib/systemd/systemd-logind", 5, 25_088, 7_844, "Ss"),
    (412, 1, "root", "rsyslogd", "/usr/sbin/rsyslogd -n -iNONE", 5, 221_812, 5_060, "Ssl"),
    (
        431,
        1,
        "root",
        "agetty",
        "/sbin/agetty -o -p -- \\u --noclear - linux",
        6,
        5_876,
        1_008,
        "Ss+",
    ),
    (
        446,
        1,
        "root",
        "sshd",
        "sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups",
        6,
        15_436,
        9_248,
        "Ss",
    ),
    (
        520,
        1,
        "root",
        "unattended-upgr",
        "/usr/bin/python3 /usr/share/unattended-upgrades/unattended-upgrade-shutdown --wait-for-signal",
        8,
        107_924,
        22_512,
        "Ssl",
    ),
];

const NGINX: [Row; 2] = [
    (
        455,
        1,
        "root",
        "nginx",
        "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;",
        7,
        11_396,
        1_788,
        "Ss",
    ),
    (456, 455, "www-data", "nginx", "nginx: worker process", 7, 12_936, 5_012, "S"),
];

const APACHE: [Row; 3] = [
    (461, 1, "root", "apache2", "/usr/sbin/apache2 -k start", 7, 6_760, 4_708, "Ss"),
    (463, 461, "www-data", "apache2", "/usr/sbin/apache2 -k start", 7, 1_998_236, 4_692, "Sl"),
    (464, 461, "www-data", "apache2", "/usr/sbin/apache2 -k start", 7, 1_998_236, 4_692, "Sl"),
];

const DEVICE_THREADS: [(u32, &str, &str); 10] = [
    (2, "kthreadd", "SW"),
    (3, "ksoftirqd/0", "SW"),
    (5, "kworker/0:0H", "SW<"),
    (7, "khelper", "SW<"),
    (8, "kdevtmpfs", "SW"),
    (64, "writeback", "SW<"),
    (67, "bioset", "SW<"),
    (69, "kblockd", "SW<"),
    (93, "kswapd0", "SW"),
    (144, "mtdblock5", "SW"),
];

const ROUTER: [Row; 8] = [
    (1, 0, "root", "init", "init", 0, 1_580, 400, "S"),
    (214, 1, "root", "syslogd", "/sbin/syslogd -L", 8, 1_576, 380, "S"),
    (217, 1, "root", "klogd", "/sbin/klogd", 8, 1_576, 372, "S"),
    (322, 1, "root", "udhcpd", "udhcpd /var/udhcpd.conf", 15, 1_576, 404, "S"),
    (344, 1, "root", "dnsmasq", "dnsmasq -C /var/dnsmasq.conf", 15, 1_020, 540, "S"),
    (361, 1, "root", "httpd", "/bin/httpd -p 80", 17, 3_788, 1_812, "S"),
    (377, 1, "root", "upnpd", "upnpd -D -W ppp0", 18, 1_788, 612, "S"),
    (402, 1, "root", "telnetd", "telnetd", 20, 1_576, 392, "S"),
];

const ANDROID: [Row; 10] = [
    (1, 0, "root", "init", "/init", 0, 8_748, 880, "S"),
    (1_421, 1, "root", "ueventd", "/sbin/ueventd", 2, 8_320, 412, "S"),
    (1_902, 1, "root", "servicemanager", "/system/bin/servicemanager", 5, 1_464, 420, "S"),
    (1_903, 1, "root", "vold", "/system/bin/vold", 5, 4_840, 1_212, "S"),
    (1_912, 1, "root", "netd", "/system/bin/netd", 5, 9_968, 1_448, "S"),
    (1_915, 1, "root", "surfaceflinger", "/system/bin/surfaceflinger", 6, 112_404, 9_812, "S"),
    (1_917, 1, "root", "zygote", "zygote", 6, 1_012_448, 48_108, "S"),
    (1_934, 1, "root", "adbd", "/sbin/adbd --root_seclabel=u:r:su:s0", 7, 5_040, 372, "S"),
    (2_318, 1_917, "root", "system_server", "system_server", 14, 1_124_872, 79_412, "S"),
    (
        2_744,
        1_917,
        "root",
        "com.android.launcher",
        "com.android.launcher",
        31,
        1_041_208,
        52_204,
        "S",
    ),
];

/// What serves the radio, by its maker.
const ATHEROS: Row =
    (301, 1, "root", "hostapd", "hostapd -B /var/hostapd.conf", 14, 1_968, 812, "S");
const MEDIATEK: Row =
    (301, 1, "root", "wscd", "wscd -i ra0 -m 1 -w /var/tmp/", 14, 2_392, 640, "S");
const BROADCOM: Row = (301, 1, "root", "nas", "nas", 14, 1_996, 588, "S");

const CAMERA: [Row; 7] = [
    (1, 0, "root", "init", "init", 0, 1_580, 404, "S"),
    (131, 1, "root", "udevd", "udevd --daemon", 2, 1_144, 480, "S"),
    (402, 1, "root", "telnetd", "telnetd", 6, 1_576, 396, "S"),
    (
        431,
        1,
        "root",
        "dvrHelper",
        "dvrHelper /lib/modules /usr/bin/Sofia 127.0.0.1 9578 1",
        8,
        2_788,
        720,
        "S",
    ),
    (452, 431, "root", "Sofia", "/usr/bin/Sofia", 9, 396_120, 48_212, "S"),
    (
        455,
        1,
        "root",
        "wpa_supplicant",
        "wpa_supplicant -B -iwlan0 -c/mnt/mtd/wpa.conf",
        10,
        2_008,
        884,
        "S",
    ),
    (460, 1, "root", "watchdog", "watchdog -t 5 /dev/watchdog", 10, 1_576, 384, "S"),
];

fn thread((number, name, state): (u32, &'static str, &'static str)) -> Daemon {
    let parent = if number == 2 { 0 } else { 2 };
    Daemon {
        number,
        parent,
        user: "root",
        name,
        command: "",
        after: 0,
        virtual_kb: 0,
        resident_kb: 0,
        state,
        terminal: "?",
        busy: 0,
    }
}

fn daemon(
    (number, parent, user, name, command, after, virtual_kb, resident_kb, state): Row,
) -> Daemon {
    let terminal = if name == "agetty" { "tty1" } else { "?" };
    let busy = match name {
        "Sofia" => 90,
        "systemd" | "systemd-journal" | "nginx" | "apache2" | "httpd" => 1,
        _ => 0,
    };
    Daemon {
        number,
        parent,
        user,
        name,
        command,
        after,
        virtual_kb,
        resident_kb,
        state,
        terminal,
        busy,
    }
}

pub(super) fn list(identity: &Identity, persona: Persona) -> Vec<Daemon> {
    let (threads, rows): (&[_], Vec<Row>) = match persona {
        Persona::Router | Persona::MipselRouter | Persona::ArmRouter => {
            let radio = match persona {
                Persona::Router => ATHEROS,
                Persona::MipselRouter => MEDIATEK,
                _ => BROADCOM,
            };
            (&DEVICE_THREADS, ROUTER.iter().copied().chain([radio]).collect())
        }
        Persona::Camera => (&DEVICE_THREADS, CAMERA.to_vec()),
        Persona::Android => (&DEVICE_THREADS, ANDROID.to_vec()),
        Persona::Server => {
            let web: &[Row] = match identity.web_server() {
                WebServer::NginxDebian11
                | WebServer::NginxDebian12
                | WebServer::NginxUbuntu20
                | WebServer::NginxUbuntu22 => &NGINX,
                WebServer::ApacheDebian12 | WebServer::ApacheUbuntu24 => &APACHE,
            };
            (&THREADS, SERVER.iter().chain(web).copied().collect())
        }
    };
    let mut all: Vec<Daemon> =
        threads.iter().copied().map(thread).chain(rows.into_iter().map(daemon)).collect();
    all.sort_by_key(|daemon| daemon.number);
    all
}
