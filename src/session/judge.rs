//! From answers to a world: typed settings, the image list, the fixture; every problem in one list.

use std::path::{Path, PathBuf};

use crate::{
    failure::{Code, Failure, shortened, with_excerpts},
    fixture::Fixture,
    guide::{Answers, Guide, Images, Origin, Settings, UserIds, database, images as keys},
    images::{self, ImageList, Source},
    schema::Owners,
    surroundings::Surroundings,
    world::World,
};

use super::{
    RunOptions, Scope,
    lines::{FileContent, Lines},
    redact::redacted,
};

/// Reads and judges all that the scope needs; touches nothing.
///
/// # Errors
/// Every problem at once.
pub(super) fn judge(
    answers: &Answers,
    run_options: &RunOptions,
    scope: &Scope,
) -> Result<(World, Vec<Failure>), Vec<Failure>> {
    let surroundings = &run_options.surroundings;
    let mut answers = answers.clone();
    // Of a part it is not known what the whole lacks, nor which defaults will count.
    let mut problems = if scope.is_partial() { answers.contradictions() } else { Vec::new() };
    let has_a_list = [keys::METADATA, keys::ALIASES].iter().all(|key| answers.given(key).is_some());
    answers.fill_defaults();
    if !scope.is_partial() {
        problems.extend(answers.problems(&scope.sections()));
    }
    let (guide, settings) = (answers.guide(), problems.is_empty().then(|| Settings::new(&answers)));
    let fixture = match (&settings, run_options.fixture.as_deref()) {
        (Some(settings), None) if scope.needs("keypairs") => {
            let owners = settings.keypairs().map_err(|failure| vec![failure]);
            owners.and_then(|owners| Fixture::example(guide.samples.keypairs, owners)).map(Some)
        }
        (_, Some(path)) if scope.needs("keypairs") => read_fixture(surroundings, guide, path).map(Some),
        _ => Ok(None),
    };
    let fixture = fixture.map_err(|failures| problems.extend(failures)).ok().flatten();
    let owners =
        if scope.needs(database::SECTION.id) { read_owners(surroundings, &answers) } else { Ok(None) };
    let owners = owners.map_err(|failures| problems.extend(failures)).ok().flatten();
    let judges_images = scope.needs("images") && (has_a_list || !scope.is_partial());
    let images = judges_images
        .then(|| load_images(surroundings, guide, &answers.images()))
        .map(|judged| judged.and_then(|list| choose(list, &answers)));
    match settings {
        Some(_) if problems.is_empty() => {
            let mut notices = Settings::notes(&answers);
            if let Some(Ok(list)) = &images {
                notices.extend(list.warnings.iter().cloned());
            }
            let (overwrite, tolerance) = (run_options.overwrite, run_options.tolerance.clone());
            let world = World::new(surroundings.clone(), answers, overwrite, tolerance, images, fixture);
            Ok((world.naming(owners), notices))
        }
        _ => {
            problems.extend(images.and_then(Result::err).unwrap_or_default());
            Err(shortened(problems))
        }
    }
}

/// Reads and judges the image list: the user's files, else the built-in samples.
///
/// # Errors
/// Every problem of both files.
fn load_images(
    surroundings: &Surroundings,
    guide: &Guide,
    images: &Images,
) -> Result<ImageList, Vec<Failure>> {
    let read = |key: &str, path: &Option<PathBuf>, name: &str, sample: &str| match path {
        None => Ok((format!("built-in {name}"), sample.as_bytes().to_vec())),
        Some(path) => match surroundings.disk.read_input(path) {
            Ok(bytes) => Ok((shown(surroundings, path), bytes)),
            Err(failure) if failure.code == Code::FileRead => {
                Err(failure.remedy(format!("fix `{key}`, or the file")))
            }
            Err(failure) => Err(failure),
        },
    };
    let metadata = read(keys::METADATA, &images.metadata, "image-metadata.yml", guide.samples.image_metadata);
    let aliases = read(keys::ALIASES, &images.aliases, "image-aliases.yml", guide.samples.image_aliases);
    match (metadata, aliases) {
        (Ok((metadata_file, metadata)), Ok((aliases_file, aliases))) => {
            let shown = |failures| {
                [(&metadata_file, &metadata), (&aliases_file, &aliases)].into_iter().fold(
                    failures,
                    |failures, (file, bytes)| {
                        with_excerpts(
                            failures,
                            file,
                            &String::from_utf8_lossy(bytes),
                            Lines::of(FileContent::Images),
                        )
                    },
                )
            };
            let judged = images::judge(
                Source { file: &metadata_file, bytes: &metadata },
                Source { file: &aliases_file, bytes: &aliases },
            );
            judged.map_err(shown).map(|list| ImageList { warnings: shown(list.warnings), ..list })
        }
        (metadata, aliases) => Err([metadata.err(), aliases.err()].into_iter().flatten().collect()),
    }
}

/// Leaves out what `images.only` does not name.
fn choose(list: ImageList, answers: &Answers) -> Result<ImageList, Vec<Failure>> {
    let Some(names) = answers.images().only else { return Ok(list) };
    list.only(&names).map_err(|unknown| {
        let place = answers.given(keys::ONLY).map(|given| given.origin.clone());
        let told = |(name, near): (String, Option<String>)| {
            let what =
                format!("`images.only` names `{}`, which is no image of the list", name.escape_debug());
            let failure = Failure::new(Code::AnswersValue, what).remedy(match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`backendai-setup images` shows the list".into(),
            });
            match &place {
                Some(Origin::File(place)) => failure.at(place.clone()),
                _ => failure,
            }
        };
        shortened(unknown.into_iter().map(told))
    })
}

fn read_fixture(surroundings: &Surroundings, guide: &Guide, path: &Path) -> Result<Fixture, Vec<Failure>> {
    let bytes = surroundings.disk.read_input(path).map_err(|failure| vec![failure])?;
    let file = shown(surroundings, path);
    Fixture::read(&file, &bytes).map_err(|failures| {
        let text = String::from_utf8_lossy(&bytes);
        with_excerpts(redacted(guide, failures, &bytes), &file, &text, Lines::of(FileContent::Fixture))
    })
}

/// What is to become of the numbers of owners: the file that names them is read.
fn read_owners(surroundings: &Surroundings, answers: &Answers) -> Result<Option<Owners>, Vec<Failure>> {
    let path = match answers.user_ids() {
        None => return Ok(None),
        Some(UserIds::Direct) => return Ok(Some(Owners::Numbers)),
        Some(UserIds::Map(path)) => path,
    };
    let bytes = surroundings.disk.read_input(&path).map_err(|failure| match failure.code {
        Code::FileRead => vec![failure.remedy(format!("fix `{}`, or the file", database::USER_IDS))],
        _ => vec![failure],
    })?;
    Owners::read(&shown(surroundings, &path), &bytes).map(Some)
}

/// As the user named it, where it lies below the working directory.
fn shown(surroundings: &Surroundings, path: &Path) -> String {
    let here = surroundings.environment.working_directory().unwrap_or(Path::new(""));
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
