//! Processors, memory, disk and network of the pretended machine.

use std::net::Ipv4Addr;

use super::Persona;
use crate::draw::Draw;

/// A processor model.
#[derive(Debug)]
pub(crate) struct Processor {
    pub(crate) vendor: &'static str,
    pub(crate) model: &'static str,
    pub(crate) family: u32,
    pub(crate) number: u32,
    pub(crate) stepping: u32,
    /// Thousandths of MHz.
    pub(crate) khz: u32,
    pub(crate) cache_kb: u32,
    pub(crate) flags: &'static str,
}

const INTEL_FLAGS: &str = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ss syscall nx pdpe1gb rdtscp lm constant_tsc rep_good nopl xtopology cpuid tsc_known_freq pni pclmulqdq ssse3 fma cx16 pcid sse4_1 sse4_2 x2apic movbe popcnt tsc_deadline_timer aes xsave avx f16c rdrand hypervisor lahf_lm abm 3dnowprefetch cpuid_fault invpcid_single pti ssbd ibrs ibpb fsgsbase tsc_adjust bmi1 hle avx2 smep bmi2 erms invpcid rtm rdseed adx smap clflushopt xsaveopt xsavec xgetbv1 arat md_clear";
const AMD_FLAGS: &str = "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 syscall nx mmxext fxsr_opt pdpe1gb rdtscp lm rep_good nopl cpuid extd_apicid tsc_known_freq pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand hypervisor lahf_lm cmp_legacy cr8_legacy abm sse4a misalignsse 3dnowprefetch osvw topoext perfctr_core ssbd ibrs ibpb stibp vmmcall fsgsbase bmi1 avx2 smep bmi2 rdseed adx smap clflushopt clwb sha_ni xsaveopt xsavec xgetbv1 clzero xsaveerptr arat umip rdpid";

static SERVERS: [Processor; 4] = [
    Processor {
        vendor: "GenuineIntel",
        model: "Intel Xeon Processor (Skylake, IBRS)",
        family: 6,
        number: 85,
        stepping: 4,
        khz: 2_294_608,
        cache_kb: 16_384,
        flags: INTEL_FLAGS,
    },
    Processor {
        vendor: "GenuineIntel",
        model: "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz",
        family: 6,
        number: 79,
        stepping: 1,
        khz: 2_399_998,
        cache_kb: 35_840,
        flags: INTEL_FLAGS,
    },
    Processor {
        vendor: "AuthenticAMD",
        model: "AMD EPYC 7282 16-Core Processor",
        family: 23,
        number: 49,
        stepping: 0,
        khz: 2_794_750,
        cache_kb: 512,
        flags: AMD_FLAGS,
    },
    Processor {
        vendor: "GenuineIntel",
        model: "Intel(R) Xeon(R) Gold 6140 CPU @ 2.30GHz",
        family: 6,
        number: 85,
        stepping: 4,
        khz: 2_294_612,
        cache_kb: 25_344,
        flags: INTEL_FLAGS,
    },
];

/// As a TP-Link with an AR9341 says it; `vendor` is the system's type.
static MIPS: Processor = Processor {
    vendor: "Atheros AR9341 rev 3",
    model: "MIPS 74Kc V4.12",
    family: 0,
    number: 0,
    stepping: 0,
    khz: 535_000,
    cache_kb: 0,
    flags: "mips16 dsp dsp2",
};
static MIPSEL: Processor = Processor {
    vendor: "MediaTek MT7628AN ver:1 eco:2",
    model: "MIPS 24KEc V5.5",
    family: 0,
    number: 0,
    stepping: 0,
    khz: 580_000,
    cache_kb: 0,
    flags: "mips16 dsp",
};
static ARM_ROUTER: Processor = Processor {
    vendor: "Northstar Prototype",
    model: "ARMv7 Processor rev 0 (v7l)",
    family: 7,
    number: 0xc09,
    stepping: 0,
    khz: 1_000_000,
    cache_kb: 0,
    flags: "swp half thumb fastmult edsp",
};
static ARM_CAMERA: Processor = Processor {
    vendor: "hi3536",
    model: "ARMv7 Processor rev 5 (v7l)",
    family: 7,
    number: 0xc07,
    stepping: 5,
    khz: 900_000,
    cache_kb: 0,
    flags: "swp half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt",
};

static ARM_BOX: Processor = Processor {
    vendor: "Amlogic",
    model: "ARMv7 Processor rev 4 (v7l)",
    family: 7,
    number: 0xd03,
    stepping: 4,
    khz: 1_536_000,
    cache_kb: 0,
    flags: "half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm crc32",
};

/// What the machine is made of.
#[derive(Debug)]
pub(crate) struct Hardware {
    pub(crate) processor: &'static Processor,
    pub(crate) processors: u32,
    pub(crate) memory_kb: u64,
    pub(crate) swap_kb: u64,
    pub(crate) disk_kb: u64,
    pub(crate) disk_free_kb: u64,
    pub(crate) interface: &'static str,
    pub(crate) mac: [u8; 6],
    pub(crate) address: Ipv4Addr,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) prefix: u8,
}

impl Hardware {
    pub(super) fn draw(seed: &[u8; 32], persona: Persona) -> Self {
        let draw = Draw::new(seed, "hardware");
        let byte = |place| (draw.below(place, 256) & 255) as u8;
        if persona.is_device() {
            let (processor, processors, memory_kb) = match persona {
                Persona::Router => (&MIPS, 1, 28_616),
                Persona::MipselRouter => (&MIPSEL, 1, 59_712),
                Persona::ArmRouter => (&ARM_ROUTER, 2, 255_708),
                Persona::Android => (&ARM_BOX, 4, 827_204),
                _ => (&ARM_CAMERA, 2, 124_392),
            };
            return Self {
                processor,
                processors,
                memory_kb,
                swap_kb: 0,
                disk_kb: if persona == Persona::Android { 5_160_576 } else { 7_168 },
                disk_free_kb: if persona == Persona::Android { 3_417_880 } else { 3_104 },
                interface: match persona {
                    Persona::Camera | Persona::Android => "eth0",
                    _ => "br0",
                },
                mac: [0x00, 0x12, 0x17, byte(20), byte(21), byte(22)],
                address: Ipv4Addr::new(
                    192,
                    168,
                    1,
                    match persona {
                        Persona::Camera => 108,
                        Persona::Android => 23,
                        _ => 1,
                    },
                ),
                gateway: Ipv4Addr::new(192, 168, 1, 1),
                prefix: 24,
            };
        }
        let processor =
            SERVERS.get(usize::try_from(draw.below(0, 4)).unwrap_or(0)).unwrap_or(&SERVERS[0]);
        let gigabytes = draw.one_of(1, &[1, 2, 2, 4, 4, 8]).unwrap_or(2);
        let memory_kb = gigabytes * 1_048_576 - 22_000 - draw.below(2, 30_000);
        let disk_kb = draw.one_of(3, &[20_u64, 25, 40, 50, 80]).unwrap_or(40) * 1_025_000
            - draw.below(4, 90_000);
        let network = (byte(5) & 15) + 16;
        Self {
            processor,
            processors: if gigabytes > 2 { 2 } else { 1 },
            memory_kb,
            swap_kb: draw.one_of(6, &[0, 0, 999_420, 2_097_148]).unwrap_or(0),
            disk_kb,
            disk_free_kb: disk_kb / 100 * (45 + draw.below(7, 40)),
            interface: draw.one_of(8, &["eth0", "ens3", "ens18"]).unwrap_or("eth0"),
            mac: [0x52, 0x54, 0x00, byte(20), byte(21), byte(22)],
            address: Ipv4Addr::new(172, network, byte(9), 2 + byte(10) % 250),
            gateway: Ipv4Addr::new(172, network, byte(9), 1),
            prefix: 20,
        }
    }

    pub(crate) fn mac_text(&self) -> String {
        self.mac.map(|byte| format!("{byte:02x}")).join(":")
    }
}
