import { useState } from 'react';
import { formatTime } from '../parts/format.ts';
import { Mark } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { BisectPanel } from './bisect-panel.tsx';
import { ObjectDiff } from './object-diff.tsx';
import { pastOf } from './past.ts';
import { PushOptions } from './push-select.tsx';
import { ReplayPanel } from './replay-panel.tsx';
import { scrolled } from './scrolled.ts';

/** The lab along time: what a push changed, the way back to it, the same requests under two pushes, and the search for the first bad one. */
export default function TimeView() {
  const [part, setPart] = useState<'moment' | 'replay' | 'bisect'>('moment');
  const parts = [
    ['moment', 'A push'],
    ['replay', 'Compare two'],
    ['bisect', 'Find the first bad one'],
  ] as const;
  return (
    <div className="time-view">
      <div className="row">
        {parts.map(([key, label]) => (
          <button
            key={key}
            type="button"
            className={part === key ? 'btn on' : 'btn'}
            aria-pressed={part === key}
            onClick={() => setPart(key)}
          >
            {label}
          </button>
        ))}
      </div>
      {part === 'moment' && <MomentPanel />}
      {part === 'replay' && <ReplayPanel />}
      {part === 'bisect' && <BisectPanel />}
    </div>
  );
}

function MomentPanel() {
  const lab = useLab();
  const past = useStore(pastOf(lab));
  const pushes = useStore(lab.stores.pushes);
  const apply = useStore(lab.stores.apply);
  if (past.state === 'live') {
    return (
      <div className="a-push">
        <p>You look at the mesh as it is. Choose a push on the time bar, or here.</p>
        <PushChoice />
        {pushes.length === 0 && <p>No push yet. Apply something.</p>}
      </div>
    );
  }
  if (past.state === 'failed') return <p className="pad">{past.message}</p>;
  const view = past.state === 'ready' ? past.view : past.before;
  if (!view) return <p className="pad">The lab looks it up.</p>;
  const start = view.push === 0;
  const name = start ? 'the start' : `push ${view.push}`;
  return (
    <div className="a-push">
      <p className="state">
        <Mark name="push" />
        <b>
          You are looking at {name}
          {start ? '' : `, ${view.title}`}
        </b>{' '}
        <span className="num">{formatTime(view.atMs, false)}</span>. The mesh runs on push {view.newest}.
      </p>
      <div className="row">
        <PushChoice />
        <button type="button" className="btn" onClick={() => lab.goLive()}>
          Live
        </button>
        <button
          type="button"
          className="btn go"
          disabled={view.since.length === 0 || apply.state === 'running'}
          onClick={() => void restore(lab, view.push)}
        >
          Make {name} current
        </button>
      </div>
      {!start && (
        <>
          <h3>What this push changed</h3>
          {view.changed.length === 0 && <p>No object that you can write.</p>}
          {view.changed.map((object) => (
            <ObjectDiff key={`${object.kind}/${object.namespace}/${object.name}`} object={object} />
          ))}
        </>
      )}
      <h3>What has changed from then to now</h3>
      {view.since.length === 0 && <p>Nothing. The mesh is as it was then.</p>}
      {view.since.map((object) => (
        <ObjectDiff key={`${object.kind}/${object.namespace}/${object.name}`} object={object} />
      ))}
      {view.files.length > 0 && (
        <>
          <h3>Files as they had been applied</h3>
          {view.files.map(({ file, text }) => (
            <details key={file} className="object">
              <summary className="mono">{file}</summary>
              <pre {...scrolled(file)}>{text}</pre>
            </details>
          ))}
        </>
      )}
    </div>
  );
}

async function restore(lab: ReturnType<typeof useLab>, push: number): Promise<void> {
  await lab.changeBy('time.restore', { push });
  lab.goLive();
}

/** Every push, and the start: the keyboard's way along the time bar. */
function PushChoice() {
  const lab = useLab();
  const pushes = useStore(lab.stores.pushes);
  const { push, atMs } = useStore(lab.stores.view);
  const past = useStore(pastOf(lab));
  const shown = atMs === undefined ? '' : String(push ?? (past.state === 'ready' ? past.view.push : ''));
  return (
    <label className="push-choice">
      Push{' '}
      <select
        value={shown}
        onChange={(event) => {
          const number = event.target.value;
          const chosen = pushes.find((one) => String(one.number) === number);
          if (number === '') lab.goLive();
          else
            lab.show({
              push: Number(number),
              atMs: chosen ? chosen.atMs + (chosen.effectiveMs ?? 0) : startOf(pushes),
            });
        }}
      >
        <option value="">live</option>
        <PushOptions pushes={pushes} />
      </select>
    </label>
  );
}

const startOf = (pushes: readonly { atMs: number }[]): number => (pushes[0]?.atMs ?? Date.now()) - 1;
