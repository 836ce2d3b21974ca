//! The stage of step 8: what is left of one unsynced write, and of one
//! unsynced rename, after as many power cuts as you like.

use std::collections::BTreeMap;
use std::io;
use std::process::ExitCode;

use ch00_toolbox::args::{self, Command, Opt, Stop};
use ch00_toolbox::disk::mem::MemDisk;
use ch00_toolbox::disk::{Disk, read_all};

const COMMAND: Command = Command {
    name: "step8_disk",
    about: "save a file over an old one, cut the power, look what is left",
    operands: "",
    options: &[
        Opt {
            name: "cuts",
            value: Some("N"),
            default: Some("1000"),
            help: "how many power cuts",
        },
        Opt {
            name: "sync",
            value: None,
            default: None,
            help: "sync the new file before the rename",
        },
        Opt {
            name: "sync-dir",
            value: None,
            default: None,
            help: "sync the folder after the rename",
        },
    ],
    try_it: "step8_disk\nstep8_disk --sync\nstep8_disk --sync --sync-dir",
};

/// A file `a` with `old` in it, durable; then saved anew as editors do.
fn save(sync: bool, sync_dir: bool) -> io::Result<MemDisk> {
    let disk = MemDisk::new();
    let file = disk.create("a")?;
    file.write_at(0, b"old")?;
    file.sync()?;
    disk.sync_dir()?;

    let file = disk.create("a.new")?;
    file.write_at(0, b"new!")?;
    if sync {
        file.sync()?;
    }
    disk.rename("a.new", "a")?;
    if sync_dir {
        disk.sync_dir()?;
    }
    Ok(disk)
}

fn what_is_left(disk: &MemDisk) -> io::Result<String> {
    let mut text = Vec::new();
    for name in disk.list()? {
        let bytes = read_all(&*disk.open(&name)?)?;
        text.push(format!("{name}: \"{}\"", bytes.escape_ascii()));
    }
    Ok(text.join("  "))
}

fn run() -> Result<ExitCode, Stop> {
    let parsed = COMMAND.from_env();
    let cuts: u64 = parsed.value("cuts")?;
    let (sync, sync_dir) = (parsed.switch("sync"), parsed.switch("sync-dir"));
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    let done = save(sync, sync_dir).and_then(|disk| {
        for seed in 0..cuts {
            *seen.entry(what_is_left(&disk.crash(seed))?).or_default() += 1;
        }
        Ok(())
    });
    if let Err(e) = done {
        return Ok(args::fail(COMMAND.name, e));
    }
    for (left, times) in seen {
        println!("{times:5}  {left}");
    }
    Ok(ExitCode::SUCCESS)
}

fn main() -> ExitCode {
    run().unwrap_or_else(|stop| args::usage(COMMAND.name, stop))
}
