//! The network as the machine sees it.

use super::Call;
use crate::machine::windows::{Printed, Shell};

pub(super) fn interfaces(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    if call.has("flushdns") {
        return Printed::ok(
            "\r\nWindows IP Configuration\r\n\r\nSuccessfully flushed the DNS Resolver Cache.\r\n",
        );
    }
    let (address, gateway) = (facts.address, facts.gateway());
    if call.has("all") {
        return Printed::ok(format!(
            "\r\nWindows IP Configuration\r\n\r\n   Host Name . . . . . . . . . . . . : {}\r\n   Primary Dns Suffix  . . . . . . . : \r\n   Node Type . . . . . . . . . . . . : Hybrid\r\n   IP Routing Enabled. . . . . . . . : No\r\n   WINS Proxy Enabled. . . . . . . . : No\r\n\r\nEthernet adapter Ethernet0:\r\n\r\n   Connection-specific DNS Suffix  . : \r\n   Description . . . . . . . . . . . : Intel(R) 82574L Gigabit Network Connection\r\n   Physical Address. . . . . . . . . : {}\r\n   DHCP Enabled. . . . . . . . . . . : No\r\n   Autoconfiguration Enabled . . . . : Yes\r\n   IPv4 Address. . . . . . . . . . . : {address}(Preferred) \r\n   Subnet Mask . . . . . . . . . . . : 255.255.255.0\r\n   Default Gateway . . . . . . . . . : {gateway}\r\n   DNS Servers . . . . . . . . . . . : 8.8.8.8\r\n                                       8.8.4.4\r\n   NetBIOS over Tcpip. . . . . . . . : Enabled\r\n",
            facts.host(),
            facts.mac_text()
        ));
    }
    Printed::ok(format!(
        "\r\nWindows IP Configuration\r\n\r\n\r\nEthernet adapter Ethernet0:\r\n\r\n   Connection-specific DNS Suffix  . : \r\n   IPv4 Address. . . . . . . . . . . : {address}\r\n   Subnet Mask . . . . . . . . . . . : 255.255.255.0\r\n   Default Gateway . . . . . . . . . : {gateway}\r\n"
    ))
}

pub(super) fn hardware(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    Printed::ok(format!(
        "\r\nPhysical Address    Transport Name                                            \r\n=================== ==========================================================\r\n{}   \\Device\\Tcpip_{{4D36E972-E325-11CE-BFC1-08002BE10318}}\r\n",
        shell.machine.facts.mac_text()
    ))
}

pub(super) fn arp(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    Printed::ok(format!(
        "\r\nInterface: {} --- 0xc\r\n  Internet Address      Physical Address      Type\r\n  {:21} 00-50-56-fa-12-8c     dynamic   \r\n",
        facts.address,
        facts.gateway().to_string()
    ))
}

pub(super) fn routes(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    let (address, gateway) = (facts.address.to_string(), facts.gateway().to_string());
    Printed::ok(format!(
        "===========================================================================\r\nIPv4 Route Table\r\n===========================================================================\r\nActive Routes:\r\nNetwork Destination        Netmask          Gateway       Interface  Metric\r\n          0.0.0.0          0.0.0.0  {gateway:>15}  {address:>15}    266\r\n        127.0.0.0        255.0.0.0         On-link         127.0.0.1    306\r\n===========================================================================\r\n"
    ))
}

pub(super) fn connections(shell: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let numbers = call.words.iter().any(|word| word.contains('o'));
    let own = shell.machine.facts.address;
    let listening = [
        (135, 740),
        (445, 4),
        (1_433, 1_732),
        (3_389, 988),
        (5_985, 4),
        (47_001, 4),
        (49_664, 456),
    ];
    let mut text = "\r\nActive Connections\r\n\r\n  Proto  Local Address          Foreign Address        State".to_owned();
    text.push_str(if numbers { "           PID\r\n" } else { "\r\n" });
    let mut line = |local: String, foreign: String, state: &str, number: u32| {
        let number = if numbers { format!("       {number}") } else { String::new() };
        text.push_str(&format!("  TCP    {local:22} {foreign:22} {state}{number}\r\n"));
    };
    for (port, number) in listening {
        line(format!("0.0.0.0:{port}"), "0.0.0.0:0".to_owned(), "LISTENING", number);
    }
    line(format!("{own}:1433"), format!("{}:49832", shell.machine.source), "ESTABLISHED", 1_732);
    Printed::ok(text)
}

pub(super) fn ping(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let count: usize = call.after("n").and_then(|count| count.parse().ok()).unwrap_or(4);
    let host = call.words.iter().rev().find(|word| !word.starts_with(['-', '/']));
    let Some(host) = host else {
        return Printed::failed(
            1,
            "\r\nUsage: ping [-t] [-a] [-n count] [-l size] target_name\r\n",
        );
    };
    let near = host.starts_with("127.") || host.eq_ignore_ascii_case("localhost");
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if !near && !is_address {
        return Printed::refused(
            1,
            format!(
                "Ping request could not find host {host}. Please check the name and try again.\r\n"
            ),
        );
    }
    let count = count.clamp(1, 10);
    let answer = if near {
        "Reply from 127.0.0.1: bytes=32 time<1ms TTL=128\r\n"
    } else {
        "Request timed out.\r\n"
    };
    let received = if near { count } else { 0 };
    let lost = count - received;
    let share = 100 * lost / count;
    Printed {
        out: format!(
            "\r\nPinging {host} with 32 bytes of data:\r\n{}\r\nPing statistics for {host}:\r\n    Packets: Sent = {count}, Received = {received}, Lost = {lost} ({share}% loss),\r\n",
            answer.repeat(count)
        ),
        err: String::new(),
        status: i32::from(!near),
    }
}

pub(super) fn lookup(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let name = call.word(0);
    Printed::refused(
        1,
        format!(
            "DNS request timed out.\r\n    timeout was 2 seconds.\r\nServer:  UnKnown\r\nAddress:  8.8.8.8\r\n\r\n*** Request to UnKnown timed-out for {name}\r\n"
        ),
    )
}

pub(super) fn names(shell: &mut Shell<'_>, _: &Call<'_>) -> Printed {
    let facts = &shell.machine.facts;
    Printed::ok(format!(
        "\r\nEthernet0:\r\nNode IpAddress: [{}] Scope Id: []\r\n\r\n                NetBIOS Local Name Table\r\n\r\n       Name               Type         Status\r\n    ---------------------------------------------\r\n    {:15}<00>  UNIQUE      Registered \r\n    WORKGROUP      <00>  GROUP       Registered \r\n    {:15}<20>  UNIQUE      Registered \r\n",
        facts.address,
        facts.host(),
        facts.host()
    ))
}

pub(super) fn netsh(_: &mut Shell<'_>, call: &Call<'_>) -> Printed {
    let lower = call.rest.to_ascii_lowercase();
    if lower.contains("show") && lower.contains("profile") {
        return Printed::ok(
            "\r\nDomain Profile Settings: \r\n----------------------------------------------------------------------\r\nState                                 OFF\r\n\r\nPublic Profile Settings: \r\n----------------------------------------------------------------------\r\nState                                 OFF\r\nOk.\r\n\r\n",
        );
    }
    Printed::ok("Ok.\r\n\r\n")
}
