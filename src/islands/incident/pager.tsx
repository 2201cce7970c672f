import { useEffect, useState } from 'react';
import type { IncidentView } from '#contract';
import { Icon } from '../parts/sign.tsx';
import { useLab, useStore } from '../parts/use-store.ts';
import { drillOf, minutes } from './incident-store.ts';

/** Over the lab: what the pager says, and for how long it has been so. Only in a lab that is an incident. */
export function Pager() {
  const lab = useLab();
  const sandbox = useStore(lab.stores.sandbox);
  const drill = drillOf(lab);
  const view = useStore(drill.view);
  const runs = sandbox?.status === 'running';
  useEffect(() => {
    if (runs) void drill.read();
  }, [runs, drill]);
  if (!view) return null;
  const start = async (untimed: boolean): Promise<void> => void (await drill.ask('incident.start', { untimed }));
  if (view.state === 'ready') {
    return (
      <section className="pager calm" aria-label="The drill">
        <div>
          <b>You are on call</b>
          <p>All is well. The trouble comes by itself after you start; the page is all that you are told.</p>
        </div>
        <div className="acts">
          <button type="button" className="btn go" disabled={!runs} onClick={() => void start(false)}>
            Start the drill
          </button>
          <button type="button" className="btn" disabled={!runs} onClick={() => void start(true)}>
            Without a clock
          </button>
        </div>
      </section>
    );
  }
  if (view.state === 'quiet') {
    return (
      <section className="pager calm" aria-label="The drill">
        <div>
          <b>You are on call</b>
          <p>Nobody has complained yet.</p>
        </div>
      </section>
    );
  }
  return (
    <section className={view.state === 'paged' ? 'pager' : 'pager calm'} aria-label="The page">
      <Icon name="bolt" />
      <div role="alert">
        <b>{view.page}</b>
        <p>{wordsOf(view)}</p>
      </div>
      {!view.untimed && <SincePage view={view} />}
    </section>
  );
}

function wordsOf(view: IncidentView): string {
  if (view.state === 'over') return 'The drill is over. The result stands beside it.';
  if (view.state === 'safe') return 'Users are safe. Now prove the cause.';
  const share = Math.round(view.users.failingNow * 100);
  return `${view.budget.failed} requests of users have failed; ${share} % of those of the last ten seconds.`;
}

/** Runs by the page's own clock, from the moment that the lab named. */
function SincePage({ view }: { view: IncidentView }) {
  const [ms, setMs] = useState(0);
  const { pagedMs = view.nowMs, nowMs, state } = view;
  useEffect(() => {
    const began = performance.now();
    const tick = (): void => setMs(nowMs - pagedMs + (state === 'over' ? 0 : performance.now() - began));
    tick();
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }, [nowMs, pagedMs, state]);
  return (
    <div className="clock" role="timer" aria-label="Since the page">
      <span>{minutes(ms)}</span>
      <small>{state === 'over' ? 'in all' : 'since the page'}</small>
    </div>
  );
}
