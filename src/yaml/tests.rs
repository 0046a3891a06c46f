mod roundtrip;

use super::{scalar::*, *};

fn tree(text: &str) -> Node {
    read("f.yml", text.as_bytes()).unwrap_or_else(|failures| panic!("{text:?}: {failures:?}"))
}

fn serde(text: &str) -> serde_yaml::Value {
    tree(text).to_serde()
}

/// The codes and places of the refusal, and what it says.
fn refused(text: impl AsRef<[u8]>) -> Vec<(Code, String, String)> {
    let text = text.as_ref();
    let failures = match read("f.yml", text) {
        Ok(node) => panic!("{:?} is read as {node:?}", String::from_utf8_lossy(text)),
        Err(failures) => failures,
    };
    for failure in &failures {
        assert!(failure.why.is_some() && failure.remedy.is_some(), "{failure:?}");
        assert_eq!(failure.status(), 3);
    }
    failures
        .into_iter()
        .map(|failure| (failure.code, failure.place.unwrap().to_string(), failure.what))
        .collect()
}

fn code(text: impl AsRef<[u8]>) -> Code {
    refused(text)[0].0
}

fn json(text: &str) -> serde_yaml::Value {
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    serde_yaml::to_value(value).unwrap()
}

#[test]
fn plain_scalars_count_where_both_readers_agree() {
    let text = Ok(Reading::Text);
    for (plain, reading) in [
        ("", Ok(Reading::Null)),
        ("~", Ok(Reading::Null)),
        ("null", Ok(Reading::Null)),
        ("NULL", Ok(Reading::Null)),
        ("nUll", text.clone()),
        ("true", Ok(Reading::Bool(true))),
        ("FALSE", Ok(Reading::Bool(false))),
        ("y", text.clone()),
        ("n", text.clone()),
        ("0", Ok(Reading::Int(0))),
        ("00", Ok(Reading::Int(0))),
        ("-0", Ok(Reading::Int(0))),
        ("+1", Ok(Reading::Int(1))),
        ("-12", Ok(Reading::Int(-12))),
        ("0x1F", Ok(Reading::Int(31))),
        ("18446744073709551615", Ok(Reading::Int(u64::MAX.into()))),
        ("3.10", Ok(Reading::Float(3.1))),
        ("1.", Ok(Reading::Float(1.0))),
        (".5", Ok(Reading::Float(0.5))),
        ("-0.0", Ok(Reading::Float(-0.0))),
        ("1.5e+3", Ok(Reading::Float(1500.0))),
        ("1.5E-3", Ok(Reading::Float(0.0015))),
        (".inf", Ok(Reading::Float(f64::INFINITY))),
        ("-.INF", Ok(Reading::Float(f64::NEG_INFINITY))),
        ("-.nan", text.clone()),
        ("3.6-debian", text.clone()),
        ("1.2.3", text.clone()),
        ("127.0.0.1:2379", text.clone()),
        ("ca7b9f52b6c2", text.clone()),
        ("0x", text.clone()),
        ("1:60", text.clone()),
        ("2018-7-13", text.clone()),
        ("2018-07-13-alpine", text.clone()),
        ("-", text.clone()),
        ("<<<", text.clone()),
    ] {
        let found = resolve(plain);
        assert_eq!(found, reading, "{plain}");
    }
    assert!(matches!(resolve(".NaN"), Ok(Reading::Float(number)) if number.is_nan()));
    for disputed in [
        "yes",
        "No",
        "ON",
        "off",
        "010",
        "-010",
        "08",
        "0o10",
        "1_000",
        "0b11",
        "-0x1F",
        "1:30",
        "-1:30:00",
        "1:30.5",
        "2018-07-13",
        "2018-7-1 1:02:03",
        "2018-07-13T10:00:00Z",
        "2018-07-13 10:00:00.5 +09:00",
        "1e3",
        "12e4",
        "1.5e3",
        "1.e5",
        "-.5",
        "+.5",
        "._5",
        "1_0.5",
        "=",
        "<<",
        "0b_",
        "0x_",
        "18446744073709551616",
        "99999999999999999999999999999999999999999999",
    ] {
        assert!(resolve(disputed).is_err(), "{disputed}");
        assert_eq!(code(format!("a: {disputed}")), Code::YamlScalar, "{disputed}");
        assert_eq!(tree(&format!("a: '{disputed}'")).get("a").and_then(Node::as_text), Some(disputed));
    }
    assert_eq!(yaml_1_1("010"), Reading::Int(8));
    assert_eq!(yaml_1_1("1:30"), Reading::Int(90));
    assert_eq!(yaml_1_1("0_"), Reading::Int(0));
    assert_eq!(yaml_1_1("2018-07-13"), Reading::Date);
    assert_eq!(yaml_1_2("0o10"), Reading::Int(8));
}

#[test]
fn a_refused_scalar_says_what_to_write() {
    let failures = read("f.yml", b"a: 010\nb: 1e3\nc: on\n").unwrap_err();
    let remedies: Vec<_> = failures.iter().filter_map(|failure| failure.remedy.as_deref()).collect();
    assert_eq!(
        remedies,
        [
            "if text is meant, quote it: `\"010\"`; if the number 8 is meant, write `8`",
            "if text is meant, quote it: `\"1e3\"`; if the number is meant, write `1000.0`",
            "if text is meant, quote it: `\"on\"`; if a boolean is meant, write `true`",
        ]
    );
    let node = tree("v: 3.10");
    let failure = node.get("v").unwrap().text("f.yml", "The tag").unwrap_err();
    assert_eq!(failure.code, Code::YamlScalar);
    assert_eq!(failure.what, "The tag is a number: `3.10`");
    assert_eq!(failure.remedy.as_deref(), Some("if text is meant, quote it: `\"3.10\"`"));
    let failure = tree("[1]").text_or("f.yml", "It", Code::ImagesValue).unwrap_err();
    assert_eq!(failure.code, Code::ImagesValue);
}

#[test]
fn merges_are_those_of_pyyaml() {
    let base = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\n";
    for (mapping, expected) in [
        ("{<<: *x, a: 9}", r#"{"a": 9, "b": 2}"#),
        ("{a: 9, <<: *x}", r#"{"a": 9, "b": 2}"#),
        ("{<<: [*x, *y]}", r#"{"a": 1, "b": 2, "c": 4}"#),
        ("{<<: [*y, *x]}", r#"{"a": 1, "b": 3, "c": 4}"#),
        ("{<<: {b: 5, <<: *x}}", r#"{"a": 1, "b": 5}"#),
        ("{<<: [], a: 1}", r#"{"a": 1}"#),
        ("{'<<': 1}", r#"{"<<": 1}"#),
    ] {
        assert_eq!(serde(&format!("{base}m: {mapping}"))["m"], json(expected), "{mapping}");
    }
    for bad in ["{<<: 1}", "{<<: [1]}", "{<<: ~}", "{<<: [[*x]]}"] {
        assert_eq!(code(format!("{base}m: {bad}")), Code::YamlUnsupported, "{bad}");
    }
    // PyYAML lets the last of two `<<` win; other readers differ.
    assert_eq!(code(format!("{base}m: {{<<: *x, <<: *y}}")), Code::YamlDuplicate);
}

#[test]
fn duplicate_keys_are_all_reported_with_both_lines() {
    let failures = read("f.yml", b"a: 1\nb: 2\na: 3\nc: {d: 1, d: 2}\nb: 4\n").unwrap_err();
    let found: Vec<_> = failures
        .iter()
        .map(|failure| format!("{} {}", failure.place.as_ref().unwrap(), failure.why.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            "f.yml:3:1 it stands on line 1 and again on line 3",
            "f.yml:4:11 it stands on line 4, at column 5 and again at column 11",
            "f.yml:5:1 it stands on line 2 and again on line 5",
        ]
    );
    for clash in
        ["1: a\n'1': b", "1: a\n1.0: b", "1: a\ntrue: b", "0x1: a\n1: b", "'a': 1\n\"a\": 2", "{a: 1, a: 1}"]
    {
        assert_eq!(code(clash), Code::YamlDuplicate, "{clash}");
    }
    assert_eq!(tree("1: a\n2: b").entries().len(), 2);
}

#[test]
fn what_the_readers_read_alike() {
    for (text, expected) in [
        ("", "null"),
        ("\u{feff}", "null"),
        ("# nothing\n", "null"),
        ("---\n", "null"),
        ("\u{feff}a: 1\r\nb: [x, 'y']\r\n", r#"{"a": 1, "b": ["x", "y"]}"#),
        ("[a:b, c: d, {e: f}]", r#"["a:b", {"c": "d"}, {"e": "f"}]"#),
        ("{\"a\":1, 'b':2}", r#"{"a": 1, "b": 2}"#),
        ("a: |\n  x\n   y\n\nb: >-\n  x\n  y\n\n  z\n", r#"{"a": "x\n y\n", "b": "x y\nz"}"#),
        ("a: |+\n  x\n\nb: |2\n    x\n", r#"{"a": "x\n\n", "b": "  x\n"}"#),
        ("a: \"x\n  y\\\n  z\n\n  w\"\n", r#"{"a": "x yz\nw"}"#),
        ("a: 'it''s' # c\n", r#"{"a": "it's"}"#),
        ("\"\\x41\\u00e9\\U0001F600\\t\\\\\\\"\"", r#""Aé😀\t\\\"""#),
        ("- - a\n  - b\n-   c: d\n    e:\n    - f\n", r#"[["a", "b"], {"c": "d", "e": ["f"]}]"#),
        ("a: &n [1]\nb: *n\n", r#"{"a": [1], "b": [1]}"#),
        ("a: x#y # z\t\n", r#"{"a": "x#y"}"#),
        ("a: http://h:1/p?q=1", r#"{"a": "http://h:1/p?q=1"}"#),
    ] {
        assert_eq!(serde(text), json(expected), "{text:?}");
    }
}

#[test]
fn what_they_read_differently_is_refused() {
    for text in [
        // PyYAML: a mapping with an empty key. YAML 1.2: text.
        "[latest, :3.6]",
        "[a, ?b]",
        "[a?b]",
        "{a?: b}",
        "{a:1}",
        "{a, b: 1}",
        "{: a}",
        ": a",
        "? a\n: b",
        "[a]: b",
        "{a: b}: c",
        "~: a",
        "null: a",
        "a:\tb",
        "a: b\tc",
        "-\ta",
        "a: b\t# c",
        "a: |\n  x\ty\n",
        "a: |\t\n  x\n",
        "a: x\n  y",
        "x\ny",
        "|\nx\n",
        "a: |\n  x",
        "a: |\n  x\n ",
        "...",
        "a: 1\n...\n",
        "%YAML 1.1\n---\na: 1",
        "%TAG ! tag:x,2000:\n---\na: 1",
        "a: !!str 1",
        "a: !!int '1'",
        "a: !x 1",
        "a: ! 1",
        "a: !!python/object/apply:os.system [x]",
        "a: !<tag:yaml.org,2002:str> 1",
        "a: &é 1",
        "a: &a.b 1",
        "a: &x 1\nb: &x 2\nc: *x",
        "a: &x [1]\n*x : 2",
        "a: &x\n*x : 2",
        "a: &x [*x]",
        "a: &x {b: *x}",
        "&x a: {<<: *x}",
        "a: 1\n---\nb: 2",
        "a: 1\n---\n",
    ] {
        let found = code(text);
        assert!(matches!(found, Code::YamlSyntax | Code::YamlUnsupported), "{text:?}: {found}");
    }
    for text in [
        "a: *nobody",
        "[a",
        "{a: [}",
        "a: b: c",
        "a: 'x",
        "\"\\q\"",
        "\"\\ud83d\\ude00\"",
        "a: @x",
        "a: %x",
        "a: `x`",
        "\ta: 1",
        "a: - b",
        "- a\nb: c",
        "a: \u{85}",
        "a: '\u{2028}'",
        "a: '\u{2029}'",
        "# \u{feff}",
        "a: \u{0}",
        "a: \u{1b}",
        "a: \u{7f}",
        "a: \u{fffe}",
        "\"a\nb\": 1",
    ] {
        let found = code(text);
        assert!(matches!(found, Code::YamlSyntax | Code::YamlUnsupported), "{text:?}: {found}");
    }
    let long = |n: usize| format!("{}: 1", "k".repeat(n));
    assert_eq!(tree(&long(1000)).entries().len(), 1);
    assert!(read("f.yml", long(1001).as_bytes()).is_err());
    assert!(read("f.yml", b"{a\n: b}").is_err());
}

#[test]
fn not_utf_8_or_too_large() {
    assert_eq!(code(b"\xff\xfea\0:\0 \x001\0"), Code::FileRead);
    assert_eq!(code(b"\xfe\xff\0a"), Code::FileRead);
    assert_eq!(refused(b"a: 1\nb: \xe9t\xe9\n")[0].1, "f.yml:2:4");
    assert_eq!(code(vec![b'#'; MAX_BYTES + 1]), Code::FileRead);
    assert_eq!(tree(&format!("# {}", "x".repeat(1 << 20))).value, Value::Null);
}

#[test]
fn growth_is_bounded() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let before = format!("*a{}", n - 1);
        laughs += &format!("a{n}: &a{n} [{}]\n", vec![before; 10].join(", "));
    }
    assert_eq!(code(&laughs), Code::YamlLimit);
    assert_eq!(code("[".repeat(100_000)), Code::YamlSyntax);
    assert_eq!(code(format!("{}{}", "[".repeat(200), "]".repeat(200))), Code::YamlLimit);
    assert_eq!(code("- ".repeat(100_000)), Code::YamlLimit);
    let mut deep = "a0: &a0 []\n".to_owned();
    for n in 1..100 {
        deep += &format!("a{n}: &a{n} [*a{}]\n", n - 1);
    }
    assert_eq!(code(&deep), Code::YamlLimit);
    assert_eq!(code("- 0\n".repeat(MAX_NODES)), Code::YamlLimit);
}

#[test]
fn positions_count_from_one_in_characters() {
    let node = tree("\u{feff}é: x\r\n\r\n아이: [😀, {k: v}]\n");
    let list = node.get("아이").unwrap();
    assert_eq!(list.mark, Mark { line: 3, column: 5 });
    let inner = &list.items().unwrap()[1];
    assert_eq!(inner.mark, Mark { line: 3, column: 9 });
    assert_eq!(inner.get("k").unwrap().place("f").to_string(), "f:3:13");
    // An alias stands where it is written; what is inside, where the anchor is.
    let node = tree("a: &x {k: v}\nb: *x\n");
    let alias = node.get("b").unwrap();
    assert_eq!((alias.mark.line, alias.get("k").unwrap().mark.line), (2, 1));
    assert_eq!(refused("a: [1\nb: 2\n")[0].0, Code::YamlSyntax);
    assert_eq!(refused("a:\n  b: 'x\n")[0].1, "f.yml:2:6");
}

#[test]
fn every_problem_has_its_place() {
    let places: Vec<_> =
        refused("a: yes\nb: !!str x\nc: &x 1\nd: &x 2\na: 1:30\n").into_iter().map(|found| found.1).collect();
    assert_eq!(places, ["f.yml:1:4", "f.yml:2:4", "f.yml:4:4", "f.yml:5:1", "f.yml:5:4"]);
}

#[test]
fn writing_quotes_what_some_reader_takes_for_more_than_text() {
    let value = serde_json::json!({
        "password": "yes", "when": "1:30", "tag": "3.10", "address": "127.0.0.1:2379", "empty": "", "none": null,
        "list": [["latest", ":3.6"], {"a": 1, "b": [true]}, []], "line": "a\u{2028}b\n", "huge": 1e20, "map": {},
    });
    insta::assert_snapshot!(write(&value).unwrap(), @r#"
    address: 127.0.0.1:2379
    empty: ""
    huge: 1.0e+20
    line: "a\u2028b\n"
    list:
      - - latest
        - ":3.6"
      - a: 1
        b:
          - true
      - []
    map: {}
    none: null
    password: "yes"
    tag: "3.10"
    when: "1:30"
    "#);
}
