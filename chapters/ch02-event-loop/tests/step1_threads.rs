//! What step 1 must do. The kernel's text is given, so that each way in
//! which it may be short, wrong or hostile happens on every run.

use std::fs;
use std::path::{Path, PathBuf};

use ch00_toolbox::prop;
use ch02_event_loop::cost::{
    Change, Cost, CostError, Status, Switches, count, field, kib, status,
    switches,
};

const STATUS: &str = "Name:\tnc\nUmask:\t0022\nState:\tS (sleeping)\n\
    VmPeak:\t    9000 kB\nVmRSS:\t    4012 kB\nThreads:\t67\n\
    voluntary_ctxt_switches:\t812\nnonvoluntary_ctxt_switches:\t14\n";

/// An error as a test can compare it.
fn text<T>(result: Result<T, CostError>) -> Result<T, String> {
    result.map_err(|error| match error {
        CostError::Missing(name) => format!("missing {name}"),
        CostError::Malformed(name, text) => format!("{name} = {text:?}"),
        CostError::Io(error) => format!("{:?}", error.kind()),
    })
}

/// I1: a field is the first line that begins with its name and a colon.
#[test]
fn a_field_is_a_whole_name_at_the_beginning_of_a_line() {
    let check = |input: &str, expected: Result<&str, &str>| {
        let got = text(field(input, "Pss"));
        let got = got.as_ref().map(|text| *text).map_err(String::as_str);
        assert_eq!(got, expected, "input: {input:?}, field Pss");
    };
    check("Pss: 1 kB\n", Ok("1 kB"));
    check("Rss: 9 kB\nPss:\t   1 kB  \n", Ok("1 kB"));
    check("Pss:", Ok(""));
    check("Pss:\r\n", Ok(""));
    check("Pss: 1 kB\nPss: 2 kB\n", Ok("1 kB")); // the first
    check("Pss:a:b", Ok("a:b"));
    check("", Err("missing Pss"));
    check("Pss 1 kB\n", Err("missing Pss")); // no colon
    check("Pss_Anon: 1 kB\n", Err("missing Pss")); // a longer name
    check("SwapPss: 1 kB\n", Err("missing Pss")); // within another
    check("Name: Pss: 7 kB\n", Err("missing Pss")); // within a value
    check(" Pss: 1 kB\n", Err("missing Pss"));
    check("pss: 1 kB\n", Err("missing Pss"));
}

/// I1: a count is decimal digits, and nothing else.
#[test]
fn a_count_is_digits() {
    let check = |value: &str, expected: Result<u64, &str>| {
        let input = format!("A: 1\nThreads:\t{value}\nB: 2\n");
        let got = text(count(&input, "Threads"));
        let expected = expected.map_err(str::to_string);
        assert_eq!(got, expected, "input: Threads:\t{value}");
    };
    check("0", Ok(0));
    check("67", Ok(67));
    check("  007 ", Ok(7));
    check("18446744073709551615", Ok(u64::MAX));
    check(
        "18446744073709551616",
        Err(r#"Threads = "18446744073709551616""#),
    );
    check("", Err(r#"Threads = """#));
    check("-1", Err(r#"Threads = "-1""#));
    check("+1", Err(r#"Threads = "+1""#));
    check("1 2", Err(r#"Threads = "1 2""#));
    check("1.0", Err(r#"Threads = "1.0""#));
    check("0x10", Err(r#"Threads = "0x10""#));
    check("٣", Err(r#"Threads = "٣""#)); // a digit, and not ASCII
}

/// I1: a size is digits and ` kB`.
#[test]
fn a_size_has_its_unit() {
    let check = |value: &str, expected: Result<u64, &str>| {
        let input = format!("VmRSS:{value}\n");
        let got = text(kib(&input, "VmRSS"));
        let expected = expected.map_err(str::to_string);
        assert_eq!(got, expected, "input: {input:?}");
    };
    check("\t    4012 kB", Ok(4012));
    check(" 0 kB", Ok(0));
    check(" 4012", Err(r#"VmRSS = "4012""#));
    check(" 4012 MB", Err(r#"VmRSS = "4012 MB""#));
    check(" 4012kB", Err(r#"VmRSS = "4012kB""#));
    check(" +12 kB", Err(r#"VmRSS = "+12 kB""#));
    check(" kB", Err(r#"VmRSS = "kB""#));
    check(
        " 99999999999999999999 kB",
        Err(r#"VmRSS = "99999999999999999999 kB""#),
    );
}

/// I1: a status is whole or an error that names what it lacks.
#[test]
fn a_status_is_whole() {
    let expected = Status {
        rss_kib: 4012,
        threads: 67,
        switches: Switches {
            voluntary: 812,
            involuntary: 14,
        },
    };
    assert_eq!(text(status(STATUS)), Ok(expected), "input: {STATUS}");
    let fields = [
        "VmRSS",
        "Threads",
        "voluntary_ctxt_switches",
        "nonvoluntary_ctxt_switches",
    ];
    for name in fields {
        let without: String = STATUS
            .split_inclusive('\n')
            .filter(|line| !line.starts_with(&format!("{name}:")))
            .collect();
        let got = text(status(&without));
        assert_eq!(got, Err(format!("missing {name}")), "without {name}");
    }
    // A program may be called anything; the kernel escapes a line feed.
    let named = STATUS.replace("\tnc\n", "\tVmRSS:\\nThreads: 9\n");
    assert_eq!(text(status(&named)), Ok(expected), "input: {named}");
}

/// I1: no text makes it panic, and what it finds stands there.
#[test]
fn no_text_is_too_wrong() {
    prop::check(
        "no_text_is_too_wrong",
        2_000,
        |random| {
            let lines = random.vec(8, |random| {
                let name = random.pick(&[
                    "VmRSS:",
                    "voluntary_ctxt_switches:",
                    "nonvoluntary_ctxt_switches:",
                    "Threads",
                    "",
                ]);
                let value = match random.once_in(2) {
                    true => random.int().to_string(),
                    false => random.text(6),
                };
                format!("{name}{value}")
            });
            lines.join("\n")
        },
        |input| {
            let Ok(found) = switches(input) else {
                return Ok(()); // no panic is all that is asked
            };
            let stands = |name: &str, number: u64| {
                let value = |line: &str| {
                    let value = line.strip_prefix(name)?.trim();
                    value.parse::<u64>().ok()
                };
                input.lines().find_map(value) == Some(number)
            };
            let ok = stands("voluntary_ctxt_switches:", found.voluntary)
                && stands("nonvoluntary_ctxt_switches:", found.involuntary);
            match ok {
                true => Ok(()),
                false => Err(format!("{found:?} stands nowhere")),
            }
        },
    );
}

/// A folder like /proc, gone at the end.
struct Proc(PathBuf);

impl Proc {
    fn new(name: &str) -> Proc {
        let id = std::process::id();
        let path = std::env::temp_dir().join(format!("proc-{name}-{id}"));
        fs::create_dir_all(path.join("7/task")).expect("a folder");
        Proc(path)
    }

    fn put(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder).expect("a folder");
        fs::write(path, text).expect("a file");
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn thread(voluntary: u64, involuntary: u64) -> String {
    format!(
        "voluntary_ctxt_switches:\t{voluntary}\n\
         nonvoluntary_ctxt_switches:\t{involuntary}\n"
    )
}

/// I2: the switches are those of all threads, not of the first; a thread
/// that is gone is left out; one that says nonsense is an error.
#[test]
fn switches_are_summed_over_the_threads() {
    let proc = Proc::new("sum");
    proc.put("7/status", STATUS);
    proc.put("7/task/7/status", &thread(812, 14));
    proc.put("7/task/8/status", &thread(100, 0));
    fs::create_dir_all(proc.0.join("7/task/9")).expect("a folder"); // gone
    let got = text(Cost::read(&proc.0, 7));
    let expected = Cost {
        rss_kib: 4012,
        pss_kib: None,
        threads: 67,
        switches: Switches {
            voluntary: 912,
            involuntary: 14,
        },
    };
    assert_eq!(got, Ok(expected), "two threads, and one that has ended");

    proc.put(
        "7/smaps_rollup",
        "00-ff ---p 0 0 0 [rollup]\nPss:  2950 kB\n",
    );
    proc.put("7/task/10/status", &thread(u64::MAX, 1));
    let got = text(Cost::read(&proc.0, 7));
    let expected = Cost {
        pss_kib: Some(2950),
        switches: Switches {
            voluntary: u64::MAX,
            involuntary: 15,
        },
        ..expected
    };
    assert_eq!(got, Ok(expected), "a sum over 64 bits stays at their end");

    proc.put("7/task/11/status", "voluntary_ctxt_switches:\tmany\n");
    let got = text(Cost::read(&proc.0, 7)).map(|cost| cost.threads);
    let expected = "voluntary_ctxt_switches = \"many\"";
    assert_eq!(got, Err(expected.to_string()), "a thread says nonsense");
}

/// I2: a process that is not there is an error, not a cost of nothing.
#[test]
fn no_process_is_no_cost() {
    let proc = Proc::new("none");
    let got = text(Cost::read(&proc.0, 8)).map(|cost| cost.threads);
    assert_eq!(got, Err("NotFound".to_string()), "input: process 8");
}

/// I2: this process is counted, its other threads as well as this one.
#[test]
#[cfg(target_os = "linux")]
fn this_process_has_a_cost() -> Result<(), CostError> {
    let own = || fs::read_to_string("/proc/thread-self/status");
    let before = switches(&own()?)?;
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(0);
    let (done, pong) = std::sync::mpsc::sync_channel::<()>(0);
    let other = std::thread::spawn(move || {
        while wait.recv().is_ok() {
            let _ = done.send(());
        }
    });
    for _ in 0..100 {
        go.send(()).expect("it waits");
        pong.recv().expect("it answers");
    }
    let mine = switches(&own()?)?;
    let all = Cost::own()?;
    assert!(mine.voluntary > before.voluntary, "{before:?} to {mine:?}");
    // Not compared with an earlier sum: other tests' threads come and go.
    assert!(
        all.switches.voluntary >= mine.voluntary,
        "{all:?}, {mine:?}"
    );
    assert!(all.threads >= 2 && all.rss_kib > 0, "{all:?}");
    drop(go);
    other.join().expect("it does not panic");
    Ok(())
}

/// I3: differences keep their sign and never wrap.
#[test]
fn differences_have_a_sign() {
    let cost = |rss_kib, threads, voluntary, involuntary| Cost {
        rss_kib,
        pss_kib: None,
        threads,
        switches: Switches {
            voluntary,
            involuntary,
        },
    };
    let check = |before: Cost, after: Cost, expected: (i64, i64, u64)| {
        let (rss_kib, threads, switches) = expected;
        let expected = Change {
            rss_kib,
            threads,
            switches,
        };
        assert_eq!(after.since(&before), expected, "{before:?} to {after:?}");
    };
    check(cost(10, 1, 5, 5), cost(25, 4, 7, 9), (15, 3, 6));
    check(cost(25, 4, 7, 9), cost(10, 1, 5, 5), (-15, -3, 0));
    check(cost(0, 0, 0, 0), cost(0, 0, 0, 0), (0, 0, 0));
    let most = cost(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    check(cost(0, 0, 0, 0), most, (i64::MAX, i64::MAX, u64::MAX));
    check(most, cost(0, 0, 0, 0), (-i64::MAX, -i64::MAX, 0));
}

/// I3: nothing per nobody is no number.
#[test]
fn quotients_of_nobody_are_none() {
    let change = Change {
        rss_kib: -30,
        threads: 2,
        switches: 5,
    };
    let got = [0, 1, 20].map(|n| change.kib_per_connection(n));
    assert_eq!(got, [None, Some(-30.0), Some(-1.5)], "-30 KiB by 0, 1, 20");
    let got = [0, 1, 2].map(|n| change.switches_per_request(n));
    assert_eq!(got, [None, Some(5.0), Some(2.5)], "5 switches by 0, 1, 2");
}
