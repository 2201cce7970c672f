import { useCallback, useEffect, useRef, useState } from 'react';
import type { ShowScript, WordCard } from '../../course/show-script.ts';
import { type LabClient, sayError, writable } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { isFresh, runShow } from './run-show.ts';
import { beginShown, endShown, forgetShown, readShown } from './shown.ts';

type State = { at: 'waiting' | 'asks' | 'running' | 'shown' } | { at: 'failed'; why: string };

/** Over the lab, when a word's page led here: the lab shows the word by itself, and a sentence says where to look. */
export function ShowMe() {
  const [word] = useState(() => new URLSearchParams(location.search).get('word'));
  const lab = useLab();
  const [script, setScript] = useState<ShowScript>();
  useEffect(() => {
    if (word === null || !/^[a-z0-9-]{1,60}$/.test(word)) return;
    fetch(`/words/${word}.json`)
      .then(async (answer) => {
        const { show } = (await answer.json()) as WordCard;
        if (show?.lab === lab.labId) setScript(show);
      })
      .catch((error: unknown) => console.info(`Nothing is known of how to show ${word}.`, error));
  }, [lab, word]);
  return script ? <Bar script={script} onClose={() => setScript(undefined)} /> : null;
}

function Bar({ script, onClose }: { script: ShowScript; onClose: () => void }) {
  const lab = useLab();
  const sandbox = useStore(lab.stores.sandbox);
  const opened = useStore(lab.stores.opened);
  const [state, setState] = useState<State>({ at: 'waiting' });
  const began = useRef(false);
  const ready = opened > 0 && sandbox?.status === 'running';
  const begin = useCallback(
    async (anew: boolean): Promise<void> => {
      setState({ at: 'running' });
      try {
        await prepare(lab, anew);
        await runShow(lab, script);
        const applied = script.steps.some((step) => 'files' in step);
        endShown(lab.labId, applied ? writable(lab.stores.sheets.get()) : []);
        setState({ at: 'shown' });
      } catch (error) {
        setState({ at: 'failed', why: error instanceof Error ? error.message : sayError(error) });
      }
    },
    [lab, script],
  );
  useEffect(() => {
    if (!ready || began.current) return;
    began.current = true;
    if (isFresh(lab, script)) void begin(false);
    else if (readShown(lab.labId)) void begin(true);
    else setState({ at: 'asks' });
  }, [ready, begin, lab, script]);
  const leave = async (): Promise<void> => {
    await giveBack(lab);
    onClose();
  };
  return (
    <section className="show-me" data-in={inDock(script) ? 'dock' : undefined} aria-label={`Shown: ${script.term}`}>
      <p role="status">
        <b>{script.term}</b> {wordsOf(state, script)}
      </p>
      <span className="acts">
        {state.at === 'asks' && (
          <button type="button" className="btn go" onClick={() => void begin(true)}>
            Show it
          </button>
        )}
        {(state.at === 'shown' || state.at === 'failed') && (
          <>
            <button type="button" className="btn" onClick={() => void begin(true)}>
              Again
            </button>
            <button type="button" className="btn" onClick={() => void leave()}>
              {readShown(lab.labId)?.own ? 'Back to my text' : 'Start the lab'}
            </button>
          </>
        )}
        <a className="btn quiet" href={`/words/${script.slug}/`}>
          The word
        </a>
        <button type="button" className="btn quiet sq" aria-label="Close what is shown" onClick={onClose}>
          <Icon name="x" />
        </button>
      </span>
    </section>
  );
}

const inDock = ({ view }: ShowScript): boolean => view !== 'why' && view !== 'map';

function wordsOf(state: State, { look }: ShowScript): string {
  switch (state.at) {
    case 'waiting':
      return 'The lab starts.';
    case 'asks':
      return 'You have work in this lab. To show this it begins anew; your text is kept, and comes back with one click.';
    case 'running':
      return 'The lab shows it now.';
    case 'shown':
      return look;
    case 'failed':
      return `It could not be shown. ${state.why}`;
  }
}

/** Makes the lab fresh, and keeps the learner's text, once, however many words are shown after one another. */
async function prepare(lab: LabClient, anew: boolean): Promise<void> {
  const { labId, stores } = lab;
  const earlier = readShown(labId);
  const own = earlier ? earlier.own : anew ? writable(stores.sheets.get()) : undefined;
  if (anew) await begunAnew(lab);
  beginShown(labId, own);
}

async function giveBack(lab: LabClient): Promise<void> {
  const own = readShown(lab.labId)?.own;
  await begunAnew(lab);
  forgetShown(lab.labId);
  for (const { file, text } of own ?? []) lab.edit(file, text);
}

/** Back to the start, without the offer to restore what a show has left. */
async function begunAnew(lab: LabClient): Promise<void> {
  await lab.reset();
  lab.stores.toasts.set([]);
}
