#!/usr/bin/env python3
"""Measures what the README's table of speeds shows: python3 tests/speed.py [--keep] [WHAT...]

WHAT is any of first, again, watch, run, test, page; all of them without one. Everything happens in a fresh clone of this
repository's HEAD, in a temporary folder, with an empty target; crates must be downloaded already (`cargo fetch`).
"""

import html
import json
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent.parent
ALL = ["first", "again", "run", "page", "watch", "test"]


class Served:
    """`cargo run`, from its start until the first page is there."""

    def __init__(self, clone):
        began = time.monotonic()
        command = ["cargo", "run", "-q", "--", "serve", "--no-open", "--port", "0"]
        self.process = subprocess.Popen(
            command, cwd=clone, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        for line in self.process.stdout:
            found = re.search(r"http://\S+", line)
            if found:
                self.address = found.group(0)
                break
        else:
            sys.exit("the runner ended before it served anything")
        self.page = self.get("/index.html").decode()
        self.seconds = time.monotonic() - began

    def get(self, path):
        with urllib.request.urlopen(self.address + path) as answer:
            return answer.read()

    def run(self, code):
        """Seconds from the click to the end of a listing, and its last line."""
        token = re.search(r'<meta name="workbook" content="([^"]+)"', self.page).group(1)
        request = urllib.request.Request(
            self.address + "/api/run",
            data=json.dumps({"code": code}).encode(),
            headers={
                "content-type": "application/json",
                "x-workbook-token": token,
                "origin": self.address,
            },
        )
        began = time.monotonic()
        with urllib.request.urlopen(request) as answer:
            lines = answer.read().decode().splitlines()
        return time.monotonic() - began, json.loads(lines[-1])

    def stop(self):
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait()


def listings(page):
    """The programs of a page, hidden lines included, as its Run buttons send them."""
    for code in re.findall(r'<code class="language-rust([^>]*)>(.*?)</code>', page, re.S):
        attributes, text = code
        if "compile_fail" not in attributes and "should_panic" not in attributes and "no_run" not in attributes:
            yield html.unescape(re.sub(r"<[^>]*>", "", text))


def weigh(served, path):
    """Requests and bytes of a page with what it loads, and how many requests go to other hosts."""
    seen, foreign, pending, total = set(), 0, [path], 0
    while pending:
        path = pending.pop()
        if path in seen:
            continue
        seen.add(path)
        body = served.get(path)
        total += len(body)
        if not path.endswith((".html", ".css")):
            continue
        text = body.decode()
        links = re.findall(r"url\(['\"]?([^'\")]+)", text) if path.endswith(".css") else re.findall(
            r'<(?:script|img)[^>]+src="([^"]+)"|<link[^>]+rel="(?:stylesheet|icon|shortcut icon)"[^>]*href="([^"]+)"'
            r'|<link[^>]+href="([^"]+)"[^>]*rel="stylesheet"', text)
        for link in links:
            link = link if isinstance(link, str) else "".join(link)
            if link.startswith("data:"):
                continue
            if re.match(r"(https?:)?//", link):
                foreign += 1
                continue
            pending.append(urllib.parse.urljoin(path, link).split("?")[0])
    return len(seen), total, foreign


def watch(clone):
    """Seconds from a save to its verdict, for each step of ch01, in a rebuild that has the book's bodies."""
    subprocess.run(["cargo", "run", "-q", "--", "start", "ch01"], cwd=clone, check=True, stdout=subprocess.DEVNULL)
    mine, book = clone / "my/ch01-sockets/src", clone / "chapters/ch01-sockets/src"
    shutil.copytree(book, mine, dirs_exist_ok=True)
    process = subprocess.Popen(
        ["cargo", "run", "-q", "--", "watch", "ch01"], cwd=clone, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    steps = re.findall(r'^id = "step(\d+)_(\w+)"\n(?:.*\n)*?modules = \["(\w+)"', (book.parent / "exercises.toml").read_text(), re.M)

    def verdict(wanted):
        for line in process.stdout:
            if re.match(wanted, line):
                return
        sys.exit("watch ended")

    # The first round checks all; its last line says how many are right.
    verdict(r".*\d+ of \d+ steps right|.*every step")
    seconds = []
    for number, name, module in steps:
        for path in (mine / f"{module}.rs", mine / module / "mod.rs"):
            if path.exists():
                break
        text = path.read_text()
        began = time.monotonic()
        path.write_text(text + f"\n// saved for step {number}\n")
        verdict(rf"\s*{number} {name}\s+\S")
        seconds.append(time.monotonic() - began)
        # What follows belongs to this save.
        verdict(r".*\d+ of \d+ steps right|.*every step")
    os.killpg(process.pid, signal.SIGINT)
    process.wait()
    shutil.rmtree(clone / "my/ch01-sockets")
    return seconds


def cargo_test(clone):
    """Seconds that `cargo test` takes; a failure ends the measurement, since cargo leaves out what follows it."""
    began = time.monotonic()
    done = subprocess.run(
        ["cargo", "test"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode != 0:
        sys.exit("".join(done.stdout.splitlines(keepends=True)[-40:]) + "cargo test failed: there is no time to report")
    return time.monotonic() - began


def main():
    wanted = [word for word in sys.argv[1:] if not word.startswith("-")] or ALL
    if unknown := set(wanted) - set(ALL):
        sys.exit(f"speed: there is no {', '.join(sorted(unknown))}; there is {', '.join(ALL)}")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="workbook-speed-"))
    clone = folder / "workbook"
    subprocess.run(["git", "clone", "-q", str(HERE), str(clone)], check=True)
    rows = []

    def row(what, goal, value):
        rows.append(f"| {what} | {goal} | {value} |")
        print(rows[-1], flush=True)

    try:
        served = Served(clone)
        if "first" in wanted:
            row("clone to first page (`cargo run`, empty target)", "120 s", f"{served.seconds:.0f} s")
        if "run" in wanted:
            times = []
            for page in sorted((clone / "target/book/ch01-sockets").glob("*.html")):
                for code in listings(page.read_text()):
                    seconds, last = served.run(code)
                    if last.get("phase") == "run":
                        times.append(seconds)
            row(f"Run button, median over the {len(times)} listings of ch01", "1.0 s",
                f"{statistics.median(times):.2f} s (most {max(times):.2f})")
        if "page" in wanted:
            pages = [path.relative_to(clone / "target/book") for path in (clone / "target/book").rglob("*.html") if path.name != "print.html"]
            weights = [weigh(served, f"/{page}") for page in pages]
            row("the heaviest page (but the one for printing): requests, bytes, other hosts", "1.5 MB, 0",
                f"{max(w[0] for w in weights)}, {max(w[1] for w in weights) / 1e6:.2f} MB, {max(w[2] for w in weights)}")
        served.stop()
        if "again" in wanted:
            times = []
            for _ in range(5):
                served = Served(clone)
                times.append(served.seconds)
                served.stop()
            row("`cargo run` again to first page", "1.0 s", f"{statistics.median(times):.2f} s")
        if "watch" in wanted:
            times = watch(clone)
            row("save to verdict in `watch`, median over the steps of ch01", "1.0 s",
                f"{statistics.median(times):.2f} s (most {max(times):.2f})")
        if "test" in wanted:
            shutil.rmtree(clone / "target")
            first = cargo_test(clone)
            again = cargo_test(clone)
            row("`cargo test`, empty target / again", "240 s / 20 s", f"{first:.0f} s / {again:.0f} s")
    finally:
        if "--keep" in sys.argv:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
