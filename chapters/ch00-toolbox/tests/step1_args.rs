//! Step 1: arguments.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

use ch00_toolbox::args::{
    Command, Opt, PORT, Parsed, Stop, addr_opt, fail, usage,
};

const ECHO: Command = Command {
    name: "echo",
    about: "says it again",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "times",
            value: Some("N"),
            default: Some("1"),
            help: "how often",
        },
        Opt {
            name: "loud",
            value: None,
            default: None,
            help: "shout",
        },
    ],
    try_it: "echo --loud\necho --times 3",
};

fn with_operands(operands: &'static str) -> Command {
    Command { operands, ..ECHO }
}

fn parse(command: &Command, line: &str) -> Result<Parsed, Stop> {
    command.parse(line.split_whitespace().map(OsString::from))
}

/// What the usage error says.
fn mistake(command: &Command, line: &str) -> String {
    match parse(command, line) {
        Err(Stop::Usage(line)) => line,
        other => panic!("input: {line:?} is a mistake, got {other:?}"),
    }
}

/// I1: an option's value is the next argument or stands after an equals sign.
#[test]
fn both_ways_to_give_a_value() {
    for line in ["--times 3", "--times=3", "--times 2 --times 3"] {
        let parsed = parse(&ECHO, line).expect(line);
        assert_eq!(parsed.value("times"), Ok(3u32), "input: {line}");
        assert_eq!(parsed.text("times"), Some("3"), "input: {line}");
    }
    let parsed = parse(&ECHO, "--addr=--x=y").expect("joined");
    assert_eq!(parsed.text("addr"), Some("--x=y"), "input: --addr=--x=y");
    let parsed = parse(&ECHO, "--addr=").expect("empty");
    assert_eq!(parsed.text("addr"), Some(""), "input: --addr=");
}

/// I1: what is not given has its default, and a switch is off.
#[test]
fn defaults() {
    let parsed = parse(&ECHO, "").expect("no arguments are fine");
    assert_eq!(parsed.text("addr"), Some("127.0.0.1:7001"));
    assert_eq!(parsed.text("port"), None);
    assert_eq!(parsed.value("times"), Ok(1u8));
    assert!(!parsed.switch("loud"));
    assert!(parse(&ECHO, "--loud").expect("a switch").switch("loud"));
}

/// I1: each mistake is one line that names the argument.
#[test]
fn mistakes() {
    let one = with_operands("[FILE]");
    for (command, line, expected) in [
        (&ECHO, "--prot 80", "unknown option --prot"),
        (&ECHO, "--prot=80", "unknown option --prot"),
        (&ECHO, "-p 80", "unknown option -p"),
        (&ECHO, "-loud", "unknown option -loud"),
        (&ECHO, "--=3", "unknown option --"),
        (&ECHO, "--times", "--times wants N"),
        (
            &ECHO,
            "--addr --loud",
            "--addr wants HOST:PORT, got --loud \
             (if you mean it: --addr=--loud)",
        ),
        (&ECHO, "--loud=1", "--loud is a switch: no value"),
        (&ECHO, "file", "unexpected operand \"file\""),
        (&one, "one two", "unexpected operand \"two\""),
        (&with_operands("FILE"), "", "missing FILE"),
        (&with_operands("FROM TO"), "a", "missing TO"),
        (&with_operands("FILE..."), "", "missing FILE..."),
    ] {
        assert_eq!(mistake(command, line), expected, "input: {line:?}");
    }
}

/// I1: bytes that are not UTF-8 are shown, wherever they stand.
#[test]
fn bytes_that_are_not_text() {
    let bad = || OsString::from_vec(b"caf\xe9".to_vec());
    for args in [vec![bad()], vec!["--addr".into(), bad()]] {
        let got = ECHO.parse(args.clone()).map(|_| ());
        let line = r#"argument "caf\xe9" is not UTF-8"#.to_owned();
        assert_eq!(got, Err(Stop::Usage(line)), "input: {args:?}");
    }
}

/// I2: after `--` everything is an operand; `-` is one anywhere.
#[test]
fn the_end_of_options() {
    let many = with_operands("[FILE]...");
    for (line, expected) in [
        ("a --times 2 b", vec!["a", "b"]),
        ("-- --times 2", vec!["--times", "2"]),
        ("-- --help", vec!["--help"]),
        ("-- --", vec!["--"]),
        ("-", vec!["-"]),
        ("--times 2 - -- -x", vec!["-", "-x"]),
    ] {
        let parsed = parse(&many, line).expect(line);
        assert_eq!(parsed.operands(), expected, "input: {line:?}");
    }
}

/// I1: every line of up to four words out of a nasty dozen ends in a result,
/// and a mistake is told in one line.
#[test]
fn never_panics() {
    let words = [
        "--", "-", "", "--addr", "--loud", "--times=", "--times", "-h", "--=",
        "=", "---", "x",
    ];
    let many = with_operands("[FILE]...");
    let (mut parsed, mut helped, mut refused) = (0, 0, 0);
    for n in 0..12usize.pow(4) {
        let line: Vec<&str> =
            (0..4).map(|i| words[n / 12usize.pow(i) % 12]).collect();
        match many.parse(line.iter().map(OsString::from)) {
            Ok(_) => parsed += 1,
            Err(Stop::Help(_)) => helped += 1,
            Err(Stop::Usage(why)) => {
                assert!(!why.contains('\n'), "input: {line:?}: {why:?}");
                refused += 1;
            }
        }
    }
    assert!(parsed > 500 && helped > 500 && refused > 500);
}

/// I3: the help shows what the table says.
#[test]
fn help_is_the_table() {
    for line in ["--help", "-h", "--loud --help --nonsense"] {
        let Err(Stop::Help(help)) = parse(&with_operands("[FILE]"), line)
        else {
            panic!("input: {line:?} asks for help");
        };
        let expected = "\
echo: says it again

Usage: echo [OPTIONS] [FILE]

Options:
  --addr HOST:PORT  the address to use [default: 127.0.0.1:7001]
  --port N          use this port instead; 0 takes a free one
  --times N         how often [default: 1]
  --loud            shout
  --help            print this and end

Try:
  echo --loud
  echo --times 3
";
        assert_eq!(help, expected, "input: {line:?}");
    }
}

/// I1: a value that is not of its type is named with its option.
#[test]
fn values_have_types() {
    let parsed = parse(&ECHO, "--times many").expect("any text");
    let got = parsed
        .value::<u32>("times")
        .map_err(|stop| stop.to_string());
    assert_eq!(got, Err("--times wants N, got \"many\"".into()));
    let got = parsed.value::<u16>("port").map_err(|stop| stop.to_string());
    assert_eq!(got, Err("--port N is required".into()));
}

/// I1: the address is that of --addr, with the port of --port.
#[test]
fn addresses() {
    for (line, expected) in [
        ("", "127.0.0.1:7001"),
        ("--port 0", "127.0.0.1:0"),
        ("--addr 127.0.0.2:80", "127.0.0.2:80"),
        ("--addr [::1]:80 --port 81", "[::1]:81"),
    ] {
        let parsed = parse(&ECHO, line).expect(line);
        let expected: SocketAddr = expected.parse().expect("an address");
        assert_eq!(parsed.addr(), Ok(expected), "input: {line:?}");
    }
    for line in ["--addr 7001", "--addr 127.0.0.1", "--port 65536"] {
        let parsed = parse(&ECHO, line).expect(line);
        let got = parsed.addr();
        assert!(
            matches!(got, Err(Stop::Usage(_))),
            "input: {line:?}: {got:?}"
        );
    }
}

/// I4: a mistake is status 2, a failure 1, help 0.
#[test]
fn statuses() {
    for (got, expected) in [
        (usage("echo", Stop::Usage("unknown option --x".into())), 2),
        (usage("echo", Stop::Help(String::new())), 0),
        (fail("echo", "the disk is full"), 1),
    ] {
        assert_eq!(got, ExitCode::from(expected));
    }
}

/// I4: help that was not written is a failure, unless nobody reads any more.
#[test]
#[cfg(target_os = "linux")] // which has /dev/full
fn help_that_goes_nowhere() {
    use std::process::{Command as Program, Stdio};
    let help = Stop::Help(String::new());
    assert_eq!(usage("echo", help), ExitCode::SUCCESS);
    let run = |out: Stdio| {
        let program = env!("CARGO_BIN_EXE_ch00-toolbox");
        let mut stage = Program::new(program);
        let done = stage.arg("--help").stdout(out).output();
        let done = done.expect("it starts");
        let said = String::from_utf8(done.stderr).expect("text");
        (done.status.code(), said)
    };
    let full = std::fs::File::options().write(true).open("/dev/full");
    let (status, said) = run(full.expect("Linux has it").into());
    assert_eq!(status, Some(1), "a full disk");
    assert!(said.contains("No space left"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");

    let (reader, closed) = std::io::pipe().expect("a pipe");
    drop(reader);
    assert_eq!(
        run(closed.into()),
        (Some(0), String::new()),
        "a closed pipe"
    );
}

/// I1: a name that the table lacks is the program's mistake, and loud.
#[test]
#[should_panic(expected = "echo has no option --tmies")]
fn a_typo_in_the_program() {
    let _ = parse(&ECHO, "").expect("no arguments").text("tmies");
}
