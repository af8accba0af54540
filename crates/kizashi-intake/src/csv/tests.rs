use super::*;

/// The events of a table, and the faults with the number of the line they are of.
fn read(text: &str) -> (Vec<Event>, Vec<(u64, String)>) {
    let mut parser = Csv::new("d".into(), ColumnMapping::default());
    let (mut events, mut faults, mut number) = (Vec::new(), Vec::new(), 0);
    for line in text.split('\n') {
        number += 1;
        if let Err(found) = parser.parse(line.as_bytes(), &mut |event| events.push(event)) {
            faults
                .extend(found.0.into_iter().map(|fault| (number - fault.lines_back, fault.reason)));
        }
    }
    if let Err(found) = parser.finish(&mut |event| events.push(event)) {
        faults.extend(found.0.into_iter().map(|fault| (number - fault.lines_back, fault.reason)));
    }
    (events, faults.into_iter().map(|(line, reason)| (line, reason.into_owned())).collect())
}

#[test]
fn packets_with_integer_addresses_and_icmp_types_are_read() {
    let (events, faults) = read(
        "datetime,host,src,proto,type,spt,dpt\n2013-03-03 21:53:59,groucho,1032051418,TCP,,6000,1433\n2013-03-03 21:54:00,groucho,1032051418,ICMP,8,,",
    );
    assert_eq!(faults, []);
    assert_eq!(events[0].source, "61.131.218.218".parse::<IpAddr>().unwrap());
    assert_eq!((events[0].source_port, events[0].port), (6000, Port::tcp(1433)));
    assert_eq!((&*events[0].sensor, &events[0].detail), ("groucho", &Detail::Packet));
    assert_eq!(events[1].port, Port { transport: Transport::Icmp, number: 8 });
}

#[test]
fn what_a_row_holds_makes_it_a_login_a_command_or_a_request() {
    let (events, faults) = read(
        "time;src_ip;dport;user;pass;input;url;method\n1525628645;192.0.2.1;22;root;;;;\n1525628645000;192.0.2.1;22;;;\"a;b\";;\n2018-05-06T17:44:05Z;192.0.2.1:99;80;;;;/x;GET\n",
    );
    assert_eq!(faults, []);
    let kinds: Vec<_> = events.iter().map(|event| event.detail.action()).collect();
    assert_eq!(kinds, ["login", "command", "request"]);
    assert_eq!(events[1].detail, Detail::Command { line: "a;b".into(), known: None });
    assert_eq!(events[2].source_port, 99);
    assert!(events.iter().all(|event| event.time == events[0].time));
}

#[test]
fn date_and_hour_may_stand_in_two_columns() {
    let (events, faults) = read("date,time,src,dpt\n2018-05-06,17:44:05,192.0.2.1,22");
    assert_eq!(faults, []);
    assert_eq!(events[0].time, Timestamp::from_seconds(1_525_628_645));
}

#[test]
fn a_protocol_that_is_no_transport_is_the_service() {
    let (events, faults) = read(
        "timestamp,session_id,source_ip,destination_port,protocol,username,password\n2018-05-06 17:44:05,s,192.0.2.1,22,ssh,root,a\n",
    );
    assert_eq!(faults, []);
    assert_eq!((events[0].port, events[0].service.name()), (Port::tcp(22), "ssh"));
    assert_eq!(events[0].session, Some(SessionId::of_foreign("d", "s")));
}

#[test]
fn a_broken_row_is_refused_with_its_reason_and_the_rest_goes_in() {
    let good = "2018-05-06T17:44:05Z,192.0.2.1,22,tcp";
    let (events, faults) = read(&format!(
        "time,src,dpt,proto\n{good}\nyesterday,192.0.2.1,22,tcp\n2018-05-06T17:44:05Z,me,22,tcp\n2018-05-06T17:44:05Z,192.0.2.1,x,tcp\n2018-05-06T17:44:05Z,192.0.2.1,22,gre\n{good}"
    ));
    assert_eq!(events.len(), 2);
    assert_ne!(events[0].id, events[1].id);
    let lines: Vec<_> = faults.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [3, 4, 5, 6]);
}

#[test]
fn a_quoted_field_may_hold_line_ends() {
    let (events, faults) =
        read("time,src,dpt,input\n2018-05-06T17:44:05Z,192.0.2.1,22,\"a\nb\nc\"\n");
    assert_eq!(faults, []);
    assert_eq!(events[0].detail, Detail::Command { line: "a\nb\nc".into(), known: None });
}

#[test]
fn a_quote_that_never_closes_costs_its_own_row_only() {
    let good = "2018-05-06T17:44:05Z,192.0.2.1,22,x";
    let (events, faults) =
        read(&format!("time,src,dpt,input\n2018-05-06T17:44:05Z,192.0.2.1,22,\"a\n{good}\n{good}"));
    assert_eq!(events.len(), 2);
    assert_eq!(faults, [(2, NEVER_CLOSES.to_owned())]);
    let (events, faults) = read("time,src,dpt,input\n2018-05-06T17:44:05Z,192.0.2.1,22,\"a");
    assert_eq!((events.len(), faults.len()), (0, 1));
}

#[test]
fn a_line_that_an_attacker_put_into_a_field_is_never_a_row_of_its_own() {
    let forged = "2018-05-06T17:44:05Z,203.0.113.1,22,x";
    let (events, faults) =
        read(&format!("time,src,dpt,input\n2018-05-06T17:44:05Z,192.0.2.1,22,\"a\n{forged}\n\"\n"));
    assert_eq!(faults, []);
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0].detail,
        Detail::Command { line: format!("a\n{forged}\n").into(), known: None }
    );
}

#[test]
fn a_stray_quote_before_rows_that_are_quoted_well_costs_its_own_row_only() {
    let good = "2018-05-06T17:44:05Z,192.0.2.1,22,\"a, \"\"b\"\"\"";
    let rows = vec![good; 200].join("\n");
    let (events, faults) =
        read(&format!("time,src,dpt,input\n2018-05-06T17:44:05Z,192.0.2.1,22,\"a\n{rows}"));
    assert_eq!((events.len(), faults.len()), (200, 1));
}

#[test]
fn a_file_of_stray_quotes_is_read_in_time_that_grows_with_its_length() {
    let row = "2018-05-06T17:44:05Z,192.0.2.1,22,x";
    let stray = format!("2018-05-06T17:44:05Z,192.0.2.1,22,\"{}", "x".repeat(3_000));
    let rows = format!("{stray}\n{row}\n").repeat(3_000);
    let begin = std::time::Instant::now();
    let (events, faults) = read(&format!("time,src,dpt,input\n{rows}"));
    assert_eq!((events.len(), faults.len()), (3_000, 3_000));
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn a_table_without_the_needed_columns_says_which() {
    let mapping = ColumnMapping::default();
    let reason = recognise(b"hour,key,count", &mapping).unwrap_err().to_string();
    assert!(reason.contains("for the time (time, datetime"), "{reason}");
    let reason = recognise(b"time,key,count", &mapping).unwrap_err().to_string();
    assert!(reason.contains("for the source"), "{reason}");
    let told: ColumnMapping = "source=key,time=hour".parse().unwrap();
    assert_eq!(recognise(b"hour,key,count", &told), Ok(()));
}
