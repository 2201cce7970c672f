import { type FormEvent, useState } from 'react';
import type { BisectView, Judge } from '#contract';
import { useLab, useStore } from '../parts/use-store.ts';
import { useLongRun } from './long-run.ts';
import { ObjectDiff } from './object-diff.tsx';
import { Progress } from './progress.tsx';
import { PushSelect } from './push-select.tsx';

/** Where one request in ten fails, 40 of them miss it in one search of sixty, 100 in one of thousands. */
const TRIED = 100;

/** Halves the pushes between a good and a bad one, in a second mesh, until the first bad one is left. */
export function BisectPanel() {
  const lab = useLab();
  const pushes = useStore(lab.stores.pushes);
  const checks = useStore(lab.stores.checks);
  const last = pushes.at(-1)?.number ?? 0;
  const [good, setGood] = useState(0);
  const [bad, setBad] = useState(last);
  const [by, setBy] = useState('failures');
  const [limit, setLimit] = useState(500);
  const start = useLongRun<'bisect.start'>('bisect');
  const mark = useLongRun<'bisect.mark'>('bisect');
  const [newest, setNewest] = useState<'start' | 'mark'>('start');
  const view = newest === 'mark' ? mark.result : start.result;
  const progress = start.progress ?? mark.progress;
  const judge = (): Judge => {
    if (by === 'failures') return { by, atMost: 0 };
    if (by === 'latency') return { by, atMostMs: limit };
    if (by === 'learner') return { by };
    return { by: 'check', check: by.replace(/^check:/, '') };
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setNewest('start');
    void start.run('bisect.start', { good, bad, judge: judge(), requests: TRIED });
  };
  const say = (verdict: 'good' | 'bad'): void => {
    setNewest('mark');
    void mark.run('bisect.mark', { verdict });
  };
  return (
    <div className="bisect">
      <p>
        Each try starts a second mesh with one push and sends it the last {TRIED} requests. Your own mesh is not
        touched.
      </p>
      <form className="row" onSubmit={submit}>
        <PushSelect label="Good" pushes={pushes} value={good} onChange={setGood} />
        <PushSelect label="Bad" pushes={pushes} value={bad} onChange={setBad} />
        <label>
          A push is bad if{' '}
          <select value={by} onChange={(event) => setBy(event.target.value)}>
            <option value="failures">a request fails</option>
            <option value="latency">its p99 is above a limit</option>
            <option value="learner">I say so</option>
            {checks.map(
              ({ id, title, question }) =>
                !question && <option key={id} value={`check:${id}`}>{`the check fails: ${title}`}</option>,
            )}
          </select>
        </label>
        {by === 'latency' && (
          <label>
            Limit in ms{' '}
            <input
              type="number"
              min={1}
              max={60000}
              value={limit}
              onChange={(event) => setLimit(Number(event.target.value))}
            />
          </label>
        )}
        <button type="submit" className="btn go" disabled={progress !== undefined || bad <= good}>
          Search
        </button>
      </form>
      <Progress progress={progress} />
      {(start.failure ?? mark.failure) && <p className="said-wrong">{start.failure ?? mark.failure}</p>}
      {view && progress === undefined && <Tries view={view} onSay={say} />}
    </div>
  );
}

function Tries({ view, onSay }: { view: BisectView; onSay: (verdict: 'good' | 'bad') => void }) {
  return (
    <section aria-label="Search for the first bad push">
      <ol className="lineup tries">
        {view.tries.map((one) => (
          <li key={one.push} className={one.verdict === 'bad' ? 'bad' : one.verdict === 'good' ? 'done' : 'now'}>
            <b>
              {one.push === 0 ? 'The start' : `Push ${one.push}`}:{' '}
              {one.verdict === 'asked' ? 'what do you say?' : one.verdict}
            </b>
            <span className="num">{one.seen}.</span>
            {one.push === view.asked && (
              <span className="row">
                <button type="button" className="btn" onClick={() => onSay('good')}>
                  Good
                </button>
                <button type="button" className="btn" onClick={() => onSay('bad')}>
                  Bad
                </button>
              </span>
            )}
          </li>
        ))}
      </ol>
      <div role="status">
        {view.stuck && <p className="said-wrong">{view.stuck}</p>}
        {view.found && (
          <p>
            <b>
              Push {view.found.push}, {view.found.title}, is the first bad one.
            </b>
          </p>
        )}
      </div>
      {view.found?.changed.map((object) => (
        <ObjectDiff key={`${object.kind}/${object.namespace}/${object.name}`} object={object} />
      ))}
    </section>
  );
}
