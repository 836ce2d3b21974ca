//! What step 2 must do: the promises of `poller`, held against each poller of
//! this system (`readiness` has them), and the names that events carry.

mod readiness;

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use ch00_toolbox::prop;
use ch02_event_loop::poll::Poll;
use ch02_event_loop::poller::{Interest, Poller, Ready, system};
use ch02_event_loop::slab::{Slab, Token};
use ch02_event_loop::sys::{ListenOptions, listen_on, start_connect};

use readiness::{
    blocks, does_not_wait, drain, fill, now, pair, source, until, until_quiet,
};

/// I4: a token is one number and comes back from it, index and generation.
#[test]
fn a_token_is_a_number() {
    let check = |bits: u64| {
        let token = Token::from_bits(bits);
        assert_eq!(token.to_bits(), bits, "input: {bits:#x}");
    };
    for bits in [0, 1, 0xffff_ffff, 1 << 32, 0x1234_5678_9abc_def0, u64::MAX] {
        check(bits);
    }
    let mut slab = Slab::default();
    let first = slab.insert('a');
    assert_eq!(first.to_bits(), 0, "place 0, first tenant");
    assert_eq!(slab.insert('b').to_bits(), 1, "place 1, first tenant");
    slab.remove(first);
    assert_eq!(
        slab.insert('c').to_bits(),
        1 << 32,
        "place 0, second tenant"
    );
}

/// I4, I5: a slab is a map whose keys are never given twice, and which uses
/// the places of those that were removed.
#[test]
fn a_slab_is_a_map() {
    let make = |random: &mut prop::Gen| {
        random.vec(60, |random| (random.once_in(2), random.upto(100)))
    };
    prop::check("a_slab_is_a_map", 2_000, make, |steps| {
        let mut slab = Slab::default();
        let mut model: BTreeMap<Token, usize> = BTreeMap::new();
        let (mut given, mut most) = (Vec::new(), 0);
        for (tenant, &(inserts, pick)) in steps.iter().enumerate() {
            if inserts || given.is_empty() {
                let token = slab.insert(tenant);
                if given.contains(&token) {
                    return Err(format!("{token:?} was given before"));
                }
                given.push(token);
                model.insert(token, tenant);
            } else {
                let token = given[pick as usize % given.len()];
                let (got, expected) =
                    (slab.remove(token), model.remove(&token));
                if got != expected {
                    return Err(format!("{token:?}: {got:?}, {expected:?}"));
                }
            }
            most = most.max(model.len());
            for token in &given {
                let got = slab.get_mut(*token).copied();
                let expected = model.get(token).copied();
                if got != expected {
                    return Err(format!("{token:?}: {got:?}, {expected:?}"));
                }
                let place = token.to_bits() as u32 as usize;
                if place >= most {
                    return Err(format!("{token:?}, {most} at most at once"));
                }
            }
            if (slab.len(), slab.is_empty()) != (model.len(), model.is_empty())
            {
                return Err(format!("{} of {}", slab.len(), model.len()));
            }
        }
        Ok(())
    });
}

/// I4: a number that was never given opens nothing, wherever it points.
#[test]
fn a_forged_token_opens_nothing() {
    let mut slab = Slab::default();
    let real = slab.insert("tenant");
    for bits in [1, 1 << 32, 0xffff_ffff, u64::MAX] {
        let forged = Token::from_bits(bits);
        assert_eq!(slab.get_mut(forged), None, "input: {bits:#x}");
        assert_eq!(slab.remove(forged), None, "input: {bits:#x}");
    }
    assert_eq!(slab.remove(real), Some("tenant"), "the real one");
    assert_eq!(slab.remove(real), None, "the real one, again");
}

macro_rules! promises {
    ($new:expr) => {
        fn new() -> Box<dyn super::Poller> {
            Box::new($new)
        }

        /// I6: what is armed is reported, whether it became ready before it
        /// was added, before it was armed, or after.
        #[test]
        fn armed_reports_what_was_ready() {
            super::readiness::armed_reports_what_was_ready(new);
        }

        /// I6: of two directions that are armed, the report of one leaves
        /// the other armed.
        #[test]
        fn directions_are_apart() {
            super::readiness::directions_are_apart(new);
        }

        /// I7: a direction that was reported is quiet until it is armed
        /// again, and is reported again after that.
        #[test]
        fn reported_once() {
            super::readiness::reported_once(new);
        }

        /// I6: a source whose buffer was full is reported when it drains,
        /// and not before.
        #[test]
        fn room_after_a_full_buffer() {
            super::readiness::room_after_a_full_buffer(new);
        }

        /// I7: who follows the rule about short reads meets the end of the
        /// stream, with bytes before it or without.
        #[test]
        fn the_end_is_readiness() {
            super::readiness::the_end_is_readiness(new);
        }

        /// I6: a reset is reported as the end of both directions, whichever
        /// was armed, and the next call says why.
        #[test]
        fn a_reset_ends_both_directions() {
            super::readiness::a_reset_ends_both_directions(new);
        }

        /// I6: each end of a pipe hears that the other is closed.
        #[test]
        fn a_pipe_has_two_ends() {
            super::readiness::a_pipe_has_two_ends(new);
        }

        /// I9: a source that is gone, and that nobody has armed, does not
        /// end each wait: a loop would spin.
        #[test]
        fn gone_and_not_armed_is_quiet() {
            super::readiness::gone_and_not_armed_is_quiet(new);
        }

        /// I9: a removed source is not reported, the others are, and it can
        /// be added again under another name.
        #[test]
        fn removed_is_forgotten() {
            super::readiness::removed_is_forgotten(new);
        }

        /// I9: an event that was handed out before a remove has a name that
        /// opens nothing, though the place has a new tenant.
        #[test]
        fn an_event_of_before_finds_nobody() {
            super::readiness::an_event_of_before_finds_nobody(new);
        }

        /// I9: what cannot be added or removed is an error, and changes
        /// nothing.
        #[test]
        fn errors() {
            super::readiness::errors(new);
        }

        /// I8: a wait ends when its time is up and not before, and one
        /// without a time ends with an event.
        #[test]
        fn waits_end() {
            super::readiness::waits_end(new);
        }

        /// I6: events are put behind those that are there already.
        #[test]
        fn events_are_appended() {
            super::readiness::events_are_appended(new);
        }

        /// I6: more sources than one wait has room for are all reported,
        /// each once.
        #[test]
        fn more_than_a_batch() {
            super::readiness::more_than_a_batch(new);
        }

        /// I6, I9: in any order of adds, removes, bytes and reads, an armed
        /// source with bytes is heard of at the next wait, and no removed
        /// one ever is.
        #[test]
        fn any_order_of_steps() {
            super::readiness::any_order::any_order_of_steps(new);
        }
    };
}

mod by_poll {
    promises!(ch02_event_loop::poll::Poll::new());
}

#[cfg(target_os = "linux")]
mod by_epoll {
    promises!(ch02_event_loop::epoll::Epoll::new().expect("an epoll"));
}

/// I6: a connect that does not wait is writable when it is decided, and the
/// socket then knows how.
#[test]
fn a_connect_is_decided_later() -> io::Result<()> {
    let mut poller = system()?;
    let options = ListenOptions::default();
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let local: SocketAddr = local.parse().expect("an address");
        let Ok(listener) = listen_on(local, options) else {
            assert!(local.is_ipv6(), "cannot listen on {local}");
            continue; // a machine without IPv6
        };
        let knocks = listener.try_clone()?;
        let quick = does_not_wait(move || knocks.accept());
        assert!(quick, "an accept where nobody has connected");
        let addr = listener.local_addr()?;
        let stream = start_connect(addr)?;
        let token = Token::from_bits(1);
        poller.add(source(&stream), token)?;
        poller.arm(source(&stream), Interest::WRITE)?;
        until(&mut *poller, token, |ready| ready.write);
        let error = stream.take_error()?.map(|error| error.kind());
        assert_eq!(error, None, "connecting to {addr}");
        assert_eq!(stream.peer_addr()?, addr, "connecting to {addr}");
        let listens = stream.try_clone()?;
        let quick = does_not_wait(move || listens.peek(&mut [0]));
        assert!(quick, "a peek where nothing has come");
        poller.remove(source(&stream))?;
    }

    let closed = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    // BSD may know at once that nobody listens on this machine.
    let error = match start_connect(closed) {
        Err(error) => Some(error),
        Ok(stream) => {
            let token = Token::from_bits(2);
            poller.add(source(&stream), token)?;
            poller.arm(source(&stream), Interest::WRITE)?;
            let gone = |r: Ready| r.write && r.write_closed;
            until(&mut *poller, token, gone);
            poller.remove(source(&stream))?;
            stream.take_error()?
        }
    };
    let kind = error.map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::ConnectionRefused), "nobody listens");
    Ok(())
}

/// I6: a port is one listener's, unless all of them say that they share it;
/// and a restarted server gets its port back.
#[test]
fn listeners_share_a_port_if_they_say_so() -> io::Result<()> {
    let mut poller = system()?;
    let local: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let alone = ListenOptions::default();
    let shared = ListenOptions {
        reuse_port: true,
        ..alone
    };
    let first = listen_on(local, shared)?;
    let addr = first.local_addr()?;
    let second = listen_on(addr, shared)?;
    let third = listen_on(addr, alone).map_err(|error| error.kind());
    let third = third.map(|_| ());
    assert_eq!(third, Err(ErrorKind::AddrInUse), "one that does not share");

    // A connection that the server has ended first stays in TIME_WAIT.
    for (number, listener) in (1..).zip([&first, &second]) {
        poller.add(source(listener), Token::from_bits(number))?;
        poller.arm(source(listener), Interest::READ)?;
    }
    let client = TcpStream::connect(addr)?;
    let mut events = Vec::new();
    while events.is_empty() {
        poller.wait(&mut events, Some(readiness::LONG))?;
    }
    let accepted = match events[0].token.to_bits() {
        1 => first.accept()?,
        _ => second.accept()?,
    };
    drop((poller, accepted, first, second, client));
    listen_on(addr, alone)?;
    Ok(())
}

/// I9: poll is not shown a source that is not armed: the kernel would report
/// that it is gone, asked or not.
#[test]
fn poll_hides_what_is_not_armed() {
    let mut poller = Poll::new();
    let (a, b) = pair();
    poller.add(source(&a), Token::from_bits(1)).expect("open");
    drop(b);
    assert_eq!(now(&mut poller), vec![], "never armed");
    poller.arm(source(&a), Interest::default()).expect("known");
    assert_eq!(now(&mut poller), vec![], "armed for nothing");
    poller.arm(source(&a), Interest::READ).expect("known");
    assert_eq!(now(&mut poller).len(), 1, "armed, and gone");
    assert_eq!(now(&mut poller), vec![], "reported already");
    let unknown = poller.arm(readiness::NOWHERE, Interest::READ);
    let unknown = unknown.map_err(|error| error.kind());
    assert_eq!(unknown, Err(ErrorKind::NotFound), "never added");
}

/// I6: a file is always ready, says poll; epoll says that it is nothing to
/// wait for.
#[test]
fn a_file_is_nothing_to_wait_for() -> io::Result<()> {
    let mut poller = Poll::new();
    let file = std::fs::File::open("/dev/null")?;
    let file = match std::env::current_exe() {
        Ok(path) => std::fs::File::open(path)?,
        Err(_) => file,
    };
    let token = Token::from_bits(1);
    poller.add(source(&file), token)?;
    for _ in 0..3 {
        poller.arm(source(&file), Interest::BOTH)?;
        let got = now(&mut poller);
        assert!(got.iter().any(|e| e.ready.read && e.ready.write), "{got:?}");
    }
    #[cfg(target_os = "linux")]
    {
        let mut poller = ch02_event_loop::epoll::Epoll::new()?;
        let got = poller.add(source(&file), token);
        let got = got.map_err(|error| error.raw_os_error());
        assert_eq!(got, Err(Some(1)), "EPERM for a file");
    }
    Ok(())
}

/// I8: an eventfd is readable from the first write on, and one read takes all
/// that was written.
#[test]
#[cfg(target_os = "linux")]
fn an_eventfd_is_a_counter() -> io::Result<()> {
    let mut poller = system()?;
    let counter = ch02_event_loop::sys::eventfd_new()?;
    poller.add(source(&counter), Token::from_bits(3))?;
    until_quiet(&mut *poller, 0);
    poller.arm(source(&counter), Interest::READ)?;
    for _ in 0..3 {
        counter.write(&2_u64.to_ne_bytes())?;
    }
    until(&mut *poller, Token::from_bits(3), |ready| ready.read);
    let mut sum = [0; 8];
    assert_eq!(counter.read(&mut sum)?, 8, "one number");
    assert_eq!(u64::from_ne_bytes(sum), 6, "three times two");
    assert!(blocks(&counter.read(&mut sum)), "it was all taken");
    Ok(())
}

/// I7: what the kernel copies from a file to a socket is counted, stops where
/// the socket is full, and goes on from there.
#[test]
#[cfg(target_os = "linux")]
fn a_file_goes_out_by_itself() -> io::Result<()> {
    use ch02_event_loop::sys::send_file;
    let mut poller = system()?;
    let file = std::fs::File::open(std::env::current_exe()?)?;
    let (a, b) = pair();
    let token = Token::from_bits(4);
    poller.add(source(&a), token)?;
    let mut offset = 5;
    let sent = send_file(&a, &file, &mut offset, 10)?;
    assert_eq!((sent, offset), (10, 15), "ten bytes from the fifth on");
    let mut got = [0; 16];
    assert_eq!(io::Read::read(&mut &b, &mut got)?, 10, "and no more");
    let mut expected = [0; 10];
    std::os::unix::fs::FileExt::read_at(&file, &mut expected, 5)?;
    assert_eq!(got[..10], expected, "the file's own bytes");

    fill(&a);
    let full = send_file(&a, &file, &mut offset, 10);
    assert!(blocks(&full), "{full:?} where there is no room");
    assert_eq!(offset, 15, "nothing went");
    poller.arm(source(&a), Interest::WRITE)?;
    drain(&b);
    until(&mut *poller, token, |ready| ready.write);
    assert_eq!(send_file(&a, &file, &mut offset, 10)?, 10, "room again");
    let beyond = send_file(&a, &file, &mut u64::MAX.clone(), 1);
    let beyond = beyond.map_err(|error| error.kind());
    assert_eq!(beyond, Err(ErrorKind::InvalidInput), "an offset too far");
    assert!(a.as_raw_fd() >= 0, "open until here");
    Ok(())
}

/// I6: the events that the kernel writes lie 12 bytes apart on x86-64, and
/// it hands back all 64 bits of what it was given.
#[test]
#[cfg(target_os = "linux")]
fn the_kernels_event_is_packed() -> io::Result<()> {
    use ch02_event_loop::sys::{
        EPOLLIN, EpollEvent, epoll_add, epoll_await, epoll_new,
    };
    let epoll = epoll_new()?;
    let size = size_of::<EpollEvent>();
    let expected = if cfg!(target_arch = "x86_64") { 12 } else { 16 };
    assert_eq!(size, expected, "bytes of an epoll_event");
    let pairs: Vec<_> = (0..3).map(|_| pair()).collect();
    let data = [0x0102_0304_0506_0708, u64::MAX, 1 << 63];
    for ((a, b), data) in pairs.iter().zip(data) {
        epoll_add(&epoll, a.as_raw_fd(), EPOLLIN, data)?;
        io::Write::write_all(&mut &*b, b"x")?;
    }
    let mut events = [EpollEvent { events: 0, data: 7 }; 4];
    let count = epoll_await(&epoll, &mut events, None)?;
    let got: Vec<u64> = events[..count].iter().map(|e| e.data).collect();
    assert_eq!(got, data, "what was given, in the order of the bytes");
    let untouched = events[3].data;
    assert_eq!(untouched, 7, "no more than three were written");
    Ok(())
}
