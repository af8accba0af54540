use proptest::prelude::*;

use super::*;

fn ask(text: &str) -> Outcome {
    query(&example(), text.as_bytes())
}

/// The rows as text, `|` between columns and a line for each; or the error.
fn said(text: &str) -> String {
    match ask(text).rows {
        Ok(rows) => {
            let line = |row: &Vec<Value>| {
                let cell = |value: &Value| match value {
                    Value::Null => "NULL".to_owned(),
                    other => String::from_utf8_lossy(&other.bytes()).into_owned(),
                };
                row.iter().map(cell).collect::<Vec<_>>().join("|")
            };
            rows.rows.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        Err(error) => format!("{} {}", error.number, String::from_utf8_lossy(&error.message)),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of queries and rows")]
fn queries_give_what_mariadb_gives() {
    for (text, rows) in [
        ("SELECT 1+1, 7/2, 7 DIV 2, 7 % 4, '3abc'+1, NULL+1", "2|3.5000|3|3|4|NULL"),
        (
            "SELECT id, name FROM users WHERE id = 2 OR name = 'ADMIN' ORDER BY name DESC",
            "2|Maria\n1|admin",
        ),
        (
            "SELECT COUNT(*), GROUP_CONCAT(name ORDER BY id DESC SEPARATOR ';') FROM users",
            "3|jan;Maria;admin",
        ),
        (
            "SELECT MID('abcdef',2,3), ORD('A'), HEX('AB'), CHAR(65,66), 0x4142, LENGTH('abc')",
            "bcd|65|4142|AB|AB|3",
        ),
        (
            "SELECT IF(1>2,'a','b'), CASE WHEN 1=1 THEN 'x' ELSE 'y' END, IFNULL(NULL,5), ELT(2,'a','b')",
            "b|x|5|b",
        ),
        (
            "SELECT version(), database(), user(), @@hostname",
            "10.11.11-MariaDB-0+deb12u1|news|site@localhost|web1",
        ),
        (
            "SELECT table_name FROM information_schema.tables WHERE table_schema=database()",
            "users\narticles",
        ),
        (
            "SELECT column_name FROM information_schema.columns WHERE table_name='users' LIMIT 1,1",
            "name",
        ),
        (
            "SELECT id FROM articles WHERE id=-1 UNION ALL SELECT CONCAT(name,':',password) FROM users LIMIT 2",
            "admin:5f4d\nMaria:aa11",
        ),
        (
            "SELECT name FROM users WHERE name LIKE 'ma%' AND name REGEXP '^m' AND id IN (1,2,3) AND id BETWEEN 2 AND 3",
            "Maria",
        ),
        ("SELECT (SELECT MAX(id) FROM users), EXISTS(SELECT 1 FROM users WHERE id=9)", "3|0"),
        (
            "SELECT u.name, a.title FROM users u JOIN articles a ON a.id=u.id WHERE u.id<3",
            "admin|Title 1\nMaria|Title 2",
        ),
        (
            "SELECT id FROM users WHERE (SELECT COUNT(*) FROM articles a WHERE a.id <= users.id) = 2",
            "2",
        ),
        (
            "SELECT JSON_ARRAYAGG(CONCAT_WS('-',id,name)) FROM users",
            "[\"1-admin\",\"2-Maria\",\"3-jan\"]",
        ),
        ("SELECT 1/*comment*/+/*!50000 1*/+/*!50701 1*/ 1 -- and more", "3"),
        ("SELECT LOAD_FILE('/etc/hostname'), LOAD_FILE('/etc/shadow')", "web1\n|NULL"),
        ("SELECT 'a' = 'A ', BINARY 'a' = 'A', 'it''s', \"x\\'y\"", "1|0|it's|x'y"),
        (
            "SELECT CAST('12x' AS SIGNED), CONVERT('a' USING utf8), TRIM(BOTH 'x' FROM 'xax'), POSITION('b' IN 'abc')",
            "12|a|a|2",
        ),
        (
            "SELECT -1, ~0, 1 XOR 1, NOT 0, !1, 5&3, 5|3, 5^3, 1<<3",
            "-1|18446744073709551615|0|1|0|1|7|6|8",
        ),
        (
            "SELECT SUBSTRING('abc' FROM 2 FOR 1), SUBSTRING_INDEX('a.b.c','.',2), REVERSE('abc')",
            "b|a.b|cba",
        ),
        ("SELECT DISTINCT 1 FROM users", "1"),
        ("SELECT name FROM users GROUP BY name HAVING COUNT(*) = 1 ORDER BY 1 LIMIT 1", "admin"),
    ] {
        assert_eq!(said(text), rows, "{text}");
    }
}

#[test]
fn errors_are_in_mariadbs_own_words() {
    for (text, error) in [
        (
            "SELECT * FROM users WHERE id = 1'",
            "1064 You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near ''' at line 1",
        ),
        ("SELECT id FROM users ORDER BY 9", "1054 Unknown column '9' in 'order clause'"),
        ("SELECT nope FROM users", "1054 Unknown column 'nope' in 'field list'"),
        ("SELECT id FROM users WHERE nope=1", "1054 Unknown column 'nope' in 'where clause'"),
        ("SELECT 1 FROM nowhere", "1146 Table 'news.nowhere' doesn't exist"),
        (
            "SELECT 1,2 UNION SELECT 1",
            "1222 The used SELECT statements have a different number of columns",
        ),
        (
            "SELECT extractvalue(1,concat(0x7e,user()))",
            "1105 XPATH syntax error: '~site@localhost'",
        ),
        (
            "SELECT updatexml(1,concat(0x7e,version(),0x7e),1)",
            "1105 XPATH syntax error: '~10.11.11-MariaDB-0+deb12u1~'",
        ),
        (
            "SELECT COUNT(*),CONCAT('x',FLOOR(RAND(0)*2))x FROM information_schema.plugins GROUP BY x",
            "1062 Duplicate entry 'x1' for key 'group_key'",
        ),
        ("SELECT (SELECT id FROM users)", "1242 Subquery returns more than 1 row"),
        ("SELECT (SELECT 1,2)", "1241 Operand should contain 1 column(s)"),
        (
            "SELECT 1; DROP TABLE users",
            "1064 You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the right syntax to use near 'DROP TABLE users' at line 1",
        ),
        (
            "SELECT 1 FROM mysql.user",
            "1142 SELECT command denied to user 'site'@'localhost' for table `mysql`.`user`",
        ),
        (
            "SELECT 1 INTO OUTFILE '/var/www/html/x.php'",
            "1 Can't create/write to file '/var/www/html/x.php' (Errcode: 13 \"Permission denied\")",
        ),
        ("SELECT xp_cmdshell('id')", "1305 FUNCTION news.xp_cmdshell does not exist"),
        ("SELECT 1 FROM (SELECT 1)", "1248 Every derived table must have its own alias"),
        ("SELECT EXP(710)", "1690 DOUBLE value is out of range in 'exp(710)'"),
        (
            "SELECT 18446744073709551615+1",
            "1690 BIGINT UNSIGNED value is out of range in '(18446744073709551615 + 1)'",
        ),
    ] {
        assert_eq!(said(text), error, "{text}");
    }
}

#[test]
fn a_query_sleeps_where_mariadb_would_and_no_longer_than_the_bound() {
    for (text, seconds) in [
        ("SELECT id FROM articles WHERE id=1 AND SLEEP(5)", 5),
        ("SELECT id FROM articles WHERE id=99 AND SLEEP(5)", 0),
        ("SELECT id FROM articles WHERE id=1 AND IF(1=2,SLEEP(5),0)", 0),
        ("SELECT id FROM articles WHERE id=1 AND (SELECT 1 FROM (SELECT(SLEEP(3)))x)", 3),
        ("SELECT id FROM articles WHERE id=1 OR SLEEP(2)", 8),
        ("SELECT id FROM articles WHERE SLEEP(100)", 20),
        ("SELECT BENCHMARK(20000000,MD5('a'))", 4),
    ] {
        assert_eq!(ask(text).slept.as_secs(), seconds, "{text}");
    }
}

/// Queries that ask for as much as they can of one thing each.
fn greedy() -> Vec<String> {
    let wide: String = (0..2_500).map(|number| format!(",{number} c{number}")).collect();
    let many = |part: &str| vec![part; 2_500].join(",");
    let columns = "information_schema.columns";
    vec![
        format!("SELECT {}", vec!["1"; 3_000].join("+")),
        format!("SELECT {}1{}", "(".repeat(4_000), ")".repeat(4_000)),
        format!("SELECT COUNT(*) FROM {columns} a, {columns} b, {columns} c, {columns} d"),
        format!("SELECT {}'a'{}", "REPEAT(".repeat(40), ",60)".repeat(40)),
        "SELECT REPEAT('a',60000) LIKE CONCAT('%', REPEAT('a',30000), 'b')".to_owned(),
        "SELECT REPLACE(REPEAT('a',60000), CONCAT(REPEAT('a',30000), 'b'), '')".to_owned(),
        "SELECT INSTR(REPEAT('a',60000), CONCAT(REPEAT('a',30000), 'b'))".to_owned(),
        format!("SELECT FIELD(REPEAT('a',60000),{})", many("'b'")),
        format!("SELECT REPEAT('a',60000) IN ({})", many("REPEAT('a',60000)")),
        format!("SELECT * FROM (SELECT REPEAT('a',60000) x) t, {columns} a, {columns} b"),
        format!("SELECT t.x FROM (SELECT REPEAT('a',60000) x) t, {columns} a ORDER BY x"),
        format!("SELECT DISTINCT REPEAT('a',60000) FROM {columns} a, {columns} b"),
        format!("SELECT MAX(REPEAT('a',60000)), GROUP_CONCAT(REPEAT('a',9000)) FROM {columns}"),
        format!("SELECT HEX(REPEAT('a',30000)), QUOTE(REPEAT(CHAR(39),30000)) FROM {columns}"),
        format!("SELECT SHA2(REPEAT('a',60000),512) FROM {columns} a, {columns} b"),
        format!("SELECT * FROM (SELECT 1 x{wide}) t"),
        format!("SELECT {} FROM (SELECT 1 x{wide}) t", vec!["t.*"; 1_000].join(",")),
        format!("SELECT {} FROM (SELECT 1 x{}) t", vec!["c999"; 1_000].join("+"), &wide[..9_000]),
        format!("SELECT a.x FROM (SELECT 1 x{}) a, {columns} b, {columns} c", &wide[..9_000]),
        format!("SELECT 1 REGEXP REPEAT('(a|a)*',300) FROM {columns} a, {columns} b"),
        format!("SELECT 1 FROM {columns} WHERE 1 IN (SELECT REPEAT('a',6000) FROM {columns} b)"),
    ]
}

/// Of a release build fifty milliseconds; this one is some twenty times as slow, and the machine may be busy.
const LONGEST: Duration = Duration::from_secs(8);

/// Time and memory are bounded by steps because each of these is bounded: without optimisation all the queries together take seconds, of which one
/// had taken half a minute when a step was an expression, whatever it did.
#[test]
fn no_query_takes_more_than_its_steps_and_no_step_takes_long() {
    let mut times = Vec::new();
    for text in greedy() {
        let begun = std::time::Instant::now();
        let outcome = ask(&text);
        let shown: String = text.chars().take(100).collect();
        times.push((begun.elapsed(), evaluate::STEPS - outcome.left, shown));
        let rows = outcome.rows.map(|rows| rows.rows).unwrap_or_default();
        let bytes: usize = rows.iter().flatten().map(Value::size).sum();
        assert!(outcome.left <= evaluate::STEPS && bytes <= 16 << 20, "{bytes} {text:.100}");
    }
    assert!(times.iter().all(|(taken, ..)| *taken < LONGEST), "{times:#?}");
}

proptest! {
    #[test]
    fn no_text_breaks_the_engine(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&bytes);
    }

    #[test]
    fn no_run_of_words_breaks_the_engine(words in prop::collection::vec(prop_oneof![
        Just("SELECT"), Just("FROM"), Just("WHERE"), Just("users"), Just("id"), Just("name"), Just("("), Just(")"),
        Just(","), Just("*"), Just("="), Just("'a'"), Just("1"), Just("UNION"), Just("ALL"), Just("GROUP BY"),
        Just("ORDER BY"), Just("LIMIT"), Just("CONCAT"), Just("COUNT"), Just("CASE"), Just("WHEN"), Just("THEN"),
        Just("END"), Just("IN"), Just("NOT"), Just("LIKE"), Just("x"), Just("AND"), Just("SLEEP(1)"), Just("RAND(0)"),
        Just("AS"), Just("JOIN"), Just("ON"), Just("HAVING"), Just("NULL"), Just("-"), Just("0x41"), Just("REPEAT('a',9999)"),
    ], 0..60)) {
        let text = words.join(" ");
        let outcome = query(&example(), format!("SELECT {text}").as_bytes());
        prop_assert!(outcome.left <= evaluate::STEPS);
        fuzz(text.as_bytes());
    }
}
