//! Each machine agrees with itself: what the processor is called, what programs are made for, what is mounted, which applets there are.

use super::*;

fn ask(persona: Persona, line: &str) -> Vec<u8> {
    let found = Machine::run_for_comparison(&identity(), persona, line.as_bytes(), b"");
    [found.output, found.errors].concat()
}

fn told(persona: Persona, line: &str) -> String {
    String::from_utf8_lossy(&ask(persona, line)).into_owned()
}

#[test]
fn processor_kernel_and_programs_of_a_machine_are_of_one_architecture() {
    for (persona, name, processor, head) in [
        (Persona::Server, "x86_64", "model name", &[2, 1, 62, 0][..]),
        (Persona::Router, "mips", "Atheros AR9341", &[1, 2, 0, 8]),
        (Persona::MipselRouter, "mips", "MediaTek MT7628AN", &[1, 1, 8, 0]),
        (Persona::ArmRouter, "armv7l", "Northstar", &[1, 1, 40, 0]),
        (Persona::Camera, "armv7l", "ARMv7 Processor rev 5", &[1, 1, 40, 0]),
    ] {
        assert_eq!(told(persona, "uname -m"), format!("{name}\n"));
        assert!(told(persona, "cat /proc/cpuinfo").contains(processor), "{persona:?}");
        for path in ["/bin/busybox", "/proc/self/exe", "/bin/echo"] {
            let found = ask(persona, &format!("dd if={path} bs=52 count=1 2>/dev/null"));
            let fields = [found[4], found[5], found[18], found[19]];
            assert_eq!(fields, head, "{persona:?} {path}");
        }
        let version = told(persona, "cat /proc/version");
        let release = told(persona, "uname -r");
        assert!(version.starts_with(&format!("Linux version {} ", release.trim())), "{version}");
        let root = told(persona, "cat /proc/mounts");
        assert!(root.lines().any(|line| line.split(' ').nth(1) == Some("/")), "{root}");
    }
}

#[test]
fn every_applet_that_busybox_lists_is_one_that_it_runs() {
    for persona in Persona::ALL {
        let listed = told(
            persona,
            "/bin/busybox | sed '1,/Currently defined/d' | tr -d '\\n\\t' | tr -s ', ' '\\n'",
        );
        let names: Vec<&str> = listed.lines().filter(|name| !name.is_empty()).collect();
        assert!(names.len() > 100, "{persona:?}: {listed}");
        for name in names.iter().filter(|name| {
            !matches!(**name, "reboot" | "halt" | "poweroff" | "init" | "su" | "login" | "passwd")
        }) {
            let said = told(persona, &format!("/bin/busybox {name} --help </dev/null"));
            assert!(!said.contains("applet not found"), "{persona:?} {name}");
        }
    }
}

#[test]
fn a_program_runs_where_it_was_made_for_and_nowhere_else() {
    for persona in Persona::ALL {
        for other in Persona::ALL {
            let identity = identity();
            let (own, theirs) = (identity.world(persona), identity.world(other));
            let program = super::super::program::bytes(theirs.architecture, 3, 900);
            let escaped: String = program.iter().map(|byte| format!("\\x{byte:02x}")).collect();
            let line = format!("echo -ne '{escaped}' > /tmp/p; chmod +x /tmp/p; /tmp/p; echo $?");
            let said = told(persona, &line);
            assert_eq!(
                said == "0\n",
                own.architecture == theirs.architecture,
                "{persona:?} {other:?}: {said}"
            );
        }
    }
}
