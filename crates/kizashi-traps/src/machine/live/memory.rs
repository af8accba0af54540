//! Memory, as `/proc/meminfo` and `free` both show it.

use super::super::kernel::Kernel;

/// In KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) free: u64,
    pub(crate) available: u64,
    pub(crate) buffers: u64,
    pub(crate) cached: u64,
    pub(crate) reclaimable: u64,
    pub(crate) shared: u64,
    pub(crate) swap: u64,
}

impl Kernel {
    pub(crate) fn memory(&self) -> Memory {
        let total = self.world.hardware.memory_kb;
        let moving = |label, seconds| self.world.wandering(label, self.now(), seconds, 1_000);
        let free = total * (90 + moving("free", 20) / 8) / 1_000;
        let buffers = total * 21 / 1_000 + moving("buffers", 90);
        let cached = total * if self.world.persona.is_device() { 230 } else { 530 } / 1_000
            + moving("cached", 60) * 4;
        let reclaimable = total * 34 / 1_000;
        Memory {
            total,
            free,
            available: (free + cached + buffers + reclaimable) * 96 / 100,
            buffers,
            cached,
            reclaimable,
            shared: if self.world.persona.is_device() { 96 } else { 560 + total / 3_000 },
            swap: self.world.hardware.swap_kb,
        }
    }
}

impl Memory {
    /// What programs hold, as procps counts it.
    pub(crate) const fn used(&self) -> u64 {
        self.total.saturating_sub(self.free + self.buffers + self.cached + self.reclaimable)
    }

    pub(super) fn text(&self) -> String {
        let active = self.cached * 2 / 5;
        let rows = [
            ("MemTotal:", self.total),
            ("MemFree:", self.free),
            ("MemAvailable:", self.available),
            ("Buffers:", self.buffers),
            ("Cached:", self.cached),
            ("SwapCached:", 0),
            ("Active:", active),
            ("Inactive:", self.cached - active + self.used() / 2),
            ("Active(anon):", self.shared + 404),
            ("Inactive(anon):", self.used() / 2),
            ("Active(file):", active),
            ("Inactive(file):", self.cached - active),
            ("Unevictable:", 0),
            ("Mlocked:", 0),
            ("SwapTotal:", self.swap),
            ("SwapFree:", self.swap),
            ("Dirty:", 24),
            ("Writeback:", 0),
            ("AnonPages:", self.used() / 2),
            ("Mapped:", self.total / 16),
            ("Shmem:", self.shared),
            ("KReclaimable:", self.reclaimable),
            ("Slab:", self.reclaimable * 8 / 5),
            ("SReclaimable:", self.reclaimable),
            ("SUnreclaim:", self.reclaimable * 3 / 5),
            ("KernelStack:", 1_904),
            ("PageTables:", self.total / 900),
            ("CommitLimit:", self.total / 2 + self.swap),
            ("Committed_AS:", self.total / 4),
            ("VmallocTotal:", 34_359_738_367),
            ("VmallocUsed:", 9_412),
            ("HugePages_Total:", 0),
            ("Hugepagesize:", 2_048),
        ];
        rows.iter()
            .map(|(name, kb)| {
                if *name == "HugePages_Total:" {
                    format!("{name:<15} {kb:>8}\n")
                } else {
                    format!("{name:<15} {kb:>8} kB\n")
                }
            })
            .collect()
    }
}
