//! The files of a router or a camera: BusyBox, a few daemons, memory for everything that changes.

use super::super::commands::{self, Place};
use super::super::files::ImageBuilder;
use super::{Persona, World};

pub(super) fn fill(builder: &mut ImageBuilder, world: &World) {
    builder.program(
        "/bin/busybox",
        "busybox",
        match world.persona {
            Persona::Router => 296_180,
            Persona::MipselRouter => 301_464,
            _ => 387_412,
        },
    );
    for (name, place) in
        commands::programs(world.system.dialect).filter(|(name, _)| *name != "busybox")
    {
        match place {
            Place::Administration => builder.link(&format!("/sbin/{name}"), "../bin/busybox"),
            Place::Usual => builder.link(&format!("/bin/{name}"), "busybox"),
            Place::Other => builder.link(&format!("/usr/bin/{name}"), "../../bin/busybox"),
        }
    }
    for (path, mode) in [
        ("/mnt", 0o755),
        ("/sys", 0o555),
        ("/tmp", 0o1777),
        ("/var/run", 0o755),
        ("/var/log", 0o755),
        ("/var/tmp", 0o1777),
        ("/var/lock", 0o755),
        ("/usr/sbin", 0o755),
        ("/home", 0o755),
        ("/root", 0o700),
        ("/lib/modules", 0o755),
        ("/opt", 0o755),
    ] {
        builder.folder(path, mode);
    }
    for name in [
        "libc.so.0",
        "ld-uClibc.so.0",
        "libm.so.0",
        "libpthread.so.0",
        "libcrypt.so.0",
        "libgcc_s.so.1",
    ] {
        builder.program(&format!("/lib/{name}"), "", 61_204);
    }
    builder.text("/etc/passwd", world.passwd());
    builder.text("/etc/group", world.group());
    builder.secret("/etc/shadow", world.shadow(), 0o600, 0);
    builder.text("/etc/hosts", "127.0.0.1\tlocalhost\n");
    builder.text("/etc/resolv.conf", "nameserver 8.8.8.8\n");
    builder.text("/etc/inittab", "::sysinit:/etc/init.d/rcS\n::respawn:-/bin/sh\n::ctrlaltdel:/sbin/reboot\n::shutdown:/bin/umount -a -r\n");
    builder.put_script("/etc/init.d/rcS", "#!/bin/sh\nmount -a\nmkdir -p /var/run /var/log /var/tmp\nhostname -F /etc/hostname 2>/dev/null\nifconfig lo 127.0.0.1 up\n/etc/rc.local\n");
    builder.put_script("/etc/rc.local", "#!/bin/sh\ntelnetd\n");
    builder.text("/etc/fstab", "proc            /proc   proc    defaults        0 0\nsysfs           /sys    sysfs   defaults        0 0\ntmpfs           /tmp    tmpfs   defaults        0 0\ntmpfs           /var    tmpfs   defaults        0 0\n");
    builder.text("/etc/profile", "export PATH=/bin:/sbin:/usr/bin:/usr/sbin\nexport HOME=/root\n");
    builder.text("/etc/TZ", "UTC\n");
    if world.persona == Persona::Camera {
        camera(builder, world);
    } else {
        router(builder, world.persona);
    }
}

fn camera(builder: &mut ImageBuilder, world: &World) {
    builder.text("/etc/hostname", format!("{}\n", world.host));
    builder.folder("/mnt/mtd/Config", 0o755);
    builder.folder("/mnt/mtd/Log", 0o755);
    builder.folder("/mnt/custom", 0o755);
    builder.program("/usr/bin/Sofia", "", 9_437_184);
    builder.program("/usr/bin/dvrHelper", "", 148_216);
    builder.text("/mnt/mtd/wpa.conf", "ctrl_interface=/var/run/wpa_supplicant\nap_scan=1\n");
    builder.text(
        "/mnt/mtd/Config/network",
        "[eth0]\nIPADDR=192.168.1.108\nNETMASK=255.255.255.0\nGATEWAY=192.168.1.1\n",
    );
}

fn router(builder: &mut ImageBuilder, persona: Persona) {
    let radio = match persona {
        Persona::Router => "hostapd",
        Persona::MipselRouter => "wscd",
        _ => "nas",
    };
    for name in ["httpd", "upnpd", "dnsmasq", radio] {
        builder.program(&format!("/usr/sbin/{name}"), "", 112_640);
    }
    builder.text("/var/udhcpd.conf", "start 192.168.1.100\nend 192.168.1.199\ninterface br0\noption subnet 255.255.255.0\noption router 192.168.1.1\noption lease 86400\n");
    builder.text("/var/dnsmasq.conf", "no-hosts\nresolv-file=/etc/resolv.conf\ninterface=br0\n");
    builder.text("/web/index.htm", "<html><head><title>Wireless Router</title></head><frameset rows=\"90,*\"><frame src=\"top.htm\"></frameset></html>\n");
    if persona == Persona::Router {
        builder.text("/var/hostapd.conf", "interface=ath0\nbridge=br0\ndriver=nl80211\nhw_mode=g\nchannel=6\nssid=TP-LINK_4F2A\nwpa=2\nwpa_key_mgmt=WPA-PSK\nwpa_pairwise=CCMP\n");
    }
    builder.text("/etc/version", "V1.0.12 build 20180509\n");
}
