import { useRef, useState } from 'react';
import { type AppliedFile, writable } from '../../lab-client/index.ts';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { pastOf } from '../time-view/past.ts';
import { KubeAccess, type KubeAccessHandle } from './kube-access.tsx';
import { packText } from './shared-text.ts';

/** What needs a second thought: reset, restore, the solution; and the way in for other tools. */
export function More() {
  const lab = useLab();
  const away = useStore(lab.stores.connection) !== 'open';
  const menu = useRef<HTMLDivElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);
  const kubeAccess = useRef<KubeAccessHandle>(null);
  const [files, setFiles] = useState<AppliedFile[]>();
  const show = async (): Promise<void> => {
    menu.current?.hidePopover();
    try {
      setFiles(await lab.solution());
      dialog.current?.showModal();
    } catch (error) {
      lab.fail(error);
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
  const share = async (): Promise<void> => {
    menu.current?.hidePopover();
    // A link to a moment of the past carries the text of that moment.
    const past = pastOf(lab).get();
    const hash = await packText(past.state === 'ready' ? past.view.files : writable(lab.stores.sheets.get()));
    const link = `${location.origin}${location.pathname}${location.search}${hash ?? ''}`;
    try {
      await navigator.clipboard.writeText(link);
      const words =
        hash === undefined
          ? 'The link is copied without your text, which is too long for it.'
          : 'The link is copied: this view, with your text.';
      lab.toast({ text: words, error: hash === undefined });
    } catch {
      lab.toast({ text: 'The browser did not allow copying. Copy the address bar instead.', error: true });
    }
  };
  const lend = (): void => {
    menu.current?.hidePopover();
    void kubeAccess.current?.open();
  };
  return (
    <>
      <button
        type="button"
        className="btn quiet sq"
        aria-label="Reset, solution, link, kubectl"
        title="Reset, solution, link, kubectl"
        popoverTarget="lab-more"
      >
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
        <button type="button" onClick={() => void share()}>
          Copy a link to this moment <small>lab, view, request, push and your text</small>
        </button>
        <button type="button" disabled={away} onClick={lend}>
          Use your own kubectl <small>a kubeconfig for this mesh</small>
        </button>
      </div>
      <KubeAccess handle={kubeAccess} />
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
