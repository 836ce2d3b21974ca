// Consoles: <div class="stage" data-stage="ch01-sockets/step1_echo" data-try="hello"></div> starts a finished stage, shows
// its log, and sends lines to it over as many connections as the reader opens.
'use strict';

(() => {
    const { make, ask, stream, busy, ownKeys } = workbook;

    function setUp(box) {
        const name = box.dataset.stage;
        const firstWords = (box.dataset.try ?? '').split('|');
        let running = null;
        let id = 0;
        let clients = new Map();

        const button = (className, text, label) =>
            make('button', { type: 'button', class: className, 'aria-label': label }, text);
        const start = button('run', 'Start', `Start ${name}`);
        const stop = button('stop', 'Stop', `Stop ${name}`);
        const more = button('edit', 'Another client', `Another client of ${name}`);
        const status = make('span', { class: 'status', role: 'status' });
        const log = make('div', { class: 'output', role: 'log', tabindex: '0', 'aria-label': `Log of ${name}` });
        const room = make('div', { class: 'clients' });
        const title = make('span', { class: 'title' }, name);
        box.append(make('div', { class: 'bar' }, title, start, stop, more, status), log, room);
        box.setAttribute('role', 'group');
        box.setAttribute('aria-label', `Console of ${name}`);
        ownKeys(box);
        stop.hidden = more.hidden = log.hidden = true;

        function show(place, kind, text) {
            const last = place.lastElementChild;
            if (last && last.className === kind) {
                last.append(text);
            } else {
                place.append(make('span', { class: kind }, text));
            }
            place.hidden = false;
            place.scrollTop = place.scrollHeight;
        }

        async function begin() {
            const controller = new AbortController();
            running = controller;
            busy.add(controller);
            clients = new Map();
            log.replaceChildren();
            room.replaceChildren();
            start.hidden = true;
            stop.hidden = false;
            stop.focus();
            let end = 'The workbook went away.';
            const lines = {
                stage: line => { id = line.id; },
                phase: line => { status.textContent = line.phase === 'build' ? 'Building …' : 'Starting …'; },
                out: line => show(log, 'out', line.text),
                err: line => show(log, 'err', line.text),
                note: line => show(log, 'note', line.text + '\n'),
                listening: line => {
                    status.textContent = `Listening on ${line.address}`;
                    more.hidden = false;
                    connect();
                },
                received: line => withClient(line.connection, client => show(client.log, 'out', line.text)),
                closed: line => withClient(line.connection, client => client.close(line.text)),
                exit: line => { end = line.text; },
            };
            try {
                await stream('/api/stage/start', { stage: name }, controller.signal, line => lines[line.type](line));
            } catch (error) {
                end = controller.signal.aborted ? 'Stopped.' : error.message;
            }
            busy.delete(controller);
            running = null;
            for (const client of clients.values()) {
                client.close('the stage has ended');
            }
            const hadFocus = box.contains(document.activeElement);
            start.hidden = false;
            stop.hidden = more.hidden = true;
            if (hadFocus) {
                start.focus();
            }
            status.textContent = '';
            log.append(make('p', { class: 'end' }, end));
            log.hidden = false;
        }

        // What is received may be told before the answer that opens the connection.
        const early = [];

        function withClient(connection, act) {
            const client = clients.get(connection);
            if (client) {
                act(client);
            } else {
                early.push([connection, act]);
            }
        }

        async function connect() {
            try {
                const { connection } = await ask('/api/stage/connect', { id });
                addClient(connection);
            } catch (error) {
                show(log, 'note', `${error.message}\n`);
            }
        }

        function addClient(connection) {
            const number = clients.size + 1;
            const label = `Client ${number}`;
            const clientLog = make('div', {
                class: 'output', role: 'log', tabindex: '0', 'aria-label': `What client ${number} receives`,
            });
            const field = make('input', {
                type: 'text', 'aria-label': `Line to send as client ${number}`,
                autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false',
            });
            field.value = firstWords[number - 1] ?? '';
            const send = make('button', { type: 'submit' }, 'Send');
            const leave = button('stop', 'Disconnect', `Disconnect client ${number}`);
            const form = make('form', {}, field, send, leave);
            const client = {
                log: clientLog,
                close: why => {
                    if (!field.disabled) {
                        field.disabled = send.disabled = leave.disabled = true;
                        show(clientLog, 'note', `Connection ${why}.\n`);
                    }
                },
            };
            form.addEventListener('submit', async event => {
                event.preventDefault();
                const line = field.value;
                show(clientLog, 'sent', `› ${line}\n`);
                field.value = '';
                try {
                    await ask('/api/stage/send', { id, connection, text: line + '\n' });
                } catch (error) {
                    client.close(`lost: ${error.message}`);
                }
            });
            leave.addEventListener('click', () => {
                ask('/api/stage/close', { id, connection }).catch(() => {});
                client.close('closed by you');
                more.focus();
            });
            clients.set(connection, client);
            clientLog.hidden = true;
            room.append(make('section', { class: 'client', 'aria-label': label },
                make('p', { class: 'title' }, label), clientLog, form));
            for (const [, act] of early.splice(0).filter(([who]) => who === connection)) {
                act(client);
            }
            field.focus();
        }

        start.addEventListener('click', begin);
        more.addEventListener('click', connect);
        stop.addEventListener('click', () => {
            if (id && running) {
                const controller = running;
                ask('/api/stage/stop', { id }).catch(() => controller.abort());
            } else if (running) {
                running.abort();
            }
        });
    }

    if (workbook.live) {
        document.querySelectorAll('main .stage[data-stage]').forEach(setUp);
    }
    workbook.start();
})();
