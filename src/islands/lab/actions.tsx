import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';

/** One verb a button, always in the same place: Apply, Check, Hint, Undo, each with its word. */
export function Actions() {
  const lab = useLab();
  const apply = useStore(lab.stores.apply);
  const connection = useStore(lab.stores.connection);
  const hints = useStore(lab.stores.hints);
  const unchecked = lab.text.incident || lab.text.blame;
  const away = connection !== 'open';
  // What is on the screen is an earlier text: what would be applied or taken back is not in sight.
  const past = useStore(lab.stores.view).atMs !== undefined;
  const still = away || past || apply.state === 'running';
  const last = hints.at(-1);
  const hintWords = last ? `Hint ${Math.min(last.number + 1, last.of)} of ${last.of}` : 'Hint';
  const spent = last !== undefined && last.number >= last.of;
  return (
    <div className="acts">
      <button type="button" className="btn go" disabled={still} onClick={() => void lab.apply()}>
        Apply {past ? <small>when live</small> : <kbd>Ctrl Enter</kbd>}
      </button>
      {!unchecked && (
        <>
          <button type="button" className="btn" disabled={away} onClick={() => void lab.runChecks()}>
            Check
          </button>
          <button type="button" className="btn" disabled={away || spent} onClick={() => void lab.nextHint()}>
            {hintWords}
          </button>
        </>
      )}
      <button
        type="button"
        className="btn quiet"
        title="Takes the last change back, in the text and in the mesh"
        disabled={still}
        onClick={() => void lab.undo()}
      >
        <Icon name="undo" />
        Undo
      </button>
    </div>
  );
}
