#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kizashi_fleet::record::fuzz(bytes));
