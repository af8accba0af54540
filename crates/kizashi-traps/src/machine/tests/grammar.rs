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
fn a_coprocess_answers_what_is_written_to_it_line_by_line() {
    for (line, expected) in [
        (
            "coproc while read l; do echo \"got $l\"; done; for i in 1 2; do echo $i >&${COPROC[1]}; read -u ${COPROC[0]} x; echo \"$x\"; done",
            "got 1\ngot 2\n",
        ),
        ("coproc cat; echo hi >&${COPROC[1]}; read x <&${COPROC[0]}; echo $x", "hi\n"),
        (
            "coproc S { sort; }; printf 'b\\na\\n' >&${S[1]}; eval \"exec ${S[1]}>&-\"; cat <&${S[0]}",
            "a\nb\n",
        ),
        ("coproc { read x; echo $x > /tmp/c; }; echo seen >&${COPROC[1]}; cat /tmp/c", "seen\n"),
        ("coproc { sleep 20; echo slept; }; cat <&${COPROC[0]}; echo $?", "slept\n0\n"),
    ] {
        assert_eq!(output(line), expected, "{line}");
    }
}

#[test]
fn a_time_for_reading_passes_and_says_so() {
    for (line, expected) in [
        ("read -t 0 x < /dev/null; echo $?", "0\n"),
        ("read -t 2 x <<< hi; echo $? $x", "0 hi\n"),
        ("read -t x y; echo $?", "1\nbash: line 1: read: x: invalid timeout specification\n"),
        ("read -t 1 x; echo $?", "1\n"),
    ] {
        assert_eq!(output(line), expected, "{line}");
    }
}

#[test]
fn files_and_folders_are_compared_as_by_diffutils() {
    let made = "cd /tmp; printf 'a\\nb\\nc\\n' >1; printf 'a\\nX\\nc\\n' >2; printf 'a\\nb' >3; printf 'A\\nb \\n\\nc\\n' >4; printf 'a\\0b' >5; : >6; \
                mkdir -p d1/s d2/s; echo x>d1/o; echo y>d2/p; echo q >d1/s/f; : >d2/s/f; ";
    for (line, expected) in [
        ("diff -s 1 1", "Files 1 and 1 are identical\n"),
        ("diff 1 3", "2,3c2\n< b\n< c\n---\n> b\n\\ No newline at end of file\n"),
        ("diff -i 1 4", "2c2,3\n< b\n---\n> b \n> \n"),
        ("diff -iwB 1 4", ""),
        ("diff -b 1 4", "1c1\n< a\n---\n> A\n2a3\n> \n"),
        ("diff 1 5", "Binary files 1 and 5 differ\n"),
        ("diff d1 d2", "Only in d1: o\nOnly in d2: p\nCommon subdirectories: d1/s and d2/s\n"),
        ("diff -r d1 d2", "Only in d1: o\nOnly in d2: p\ndiff -r d1/s/f d2/s/f\n1d0\n< q\n"),
        ("diff -rq d1 d2", "Only in d1: o\nOnly in d2: p\nFiles d1/s/f and d2/s/f differ\n"),
        ("diff -y -W 30 1 3", "a\t\ta\nb\t      /\tb\nc\t      <\n"),
        ("diff -y 1 2 | head -2 | tail -1", "b\t\t\t\t\t\t\t      |\tX\n"),
        (
            "diff -c 1 2 | tail -9",
            "***************\n*** 1,3 ****\n  a\n! b\n  c\n--- 1,3 ----\n  a\n! X\n  c\n",
        ),
        ("diff -U0 1 2 | tail -3", "@@ -2 +2 @@\n-b\n+X\n"),
        ("diff 1 d1", "diff: d1/1: No such file or directory\n"),
        (
            "diff 1",
            "diff: missing operand after '1'\ndiff: Try 'diff --help' for more information.\n",
        ),
        ("cmp 1 2", "1 2 differ: byte 3, line 2\n"),
        ("cmp 1 3", "cmp: EOF on 3 after byte 3, in line 2\n"),
        ("cmp -l 1 2", "3 142 130\n"),
        ("cmp -b 1 2", "1 2 differ: byte 3, line 2 is 142 b 130 X\n"),
        ("cmp -n 2 1 2; echo $?", "0\n"),
        ("cmp 6 1", "cmp: EOF on 6 which is empty\n"),
        ("cmp", "cmp: missing operand after 'cmp'\ncmp: Try 'cmp --help' for more information.\n"),
    ] {
        let found = output(&format!("{made}{line}"));
        assert_eq!(found, expected, "{line}");
    }
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
