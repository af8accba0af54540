//! The files of rules that come with the program. A new file is a line here.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each.
        pub(super) const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../data/web-rules/", $name)))),*
        ];
    };
}

files![
    "appliances.toml",
    "cloud.toml",
    "devices.toml",
    "generic.toml",
    "java.toml",
    "php.toml",
    "secrets.toml",
    "wordpress.toml",
];
