use proptest::prelude::*;

use super::super::ast::{Command, Compound};
use super::*;

fn parse(text: &[u8], bash: bool) -> Result<Vec<List>, Fault> {
    let mut parser = Parser::new(text, bash);
    let mut lines = Vec::new();
    while let Some(line) = parser.next_line()? {
        lines.push(line);
    }
    Ok(lines)
}

#[test]
fn lists_pipelines_and_redirections_have_their_shape() {
    let lines = parse(b"a | b 2>&1 >x && ! c || d; e & f\n(g; h)", false).unwrap();
    assert_eq!((lines.len(), lines[0].items.len()), (2, 3));
    assert_eq!(lines[0].items[0].first.stages.len(), 2);
    assert_eq!(lines[0].items[0].rest.len(), 2);
    assert!(lines[0].items[0].rest[0].1.negated && lines[0].items[1].background);
    let Command::Compound(compound, _) = &lines[1].items[0].first.stages[0] else { panic!() };
    assert!(matches!(&**compound, Compound::Subshell(list) if list.items.len() == 2));
}

#[test]
fn compounds_and_functions_are_read() {
    for text in [
        &b"if a; then b; elif c; then d; else e; fi"[..],
        b"while read x; do echo $x; done < f",
        b"for x in 1 2 3; do echo $x; done",
        b"for x\ndo :; done",
        b"case $1 in a|b) c;; (*) d; esac",
        b"f() { echo a; }; f",
        b"{ a; } > x",
        b"cat <<EOF | sh\na $x\nEOF\necho b",
        b"cat <<-'E' <<F\n\ta\n\tE\nb\nF\n",
        b"x=$((1+(2*3))) y=$(echo `a` \"b $(c)\") z=${x:-${y}} a",
        b"echo ${x#*/} ${x%%.*} ${#x} \"${x:-a b}\"",
        b":(){ :|:& };:",
        b"a;\n\n# comment\nb # more",
    ] {
        parse(text, false)
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", String::from_utf8_lossy(text)));
    }
    for text in [
        &b"[[ $a == b* && ( -f c || ! $d =~ ^(x|y)$ ) ]]"[..],
        b"for ((i=0; i<3; i++)); do echo $i; done",
        b"a=(1 2 3); echo ${a[@]} ${a[1]} ${a:1:2} ${a//x/y}",
        b"function f { echo; }",
        b"cat <<< \"$x\" &> f",
        b"((x++)) && echo $'a\\n'",
        b"diff <(a) <(b)",
        b"a |& b",
    ] {
        parse(text, true)
            .unwrap_or_else(|fault| panic!("{}: {fault:?}", String::from_utf8_lossy(text)));
    }
}

#[test]
fn faults_name_what_is_wrong() {
    let unexpected = |token: &[u8]| Err(Fault::Unexpected(token.to_vec()));
    let fault = |text: &[u8]| parse(text, true).map(|_| ());
    assert_eq!(fault(b"a )"), unexpected(b")"));
    assert_eq!(fault(b"a ;; b"), unexpected(b";;"));
    assert_eq!(fault(b"| a"), unexpected(b"|"));
    assert_eq!(fault(b"fi"), unexpected(b"fi"));
    assert_eq!(fault(b"/ip cloud print)"), unexpected(b")"));
    assert_eq!(fault(b"echo \"a"), Err(Fault::Incomplete(Some(b'"'))));
    assert_eq!(fault(b"if a; then"), Err(Fault::Incomplete(None)));
    assert_eq!(fault(&b"( ".repeat(1_000)), Err(Fault::TooDeep));
    assert_eq!(fault(&b"$(".repeat(100_000)), Err(Fault::TooDeep));
    assert_eq!(fault(&b"${a:-".repeat(100_000)), Err(Fault::TooDeep));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_or_grow(pieces in prop::collection::vec(prop_oneof![
        prop::sample::select(vec!["if ", "then ", "fi\n", "for x in ", "do ", "done;", "case ", " in ", "esac", "$(", ")", "`", "\"", "'", "${", "}", "<<E\n", "E\n",
            "[[ ", " ]]", "((", "))", "&&", "|", ";", "{ ", "f() ", "a=", "=(", "\\", "#", "<(", "$'", "!", "~"]).prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ], 0..60)) {
        let text = pieces.concat();
        for bash in [false, true] {
            let _ = parse(&text, bash);
            let _ = Parser::of_terminal(&text, bash).next_line();
        }
    }
}
