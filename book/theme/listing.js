// Run, Stop, Edit and Reset on every Rust listing.
//
// A listing stays as mdBook made it until it is edited. Then an editor takes its place: a textarea, with its text drawn in
// colours behind it. The page's hidden lines before and after what is shown stay folded, and belong to the program.
'use strict';

(() => {
    const { make, stream, busy, copied, ownKeys } = workbook;
    const seen = new Map();

    /** The lines of a listing, and which of them mdBook hides. */
    function linesOf(code) {
        const lines = [{ text: '', hidden: false }];
        const walker = document.createTreeWalker(code, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            const hidden = node.parentElement.closest('.boring') !== null;
            node.data.split('\n').forEach((part, index) => {
                if (index > 0) {
                    lines.push({ text: '', hidden });
                }
                const line = lines[lines.length - 1];
                if (line.text === '') {
                    line.hidden = hidden;
                }
                line.text += part;
            });
        }
        while (lines.length > 1 && lines[lines.length - 1].text === '') {
            lines.pop();
        }
        return lines;
    }

    /** Hidden lines before, what is shown (with what is hidden within), hidden lines after. */
    function partsOf(lines) {
        const visible = lines.map(line => !line.hidden);
        const first = Math.max(visible.indexOf(true), 0);
        const last = visible.includes(true) ? visible.lastIndexOf(true) : lines.length - 1;
        const text = some => some.map(line => line.text + '\n').join('');
        return {
            before: text(lines.slice(0, first)),
            shown: text(lines.slice(first, last + 1)),
            after: text(lines.slice(last + 1)),
        };
    }

    /** A short name for a text; listings that read the same are told apart by their order. */
    function keyOf(text) {
        let hash = 0xcbf29ce484222325n;
        for (const byte of new TextEncoder().encode(text)) {
            hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
        }
        const name = hash.toString(16);
        const nth = (seen.get(name) ?? 0) + 1;
        seen.set(name, nth);
        return `workbook:edit:${location.pathname}:${name}:${nth}`;
    }

    function remember(key, value) {
        try {
            if (value === null) {
                localStorage.removeItem(key);
            } else {
                localStorage.setItem(key, JSON.stringify(value));
            }
        } catch {
            // Without storage an edit lives as long as its page.
        }
    }

    function recall(key) {
        try {
            const value = JSON.parse(localStorage.getItem(key));
            return value && typeof value.shown === 'string' ? value : null;
        } catch {
            return null;
        }
    }

    function setUp(pre, code, number) {
        const classes = code.classList;
        const caption = pre.previousElementSibling;
        const name = caption && caption.classList.contains('caption')
            ? `listing ${number}, ${caption.textContent}` : `listing ${number}`;
        const original = partsOf(linesOf(code));
        const key = keyOf(code.textContent);
        let parts = { ...original };
        let editor = null;
        let running = null;

        const button = (className, text, label) =>
            make('button', { type: 'button', class: className, 'aria-label': `${label} ${name}` }, text);
        const isTest = /#\[test\]/.test(code.textContent) && !/\bfn\s+main\s*\(/.test(code.textContent);
        const run = button('run', isTest ? 'Run tests' : 'Run', isTest ? 'Run tests of' : 'Run');
        const stop = button('stop', 'Stop', 'Stop');
        const edit = button('edit', 'Edit', 'Edit');
        const reset = button('reset', 'Reset', 'Reset');
        const status = make('span', { class: 'status', role: 'status' });
        const bar = make('div', { class: 'bar' }, run, stop, edit, reset, status);
        const output = make('div', {
            class: 'output', role: 'log', tabindex: '0', 'aria-label': `Output of ${name}`,
        });
        const group = make('div', { class: 'listing', role: 'group', 'aria-label': name, 'data-number': number });
        const expected = classes.contains('should_panic') ? 'Meant to panic.'
            : classes.contains('compile_fail') ? 'Meant not to compile.'
                : classes.contains('no_run') ? 'Runs until you stop it.' : '';
        status.textContent = expected;
        output.hidden = stop.hidden = reset.hidden = true;
        pre.before(group);
        group.append(pre, bar, output);
        ownKeys(group);
        group.addEventListener('keydown', event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
                event.preventDefault();
                start();
            }
        });

        const unfolded = () => !classes.contains('hide-boring');
        const whole = () => parts.before + parts.shown + parts.after;

        function openEditor() {
            const paper = make('div', { class: 'paper', 'aria-hidden': 'true' });
            const area = make('textarea', {
                'aria-label': `Edit ${name}. Control Enter runs it, Escape leaves the editor.`,
                spellcheck: 'false', autocomplete: 'off', autocapitalize: 'off', wrap: 'off', rows: '1',
            });
            editor = { area, paper, box: make('div', { class: 'editor hljs' }, paper, area) };
            code.classList.add('replaced');
            code.after(editor.box);
            copied.set(pre, () => area.value + '\n');
            area.addEventListener('input', typed);
            area.addEventListener('keydown', event => {
                if (event.key === 'Escape') {
                    run.focus();
                } else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
                    event.preventDefault();
                    indent(area);
                }
            });
            area.addEventListener('focus', () => {
                status.textContent = 'Ctrl+Enter runs · Esc leaves the editor';
            });
            refill();
        }

        /** What the textarea holds: all of the program, or what is shown of it. */
        function refill() {
            // Without the last line's end, which would show as an empty line.
            editor.area.value = (unfolded() ? whole() : parts.shown).replace(/\n$/, '');
            paint();
        }

        function paint() {
            const text = editor.area.value;
            editor.paper.innerHTML = hljs.highlight('rust', text, true).value + '\n';
            reset.hidden = whole() === original.before + original.shown + original.after;
        }

        function typed() {
            const text = editor.area.value + '\n';
            const { before, after } = parts;
            if (!unfolded()) {
                parts.shown = text;
            } else if (text.length >= before.length + after.length
                && text.startsWith(before) && text.endsWith(after)) {
                parts.shown = text.slice(before.length, text.length - after.length);
            } else {
                parts = { before: '', shown: text, after: '' };
            }
            paint();
            remember(key, reset.hidden ? null : parts);
        }

        function undo() {
            parts = { ...original };
            remember(key, null);
            if (editor) {
                editor.box.remove();
                editor = null;
                copied.delete(pre);
                code.classList.remove('replaced');
            }
            reset.hidden = true;
            edit.hidden = false;
            status.textContent = expected;
            edit.focus();
        }

        edit.addEventListener('click', () => {
            if (!editor) {
                openEditor();
            }
            edit.hidden = true;
            editor.area.focus();
            editor.area.setSelectionRange(0, 0);
        });
        reset.addEventListener('click', undo);
        run.addEventListener('click', start);
        stop.addEventListener('click', () => running && running.abort());
        const eye = [...pre.querySelectorAll('.buttons button')]
            .find(each => /hidden lines|hide lines/i.test(each.title));
        if (eye) {
            // After mdBook's own handler, which folds or unfolds.
            eye.addEventListener('click', () => editor && refill());
        }

        const saved = recall(key);
        if (saved) {
            parts = saved;
            openEditor();
            edit.hidden = true;
            status.textContent = 'Edited by you; kept in this browser.';
        }

        function show(kind, text) {
            const last = output.lastElementChild;
            if (last && last.className === kind) {
                last.append(text);
            } else {
                output.append(make('span', { class: kind }, text));
            }
            output.hidden = false;
        }

        /** The compiler counts hidden lines; a reader sees the others. */
        function inPlace(text) {
            const hidden = unfolded() ? 0 : parts.before.split('\n').length - 1;
            const place = (all, line, column) => line > hidden
                ? `line ${line - hidden}, column ${column}` : `hidden line ${line}, column ${column}`;
            return text
                .replace(/^( *)(\d+)(?= [|~+-])/gm, (all, space, line) =>
                    line > hidden ? String(line - hidden).padStart(all.length) : all)
                .replace(/(?:\.\/)?listing\.rs:(\d+):(\d+)/g, place);
        }

        async function start() {
            if (running) {
                return;
            }
            const controller = new AbortController();
            running = controller;
            busy.add(controller);
            const began = performance.now();
            const seconds = () => `${((performance.now() - began) / 1000).toFixed(2)} s`;
            output.replaceChildren();
            output.hidden = true;
            group.classList.remove('good', 'bad');
            run.hidden = true;
            stop.hidden = false;
            if (document.activeElement === document.body || document.activeElement === run) {
                stop.focus();
            }
            let end = null;
            const lines = {
                queued: line => { status.textContent = `Waiting: ${line.ahead} before this one`; },
                phase: line => {
                    status.textContent = { build: 'Preparing …', compile: 'Compiling …', run: 'Running …' }[line.phase];
                },
                out: line => show('out', line.text),
                err: line => show('err', inPlace(line.text)),
                note: line => show('note', line.text + '\n'),
                diagnostic: line => {
                    const text = line.text
                        .replace(/^(?:error: aborting due to|For more information about|Some errors have detailed).*\n+/gm, '');
                    show('diagnostic', inPlace(text));
                },
                exit: line => { end = line; },
            };
            try {
                await stream('/api/run', { code: whole() }, controller.signal, line => lines[line.type](line));
            } catch (error) {
                end = controller.signal.aborted ? { text: 'Stopped.', stopped: true } : { text: String(error.message) };
            }
            finish(end ?? { text: 'The workbook went away.' }, seconds());
        }

        function finish(end, time) {
            busy.delete(running);
            running = null;
            const hadFocus = document.activeElement === stop;
            run.hidden = false;
            stop.hidden = true;
            if (hadFocus) {
                run.focus();
            }
            const text = end.phase === 'compile' && !end.limit ? 'Does not compile.' : end.text;
            status.textContent = '';
            group.classList.add(end.code === 0 || end.stopped ? 'good' : 'bad');
            if (output.childElementCount === 0 && end.code === 0) {
                show('note', 'It printed nothing.\n');
            }
            output.append(make('p', { class: 'end' }, `${text} `, make('span', { class: 'time' }, time)));
            output.hidden = false;
        }
    }

    /** A new line begins where the last one did, or deeper after an opening brace. */
    function indent(area) {
        const before = area.value.slice(0, area.selectionStart);
        const line = before.slice(before.lastIndexOf('\n') + 1);
        const space = line.match(/^ */)[0] + (/[{([]\s*$/.test(line) ? '    ' : '');
        // The one way to type by program that the browser's undo knows.
        document.execCommand('insertText', false, `\n${space}`);
    }

    if (workbook.live) {
        const listings = [...document.querySelectorAll('main pre > code.language-rust')]
            .filter(code => !code.classList.contains('noplayground'));
        listings.forEach((code, index) => setUp(code.parentElement, code, index + 1));
    }
})();
