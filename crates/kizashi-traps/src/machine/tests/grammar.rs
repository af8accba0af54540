//! Parts of bash's and awk's languages that few attackers use, and whoever tries a shell does.

use super::*;

#[test]
fn arrays_by_name_are_those_of_bash() {
    for (line, expected) in [
        (
            "declare -A m=([one]=1 [two]=\"a b\"); echo ${m[one]} ${#m[@]} \"${m[two]}\"",
            "1 2 a b\n",
        ),
        ("declare -A m; m[x]=1; m[y]=2; m[x]+=0; k=x; echo ${m[$k]} ${!m[@]}", "10 y x\n"),
        (
            "declare -A m=([x]=1 [y]=2); unset 'm[x]'; echo ${#m[@]} [${m[x]}]; declare -p m",
            "1 []\ndeclare -A m=([y]=\"2\" )\n",
        ),
        (
            "declare -A m=([\"a b\"]=c); for k in \"${!m[@]}\"; do echo \"$k=${m[$k]}\"; done; m[\"c d\"]=e; echo ${m[\"c d\"]}",
            "a b=c\ne\n",
        ),
        (
            "declare -a a=(1 2); a+=(3); declare -p a; declare -p nosuch",
            "declare -a a=([0]=\"1\" [1]=\"2\" [2]=\"3\")\nbash: line 1: declare: nosuch: not found\n",
        ),
    ] {
        assert_eq!(output(line), expected, "{line}");
    }
}

#[test]
fn a_menu_is_shown_and_answered() {
    let line = "select x in a b c; do echo \"got $x $REPLY\"; [ \"$x\" = a ] && break; done <<< $'2\\n9\\n1'; echo $?";
    assert_eq!(output(line), "got b 2\ngot  9\ngot a 1\n0\n1) a\n2) b\n3) c\n#? #? #? ");
}

#[test]
fn a_coprocess_is_read_from_its_descriptor() {
    let line = "coproc { echo hi; }; read -u ${COPROC[0]} x; echo $x ${COPROC[@]}; coproc N { echo two; }; read -u ${N[0]} y; echo $y";
    assert_eq!(output(line), "hi 63 60\ntwo\n");
}

#[test]
fn awk_reads_what_commands_print() {
    for (line, expected) in [
        ("awk 'BEGIN{\"echo hi\" | getline x; print x}'", "hi\n"),
        ("awk 'BEGIN { while ((\"echo a; echo b\" | getline l) > 0) print \"-\" l }'", "-a\n-b\n"),
        ("printf '1\\n2\\n' | awk '{ \"echo x\" $1 | getline y; print $1, y }'", "1 x1\n2 x2\n"),
    ] {
        assert_eq!(output(line), expected, "{line}");
    }
}

#[test]
fn what_is_packed_is_unpacked_again() {
    for letters in
        ["czf a.tgz|xzf a.tgz", "cjf a.tbz|xjf a.tbz", "cJf a.txz|xf a.txz", "cf a.tar|xf a.tar"]
    {
        let (pack, unpack) = letters.split_once('|').unwrap();
        let line = format!(
            "cd /tmp; mkdir -p d/e; echo one > d/x; echo two > d/e/y; ln -s x d/l; chmod 750 d/x; tar {pack} d; rm -r d; tar {unpack}; cat d/x d/e/y d/l; stat -c %a d/x; readlink d/l"
        );
        assert_eq!(output(&line), "one\ntwo\none\n750\nx\n", "{letters}");
    }
    for (pack, unpack, name) in
        [("gzip", "gunzip", "f.gz"), ("bzip2", "bunzip2", "f.bz2"), ("xz", "xz -d", "f.xz")]
    {
        let line = format!(
            "cd /tmp; echo text > f; {pack} f; ls f*; {unpack} {name}; cat f; {unpack} f 2>/dev/null || echo no"
        );
        assert_eq!(output(&line), format!("{name}\ntext\nno\n"), "{pack}");
    }
}
