//! New files of the user's: never over one that is there. The samples of the image list among them.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    disk::Disk,
    failure::{Code, Failure, shell_word, words},
    guide::Guide,
};

/// The samples, each with the name of its file.
fn samples(guide: &Guide) -> [(&'static str, &'static str); 2] {
    [("image-metadata.yml", guide.samples.image_metadata), ("image-aliases.yml", guide.samples.image_aliases)]
}

/// To be edited like any file of the user's: readable for others.
const SAMPLE_MODE: u32 = 0o644;

/// Copies the samples, never over a file that is there, and tells where they are.
///
/// # Errors
/// Every file that is in the way, or what keeps one from being written.
pub fn copy_samples(disk: &Disk, guide: &Guide, folder: &Path) -> Result<[PathBuf; 2], Vec<Failure>> {
    let find = |(name, _): &(&str, &str)| {
        let path = folder.join(name);
        let taken = || taken(&path).remedy("move it away, or name another folder");
        disk.is_there(&path).map_or_else(Some, |is_there| is_there.then(taken))
    };
    let taken: Vec<Failure> = samples(guide).iter().filter_map(find).collect();
    if !taken.is_empty() {
        return Err(taken);
    }
    for (name, text) in samples(guide) {
        put_new(disk, &folder.join(name), text, SAMPLE_MODE).map_err(|failure| vec![failure])?;
    }
    Ok(samples(guide).map(|(name, _)| folder.join(name)))
}

/// Copies the samples that a person is about to edit; a copy that was made before is as good.
///
/// # Errors
/// When another file has the name, or nothing can be written there.
pub fn samples_to_edit(disk: &Disk, guide: &Guide, folder: &Path) -> Result<(PathBuf, PathBuf), Failure> {
    let copy = |(name, text): (&str, &str)| {
        let path = folder.join(name);
        match disk.read_input(&path) {
            Ok(bytes) if bytes == text.as_bytes() => Ok(path),
            Ok(_) => Err(taken(&path).remedy("name it as your list, or move it away")),
            Err(_) => put_new(disk, &path, text, SAMPLE_MODE).map(|()| path),
        }
    };
    let [metadata, aliases] = samples(guide);
    Ok((copy(metadata)?, copy(aliases)?))
}

fn taken(path: &Path) -> Failure {
    Failure::new(Code::FileForeign, format!("`{}` is there already", path.display()))
}

/// Writes a file of the user's, whole or not at all, and never over one that is there.
///
/// # Errors
/// `E-FILE-FOREIGN` when one is there, `E-FILE-WRITE` when it cannot be written.
pub fn put_new(disk: &Disk, path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    disk.put_new(path, text.as_bytes(), mode)?.map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            return taken(path).remedy("move it away, or name another file");
        }
        let failure = Failure::new(Code::FileWrite, format!("`{}` could not be written", path.display()))
            .why(words(&error));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.remedy(format!("mkdir -p {}", shell_word(&folder.to_string_lossy())))
            }
            _ => failure.remedy("make room or fix the folder, then try again"),
        }
    })
}
