import type { MomentView } from '#contract';
import { formatTime } from '../parts/format.ts';
import { Mark } from '../parts/sign.tsx';
import { useLab } from '../parts/use-store.ts';

/** Says above the text that it is an earlier one, which can only be read, and leads back to the present. */
export function PastBar({ view, file }: { view: MomentView; file: string }) {
  const lab = useLab();
  const then = view.push === 0 ? 'the start' : `push ${view.push}`;
  const applied = view.files.some((one) => one.file === file);
  return (
    <div className="past-bar">
      <Mark name="push" />
      <p>
        {applied ? 'As applied at ' : 'Nothing of this file had been applied at '}
        <b>{then}</b>, {formatTime(view.atMs, false)}. Read only; your text is kept.
      </p>
      <button type="button" className="btn" onClick={() => lab.goLive()}>
        Live
      </button>
    </div>
  );
}
