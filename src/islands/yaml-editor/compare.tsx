import { useEffect, useRef, useState } from 'react';
import { sayError } from '../../lab-client/index.ts';
import { DiffView } from '../parts/diff-view.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

type Text = { state: 'loading' } | { state: 'ready'; text: string } | { state: 'failed'; message: string };

/** The file beside what was applied last, beside the solution, or beside any push: the history of the text. Open as long as it is there. */
export default function Compare({ file, onClose }: { file: string; onClose: () => void }) {
  const lab = useLab();
  const sheets = useStore(lab.stores.sheets);
  const applied = useStore(lab.stores.applied);
  const pushes = useStore(lab.stores.pushes);
  const dialog = useRef<HTMLDialogElement>(null);
  const [against, setAgainst] = useState('applied');
  const [other, setOther] = useState<Text>({ state: 'loading' });
  const text = sheets.find((sheet) => sheet.file === file)?.text ?? '';
  const choose = async (key: string): Promise<void> => {
    setAgainst(key);
    if (key === 'applied') return;
    setOther({ state: 'loading' });
    try {
      const push = Number(key.slice('push '.length));
      const files = key === 'solution' ? await lab.solution() : (await lab.request('time.moment', { push })).files;
      setOther({ state: 'ready', text: files.find((one) => one.file === file)?.text ?? '' });
    } catch (error) {
      setOther({ state: 'failed', message: sayError(error) });
    }
  };
  useEffect(() => dialog.current?.showModal(), []);
  const shown: Text =
    against === 'applied' ? { state: 'ready', text: applied.find((one) => one.file === file)?.text ?? '' } : other;
  const take = (): void => {
    if (shown.state !== 'ready') return;
    lab.edit(file, shown.text);
    dialog.current?.close();
  };
  const readOnly = sheets.find((sheet) => sheet.file === file)?.readOnly ?? true;
  return (
    <dialog className="solution compare" ref={dialog} aria-labelledby="compare-title" onClose={onClose}>
      <h2 id="compare-title">
        <span className="mono">{file}</span> compared
      </h2>
      <p>
        <label>
          With{' '}
          <select value={against} onChange={(event) => void choose(event.target.value)}>
            <option value="applied">what was applied last</option>
            <option value="push 0">the start of the lab</option>
            {pushes.map(({ number, title }) => (
              <option key={number} value={`push ${number}`}>
                push {number} · {title}
              </option>
            ))}
            <option value="solution">the solution</option>
          </select>
        </label>{' '}
        <span className="dim">− is theirs, + is yours.</span>
      </p>
      {shown.state === 'loading' && <p>The other text is read.</p>}
      {shown.state === 'failed' && (
        <p className="bad" role="alert">
          {shown.message}
        </p>
      )}
      {shown.state === 'ready' && <DiffView before={shown.text} after={text} label={`${file} compared`} />}
      <div className="row">
        {!readOnly && (
          <button
            type="button"
            className="btn"
            disabled={shown.state !== 'ready' || shown.text === text}
            onClick={take}
          >
            Take theirs
          </button>
        )}
        <button type="button" className="btn" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
