#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kizashi_fleet::detectors::fuzz(bytes));
