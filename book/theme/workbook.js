// What a page can do under `cargo run`: talk to the runner, show progress, and load itself again when the book changes.
// listing.js, fold.js and stage.js build on it. Under plain mdBook there is no token in the head, and only the reading aids work.
'use strict';

const workbook = (() => {
    const mark = document.querySelector('meta[name="workbook"]');
    const token = mark && mark.content;
    const stamp = mark && mark.dataset.stamp;

    /** `make('button', {class: 'run'}, 'Run')`: an element with attributes and children. */
    function make(name, attributes = {}, ...children) {
        const element = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) {
            element.setAttribute(key, value);
        }
        element.append(...children);
        return element;
    }

    function post(path, body, signal) {
        return fetch(path, {
            method: 'POST',
            headers: { 'content-type': 'application/json', 'x-workbook-token': token },
            body: JSON.stringify(body),
            cache: 'no-store',
            signal,
        });
    }

    /** Asks for something small; throws the runner's own words when it refuses. */
    async function ask(path, body) {
        const response = await post(path, body);
        const answer = await response.json().catch(() => ({}));
        if (!response.ok) {
            throw new Error(answer.error || `The workbook refused (${response.status}).`);
        }
        return answer;
    }

    /** Calls `each` with every line of a stream. Aborting `signal` ends what the stream shows. */
    async function stream(path, body, signal, each) {
        const response = await post(path, body, signal);
        if (response.status === 401) {
            // The runner was started anew: its pages carry another token.
            reload();
        }
        if (!response.ok) {
            throw new Error(await response.text());
        }
        const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
        let pending = '';
        for (;;) {
            const { done, value } = await reader.read();
            if (done) {
                return;
            }
            const lines = (pending + value).split('\n');
            pending = lines.pop();
            for (const line of lines) {
                if (line) {
                    each(JSON.parse(line));
                }
            }
        }
    }

    // A page does not load itself again under a reader who has something running or is typing.
    const busy = new Set();
    const SCROLL = `workbook:scroll:${location.pathname}`;

    function reload() {
        try {
            sessionStorage.setItem(SCROLL, String(window.scrollY));
        } catch {
            // Without storage the page begins at its top.
        }
        location.reload();
    }

    function keepScroll() {
        try {
            const y = sessionStorage.getItem(SCROLL);
            sessionStorage.removeItem(SCROLL);
            if (y !== null) {
                window.scrollTo(0, Number(y));
            }
        } catch {
            // As above.
        }
    }

    const banner = make('div', { class: 'workbook-banner', role: 'status' });

    function tell(text, action) {
        if (banner.dataset.text === text) {
            return;
        }
        banner.dataset.text = text;
        banner.replaceChildren(text);
        if (action) {
            const button = make('button', { type: 'button' }, 'Load it again');
            button.addEventListener('click', action);
            banner.append(' ', button);
        }
    }

    function changed() {
        const active = document.activeElement;
        const typing = active && /^(?:textarea|input)$/i.test(active.nodeName);
        if (busy.size > 0 || typing) {
            tell('This page has changed.', reload);
        } else {
            reload();
        }
    }

    // The id of a step's page, as progress knows it: ch01-sockets/1-echo.html is ch01-sockets/echo.
    const STEP = /([^/]+)\/\d+-([^/]+)\.html$/;
    const CHAPTER = /([^/]+)\/index\.html$/;

    function tick(link, done) {
        const old = link.querySelector('.workbook-tick');
        if (done && !old) {
            link.append(make('span', { class: 'workbook-tick', role: 'img', 'aria-label': 'done' }, '✓'));
        } else if (!done && old) {
            old.remove();
        }
    }

    function showProgress(ids) {
        const done = new Set(ids);
        const chapters = new Map();
        const links = [...document.querySelectorAll('#mdbook-sidebar .chapter-link-wrapper > a[href]')]
            .filter(link => !link.getAttribute('href').startsWith('#'));
        for (const link of links) {
            const step = link.pathname.match(STEP);
            if (step) {
                const isDone = done.has(`${step[1]}/${step[2]}`);
                tick(link, isDone);
                chapters.set(step[1], (chapters.get(step[1]) ?? true) && isDone);
            }
        }
        for (const link of links) {
            const chapter = link.pathname.match(CHAPTER);
            if (chapter && chapters.has(chapter[1])) {
                tick(link, chapters.get(chapter[1]));
            }
        }
    }

    // Who wants to know which of the reader's files are not right yet: at once, and whenever that changes.
    let unwritten = mark ? mark.dataset.unwritten.split(' ') : [];
    let tellUnwritten = () => {};

    function onUnwritten(each) {
        tellUnwritten = () => each(unwritten);
        tellUnwritten();
    }

    function news(now) {
        showProgress(now.done);
        unwritten = now.unwritten;
        tellUnwritten();
        if (now.stamp && now.stamp !== stamp) {
            changed();
        } else {
            const lines = now.warnings.map(warning => `mdBook warns: ${warning}`);
            if (now.error) {
                lines.unshift(`The book could not be built anew: ${now.error}`);
            }
            tell(lines.join('\n'));
        }
    }

    // A browser opens six connections to one server, shared by all tabs: only a tab that is looked at keeps one for news.
    function follow() {
        let listening = null;
        let retry = 0;

        async function listen() {
            if (listening || document.hidden) {
                return;
            }
            const controller = new AbortController();
            listening = controller;
            try {
                await stream('/api/events', {}, controller.signal, line => {
                    retry = 0;
                    news(line);
                });
            } catch {
                // Told below.
            }
            if (listening !== controller) {
                return;
            }
            listening = null;
            tell('The workbook is closed. In its folder, `cargo run` opens it again.');
            retry = Math.min(retry + 1, 10);
            setTimeout(listen, retry * 500);
        }

        document.addEventListener('visibilitychange', () => {
            if (document.hidden && listening) {
                const controller = listening;
                listening = null;
                controller.abort();
            } else {
                listen();
            }
        });
        window.addEventListener('pagehide', () => {
            const controller = listening;
            listening = null;
            if (controller) {
                controller.abort();
            }
        });
        window.addEventListener('pageshow', listen);
    }

    // Captions: a line of emphasis right before a listing.
    for (const pre of document.querySelectorAll('main pre')) {
        const line = pre.previousElementSibling;
        const emphasis = line && line.nodeName === 'P' && line.firstElementChild;
        if (emphasis && emphasis.nodeName === 'EM' && emphasis.textContent === line.textContent) {
            line.classList.add('caption');
        }
    }

    // What the copy buttons of mdBook ask for. Of a console, the commands only; listing.js answers for edited listings.
    const copied = new Map();
    const original = window.playground_text;
    window.playground_text = (pre, hidden = true) => {
        if (copied.has(pre)) {
            return copied.get(pre)();
        }
        const text = original(pre, hidden);
        const code = pre.querySelector('code');
        return code && /\blanguage-console\b/.test(code.className) ? commands(text) : text;
    };

    function commands(text) {
        const lines = [];
        let continues = false;
        for (const line of text.split('\n')) {
            const isCommand = line.startsWith('$ ');
            if (isCommand || (continues && line.startsWith('> '))) {
                lines.push(line.slice(2));
            }
            continues = isCommand || (continues && line.startsWith('> '));
        }
        return lines.length > 0 ? lines.join('\n') + '\n' : text;
    }

    /** Keys in an editor or console are the reader's, not mdBook's (which turns pages with the arrow keys). */
    function ownKeys(element) {
        element.addEventListener('keydown', event => event.stopPropagation());
    }

    /** Lets Enter and Space do what a click does; mdBook's own fold marks and sidebar button answer a pointer only. */
    function pressable(control) {
        control.setAttribute('role', 'button');
        control.addEventListener('keydown', event => {
            if (event.key === 'Enter' || event.key === ' ') {
                event.preventDefault();
                control.click();
            }
        });
    }

    function sidebarByKeyboard() {
        const sidebar = document.querySelector('#mdbook-sidebar-toggle');
        if (sidebar) {
            // The fold marks are stops already, as long as the sidebar is shown: mdBook sees to that.
            sidebar.tabIndex = 0;
            pressable(sidebar);
        }
        for (const mark of document.querySelectorAll('.chapter-fold-toggle')) {
            const item = mark.closest('li');
            pressable(mark);
            const say = () => mark.setAttribute('aria-expanded', item.classList.contains('expanded'));
            mark.setAttribute('aria-label', `Pages of ${item.querySelector('a[href]').textContent}`);
            mark.addEventListener('click', say);
            say();
        }
    }

    function start() {
        sidebarByKeyboard();
        const main = document.querySelector('main');
        if (token && main) {
            main.prepend(banner);
            follow();
        }
        keepScroll();
    }

    return { live: Boolean(token), make, ask, stream, busy, copied, ownKeys, onUnwritten, start };
})();
