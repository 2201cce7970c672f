import { type FormEvent, useState } from 'react';
import type { ReplayOutcome, ReplayRow, ReplayView, RunSum } from '#contract';
import { formatMs } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { useLongRun } from './long-run.ts';
import { Progress } from './progress.tsx';
import { PushSelect } from './push-select.tsx';
import { scrolled } from './scrolled.ts';

/** The same requests under two pushes, each in a mesh of its own that starts anew. */
export function ReplayPanel() {
  const lab = useLab();
  const pushes = useStore(lab.stores.pushes);
  const { atMs } = useStore(lab.stores.view);
  const last = pushes.at(-1)?.number ?? 0;
  const [from, setFrom] = useState(Math.max(0, last - 1));
  const [to, setTo] = useState(last);
  const [count, setCount] = useState(200);
  const { result, progress, failure, run } = useLongRun<'time.replay'>('replay');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    void run('time.replay', { from, to, requests: count, ...(atMs === undefined ? {} : { untilMs: atMs }) });
  };
  return (
    <div className="replay">
      <p>
        The last requests of the lab’s traffic{atMs === undefined ? '' : ' before the moment you look at'} are sent
        again, to a second mesh with the same seed. Your own mesh is not touched.
      </p>
      <form className="row" onSubmit={submit}>
        <label>
          Requests{' '}
          <input
            type="number"
            min={1}
            max={200}
            value={count}
            onChange={(event) => setCount(Number(event.target.value))}
          />
        </label>
        <PushSelect label="under push" pushes={pushes} value={from} onChange={setFrom} />
        <PushSelect label="and under push" pushes={pushes} value={to} onChange={setTo} />
        <button type="submit" className="btn go" disabled={progress !== undefined}>
          Send again
        </button>
      </form>
      <Progress progress={progress} />
      {failure && <p className="said-wrong">{failure}</p>}
      {result && <Comparison view={result} />}
    </div>
  );
}

function Comparison({ view }: { view: ReplayView }) {
  const [all, setAll] = useState(false);
  const different = view.rows.filter(({ differs }) => differs.length > 0);
  const rows = all ? view.rows : different;
  return (
    <section aria-label="Comparison">
      <p role="status">
        <b>
          {different.length} of {view.rows.length} requests came out differently.
        </b>{' '}
        {view.atOnce === 1
          ? 'They were sent one by one, so every proxy drew the same numbers twice.'
          : `Answers are slow, so ${view.atOnce} were open at a time: draws may come in another order.`}{' '}
        {view.cut}
      </p>
      <div className="wide" {...scrolled('Sums of both runs')}>
        <table className="sums num">
          <thead>
            <tr>
              <th scope="col">Push</th>
              <th scope="col">Failed</th>
              <th scope="col">Statuses</th>
              <th scope="col">Calls for each request</th>
              <th scope="col">p50</th>
              <th scope="col">p99</th>
              <th scope="col">Who was called</th>
            </tr>
          </thead>
          <tbody>
            <SumRow push={view.from} sum={view.before} />
            <SumRow push={view.to} sum={view.after} />
          </tbody>
        </table>
      </div>
      <label className="only">
        <input type="checkbox" checked={all} onChange={(event) => setAll(event.target.checked)} /> Show those that came
        out the same as well
      </label>
      {rows.length > 0 && (
        <div className="wide" {...scrolled('Requests of both runs')}>
          <table className="sums num">
            <thead>
              <tr>
                <th scope="col">No.</th>
                <th scope="col">Request</th>
                <th scope="col">Push {view.from}</th>
                <th scope="col">Push {view.to}</th>
                <th scope="col">Differs in</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <RequestRow key={row.number} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function SumRow({ push, sum }: { push: number; sum: RunSum }) {
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true }))
      .map(([name, count]) => `${name} × ${count}`)
      .join(', ');
  return (
    <tr>
      <th scope="row">{push}</th>
      <td className={sum.failed > 0 ? 'bad' : ''}>
        {sum.failed} of {sum.requests}
      </td>
      <td>{list(sum.statuses)}</td>
      <td>{sum.callsPerRequest.toFixed(1)}</td>
      <td>{formatMs(sum.p50)}</td>
      <td>{formatMs(sum.p99)}</td>
      <td>{list(sum.versions)}</td>
    </tr>
  );
}

const WORDS = { answer: 'answer', way: 'way', time: 'time' } as const;

function RequestRow({ row }: { row: ReplayRow }) {
  return (
    <tr>
      <th scope="row">{row.number}</th>
      <td className="mono">
        {row.method} {row.path}
      </td>
      <td>
        <Told outcome={row.before} />
      </td>
      <td>
        <Told outcome={row.after} />
      </td>
      <td>{row.differs.map((one) => WORDS[one]).join(', ') || 'nothing'}</td>
    </tr>
  );
}

function Told({ outcome }: { outcome: ReplayOutcome }) {
  const flags = [...new Set(outcome.calls.flatMap((call) => call.flags))];
  const status = outcome.status === 0 ? (outcome.failure ?? 'no answer') : String(outcome.status);
  const bad = outcome.status === 0 || outcome.status >= 400;
  return (
    <>
      <span className={bad ? 'flag error' : 'flag ok'}>{[status, ...flags].join(' ')}</span> {formatMs(outcome.tookMs)}
      <small>
        {outcome.calls
          .map(
            ({ to, version, attempts }) =>
              `${to}${version ? ` ${version}` : ''}${attempts > 1 ? ` × ${attempts}` : ''}`,
          )
          .join(', ')}
      </small>
    </>
  );
}
