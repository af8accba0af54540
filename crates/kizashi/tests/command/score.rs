//! `kizashi score`.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::{Folder, kizashi, shared};

fn score(arguments: &[&str], input: &str) -> (Option<i32>, String, String) {
    let folder = Folder::new();
    let mut child = kizashi(&folder)
        .arg("score")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that stops reading early has said why.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[test]
fn the_command_gives_the_reference_scores() {
    let Some(folder) = shared("vectors") else { return };
    let mut compared = 0;
    for (r, order, smooth, loss) in
        [("0.02", "2", "7", "log"), ("0.05", "1", "5", "quadratic"), ("0.1", "3", "5", "hellinger")]
    {
        let input = std::fs::read_to_string(folder.join("in_marx_T23_1h.csv")).unwrap();
        let reference =
            format!("out_ref_predictive_{loss}_r{r}_k{order}_T{smooth}_marx_T23_1h.csv");
        let reference = std::fs::read_to_string(folder.join(reference)).unwrap();
        let options = ["--r", r, "--order", order, "--smooth", smooth, "--loss", loss];
        let (code, output, error) = score(&options, &input);
        assert_eq!(code, Some(0), "{error}");
        for (found, expected) in output.lines().zip(reference.lines()).skip(1) {
            let cells: Vec<&str> = found.split(',').collect();
            let found = [cells[2], cells[3], cells[4]];
            for (found, expected) in found.into_iter().zip(expected.split(',').skip(1)) {
                assert_eq!(found.is_empty(), expected.is_empty());
                if !found.is_empty() {
                    let (found, expected): (f64, f64) =
                        (found.parse().unwrap(), expected.parse().unwrap());
                    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0));
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn numbers_alone_are_scored_and_kizashi_sees_a_rise_in_counts() {
    let quiet = "2\n1\n3\n2\n".repeat(200);
    let (_, before, _) = score(&["--method", "kizashi"], &quiet);
    let (_, after, _) = score(&["--method", "kizashi"], &format!("{quiet}{}", "30\n".repeat(6)));
    let days = |text: &str| -> f64 {
        text.lines().last().unwrap().rsplit(',').next().unwrap().parse().unwrap_or(0.0)
    };
    assert!(days(&after) > 100.0 && days(&before) < 7.0, "{} then {}", days(&before), days(&after));
}

#[test]
fn a_line_that_is_no_number_is_named() {
    let (code, _, error) = score(&[], "1\n2\nthree\n");
    assert_eq!(code, Some(1));
    assert!(error.contains("line 3") && error.contains("three"), "{error}");
}

#[test]
fn several_series_are_scored_together_and_the_score_has_its_rank() {
    let lines: String =
        (0..300).map(|t| format!("{t},{},{}\n", t % 7, if t < 200 { t % 5 } else { 40 })).collect();
    let (code, output, error) = score(&["--calibrate"], &format!("t,a,b\n{lines}"));
    assert_eq!(code, Some(0), "{error}");
    assert!(output.starts_with("t,x1,x2,outlier,y,score,rank\n0,0,0,,,,\n"), "{output}");
    let ranks: Vec<Option<f64>> =
        output.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().ok()).collect();
    assert!(ranks[200..205].contains(&Some(1.0)), "{:?}", &ranks[195..205]);
    assert!(ranks.iter().flatten().all(|rank| (0.0..=1.0).contains(rank)));
    let (code, _, error) = score(&[], "0,1,2\n1,1\n");
    assert!(code == Some(1) && error.contains("line 2"), "{error}");
    let many = format!("0{}\n", ",1".repeat(40));
    let (code, _, error) = score(&[], &many);
    assert!(code == Some(1) && error.contains("1 to 16"), "{error}");
}

#[test]
fn a_warm_start_scores_every_value() {
    let (code, output, error) = score(&["--warm", "--smooth", "3"], "1\n0\n2\n1\n30\n");
    assert_eq!(code, Some(0), "{error}");
    let scores: Vec<f64> = output
        .lines()
        .skip(1)
        .map(|line| line.rsplit(',').next().unwrap().parse().unwrap())
        .collect();
    assert!(scores.len() == 5 && scores[4] > scores[1] && scores[4] > scores[3], "{scores:?}");
}
