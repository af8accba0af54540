#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kizashi_traps::fuzz::winrm_wire(bytes));
