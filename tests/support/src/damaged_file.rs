//! One file damaged in one way, and whether it is still there after commands have met it.
//!
//! Must not judge commands: that is for the tests.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::random::Random;
use crate::waiting::rounds;

/// What is done to a file.
#[derive(Clone, Debug)]
pub enum Damage {
    CutAt(usize),
    Flip { byte: usize, bit: u8 },
    Garbage,
    Newer,
    Directory,
    Link,
    Fifo,
}

impl Damage {
    /// Every kind: all lengths with `ROUNDS=full`, else some of them.
    pub fn all(path: &Path, random: &mut Random) -> Vec<Self> {
        let len = fs::read(path).unwrap().len();
        // A record at every length; the index is large, and its pages are alike.
        let is_record = path.extension().is_some_and(|end| end == "json");
        let cuts = rounds(if is_record { len } else { len.min(300) });
        let mut all = vec![Self::Garbage, Self::Directory, Self::Link, Self::Fifo];
        if is_record {
            all.push(Self::Newer);
        }
        // The empty file is the first.
        all.extend((0..cuts).map(|n| Self::CutAt(n * len / cuts)));
        let flip = |_| Self::Flip { byte: random.below(len), bit: u8::try_from(random.below(8)).unwrap() };
        all.extend((0..rounds(200)).filter(|_| len > 0).map(flip));
        all
    }

    pub fn apply(&self, path: &Path) -> Damaged {
        let good = fs::read(path).unwrap();
        let bytes = match self {
            Self::CutAt(length) => Some(good[..(*length).min(good.len())].to_vec()),
            Self::Flip { byte, bit } => {
                let mut bytes = good.clone();
                if let Some(byte) = bytes.get_mut(*byte) {
                    *byte ^= 1 << bit;
                }
                Some(bytes)
            }
            Self::Garbage => Some(vec![0xa5; good.len().max(64)]),
            Self::Newer => {
                let mut record: Value = serde_json::from_slice(&good).unwrap();
                record["version"] = 999.into();
                Some(record.to_string().into_bytes())
            }
            Self::Directory | Self::Link | Self::Fifo => None,
        };
        let outside = path.parent().unwrap().with_file_name("outside");
        match (self, &bytes) {
            (_, Some(bytes)) => fs::write(path, bytes).unwrap(),
            (other, None) => {
                fs::remove_file(path).unwrap();
                match other {
                    Self::Directory => fs::create_dir(path).unwrap(),
                    Self::Fifo => {
                        rustix::fs::mkfifoat(rustix::fs::CWD, path, 0o600.into()).unwrap();
                    }
                    _ => {
                        fs::write(&outside, &good).unwrap();
                        std::os::unix::fs::symlink(&outside, path).unwrap();
                    }
                }
            }
        }
        Damaged { path: path.to_owned(), good, bytes, kind: self.clone(), outside }
    }
}

/// A damaged file.
#[derive(Debug)]
pub struct Damaged {
    pub path: PathBuf,
    pub good: Vec<u8>,
    bytes: Option<Vec<u8>>,
    kind: Damage,
    outside: PathBuf,
}

impl Damaged {
    /// Where the damaged file or its folder stands now: it may have been set aside.
    pub fn places(&self) -> Vec<PathBuf> {
        let name = self.path.file_name().unwrap();
        let folder = self.path.parent().unwrap();
        let mut places = vec![self.path.clone()];
        let aside = |path: &Path, n| PathBuf::from(format!("{}.damaged-{n}", path.display()));
        places.extend((1..9).map(|n| aside(&self.path, n)));
        places.extend((1..9).map(|n| aside(folder, n).join(name)));
        places
    }

    pub fn is_kept(&self) -> bool {
        if matches!(self.kind, Damage::Link) && fs::read(&self.outside).unwrap() != self.good {
            return false;
        }
        self.places().iter().any(|place| match (&self.bytes, fs::symlink_metadata(place)) {
            (_, Err(_)) => false,
            (Some(bytes), Ok(meta)) => meta.is_file() && fs::read(place).unwrap() == *bytes,
            (None, Ok(meta)) => match self.kind {
                Damage::Directory => meta.is_dir(),
                Damage::Fifo => meta.file_type().is_fifo(),
                _ => meta.is_symlink(),
            },
        })
    }

    pub fn remove(&self) {
        if self.path.is_dir() && !self.path.is_symlink() {
            fs::remove_dir(&self.path).unwrap();
        } else {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Puts the good record back, and its folder where that was set aside.
    pub fn restore(&self) {
        let folder = self.path.parent().unwrap();
        if !folder.exists() {
            let aside = format!("{}.damaged-1", folder.display());
            fs::rename(aside, folder).unwrap();
        }
        self.remove();
        fs::write(&self.path, &self.good).unwrap();
    }
}
