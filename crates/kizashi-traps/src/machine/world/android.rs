//! A television box with Android, as its maker left it: debugging open to the network, `adbd` as root, BusyBox beside the system's own tools, whose
//! programs (`getprop`, `pm`, `am`) are scripts over what stands here. Models and builds are those of boxes that scanners found most.

use super::super::commands;
use super::super::files::ImageBuilder;
use super::World;
use crate::Identity;
use crate::draw::Draw;

/// A model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AndroidModel {
    product: &'static str,
    model: &'static str,
    device: &'static str,
    brand: &'static str,
    maker: &'static str,
    board: &'static str,
    release: &'static str,
    level: &'static str,
    build: &'static str,
    /// What its daemon can beyond the first protocol; before Android 7 it says nothing of that.
    features: &'static [&'static str],
    /// It asks for a key, and somebody at its screen whether that may come in.
    secure: bool,
}

const MODELS: [AndroidModel; 6] = [
    AndroidModel {
        product: "p201",
        model: "MBOX",
        device: "p201",
        brand: "Amlogic",
        maker: "Amlogic",
        board: "gxbaby",
        release: "5.1.1",
        level: "22",
        build: "LMY47V",
        features: &[],
        secure: false,
    },
    AndroidModel {
        product: "p212",
        model: "TX3 Mini",
        device: "p212",
        brand: "Amlogic",
        maker: "Amlogic",
        board: "gxl",
        release: "6.0.1",
        level: "23",
        build: "MHC19J",
        features: &[],
        secure: false,
    },
    AndroidModel {
        product: "rk322x_box",
        model: "MXQ-4K",
        device: "rk322x_box",
        brand: "rockchip",
        maker: "rockchip",
        board: "rk30sdk",
        release: "4.4.4",
        level: "19",
        build: "KTU84Q",
        features: &[],
        secure: false,
    },
    AndroidModel {
        product: "dolphin_fvd_p1",
        model: "QBOX",
        device: "dolphin-fvd-p1",
        brand: "Allwinner",
        maker: "Allwinner",
        board: "exdroid",
        release: "4.4.2",
        level: "19",
        build: "KOT49H",
        features: &[],
        secure: false,
    },
    AndroidModel {
        product: "p281",
        model: "X96mini",
        device: "p281",
        brand: "Amlogic",
        maker: "Amlogic",
        board: "gxl",
        release: "7.1.2",
        level: "25",
        build: "NHG47L",
        features: &["cmd", "shell_v2"],
        secure: false,
    },
    AndroidModel {
        product: "rk3328_box",
        model: "A95X",
        device: "rk3328_box",
        brand: "rockchip",
        maker: "rockchip",
        board: "rk3328",
        release: "8.1.0",
        level: "27",
        build: "OPM8.181205.001",
        features: &["cmd", "stat_v2", "shell_v2"],
        secure: true,
    },
];

impl AndroidModel {
    /// The one that belongs to this installation.
    pub(crate) fn of(identity: &Identity) -> Self {
        Self::of_seed(identity.seed())
    }

    fn of_seed(seed: &[u8; 32]) -> Self {
        Draw::new(seed, "android model").one_of(0, &MODELS).unwrap_or(MODELS[0])
    }

    /// What adbd says of it.
    pub(crate) fn banner(self) -> String {
        let end = match self.features {
            [] => "\0".to_owned(),
            features => format!("features={}", features.join(",")),
        };
        format!(
            "device::ro.product.name={};ro.product.model={};ro.product.device={};{end}",
            self.product, self.model, self.device
        )
    }

    pub(crate) fn can(self, feature: &str) -> bool {
        self.features.contains(&feature)
    }

    /// It is of Android 7 or later, whose daemon is another.
    pub(crate) const fn is_new(self) -> bool {
        !self.features.is_empty()
    }

    pub(crate) const fn asks_for_key(self) -> bool {
        self.secure
    }

    fn properties(self, seed: &[u8; 32]) -> Vec<(&'static str, String)> {
        let draw = Draw::new(seed, "android properties");
        let number = 20_160_000 + draw.below(0, 12) * 100 + 101 + draw.below(1, 27);
        let fixed = |(name, value): (&'static str, &str)| (name, value.to_owned());
        let mut all: Vec<_> = [
            ("dalvik.vm.heapsize", "512m"),
            ("init.svc.adbd", "running"),
            ("init.svc.zygote", "running"),
            ("net.hostname", "android"),
            ("persist.sys.timezone", "Asia/Shanghai"),
            ("persist.sys.usb.config", "adb"),
            ("ro.adb.secure", if self.secure { "1" } else { "0" }),
            ("ro.build.tags", "test-keys"),
            ("ro.build.type", "userdebug"),
            ("ro.build.version.codename", "REL"),
            ("ro.debuggable", "1"),
            ("ro.hardware", "amlogic"),
            ("ro.product.cpu.abi", "armeabi-v7a"),
            ("ro.product.cpu.abi2", "armeabi"),
            ("ro.product.locale", "en-US"),
            ("ro.secure", "0"),
            ("service.adb.tcp.port", "5555"),
            ("sys.boot_completed", "1"),
            ("wifi.interface", "wlan0"),
        ]
        .map(fixed)
        .into();
        let named = [
            ("ro.board.platform", self.board),
            ("ro.build.id", self.build),
            ("ro.build.product", self.device),
            ("ro.build.version.release", self.release),
            ("ro.build.version.sdk", self.level),
            ("ro.product.board", self.device),
            ("ro.product.brand", self.brand),
            ("ro.product.device", self.device),
            ("ro.product.manufacturer", self.maker),
            ("ro.product.model", self.model),
            ("ro.product.name", self.product),
        ];
        all.extend(named.map(fixed));
        all.push((
            "ro.build.display.id",
            format!("{}-userdebug {} {} {number} test-keys", self.device, self.release, self.build),
        ));
        all.push((
            "ro.build.fingerprint",
            format!(
                "{}/{}/{}:{}/{}/{number}:userdebug/test-keys",
                self.brand, self.product, self.device, self.release, self.build
            ),
        ));
        all.push(("ro.serialno", format!("{:016x}", draw.number(2))));
        all.sort();
        all
    }
}

/// Packages that are installed, beside what visitors install.
const PACKAGES: [&str; 10] = [
    "android",
    "com.android.browser",
    "com.android.launcher",
    "com.android.settings",
    "com.android.systemui",
    "com.android.vending",
    "com.google.android.gms",
    "com.google.android.youtube.tv",
    "com.netflix.mediaclient",
    "org.xbmc.kodi",
];

pub(super) fn fill(builder: &mut ImageBuilder, world: &World) {
    builder.program("/system/xbin/busybox", "busybox", 1_102_208);
    for (name, _) in commands::programs(world.system.dialect).filter(|(name, _)| *name != "busybox")
    {
        builder.link(&format!("/system/bin/{name}"), "../xbin/busybox");
    }
    for (path, mode) in [
        ("/cache", 0o770),
        ("/data/app", 0o771),
        ("/data/data", 0o771),
        ("/data/local/tmp", 0o771),
        ("/data/dalvik-cache", 0o771),
        ("/mnt/sdcard", 0o771),
        ("/sdcard/Download", 0o771),
        ("/storage/emulated/0", 0o771),
        ("/system/app", 0o755),
        ("/system/lib", 0o755),
        ("/system/priv-app", 0o755),
        ("/vendor/bin", 0o755),
        ("/sys", 0o555),
        ("/root", 0o700),
    ] {
        builder.folder(path, mode);
    }
    for name in ["libc.so", "libm.so", "liblog.so", "libcutils.so", "libutils.so"] {
        builder.program(&format!("/system/lib/{name}"), "", 288_424);
    }
    for name in
        ["app_process", "adbd", "servicemanager", "vold", "netd", "surfaceflinger", "mediaserver"]
    {
        let folder = if name == "adbd" { "/sbin" } else { "/system/bin" };
        builder.program(&format!("{folder}/{name}"), "", 69_212);
    }
    builder.text("/etc/passwd", world.passwd());
    builder.text("/etc/group", world.group());
    builder.text("/etc/hosts", "127.0.0.1\t\tlocalhost\n");
    builder.text("/init.rc", "import /init.${ro.hardware}.rc\n\non early-init\n    write /proc/1/oom_adj -16\n\nservice adbd /sbin/adbd\n    class core\n    socket adbd stream 660 system system\n    disabled\n");
    tools(builder, world);
}

/// The system's own tools.
fn tools(builder: &mut ImageBuilder, world: &World) {
    let properties = AndroidModel::of_seed(&world.seed).properties(&world.seed);
    let lines: String =
        properties.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    builder.text(
        "/system/build.prop",
        format!("\n# begin build properties\n# autogenerated by buildinfo.sh\n{lines}"),
    );
    builder.text("/default.prop", "#\n# ADDITIONAL_DEFAULT_PROPERTIES\n#\nro.secure=0\nro.allow.mock.location=0\nro.debuggable=1\npersist.sys.usb.config=adb\n");
    let each: String =
        properties.iter().map(|(name, value)| format!("{name}) echo '{value}' ;;\n")).collect();
    let all: String =
        properties.iter().map(|(name, value)| format!("echo '[{name}]: [{value}]'\n")).collect();
    let getprop =
        format!("#!/system/bin/sh\ncase \"$1\" in\n'')\n{all};;\n{each}*) echo \"$2\" ;;\nesac\n");
    let listed: String = PACKAGES.iter().map(|name| format!("echo package:{name}\n")).collect();
    let paths: String = PACKAGES
        .iter()
        .map(|name| format!("{name}) echo package:/system/app/{name}.apk ;;\n"))
        .collect();
    let pm = format!(
        "#!/system/bin/sh\nfor last; do :; done\ncase \"$1\" in\nlist) [ \"$2\" = packages ] && {{\n{listed}for f in /data/app/*.apk; do [ -f \"$f\" ] && echo package:$(basename \"$f\" -1.apk); done\n}} ;;\npath) case \"$2\" in\n{paths}*) [ -f \"/data/app/$2-1.apk\" ] && echo \"package:/data/app/$2-1.apk\" ;;\nesac ;;\ninstall) echo \"\tpkg: $last\"\nif [ -f \"$last\" ]; then cp \"$last\" \"/data/app/$(basename \"$last\" .apk)-1.apk\"; echo Success; else echo 'Failure [INSTALL_FAILED_INVALID_URI]'; fi ;;\nuninstall) rm -f \"/data/app/$last-1.apk\"; echo Success ;;\n*) echo 'usage: pm list packages [-f] [-d] [-e] [-s] [-3] [-i] [-u] [--user USER_ID] [FILTER]'; exit 1 ;;\nesac\n"
    );
    let am = "#!/system/bin/sh\nc=$1\nshift\nt=\nwhile [ $# -gt 0 ]; do\ncase \"$1\" in\n-n) t=\"cmp=$2\"; shift ;;\n-a) t=\"act=$2\"; shift ;;\n-d) t=\"$t dat=$2\"; shift ;;\nesac\nshift\ndone\ncase \"$c\" in\nstart) echo \"Starting: Intent { $t }\" ;;\nstartservice) echo \"Starting service: Intent { $t }\" ;;\nbroadcast) echo \"Broadcasting: Intent { $t }\"; echo 'Broadcast completed: result=0' ;;\nforce-stop|kill) ;;\n*) echo 'usage: am [subcommand] [options]'; exit 1 ;;\nesac\n";
    for (name, text) in [("getprop", getprop), ("pm", pm), ("am", am.to_owned())] {
        let id = builder.text(&format!("/system/bin/{name}"), text);
        builder.set_mode(id, 0o755);
    }
    for name in ["setprop", "start", "stop", "svc", "input", "settings", "logcat", "dumpsys", "wm"]
    {
        builder.put_script(&format!("/system/bin/{name}"), "#!/system/bin/sh\nexit 0\n");
    }
}
