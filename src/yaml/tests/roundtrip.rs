//! Properties: nothing panics, and what is written is read back.

use proptest::prelude::*;

use crate::yaml::{read, scalar::resolve, write};

fn values(
    text: BoxedStrategy<String>,
    keys: BoxedStrategy<String>,
    floats: BoxedStrategy<f64>,
) -> impl Strategy<Value = serde_yaml::Value> {
    use serde_yaml::Value as Serde;
    let leaf = prop_oneof![
        Just(Serde::Null),
        any::<bool>().prop_map(Serde::Bool),
        any::<i64>().prop_map(|number| Serde::Number(number.into())),
        any::<u64>().prop_map(|number| Serde::Number(number.into())),
        floats.prop_map(|number| Serde::Number(number.into())),
        text.clone().prop_map(Serde::String),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Serde::Sequence),
            prop::collection::btree_map(keys.clone(), inner, 0..5).prop_map(|map| Serde::Mapping(
                map.into_iter().map(|(key, value)| (key.into(), value)).collect()
            )),
        ]
    })
}

/// Text that serde_yaml writes so that every reader agrees.
fn tame() -> BoxedStrategy<String> {
    "[ -~éß한글😀\u{a0}\n\t:#'\"\\\\{}\\[\\],&*!|>%@`?-]{0,30}"
        .prop_filter("the two versions agree on it", |text| resolve(text).is_ok() && !text.contains("? "))
        .boxed()
}

/// Longer or broken keys are written with `?`, which is refused.
fn tame_key() -> BoxedStrategy<String> {
    "[a-z :#é0-9'\"-]{1,40}".prop_filter("agreed", |text| resolve(text).is_ok()).boxed()
}

/// Any text, and more often than by chance the kind that needs quotes.
fn wild() -> BoxedStrategy<String> {
    prop_oneof![
        any::<String>(),
        "[0-9a-z:_.+=<~-]{1,6}",
        prop::sample::select(vec![
            "yes",
            "on",
            "1:30",
            "2018-07-13",
            "1_000",
            "=",
            "<<",
            "~",
            "3.10",
            "a:",
            "\u{2028}"
        ])
        .prop_map(str::to_owned),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("f", &bytes);
    }

    #[test]
    fn yaml_like_text_never_panics_and_has_places(
        parts in prop::collection::vec(prop::sample::select(vec![
            "a", "k: ", "- ", "[", "]", "{", "}", ", ", ": ", ":", "? ", " # c", "\n", "\n  ", "\n    ", " ", "\t", "'",
            "\"", "|\n", ">-\n  ", "&a ", "*a", "<<: ", "!t ", "%", "---\n", "...\n", "~", "1.5", "é", "\\", "\r\n", "-",
        ]), 0..30),
    ) {
        if let Err(failures) = read("f", parts.concat().as_bytes()) {
            prop_assert!(!failures.is_empty());
            let lines = parts.concat().lines().count() + 1;
            for failure in failures {
                prop_assert!(failure.place.is_some_and(|place| (1..=lines).contains(&place.line)));
            }
        }
    }

    #[test]
    fn what_serde_yaml_writes_is_read_back(
        value in values(tame(), tame_key(), any::<i32>().prop_map(|number| f64::from(number) / 64.0).boxed()),
    ) {
        let text = serde_yaml::to_string(&value).unwrap();
        match read("f", text.as_bytes()) {
            Ok(node) => prop_assert_eq!(node.to_serde(), value),
            Err(failures) => prop_assert!(false, "{}\n{:?}", text, failures),
        }
    }

    #[test]
    fn what_is_written_here_is_read_back(value in values(wild(), wild(), any::<f64>().boxed())) {
        prop_assert!(write(&value).is_ok(), "{:?}", value);
    }
}
