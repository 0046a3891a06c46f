//! Against what the manager wrote, and what it crashed on.

use std::{collections::BTreeMap, fs, path::PathBuf};

use super::{show, *};

const NO_ALIASES: &[u8] = b"aliases: []\n";
const GOOD: &[u8] =
    b"images:\n  - name: x\n    tags: [[latest, abc]]\n    slots: {cpu: 1, mem: 1.0, gpu: 0}\n";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/images")
}

#[test]
fn keys_are_those_that_the_manager_wrote() {
    let mut compared = 0;
    for entry in fs::read_dir(golden()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let Some(stem) = name.strip_suffix(".etcd.tsv") else { continue };
        let metadata = fs::read(golden().join(format!("{stem}.images.yml"))).unwrap();
        let aliases =
            fs::read(golden().join(format!("{stem}.aliases.yml"))).unwrap_or_else(|_| NO_ALIASES.to_vec());
        let list = judge(
            Source { file: "image-metadata.yml", bytes: &metadata },
            Source { file: "image-aliases.yml", bytes: &aliases },
        )
        .unwrap_or_else(|failures| panic!("{stem} is refused:\n{}", show(&failures)));
        let mut ours = BTreeMap::new();
        for (key, value) in list.image_keys().into_iter().chain(list.alias_keys()) {
            assert!(ours.insert(key.clone(), value).is_none(), "{stem}: {key} is written twice");
        }
        let theirs: BTreeMap<String, String> = fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| line.split_once('\t').unwrap())
            .filter_map(|(key, value)| Some((key.strip_prefix("/sorna/local/")?, value)))
            .filter(|(key, _)| *key != "volumes/_mount")
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        assert_eq!(ours, theirs, "{stem}");
        compared += 1;
    }
    assert_eq!(compared, 9);
}

#[test]
fn every_list_that_crashed_the_manager_is_refused() {
    let mut names: Vec<String> = fs::read_dir(golden().join("reject"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 17);
    let mut messages = String::new();
    for name in names {
        let bytes = fs::read(golden().join("reject").join(&name)).unwrap();
        let file = format!("reject/{name}");
        let (metadata, aliases) = if name.ends_with(".aliases.yml") {
            (Source { file: "good.yml", bytes: GOOD }, Source { file: &file, bytes: &bytes })
        } else {
            (Source { file: &file, bytes: &bytes }, Source { file: "good.yml", bytes: NO_ALIASES })
        };
        let failures = judge(metadata, aliases).expect_err(&name);
        for failure in &failures {
            assert_eq!(failure.status(), 3, "{name}");
            assert_eq!(&*failure.place.as_ref().unwrap().file, file);
            assert!(failure.why.is_some() && failure.remedy.is_some(), "{name}: {failure:?}");
        }
        messages += &show(&failures);
    }
    insta::assert_snapshot!("rejects", messages);
}

#[test]
fn the_built_in_samples_are_sound() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("sample-configs");
    let metadata = fs::read(root.join("image-metadata.yml")).unwrap();
    let aliases = fs::read(root.join("image-aliases.yml")).unwrap();
    let list = judge(
        Source { file: "image-metadata.yml", bytes: &metadata },
        Source { file: "image-aliases.yml", bytes: &aliases },
    )
    .unwrap_or_else(|failures| panic!("{}", show(&failures)));
    assert_eq!(show(&list.warnings), "");
    assert_eq!(list.images.len(), 22);
    assert_eq!(list.images.iter().map(|image| image.tags.len()).sum::<usize>(), 67);
    assert_eq!(list.aliases.len(), 117);

    // They are the manager's own samples of that day, less the aliases that end nowhere.
    let metadata = fs::read(golden().join("upstream-samples.images.yml")).unwrap();
    let aliases = fs::read(golden().join("upstream-samples.aliases.yml")).unwrap();
    let upstream = judge(
        Source { file: "image-metadata.yml", bytes: &metadata },
        Source { file: "image-aliases.yml", bytes: &aliases },
    )
    .unwrap();
    assert_eq!(upstream.warnings.len(), 10, "{}", show(&upstream.warnings));
    assert!(upstream.warnings.iter().all(|warning| warning.is_warning()));
    let sorted = |mut keys: Vec<(String, String)>| {
        keys.sort();
        keys
    };
    assert_eq!(sorted(list.image_keys()), sorted(upstream.image_keys()));
    let left: Vec<_> = upstream
        .aliases
        .iter()
        .filter(|alias| matches!(upstream.resolve(&alias.alias), Resolved::Found { .. }))
        .map(|alias| (alias.alias.clone(), alias.target.clone()))
        .collect();
    let ours: Vec<_> = list.aliases.iter().map(|alias| (alias.alias.clone(), alias.target.clone())).collect();
    assert_eq!(ours, left);
}
