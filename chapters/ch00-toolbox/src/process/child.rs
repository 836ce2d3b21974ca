//! A running process that ends with the value that stands for it.

use std::io::{self, ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ch00_toolbox::process::output::{Output, follow};
use ch00_toolbox::sys::{self, POLLOUT, PollFd, Signal, poll, set_nonblocking};

/// How long a stage may take to say that it listens, and to stop. Both take
/// milliseconds; a busy machine may take a thousand times longer.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long an end may go unnoticed of a process whose stdout did not end
/// with it.
const GLANCE: Duration = Duration::from_millis(10);

// ANCHOR: guard
/// What the guard runs: `read` returns when the pipe to it ends, and the
/// pipe ends when its one writer is gone, be it by SIGKILL.
const GUARD: &str = r#"read -r _; kill -s KILL -- "-$1""#;

/// Starts the process that outlives this one for a moment, if it must, to
/// kill the group of the process `pid`. It stands in a group of its own,
/// so that a Ctrl-C that ends this process does not end it too.
fn guard(pid: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", GUARD, "guard", &pid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}
// ANCHOR_END: guard

/// A running process that ends with this value.
pub struct Process {
    child: Child,
    /// Holds the pipe whose end makes it kill.
    guard: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
    /// Set once it is reaped: from here on, its number is not ours.
    status: Option<ExitStatus>,
}

impl Process {
    // ANCHOR: spawn
    /// Starts a command in a process group of its own, with a guard, and
    /// with threads that read what it prints.
    ///
    /// # Errors
    ///
    /// There is no such program, or no room for another process.
    pub fn spawn(command: &mut Command) -> io::Result<Process> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()?;
        let guard = match guard(child.id()) {
            Ok(guard) => guard,
            Err(e) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(e);
            }
        };
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let stderr = child.stderr.take();
        let output = Arc::new(Output::default());
        follow(&output, stdout, |tails| &mut tails.stdout);
        follow(&output, stderr, |tails| &mut tails.stderr);
        Ok(Process {
            child,
            guard,
            stdin,
            output,
            status: None,
        })
    }
    // ANCHOR_END: spawn

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its stdin.
    ///
    /// # Errors
    ///
    /// It has ended, or closed its stdin, or [`Process::close_stdin`] did;
    /// or the deadline passes, since it does not read.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.send_within(bytes, PATIENCE)
    }

    /// As [`Process::send`], with another deadline.
    ///
    /// # Errors
    ///
    /// As [`Process::send`].
    pub fn send_within(
        &mut self,
        bytes: &[u8],
        patience: Duration,
    ) -> io::Result<()> {
        let stdin = self.stdin.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        // I3: a pipe that nobody reads is soon full, and a write to it would
        // wait. Only our end changes: the other is another open file.
        set_nonblocking(&*stdin, true)?;
        let deadline = Instant::now() + patience;
        let mut rest = bytes;
        while !rest.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if poll(&mut [PollFd::new(stdin, POLLOUT)], Some(left))? == 0 {
                let text = format!("does not read its stdin in {patience:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            match stdin.write(rest) {
                Ok(n) => rest = &rest[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Ends its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// What it printed on stdout so far, without the ends of lines.
    pub fn lines(&self) -> Vec<String> {
        self.output.lock().stdout.lines()
    }

    /// What it printed on stderr so far, without the ends of lines.
    pub fn errors(&self) -> Vec<String> {
        self.output.lock().stderr.lines()
    }

    // ANCHOR: wait_for
    /// Waits until a line on stdout contains `text`. Each line is looked at
    /// once: a second call goes on after the line that the first returned.
    ///
    /// # Errors
    ///
    /// Its stdout ends, or the deadline passes.
    pub fn wait_for(&self, text: &str) -> io::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        let mut output = self.output.lock();
        loop {
            if let Some(line) = output.stdout.find(text) {
                return Ok(line);
            }
            if output.stdout.has_ended() {
                let text = format!("ended without a line with {text:?}");
                return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("no line with {text:?} in {PATIENCE:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            output = self.output.changed(output, left);
        }
    }
    // ANCHOR_END: wait_for

    /// Waits until it has ended and what it printed is read.
    ///
    /// # Errors
    ///
    /// The deadline passes; it still runs.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_ended()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let text = format!("still running after {PATIENCE:?}");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
            // Its end closes its stdout, which wakes us; a look now and then
            // is for one that closed it early or left it to a child.
            let output = self.output.lock();
            drop(self.output.changed(output, left.min(GLANCE)));
        }
        let status = self.reap()?;
        self.read_out(deadline);
        Ok(status)
    }

    /// Waits until what it printed is read, with the group gone.
    fn read_out(&self, deadline: Instant) {
        let mut output = self.output.lock();
        while !(output.stdout.has_ended() && output.stderr.has_ended()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break; // held open by a process that left the group
            }
            output = self.output.changed(output, left);
        }
    }

    /// Asks it to end (SIGTERM), waits until the deadline, then kills what
    /// is left of its group.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::Term);
        match self.wait() {
            Ok(status) => status,
            Err(_) => self.kill(),
        }
    }

    // ANCHOR: signal
    /// Sends a signal, unless it has been reaped: I2.
    pub fn signal(&self, signal: Signal) {
        if self.status.is_none() {
            let _ = sys::kill(self.pid(), signal); // it may have ended
        }
    }
    // ANCHOR_END: signal

    /// Kills its group, reaps it, and reads the rest of what it printed.
    pub fn kill(&mut self) -> ExitStatus {
        let status = self.reap().expect("nobody else reaps our own child");
        self.read_out(Instant::now() + PATIENCE);
        status
    }

    // ANCHOR: reap
    /// Has the guard kill what is left of the group, while the leader's
    /// number is still ours (I2), and only then reaps the leader.
    fn reap(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        drop(self.guard.stdin.take());
        self.guard.wait()?;
        let _ = self.child.kill(); // had the guard itself been killed
        let status = self.child.wait()?;
        self.status = Some(status);
        Ok(status)
    }
    // ANCHOR_END: reap

    /// All that it printed and that is kept: stdout, stderr.
    pub fn printed(&self) -> (String, String) {
        let tails = self.output.lock();
        (tails.stdout.text(), tails.stderr.text())
    }

    /// Whether it has ended. It is not reaped by the question.
    fn has_ended(&self) -> io::Result<bool> {
        Ok(self.status.is_some() || sys::has_ended(self.pid())?)
    }

    /// Adds what was printed to an error.
    pub fn explain(&self, e: io::Error) -> io::Error {
        let mut text = e.to_string();
        for (name, lines) in
            [("stdout", self.lines()), ("stderr", self.errors())]
        {
            for line in lines.iter().rev().take(20).rev() {
                text += &format!("\n  {name}: {line}");
            }
        }
        io::Error::new(e.kind(), text)
    }
}

// ANCHOR: drop
impl Drop for Process {
    /// Runs when a test returns, when it panics, and when its `?` leaves:
    /// a process that needs a line of code to be ended is one that stays.
    fn drop(&mut self) {
        let _ = self.reap();
    }
}
// ANCHOR_END: drop
