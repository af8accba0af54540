//! What counts as a weak pair: the factory passwords that worms carry (Mirai's list and its successors', CERT/CC VU and vendor
//! advisories) and the top of every published list of SSH guesses. A guesser with a list gets in with one of them; a visitor
//! who tries a random word, to see whether everything is taken, does not.

/// Accounts that a neglected server or device has.
const USERS: &[&str] = &[
    "root",
    "admin",
    "administrator",
    "user",
    "guest",
    "support",
    "service",
    "supervisor",
    "tech",
    "test",
    "default",
    "ubnt",
    "pi",
    "ubuntu",
    "debian",
    "oracle",
    "postgres",
    "mysql",
    "ftp",
    "ftpuser",
    "git",
    "jenkins",
    "hadoop",
    "nagios",
    "deploy",
    "minecraft",
    "www",
    "www-data",
    "backup",
    "operator",
    "super",
    "telnet",
    "telecomadmin",
    "mother",
    "vadmin",
    "e8ehome",
    "e8telnet",
    "dev",
    "steam",
    "centos",
    "ec2-user",
    "es",
    "elastic",
    "tomcat",
    "server",
    // SQL Server's own account.
    "sa",
];

/// Users that may have no password at all.
const WITHOUT_PASSWORD: &[&str] = &["root", "sa", "admin", "guest", "user", "default", "support"];

const PASSWORDS: &[&str] = &[
    "0",
    "00000",
    "00000000",
    "1111",
    "11111",
    "111111",
    "1111111",
    "11111111",
    "112233",
    "123",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "121212",
    "123123",
    "123321",
    "123qwe",
    "1q2w3e",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "1qaz@WSX",
    "2010vesta",
    "3ep5w2u",
    "54321",
    "654321",
    "666666",
    "7ujMko0admin",
    "7ujMko0vizxv",
    "888888",
    "88888888",
    "987654321",
    "Admin123",
    "GM8182",
    "Huawei@123",
    "P@ssw0rd",
    "Passw0rd",
    "Password",
    "Password1",
    "Win1doW$",
    "Zte521",
    "a123456",
    "aa123456",
    "abc123",
    "abcd1234",
    "adm",
    "admin",
    "admin1",
    "admin123",
    "admin1234",
    "admin@123",
    "administrator",
    "alpine",
    "anko",
    "antslq",
    "aquario",
    "asdfgh",
    "awsed",
    "backup",
    "calvin",
    "cat1029",
    "centos",
    "changeme",
    "cisco",
    "debian",
    "default",
    "dreambox",
    "e8ehome",
    "e8telnet",
    "epicrouter",
    "fucker",
    "gpon",
    "guest",
    "h3c",
    "hi3518",
    "hg2x0",
    "ho4uku6at",
    "hunt5759",
    "ikwb",
    "ipcam_rt5350",
    "iloveyou",
    "ivdev",
    "juantech",
    "jvbzd",
    "klv123",
    "klv1234",
    "letmein",
    "linux",
    "master",
    "meinsm",
    "mlusr",
    "nE7jA%5m",
    "oelinux123",
    "oracle",
    "pass",
    "pass123",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "postgres",
    "private",
    "public",
    "q1w2e3r4",
    "qazwsx",
    "qwe123",
    "qwer1234",
    "qwerty",
    "qwerty123",
    "raspberry",
    "raspberryraspberry993311",
    "realtek",
    "root",
    "root123",
    "root1234",
    "root@123",
    "rootpasswd",
    "server",
    "service",
    "smcadmin",
    "solokey",
    "super",
    "supervisor",
    "support",
    "swsbzkgn",
    "system",
    "taZz@23495859",
    "tech",
    "telecomadmin",
    "telnet",
    "test",
    "test123",
    "tlJwpbo6",
    "toor",
    "tsgoingon",
    "ttnet",
    "ubnt",
    "ubuntu",
    "user",
    "user123",
    "vertex25ektks123",
    "vizxv",
    "welcome",
    "win1dows",
    "xc3511",
    "xmhdipc",
    "zlxx.",
    "zsun1188",
    "zyad1234",
];

/// What people put after their user's name.
const ENDINGS: &[&str] = &[
    "", "1", "12", "123", "1234", "12345", "123456", "@123", "@1234", "!", "!@#", "01", "2020",
    "2021", "2022", "2023", "2024", "2025", "2026",
];

/// The passwords of every list, for a protocol in which a guess can only be held against a digest.
pub(crate) const fn passwords() -> &'static [&'static str] {
    PASSWORDS
}

/// Whether a neglected machine could have this pair.
pub(super) fn is_weak(user: &[u8], password: &[u8]) -> bool {
    let (Ok(user), Ok(password)) = (std::str::from_utf8(user), std::str::from_utf8(password))
    else {
        return false;
    };
    let known = USERS.iter().any(|known| user.eq_ignore_ascii_case(known));
    if !known {
        return false;
    }
    if password.is_empty() {
        return WITHOUT_PASSWORD.contains(&user);
    }
    let own = password.strip_prefix(user).is_some_and(|ending| ENDINGS.contains(&ending));
    own || PASSWORDS.contains(&password)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factory_passwords_are_weak_and_a_random_word_is_not() {
        for (user, password) in [
            ("root", "xc3511"),
            ("root", ""),
            ("admin", "admin123"),
            ("ubnt", "ubnt"),
            ("pi", "raspberry"),
        ] {
            assert!(is_weak(user.as_bytes(), password.as_bytes()), "{user}/{password}");
        }
        for (user, password) in
            [("root", "dGhpc2lz"), ("qzxv", "123456"), ("oracle", ""), ("root", "root9")]
        {
            assert!(!is_weak(user.as_bytes(), password.as_bytes()), "{user}/{password}");
        }
        assert!(!is_weak(b"root", b"\xff\xfe"));
    }
}
