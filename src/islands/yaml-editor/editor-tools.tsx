import { lazy, Suspense, useEffect, useState } from 'react';
import { type Sheet, sayError } from '../../lab-client/index.ts';
import { Boundary } from '../parts/boundary.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { caughtAt, caughtWords, type LinePlace } from './caught.ts';
import { loadTerms, type TermBook } from './terms.ts';
import type { Caught } from './use-caught.ts';

interface EditorToolsProps {
  sheet: Sheet;
  here: LinePlace | undefined;
  caught: Caught;
  plain: boolean;
  /** The text is that of an earlier moment. */
  past: boolean;
}

const Effect = lazy(() => import('./effect.tsx'));
const Compare = lazy(() => import('./compare.tsx'));

const SAVED = {
  saved: 'Saved',
  waiting: 'Saving',
  offline: 'Kept in this browser',
  unsaved: 'Not saved: too large',
  nowhere: 'Not kept: this browser has no room',
} as const;

/** Under the text: what the line at the cursor caught, what an apply would change, differences, layout. */
export function EditorTools({ sheet, here, caught, plain, past }: EditorToolsProps) {
  const lab = useLab();
  const saving = useStore(lab.stores.saving);
  const away = useStore(lab.stores.connection) !== 'open';
  const [asked, setAsked] = useState<'effect' | 'compare'>();
  const close = (): void => setAsked(undefined);
  const format = async (): Promise<void> => {
    try {
      lab.edit(sheet.file, (await lab.request('yaml.format', { text: sheet.text })).text);
    } catch (error) {
      lab.toast({ text: sayError(error), error: true, topic: 'format' });
    }
  };
  return (
    <>
      <div className="edit-tools">
        {!past && <CaughtHere here={here} caught={caught} changed={sheet.changed} />}
        <span className="spacer" />
        {here && <TermHere line={sheet.text.split('\n')[here.line - 1] ?? ''} />}
        <span className="num dim">{sheet.readOnly ? 'Read only' : SAVED[saving]}</span>
      </div>
      <div className="edit-tools leave">
        <span>{plain ? 'Tab leaves this field.' : 'Ctrl+M frees the Tab key.'}</span>
        <span className="spacer" />
        <button type="button" className="link" disabled={away} onClick={() => setAsked('effect')}>
          Effect
        </button>
        <button type="button" className="link" onClick={() => setAsked('compare')}>
          Compare
        </button>
        <button type="button" className="link" disabled={away || sheet.readOnly} onClick={() => void format()}>
          Format
        </button>
      </div>
      {asked && (
        <Boundary key={asked} what={asked === 'effect' ? 'Effect' : 'Compare'}>
          <Suspense>
            {asked === 'effect' ? <Effect onClose={close} /> : <Compare file={sheet.file} onClose={close} />}
          </Suspense>
        </Boundary>
      )}
    </>
  );
}

/** The line at the cursor: how many requests it caught, and the way to them. */
function CaughtHere({ here, caught, changed }: { here: LinePlace | undefined; caught: Caught; changed: boolean }) {
  if (here === undefined || caught.view === undefined)
    return <span className="dim">Put the cursor in a line to see its requests.</span>;
  const found = caughtAt(caught.view.lines, here);
  if (changed && found === undefined)
    return <span className="dim">Not applied yet: this line has caught nothing.</span>;
  const words = caughtWords(caught.view, here, found);
  if (found === undefined || found.caught === 0) return <span className="dim">{words}</span>;
  return (
    <button type="button" className="link caught-here" title="Alt+Enter in the text" onClick={() => caught.show(here)}>
      {words}
    </button>
  );
}

/** The terms of the line at the cursor, the way to each: for the keyboard, for touch, and for the plain field. */
function TermHere({ line }: { line: string }) {
  const [book, setBook] = useState<TermBook>();
  useEffect(() => void loadTerms().then(setBook), []);
  const entries = new Set(book?.inLine(line).map(({ entry }) => entry));
  return [...entries].slice(0, MOST_TERMS).map(({ term, slug, gist }) => (
    <a key={slug} className="term" href={`/words/${slug}/`} target="_blank" title={gist} rel="noopener">
      {term}
    </a>
  ));
}

/** Links of one line that have room beside its numbers. */
const MOST_TERMS = 2;
