//! What this installation's Windows machine is to who stands behind its logins: the machine that all Windows services are (`crate::windows`), with
//! an address and variables. SQL Server's release is one that stood on that Windows.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use crate::Identity;
use crate::windows::{Windows, WindowsRelease};

#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) windows: Windows,
    pub(super) address: Ipv4Addr,
    /// When it was set up, in seconds.
    pub(super) installed: i64,
    pub(super) downloads_succeed: bool,
}

impl Facts {
    pub(crate) fn of(identity: &Arc<Identity>, destination: Option<IpAddr>) -> Self {
        let own = match destination {
            Some(IpAddr::V4(address)) if !address.is_loopback() => Some(address),
            _ => None,
        };
        Self {
            windows: identity.windows(),
            address: own.unwrap_or(Ipv4Addr::new(10, 0, 0, 4)),
            installed: identity.set_up().seconds(),
            downloads_succeed: identity.downloads() == crate::Downloads::Placeholder,
        }
    }

    /// Its own address, as a visitor reached it.
    pub(crate) fn address_text(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn host(&self) -> &str {
        &self.windows.computer
    }

    /// A path by a share of this machine's own (`\\127.0.0.1\ADMIN$\x`), as one on the drive; others as they are.
    pub(super) fn on_drive<'a>(&self, path: &'a str) -> Cow<'a, str> {
        let shared = || {
            let (host, rest) = path.trim_matches('"').strip_prefix("\\\\")?.split_once('\\')?;
            let own = [self.host(), "localhost", "127.0.0.1", ".", &self.address_text()];
            let (share, below) = rest.split_once('\\').unwrap_or((rest, ""));
            let folder = match share.to_ascii_uppercase().as_str() {
                "C$" => "C:".to_owned(),
                "ADMIN$" => "C:\\Windows".to_owned(),
                _ if share.eq_ignore_ascii_case(self.windows.share) => {
                    format!("C:\\{}", self.windows.share)
                }
                _ => return None,
            };
            let here = own.iter().any(|own| own.eq_ignore_ascii_case(host));
            here.then(|| format!("{folder}\\{below}"))
        };
        shared().map_or(Cow::Borrowed(path), Cow::Owned)
    }

    /// `6.1.7601`, as `ver` prints it.
    pub(super) fn version(&self) -> String {
        let (major, minor, build) = self.windows.release.version();
        format!("{major}.{minor}.{build}")
    }

    pub(super) fn build(&self) -> u16 {
        self.windows.release.version().2
    }

    /// `PSVersion`, as installed with the system.
    pub(crate) const fn powershell(&self) -> &'static str {
        match self.windows.release {
            WindowsRelease::Server2008R2 => "2.0",
            WindowsRelease::Server2012R2 => "4.0",
            WindowsRelease::Server2016 => "5.1.14393.693",
        }
    }

    /// Where SQL Server is installed, by its version.
    pub(crate) const fn sql_server_folder(&self) -> &'static str {
        match self.windows.release {
            WindowsRelease::Server2008R2 => "MSSQL12.MSSQLSERVER",
            WindowsRelease::Server2012R2 => "MSSQL14.MSSQLSERVER",
            WindowsRelease::Server2016 => "MSSQL15.MSSQLSERVER",
        }
    }

    pub(super) fn mac_text(&self) -> String {
        self.windows.hardware.map(|byte| format!("{byte:02X}")).join("-")
    }

    pub(super) fn gateway(&self) -> Ipv4Addr {
        let [a, b, c, _] = self.address.octets();
        Ipv4Addr::new(a, b, c, 1)
    }

    /// The security identifier of an account.
    pub(super) fn identifier_of(&self, relative: u32) -> String {
        let [a, b, c] = self.windows.authority;
        format!("S-1-5-21-{a}-{b}-{c}-{relative}")
    }

    /// An environment variable of this account's.
    pub(super) fn variable(&self, name: &str, account: &str, folder: &str) -> Option<String> {
        let (_, user) = account.rsplit_once('\\').unwrap_or(("", account));
        let is_system = account.starts_with("nt ");
        let profile = format!("C:\\Users\\{user}");
        let of_user = |below: &str| format!("{profile}\\{below}");
        let value = match name.to_ascii_uppercase().as_str() {
            "CD" => folder.to_owned(),
            "COMPUTERNAME" => self.host().to_owned(),
            "USERNAME" if is_system => format!("{}$", self.host()),
            "USERNAME" => user.to_owned(),
            "USERDOMAIN" if is_system => self.windows.workgroup.to_owned(),
            "USERDOMAIN" => self.host().to_owned(),
            "TEMP" | "TMP" if is_system => "C:\\Windows\\TEMP".to_owned(),
            "TEMP" | "TMP" => of_user("AppData\\Local\\Temp"),
            "APPDATA" => of_user("AppData\\Roaming"),
            "LOCALAPPDATA" => of_user("AppData\\Local"),
            "USERPROFILE" if is_system => "C:\\Windows\\system32\\config\\systemprofile".to_owned(),
            "USERPROFILE" => profile,
            "SYSTEMROOT" | "WINDIR" => "C:\\Windows".to_owned(),
            "SYSTEMDRIVE" | "HOMEDRIVE" => "C:".to_owned(),
            "PROGRAMDATA" | "ALLUSERSPROFILE" => "C:\\ProgramData".to_owned(),
            "PROGRAMFILES" | "PROGRAMW6432" => "C:\\Program Files".to_owned(),
            "PROGRAMFILES(X86)" => "C:\\Program Files (x86)".to_owned(),
            "PUBLIC" => "C:\\Users\\Public".to_owned(),
            "COMSPEC" => "C:\\Windows\\system32\\cmd.exe".to_owned(),
            "OS" => "Windows_NT".to_owned(),
            "PROCESSOR_ARCHITECTURE" => "AMD64".to_owned(),
            "NUMBER_OF_PROCESSORS" => "2".to_owned(),
            "PATHEXT" => ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC".to_owned(),
            "PATH" => "C:\\Windows\\system32;C:\\Windows;C:\\Windows\\System32\\Wbem;C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\".to_owned(),
            _ => return None,
        };
        Some(value)
    }
}
