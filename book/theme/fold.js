// While a reader rebuilds a chapter, the listings of what is not right yet are folded behind a button each. Which files those
// are stands in the page's head, so that nothing moves after it is drawn, and comes with the news whenever it changes.
'use strict';

(() => {
    const { make } = workbook;
    // By its caption, `chapters/ch01-sockets/src/echo.rs, …`, a listing is of a file.
    const FILE = /^chapters\/\S+\.rs(?=,|$)/;

    /** Whether a listing has a body to write; types and traits are given. */
    function hasBody(code) {
        const shown = code.cloneNode(true);
        shown.querySelectorAll('.boring, .editor').forEach(each => each.remove());
        return /\bfn\s[^;{}]*\{/.test(shown.textContent);
    }

    function recall(key) {
        try {
            return sessionStorage.getItem(key) !== null;
        } catch {
            return false;
        }
    }

    function remember(key, open) {
        try {
            if (open) {
                sessionStorage.setItem(key, '');
            } else {
                sessionStorage.removeItem(key);
            }
        } catch {
            // Without storage it is folded again on the next load.
        }
    }

    /** A listing and the button that folds it: `{ file, fold, unfold }`. */
    function setUp(caption, number) {
        const listing = caption.nextElementSibling;
        const key = `workbook:open:${location.pathname}:${number}:${caption.textContent}`;
        const button = make('button', { type: 'button', class: 'fold' });
        listing.id ||= `listing-${number}`;
        button.setAttribute('aria-controls', listing.id);

        function show(open) {
            listing.hidden = !open;
            button.setAttribute('aria-expanded', open);
            button.textContent = `Yours to write: ${open ? 'fold' : 'show'} the book’s version`;
        }

        button.addEventListener('click', () => {
            const open = listing.hidden;
            remember(key, open);
            show(open);
        });
        workbook.ownKeys(button);
        return {
            file: caption.textContent.match(FILE)[0],
            fold() {
                if (!button.isConnected) {
                    listing.before(button);
                    show(recall(key));
                }
            },
            unfold() {
                button.remove();
                listing.hidden = false;
            },
        };
    }

    if (workbook.live) {
        const captions = [...document.querySelectorAll('main .caption')]
            .filter(caption => FILE.test(caption.textContent))
            .filter(caption => hasBody(caption.nextElementSibling.querySelector('code')));
        const listings = captions.map((caption, index) => setUp(caption, index + 1));
        workbook.onUnwritten(files => {
            for (const listing of listings) {
                if (files.includes(listing.file)) {
                    listing.fold();
                } else {
                    listing.unfold();
                }
            }
        });
    }
})();
