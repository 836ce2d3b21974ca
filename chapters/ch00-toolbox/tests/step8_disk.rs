//! What step 8 must do: lose what a disk may lose, and nothing else; and a
//! journal on it that gives back what it acknowledged, whatever is lost.

mod scratch;

use std::io::{self, ErrorKind};

use ch00_toolbox::disk::journal::{Checksum, Journal, crc32, decode, encode};
use ch00_toolbox::disk::loss::SECTOR;
use ch00_toolbox::disk::lying::{Lie, Lying};
use ch00_toolbox::disk::mem::{Fault, MemDisk};
use ch00_toolbox::disk::sweep::{Tally, crash_everywhere};
use ch00_toolbox::disk::{Disk, RealDisk, read_all};
use ch00_toolbox::prop::{Gen, check};
use scratch::Scratch;

fn contents(disk: &dyn Disk, name: &str) -> Option<Vec<u8>> {
    disk.open(name).ok().map(|file| read_all(&*file).unwrap())
}

/// What a disk looks like from outside: names, bytes, and how a call ended.
fn play(disk: &dyn Disk, calls: &[(u64, u64, u64)]) -> Vec<String> {
    let mut seen = Vec::new();
    for (what, name, number) in calls {
        let name = ["a", "b", "c"][*name as usize];
        let file = || disk.open(name);
        let text = number.to_string();
        let done = match what {
            0 => disk.create(name).map(drop),
            1 => disk.rename(name, "b"),
            2 => disk.remove(name),
            3 => file().and_then(|f| f.write_at(*number, text.as_bytes())),
            4 => file().and_then(|f| f.truncate(*number)),
            5 => file().and_then(|f| f.sync()),
            _ => disk.sync_dir(),
        };
        let names = disk.list().unwrap();
        let bytes = names.iter().map(|name| contents(disk, name));
        let bytes: Vec<_> = bytes.collect();
        let done = done.map_err(|e| e.kind());
        seen.push(format!("{done:?} {names:?} {bytes:?}"));
    }
    seen
}

/// I1: as long as the power stays on, memory and the real disk are alike.
#[test]
fn both_disks_behave_alike() {
    let call = |g: &mut Gen| (g.upto(6), g.upto(2), g.upto(700));
    let calls = |g: &mut Gen| g.vec(25, call);
    let mem = |calls: &[_]| play(&MemDisk::new(), calls);
    assert_eq!(mem(&[(0, 0, 0)]), [r#"Ok(()) ["a"] [Some([])]"#]);
    check("disks alike", 150, calls, |calls| {
        let folder = Scratch::new("alike");
        let real = RealDisk::new(&*folder).unwrap();
        let (got, expected) = (mem(calls), play(&real, calls));
        let same = got.iter().zip(&expected).position(|(g, e)| g != e);
        same.map_or(Ok(()), |at| {
            Err(format!("{:?}: {} but {}", calls[at], got[at], expected[at]))
        })
    });
}

/// I1: a name cannot leave the folder.
#[test]
fn a_name_is_not_a_path() {
    let folder = Scratch::new("names");
    let disk = RealDisk::new(&*folder).unwrap();
    for name in ["", ".", "..", "/", "../x", "a/b", "a/"] {
        let e = disk.create(name).err().map(|e| e.kind());
        assert_eq!(e, Some(ErrorKind::InvalidInput), "input: {name:?}");
    }
}

/// I2: what was synced is there after every crash; what was not is old, new
/// or torn, and each of the three does happen.
#[test]
fn a_crash_keeps_what_was_synced() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    file.write_at(0, b"old old ").unwrap();
    file.sync().unwrap();
    disk.sync_dir().unwrap();
    file.write_at(4, b"new new ").unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let left = contents(&disk.crash(seed), "a").unwrap();
        assert!(left.starts_with(b"old "), "input: seed {seed}");
        seen.insert(String::from_utf8(left).unwrap());
    }
    for text in ["old old ", "old new new ", "old nld "] {
        assert!(seen.contains(text), "never {text:?}: {seen:?}");
    }
    assert!(seen.contains("old old \0\0\0\0"), "{seen:?}");
}

/// I2: a write of several sectors may lose any of them.
#[test]
fn sectors_are_lost_one_by_one() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    disk.sync_dir().unwrap();
    file.write_at(0, &[7; 3 * SECTOR]).unwrap();
    let hole = |seed: &u64| {
        let left = contents(&disk.crash(*seed), "a").unwrap();
        let sector = |n: usize| left.get(n * SECTOR).copied();
        (sector(0), sector(1), sector(2)) == (Some(7), Some(0), Some(7))
    };
    assert!(
        (0..500).any(|seed| hole(&seed)),
        "never a hole in the middle"
    );
}

/// I2: a name is durable with the folder's sync, and not with the file's.
#[test]
fn a_name_needs_the_folders_sync() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    file.write_at(0, b"bytes").unwrap();
    file.sync().unwrap();
    let there = |seed: &u64| contents(&disk.crash(*seed), "a").is_some();
    assert!((0..50).any(|seed| !there(&seed)), "the name is durable");
    assert!((0..50).any(|seed| there(&seed)), "the name is never kept");
    disk.sync_dir().unwrap();
    assert!((0..50).all(|seed| there(&seed)));
    assert_eq!(contents(&disk.crash(1), "a").unwrap(), b"bytes");
}

/// I2: a rename is old or new, never both and never neither.
#[test]
fn a_rename_is_whole() {
    let disk = MemDisk::new();
    for (name, text) in [("a", b"1"), ("b", b"2")] {
        let file = disk.create(name).unwrap();
        file.write_at(0, text).unwrap();
        file.sync().unwrap();
    }
    disk.sync_dir().unwrap();
    disk.rename("b", "a").unwrap();
    let after = |seed| {
        let left = disk.crash(seed);
        (contents(&left, "a"), contents(&left, "b"))
    };
    let old = (Some(b"1".to_vec()), Some(b"2".to_vec()));
    let new = (Some(b"2".to_vec()), None);
    assert!((0..50).all(|seed| after(seed) == old || after(seed) == new));
    assert!((0..50).any(|seed| after(seed) == old));
    assert!((0..50).any(|seed| after(seed) == new));
}

/// I2: of two renames the second alone may arrive. The file has two names
/// then, and is one file all the same.
#[test]
fn a_file_with_two_names_is_one_file() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    disk.sync_dir().unwrap();
    file.write_at(0, b"not synced").unwrap();
    disk.rename("a", "b").unwrap();
    disk.rename("b", "c").unwrap();
    let left = (0..200).map(|seed| disk.crash(seed));
    let names = left.map(|l| Some((contents(&l, "a")?, contents(&l, "c")?)));
    let both: Vec<_> = names.flatten().collect();
    let same = both.iter().all(|(a, c)| a == c);
    assert!(!both.is_empty() && same, "got {both:?}");
}

/// I3: a sync that failed made nothing durable, and the next one, which
/// succeeds, does not either.
#[test]
fn a_failed_sync_is_final() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    disk.sync_dir().unwrap();
    disk.fail_at(4, Fault::Io);
    file.write_at(0, b"lost").unwrap();
    assert_eq!(file.sync().unwrap_err().raw_os_error(), Some(5));
    assert_eq!(contents(&disk, "a").unwrap(), b"lost", "still in the cache");
    file.sync().unwrap();
    assert_eq!(contents(&disk.crash(1), "a").unwrap(), b"");
}

/// A full disk takes what fits and says so.
#[test]
fn a_full_disk_says_so() {
    let disk = MemDisk::new();
    disk.limit(6);
    let file = disk.create("a").unwrap();
    file.write_at(0, b"1234").unwrap();
    let e = file.write_at(4, b"5678").unwrap_err();
    assert_eq!(e.kind(), ErrorKind::StorageFull);
    assert_eq!(contents(&disk, "a").unwrap(), b"123456");
    file.write_at(0, b"abcdef").unwrap();
}

/// After a power cut nothing answers any more.
#[test]
fn without_power_nothing_works() {
    let disk = MemDisk::new();
    let file = disk.create("a").unwrap();
    disk.fail_at(2, Fault::PowerOff);
    assert!(file.write_at(0, b"x").is_err());
    assert!(file.sync().is_err() && file.size().is_err());
    assert!(file.read_at(0, &mut [0]).is_err());
    assert!(disk.open("a").is_err() && disk.create("b").is_err());
    assert!(disk.list().is_err() && disk.sync_dir().is_err());
    assert!(disk.is_off());
}

/// The published value of this CRC (its "check": the nine digits).
#[test]
fn the_checksum_is_the_published_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    assert_eq!(crc32(b""), 0);
}

/// I5: any cut and any flipped bit of a journal gives a prefix.
#[test]
fn damage_gives_a_prefix() {
    let damaged = |g: &mut Gen| {
        let records = g.vec(5, |g| g.bytes(20));
        (records, g.upto(160), g.once_in(2), g.upto(7))
    };
    assert_eq!(decode(&[0; 64], crc32), (vec![], 0), "zeros are no record");
    check("a prefix", 3_000, damaged, |(records, at, cut, bit)| {
        let each = records.iter().map(|r| encode(r, crc32));
        let mut bytes: Vec<u8> = each.flatten().collect();
        let at = (*at as usize).min(bytes.len().saturating_sub(1));
        match bytes.get_mut(at) {
            Some(_) if *cut => bytes.truncate(at),
            Some(byte) => *byte ^= 1 << bit,
            None => {}
        }
        let (got, end) = decode(&bytes, crc32);
        match records.starts_with(&got) && end <= bytes.len() {
            true => Ok(()),
            false => Err(format!("recovered {got:?}")),
        }
    });
}

// ---- the journal, and the journals that each lack one thing

/// What is appended after a recovery.
const LATER: &[u8] = b"later";

/// What is left out, to see whether anybody notices.
#[derive(Clone, Copy, PartialEq)]
enum Skip {
    Nothing,
    Call(Lie),
    Checksum,
    ChecksumOfSize,
}

impl Skip {
    fn checksum(self) -> Checksum {
        match self {
            Skip::Checksum => |_| 0,
            Skip::ChecksumOfSize => |bytes| crc32(&bytes[4..]),
            _ => crc32,
        }
    }

    fn disk(self, disk: &MemDisk) -> Lying<MemDisk> {
        match self {
            Skip::Call(lie) => Lying::new(disk.clone(), Some(lie)),
            _ => Lying::new(disk.clone(), None),
        }
    }
}

/// What a run knows when the power goes: what was acknowledged, and what
/// was asked for last and not answered.
#[derive(Default)]
struct Known {
    acknowledged: Vec<Vec<u8>>,
    asked: Option<Vec<Vec<u8>>>,
}

/// A record longer than a sector, with a record inside it that stands just
/// where `LATER` ends if that takes its place.
fn ghostly() -> Vec<u8> {
    let mut record = vec![2; SECTOR + 200];
    let ghost = encode(b"ghost", crc32);
    record[LATER.len()..][..ghost.len()].copy_from_slice(&ghost);
    record
}

/// Three records, of which one is longer than a sector; then all but the
/// last replaced; then two more.
fn work(disk: &MemDisk, skip: Skip) -> Known {
    let mut known = Known::default();
    let _ = try_work(&skip.disk(disk), skip.checksum(), &mut known);
    known
}

fn try_work(
    disk: &dyn Disk,
    sum: Checksum,
    known: &mut Known,
) -> io::Result<()> {
    let (mut journal, _) = Journal::open_with(disk, sum)?;
    for n in 1..=5 {
        let record = if n == 2 { ghostly() } else { vec![n; 9] };
        let mut after = known.acknowledged.clone();
        after.push(record.clone());
        known.asked = Some(after);
        journal.append(&record)?;
        known.acknowledged = known.asked.take().unwrap();
        if n == 3 {
            let last = known.acknowledged[2..].to_vec();
            known.asked = Some(last.clone());
            journal.replace(&last)?;
            known.acknowledged = known.asked.take().unwrap();
        }
    }
    Ok(())
}

/// I4, I5, I6: what is recovered is what was acknowledged, or with it what
/// was under way; and a record that is appended now is found again.
fn recovers(known: &Known, disk: &MemDisk, skip: Skip) -> Result<(), String> {
    let disk = skip.disk(disk);
    let open = || Journal::open_with(&disk, skip.checksum());
    let (mut journal, got) = open().map_err(|e| e.to_string())?;
    if got != known.acknowledged && Some(&got) != known.asked.as_ref() {
        let sizes = |records: &[Vec<u8>]| {
            let each = records.iter().map(|r| (r.first().copied(), r.len()));
            each.collect()
        };
        let (got, acknowledged): (Vec<_>, Vec<_>) =
            (sizes(&got), sizes(&known.acknowledged));
        return Err(format!("got {got:?}, acknowledged {acknowledged:?}"));
    }
    journal.append(LATER).map_err(|e| e.to_string())?;
    let (_, again) = open().map_err(|e| e.to_string())?;
    match again.strip_prefix(&got[..]) {
        Some([last]) if *last == LATER => Ok(()),
        _ => Err("the record appended after the recovery is lost".to_owned()),
    }
}

fn crash_with(skip: Skip) -> Result<Tally, String> {
    crash_everywhere(
        64,
        |disk| work(disk, skip),
        |known, after| recovers(known, &after, skip),
    )
}

/// I4, I5, I6: the journal, with the power going during every operation.
#[test]
fn the_journal_survives_every_crash() {
    let tally = crash_with(Skip::Nothing).unwrap();
    assert!(tally.operations >= 20, "got {tally:?}");
    assert_eq!(tally.crashes, tally.operations * 64);
}

/// I4: also when the power goes again during every operation of a recovery.
#[test]
fn a_recovery_survives_every_crash() {
    let skip = Skip::Nothing;
    let records = MemDisk::new();
    work(&records, skip);
    for number in 1..=records.operations() {
        let disk = MemDisk::new();
        disk.fail_at(number, Fault::PowerOff);
        let known = work(&disk, skip);
        for seed in 0..8 {
            for during in 1..=6 {
                let recovering = disk.crash(seed);
                recovering.fail_at(during, Fault::PowerOff);
                let _ = Journal::open(&recovering);
                let again = recovering.crash(seed + 100);
                let found = recovers(&known, &again, skip);
                let input = format!("{number}, seed {seed}, then {during}");
                assert_eq!(found, Ok(()), "input: {input}");
            }
        }
    }
}

/// I4: each sabotage is noticed. A test that lets one pass tests nothing.
#[test]
fn every_sabotage_is_caught() {
    for (skip, name) in [
        (Skip::Call(Lie::Sync), "skip the fsync"),
        (Skip::Call(Lie::SyncDir), "skip the directory's fsync"),
        (Skip::Call(Lie::Truncate), "leave the torn tail"),
        (Skip::Checksum, "forget the checksum"),
        (Skip::ChecksumOfSize, "leave the size out of the checksum"),
    ] {
        let caught = crash_with(skip);
        assert!(caught.is_err(), "not caught: {name}: {caught:?}");
    }
}

/// I4: what a killed process wrote and did not sync is durable once a
/// recovery has shown it: the cache outlives a process, not a power cut.
#[test]
fn what_a_recovery_shows_is_durable() {
    let disk = MemDisk::new();
    drop(Journal::open(&disk).unwrap());
    let file = disk.open("journal").unwrap();
    let end = file.size().unwrap();
    file.write_at(end, &encode(b"killed here", crc32)).unwrap();
    let (_, shown) = Journal::open(&disk).unwrap();
    assert_eq!(shown, [b"killed here"]);
    for seed in 0..64 {
        let (_, found) = Journal::open(&disk.crash(seed)).unwrap();
        assert_eq!(found, shown, "input: seed {seed}");
    }
}

/// I4: so is the name of a journal whose process was killed between the
/// rename and the sync of the folder.
#[test]
fn a_name_that_was_found_is_durable() {
    let disk = MemDisk::new();
    let file = disk.create("journal.new").unwrap();
    file.write_at(0, b"WBJ1").unwrap();
    file.sync().unwrap();
    disk.rename("journal.new", "journal").unwrap();
    let (mut journal, _) = Journal::open(&disk).unwrap();
    journal.append(b"acknowledged").unwrap();
    for seed in 0..64 {
        let (_, found) = Journal::open(&disk.crash(seed)).unwrap();
        assert_eq!(found, [b"acknowledged"], "input: seed {seed}");
    }
}

/// I7: every operation fails once, with EIO and with ENOSPC: nothing that
/// was acknowledged is lost, and nothing is taken after the failure.
#[test]
fn the_journal_survives_every_error() {
    let whole = MemDisk::new();
    work(&whole, Skip::Nothing);
    for fault in [Fault::Io, Fault::NoSpace] {
        for number in 1..=whole.operations() {
            let disk = MemDisk::new();
            disk.fail_at(number, fault);
            let known = work(&disk, Skip::Nothing);
            for seed in 0..16 {
                let found = recovers(&known, &disk.crash(seed), Skip::Nothing);
                let input = format!("{fault:?} at {number}, seed {seed}");
                assert_eq!(found, Ok(()), "input: {input}");
            }
        }
    }
    let disk = MemDisk::new();
    let (mut journal, _) = Journal::open(&disk).unwrap();
    disk.fail_at(disk.operations() + 2, Fault::Io);
    assert!(journal.append(b"1").is_err());
    assert!(
        journal.append(b"2").is_err(),
        "takes more after a failed sync"
    );
}

/// The journal on the real disk: closed, opened, and torn by hand.
#[test]
fn the_journal_on_the_real_disk() {
    let folder = Scratch::new("journal");
    let disk = RealDisk::new(&*folder).unwrap();
    let (mut journal, records) = Journal::open(&disk).unwrap();
    assert_eq!(records, Vec::<Vec<u8>>::new());
    journal.append(b"one").unwrap();
    journal.append(b"two").unwrap();
    drop(journal);
    let file = disk.open("journal").unwrap();
    file.truncate(file.size().unwrap() - 1).unwrap();
    let (_, records) = Journal::open(&disk).unwrap();
    assert_eq!(records, [b"one"]);
    file.write_at(0, b"XXXX").unwrap();
    let e = Journal::open(&disk).err().map(|e| e.kind());
    assert_eq!(e, Some(ErrorKind::InvalidData));
}

/// I4: what is in the cache after a sync that failed is marked clean there:
/// a sync alone would never get it to the platter.
#[test]
fn a_recovery_writes_again_what_it_shows() {
    let disk = MemDisk::new();
    let (mut journal, _) = Journal::open(&disk).unwrap();
    journal.append(b"first").unwrap();
    disk.fail_at(disk.operations() + 2, Fault::Io);
    journal.append(b"second").unwrap_err();
    let (mut journal, shown) = Journal::open(&disk).unwrap();
    journal.append(b"acknowledged").unwrap();
    let expected = [shown, vec![b"acknowledged".to_vec()]].concat();
    (0..64).for_each(|seed| {
        let (_, found) = Journal::open(&disk.crash(seed)).unwrap();
        assert_eq!(found, expected, "input: seed {seed}");
    });
}
