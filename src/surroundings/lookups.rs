//! Programs that are asked for a secret.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

/// Who is asked for a secret just now; cheap to copy, and every copy is the same.
#[derive(Debug, Clone, Default)]
pub struct SecretLookups(Arc<Mutex<Asked>>);

#[derive(Debug, Default)]
struct Asked {
    program: Option<Pid>,
    /// Nobody wants secrets any more.
    is_over: bool,
}

/// A program is being started.
pub struct Lookup<'a>(MutexGuard<'a, Asked>);

impl Lookup<'_> {
    /// It is this process.
    pub fn asks(&mut self, pid: Option<u32>) {
        self.0.program = pid.and_then(|pid| Pid::from_raw(pid.cast_signed()));
    }
}

impl SecretLookups {
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A program is about to be started, which holds off [`SecretLookups::cancel`]; none when nobody wants secrets any
    /// more.
    pub fn begin(&self) -> Option<Lookup<'_>> {
        Some(self.asked()).filter(|asked| !asked.is_over).map(Lookup)
    }

    /// It has ended.
    pub fn end(&self) {
        self.asked().program = None;
    }

    /// Ends the program that is to give out a secret, if there is one, and starts no other: the program ends.
    pub fn cancel(&self) {
        // Whoever starts a program holds it, on a disk that hangs for ever.
        let until = Instant::now() + Duration::from_millis(200);
        while Instant::now() < until {
            let mut asked = match self.0.try_lock() {
                Ok(asked) => asked,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                }
            };
            asked.is_over = true;
            if let Some(pid) = asked.program.take() {
                let _ = kill_process(pid, Signal::TERM);
            }
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_is_asked_once_nobody_wants_secrets() {
        let lookups = SecretLookups::default();
        assert!(lookups.begin().is_some());
        lookups.clone().cancel();
        assert!(lookups.begin().is_none());
    }
}
