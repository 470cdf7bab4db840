//! The files, which are in memory: no name reaches the file system of this machine.

use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The most files, and the most bytes of each.
const FILES: usize = 100;
const BYTES: usize = 64 * 1024;

/// Files with their texts, and the log of their changes.
#[derive(Debug, Default)]
pub(crate) struct Files(Mutex<Contents>);

#[derive(Debug, Default)]
struct Contents {
    files: BTreeMap<String, String>,
    /// The names of the files that were written last, at most [`FILES`] of them.
    written: Vec<String>,
}

/// Why a file was not read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileError {
    Name,
    Unknown,
    TooLarge,
    TooMany,
}

impl Files {
    /// Returns the files of the demo.
    pub(crate) fn demo() -> Self {
        let files = Self::default();
        let mut contents = files.contents();
        for (name, text) in [
            ("welcome.txt", "Hello!\n"),
            ("private-plan.txt", "Only administrators can read this.\n"),
        ] {
            contents.files.insert(name.to_owned(), text.to_owned());
        }
        drop(contents);
        files
    }

    pub(crate) fn read(&self, name: &str) -> Result<String, FileError> {
        check(name)?;
        let contents = self.contents();
        contents.files.get(name).cloned().ok_or(FileError::Unknown)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), FileError> {
        check(name)?;
        if text.len() > BYTES {
            return Err(FileError::TooLarge);
        }
        let mut contents = self.contents();
        if contents.files.len() >= FILES && !contents.files.contains_key(name) {
            return Err(FileError::TooMany);
        }
        contents.files.insert(name.to_owned(), text.to_owned());
        if contents.written.len() >= FILES {
            contents.written.remove(0);
        }
        contents.written.push(name.to_owned());
        Ok(())
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.contents().files.keys().cloned().collect()
    }

    /// Returns the names of the files that were written last, one per line.
    pub(crate) fn log(&self) -> String {
        let contents = self.contents();
        contents
            .written
            .iter()
            .map(|name| format!("{name}\n"))
            .collect()
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        // No update leaves the contents inconsistent, so they remain usable after a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts a name without any character that has a meaning in a path, a URI or a log.
fn check(name: &str) -> Result<(), FileError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_name = (1..=64).contains(&name.len())
        && name.bytes().all(allowed)
        && !name.starts_with('.')
        && !name.contains("..");
    is_name.then_some(()).ok_or(FileError::Name)
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "a name has at most 64 letters, digits, dots, hyphens and underscores",
            Self::Unknown => "there is no file with this name",
            Self::TooLarge => "a file has at most 64 KiB",
            Self::TooMany => "there are 100 files already",
        })
    }
}

impl Error for FileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_that_could_be_a_path_is_rejected() {
        let files = Files::demo();
        let long = "a".repeat(65);
        for name in [
            "",
            ".",
            "..",
            "../welcome.txt",
            "a/../welcome.txt",
            "/etc/passwd",
            "C:\\windows",
            "a\\b",
            "a..b",
            ".hidden",
            "a%2fb",
            "a b",
            "a\0",
            "a\n",
            "\u{e4}",
            &long,
        ] {
            assert_eq!(files.read(name), Err(FileError::Name), "{name:?}");
            assert_eq!(files.write(name, ""), Err(FileError::Name), "{name:?}");
        }
        assert_eq!(files.read("passwd"), Err(FileError::Unknown));
    }

    #[test]
    fn files_are_bounded() {
        let files = Files::default();
        assert_eq!(
            files.write("large", &"a".repeat(BYTES + 1)),
            Err(FileError::TooLarge)
        );
        for number in 0..FILES {
            files.write(&number.to_string(), "").expect("there is room");
        }
        assert_eq!(files.write("more", ""), Err(FileError::TooMany));
        files.write("0", "again").expect("the file exists");
        assert_eq!(files.read("0").as_deref(), Ok("again"));
        assert_eq!(files.log().lines().count(), FILES);
    }
}
