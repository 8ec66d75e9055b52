//! The data directory: one file per service, or no directory for a cloud in memory.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::StartError;
use super::start::{MAX_ATTEMPTS, RETRY_PAUSE};

#[derive(Debug)]
pub(super) struct DataDirectory {
    directory: Option<PathBuf>,
    /// Held while the cloud runs, so that no second process writes the same files.
    _lock: Option<File>,
}

impl DataDirectory {
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, StartError> {
        let Some(directory) = directory else { return Ok(Self { directory: None, _lock: None }) };
        std::fs::create_dir_all(directory).map_err(StartError::Data)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(directory.join("lock"))
            .map_err(StartError::Data)?;
        let mut attempts = 0;
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(StartError::Data(error)),
                Err(TryLockError::WouldBlock) if attempts == MAX_ATTEMPTS => {
                    return Err(StartError::DataTaken(directory.display().to_string()));
                }
                // A process that was just killed may not have released the lock yet.
                Err(TryLockError::WouldBlock) => std::thread::sleep(RETRY_PAUSE),
            }
            attempts += 1;
        }
        Ok(Self { directory: Some(directory.to_path_buf()), _lock: Some(lock) })
    }

    /// The path of a service's file; `None` for a cloud in memory.
    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.directory.as_ref().map(|directory| directory.join(name))
    }

    /// How far the clock was moved in earlier runs.
    pub(super) fn clock_offset(&self) -> Duration {
        let saved = self.file("clock").and_then(|file| std::fs::read_to_string(file).ok());
        Duration::from_millis(saved.and_then(|text| text.trim().parse().ok()).unwrap_or(0))
    }

    /// Saves how far the clock was moved. The file is replaced by a rename, so that a crash leaves the old or the new
    /// one.
    pub(super) fn save_clock_offset(&self, offset: Duration) -> io::Result<()> {
        let (Some(file), Some(beside)) = (self.file("clock"), self.file("clock.new")) else { return Ok(()) };
        std::fs::write(&beside, offset.as_millis().to_string())?;
        std::fs::rename(beside, file)
    }
}
