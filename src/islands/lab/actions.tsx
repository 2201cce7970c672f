import { useRef, useState } from 'react';
import { type AppliedFile, sayError } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** One verb a button, always in the same place: Apply, Check, Hint, Undo, and what needs a second thought. */
export function Actions() {
  const lab = useLab();
  const apply = useStore(lab.stores.apply);
  const connection = useStore(lab.stores.connection);
  const hints = useStore(lab.stores.hints);
  const away = connection !== 'open';
  const last = hints.at(-1);
  const hintWords = last ? `Hint ${Math.min(last.number + 1, last.of)} of ${last.of}` : 'Hint';
  const spent = last !== undefined && last.number >= last.of;
  return (
    <div className="acts">
      <button
        type="button"
        className="btn go"
        disabled={away || apply.state === 'running'}
        onClick={() => void lab.apply()}
      >
        Apply <kbd>Ctrl Enter</kbd>
      </button>
      <button type="button" className="btn" disabled={away} onClick={() => void lab.runChecks()}>
        Check
      </button>
      <button type="button" className="btn" disabled={away || spent} onClick={() => void lab.nextHint()}>
        {hintWords}
      </button>
      <button
        type="button"
        className="btn quiet sq"
        aria-label="Undo the last apply"
        title="Undo the last apply"
        disabled={away}
        onClick={() => void lab.undo()}
      >
        <Icon name="undo" />
      </button>
      <More away={away} />
    </div>
  );
}

function More({ away }: { away: boolean }) {
  const lab = useLab();
  const menu = useRef<HTMLDivElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const [files, setFiles] = useState<AppliedFile[]>();
  const show = async (): Promise<void> => {
    menu.current?.hidePopover();
    try {
      setFiles(await lab.solution());
      dialog.current?.showModal();
    } catch (error) {
      lab.toast({ text: sayError(error), error: true });
    }
  };
  const use = (): void => {
    for (const { file, text } of files ?? []) lab.edit(file, text);
    dialog.current?.close();
  };
  const reset = (): void => {
    menu.current?.hidePopover();
    void lab.reset();
  };
  const restore = (): void => {
    menu.current?.hidePopover();
    void lab.restore();
  };
  return (
    <>
      <button type="button" className="btn quiet sq" aria-label="Reset and solution" popoverTarget="lab-more">
        <Icon name="dots" />
      </button>
      <div className="more" id="lab-more" popover="auto" ref={menu}>
        <button type="button" disabled={away} onClick={reset}>
          Reset the lab <small>your text is kept</small>
        </button>
        <button type="button" disabled={away} onClick={restore}>
          Restore my text <small>from before the reset</small>
        </button>
        <button type="button" disabled={away} onClick={() => void show()}>
          Show the solution <small>counts as done with help</small>
        </button>
      </div>
      <dialog className="solution" ref={dialog} aria-labelledby="solution-title">
        <h2 id="solution-title">The solution</h2>
        <p>Nothing is applied until you press Apply.</p>
        {(files ?? []).map(({ file, text }) => (
          <section key={file}>
            <h3 className="mono">{file}</h3>
            <textarea className="mono" readOnly rows={12} aria-label={`${file}, solution`} value={text} />
          </section>
        ))}
        <div className="row">
          <button type="button" className="btn go" onClick={use}>
            Put it in the editor
          </button>
          <button type="button" className="btn" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </dialog>
    </>
  );
}
