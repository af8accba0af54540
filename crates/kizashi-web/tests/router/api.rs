//! The API for other programs: its description, its way in, its files, what the owner may change, and a feed that goes on where it stopped.

use super::*;

/// The addresses of the router by its sources, those of the page's files left out.
fn routes_in_the_sources() -> std::collections::BTreeSet<String> {
    let sources = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut routes = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for part in text.split(".route(").skip(1) {
            if let Some(path) = part.trim_start().strip_prefix('"') {
                routes.insert(path.split('"').next().unwrap().to_owned());
            }
        }
    }
    routes
}

#[tokio::test]
async fn the_description_of_the_api_names_every_route_and_its_examples_are_what_is_answered() {
    let dashboard = dashboard();
    let (status, document) = json_of(&dashboard, "/api/v1/openapi.json").await;
    assert_eq!(status, StatusCode::OK);
    let described: std::collections::BTreeSet<String> =
        document["paths"].as_object().unwrap().keys().cloned().collect();
    let mut routes = routes_in_the_sources();
    assert!(routes.remove("/sign-in") && routes.len() > 10, "the sources are not read");
    // What is shared has addresses that other standards name, and docs/sharing.md tells them.
    assert!(routes.remove("/share/{*path}"));
    assert_eq!(described, routes, "src/openapi.rs names what src/server.rs serves");
    for (path, methods) in document["paths"].as_object().unwrap() {
        let answer = &methods["get"]["responses"]["200"]["content"]["application/json"];
        let example = &answer["example"];
        if path.contains('{') || example.is_null() {
            continue;
        }
        let parameters: Vec<String> = methods["get"]["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|it| it["required"] == true)
            .map(|it| {
                let example = it["example"].as_str().unwrap().replace(' ', "%20");
                format!("{}={example}", it["name"].as_str().unwrap())
            })
            .collect();
        let (status, live) = json_of(&dashboard, &format!("{path}?{}", parameters.join("&"))).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let names =
            |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
        let left_out = ["traps"];
        let mut expected = names(&live);
        expected.retain(|name| example.get(name).is_some() || !left_out.contains(&name.as_str()));
        assert_eq!(names(example), expected, "{path}");
    }
}

#[tokio::test]
async fn a_program_signs_in_by_its_header_and_guesses_are_throttled_without_locking_it_out() {
    let dashboard = dashboard();
    let with = |token: &str| {
        Request::get("/metrics")
            .header("host", "localhost:7777")
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(ask(&dashboard, unsigned("/metrics")).await.status(), StatusCode::UNAUTHORIZED);
    let mut last = StatusCode::OK;
    for _ in 0..50 {
        last = ask(&dashboard, with("abababababababababab")).await.status();
    }
    assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    let response = ask(&dashboard, with(token().text())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    assert!(body_of(response).await.contains("\nkizashi_events_total 7\n"));
}

#[tokio::test]
async fn a_page_whose_line_broke_is_told_what_it_missed_and_nothing_twice() {
    let (made_up, feed) = (Arc::new(MadeUp::default()), FeedSender::new());
    let address = listening(&made_up, &feed).await;
    let mut page = open_feed(address).await;
    read_until(&mut page, &["event: status"]).await;
    feed.publish(&[event(1)]);
    let text = read_until(&mut page, &["event: event", "id: "]).await;
    let id = text.split("id: ").nth(1).unwrap().lines().next().unwrap().trim().to_owned();
    drop(page);
    feed.publish_sign(&json!({ "id": "missed-sign" }));
    feed.publish(&[event(2), event(3)]);
    let mut again = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /api/v1/feed HTTP/1.1\r\nhost: {address}\r\nlast-event-id: {id}\r\ncookie: kizashi-{}={}\r\n\r\n",
        address.port(),
        token().text()
    );
    again.write_all(request.as_bytes()).await.unwrap();
    let text = read_until(&mut again, &["event: status"]).await;
    assert_eq!(text.matches("missed-sign").count(), 1, "{text}");
    assert_eq!(text.matches("\"action\":\"command\"").count(), 2, "{text}");
    assert!(text.find("missed-sign") < text.find("\"action\""), "in order: {text}");
}

fn marking(token: &Token, content: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::post("/api/v1/signs/one/mark")
        .header("host", "127.0.0.1:7777")
        .header("cookie", format!("kizashi-7777={}", token.text()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(content.to_owned())).unwrap()
}

#[tokio::test]
async fn the_owner_alone_marks_a_sign_and_from_this_page_alone() {
    let viewer = Token::from_random([0xcd; 24]);
    let tokens = Tokens { owner: token(), viewer: Some(viewer.clone()), feeds: None };
    let access = Access::on_loopback(tokens);
    let dashboard = router(Arc::new(MadeUp::default()), FeedSender::new(), access);
    let json = ("content-type", "application/json");
    let seen = r#"{"seen": true, "note": "looked at <b>"}"#;
    let own = [json, ("sec-fetch-site", "same-origin")];
    let answer = ask(&dashboard, marking(&token(), seen, &own)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let mark: Value = serde_json::from_str(&body_of(answer).await).unwrap();
    assert_eq!((&mark["seen"], &mark["note"]), (&json!(true), &json!("looked at <b>")));
    for (who, content, headers, expected) in [
        (&viewer, seen, &own[..], StatusCode::FORBIDDEN),
        (&token(), seen, &[json, ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (&token(), seen, &[json, ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
        (&token(), seen, &[("content-type", "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&token(), seen, &[], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&token(), r#"{"unknown": 1}"#, &[json], StatusCode::BAD_REQUEST),
        (&token(), r#"{"muted_until": "never"}"#, &[json], StatusCode::BAD_REQUEST),
        (&token(), &"x".repeat(9_000), &[json], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let status = ask(&dashboard, marking(who, content, headers)).await.status();
        assert_eq!(status, expected, "{content:.40} {headers:?}");
    }
    let mut gone = marking(&token(), seen, &[json]);
    *gone.uri_mut() = "/api/v1/signs/two/mark".parse().unwrap();
    assert_eq!(ask(&dashboard, gone).await.status(), StatusCode::NOT_FOUND);
}

fn posting(who: &Token, path: &str, content: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = marking(who, content, headers);
    *request.uri_mut() = path.parse().unwrap();
    request
}

#[tokio::test]
async fn the_owner_alone_sets_and_tests_and_from_this_page_alone() {
    let viewer = Token::from_random([0xcd; 24]);
    let tokens = Tokens { owner: token(), viewer: Some(viewer.clone()), feeds: None };
    let dashboard =
        router(Arc::new(MadeUp::default()), FeedSender::new(), Access::on_loopback(tokens));
    let json = ("content-type", "application/json");
    let own = [json, ("sec-fetch-site", "same-origin")];
    for (path, right) in
        [("/api/v1/settings", r#"{"false_alarms_per_week": 0.5}"#), ("/api/v1/channels/test", "{}")]
    {
        let answer = ask(&dashboard, posting(&token(), path, right, &own)).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        for (who, content, headers, expected) in [
            (&viewer, right, &own[..], StatusCode::FORBIDDEN),
            (&token(), right, &[json, ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
            (&token(), right, &[json, ("origin", "http://evil.example")], StatusCode::FORBIDDEN),
            (
                &token(),
                right,
                &[("content-type", "text/plain")],
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            (&token(), r#"{"unknown": 1}"#, &[json], StatusCode::BAD_REQUEST),
            (&token(), "", &[json], StatusCode::BAD_REQUEST),
        ] {
            let status = ask(&dashboard, posting(who, path, content, headers)).await.status();
            assert_eq!(status, expected, "{path} {content:.40} {headers:?}");
        }
        // Reading does not send a test and sets nothing.
        let read = ask(&dashboard, signed_in("/api/v1/channels/test")).await.status();
        assert_eq!(read, StatusCode::METHOD_NOT_ALLOWED);
    }
    let (_, settings) = json_of(&dashboard, "/api/v1/settings").await;
    assert_eq!(settings["false_alarms_per_week"]["value"], 0.5);
}

#[tokio::test]
async fn captured_content_is_the_owners_alone_and_leaves_as_digits_or_in_a_zip_that_no_browser_shows()
 {
    let viewer = Token::from_random([0xcd; 24]);
    let tokens = Tokens { owner: token(), viewer: Some(viewer.clone()), feeds: None };
    let dashboard =
        router(Arc::new(MadeUp::default()), FeedSender::new(), Access::on_loopback(tokens));
    let hash = "0".repeat(64);
    let (status, page) =
        json_of(&dashboard, &format!("/api/v1/payloads/{hash}?offset=1&limit=3")).await;
    assert_eq!(
        (status, &page["hex"], &page["length"]),
        (StatusCode::OK, &json!("736372"), &json!(8))
    );
    let (_, beyond) = json_of(&dashboard, &format!("/api/v1/payloads/{hash}?offset=999")).await;
    assert_eq!(beyond["hex"], "");
    let (_, found) = json_of(&dashboard, &format!("/api/v1/payloads/{hash}/find?q=SCRIPT")).await;
    assert_eq!((&found["hits"], &found["more"]), (&json!([1]), &json!(false)));
    let sample = ask(&dashboard, signed_in(&format!("/api/v1/payloads/{hash}/sample"))).await;
    let headers = sample.headers().clone();
    assert_eq!(headers["content-type"], "application/octet-stream");
    assert_eq!(headers["content-disposition"], format!("attachment; filename=\"{hash}.zip\""));
    assert_eq!(headers["content-security-policy"], "sandbox; default-src 'none'");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert_eq!(headers["cache-control"], "no-store");
    for path in ["", "/find?q=a", "/sample"] {
        let by_viewer = Request::get(format!("/api/v1/payloads/{hash}{path}"))
            .header("host", "127.0.0.1:7777")
            .header("cookie", format!("kizashi-7777={}", viewer.text()))
            .body(Body::empty())
            .unwrap();
        assert_eq!(ask(&dashboard, by_viewer).await.status(), StatusCode::FORBIDDEN, "{path}");
        for other in ["1".repeat(64), "../../etc/passwd".to_owned(), "A".repeat(64)] {
            let other = other.replace('/', "%2f");
            let request = signed_in(&format!("/api/v1/payloads/{other}{path}"));
            assert_eq!(ask(&dashboard, request).await.status(), StatusCode::NOT_FOUND, "{other}");
        }
    }
}

#[tokio::test]
async fn any_table_leaves_as_a_file_in_which_no_text_of_a_visitor_acts() {
    let dashboard = dashboard();
    for table in ["top&kind=users", "series&key=tcp/445", "signs", "sessions", "search&q=port:445"]
    {
        for (format, kind) in [
            ("csv", "text/csv"),
            ("json", "application/json"),
            ("parquet", "application/vnd.apache.parquet"),
        ] {
            let path = format!("/api/v1/export?format={format}&table={table}");
            let response = ask(&dashboard, signed_in(&path)).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            let headers = response.headers();
            assert!(headers["content-type"].to_str().unwrap().starts_with(kind), "{path}");
            let named = headers["content-disposition"].to_str().unwrap();
            assert!(named.starts_with("attachment; filename=\"kizashi-"), "{named}");
        }
    }
    let csv = ask(&dashboard, signed_in("/api/v1/export?format=csv&table=top&kind=users")).await;
    let csv = body_of(csv).await;
    assert!(csv.contains("\\u{202e}\\x1b[2J") && !csv.contains('\u{1b}'), "{csv}");
    for wrong in ["format=xls&table=top", "format=csv&table=events", "format=csv&table=top&x=1"] {
        let (status, _) = json_of(&dashboard, &format!("/api/v1/export?{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn what_is_typed_into_the_search_is_completed_and_refused_with_a_sentence() {
    let dashboard = dashboard();
    let (_, fields) = json_of(&dashboard, "/api/v1/complete?q=port:445%20us").await;
    assert_eq!(fields["options"][0]["query"], "port:445 user:");
    let (_, times) = json_of(&dashboard, "/api/v1/complete?q=since:2").await;
    assert_eq!(times["options"][0]["query"], "since:24h ");
    let (status, answer) = json_of(&dashboard, "/api/v1/search?q=port:http").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["error"].as_str().unwrap().contains("http is no port"));
    let (status, _) = json_of(&dashboard, "/api/v1/search?q=a%20b&before=yesterday").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}
