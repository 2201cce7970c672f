import { useEffect, useState } from 'react';
import type { InsideView } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { formatMs } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { Inside } from './inside.tsx';

/** How often the page looks inside the proxies while this view is open. */
const LOOK_MS = 250;
const RATES = [
  [1, 'As time goes'],
  [0.1, 'A tenth'],
  [0, 'Stand still'],
] as const;

/** The lab's clock in the learner's hand, and what waits inside the proxies meanwhile. */
export default function SlowMotion() {
  const lab = useLab();
  const connection = useStore(lab.stores.connection);
  const [view, setView] = useState<InsideView>();
  const [failure, setFailure] = useState<string>();
  useEffect(() => {
    if (connection !== 'open') return;
    let ended = false;
    let timer: ReturnType<typeof setTimeout>;
    const look = async (): Promise<void> => {
      try {
        const seen = await lab.request('clock.inside', {});
        if (!ended) setView(seen);
        setFailure(undefined);
      } catch (error) {
        if (!ended) setFailure(sayError(error));
      }
      if (!ended) timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [lab, connection]);
  const ask = async (question: Promise<InsideView>): Promise<void> => {
    try {
      setView(await question);
    } catch (error) {
      setFailure(sayError(error));
    }
  };
  if (!view) return <p className="pad">{failure ?? 'The view opens.'}</p>;
  const still = view.rate === 0;
  return (
    <div className="slow-view">
      <div className="row">
        {RATES.map(([rate, words]) => (
          <button
            key={rate}
            type="button"
            className={view.rate === rate ? 'btn on' : 'btn'}
            aria-pressed={view.rate === rate}
            onClick={() => void ask(lab.request('clock.set', { rate }))}
          >
            {words}
          </button>
        ))}
        <button
          type="button"
          className="btn go"
          disabled={!still}
          onClick={() => void ask(lab.request('clock.step', {}, 60_000))}
        >
          Next event
        </button>
        {[10, 100, 1000].map((ms) => (
          <button
            key={ms}
            type="button"
            className="btn"
            disabled={!still}
            onClick={() => void ask(lab.request('clock.step', { ms }, 60_000))}
          >
            + {formatMs(ms)}
          </button>
        ))}
      </div>
      <p className="num dim">
        {still
          ? 'The lab stands still.'
          : view.rate === 1
            ? 'The lab goes as time goes.'
            : 'The lab goes at a tenth of its speed.'}{' '}
        {view.lagMs > 50 && `Its clock is ${formatMs(view.lagMs)} behind.`} Delays, timeouts, ejections and the lab’s
        traffic go by this clock; only computing takes its own time.
      </p>
      {failure && <p className="said-wrong">{failure}</p>}
      <Inside view={view} />
    </div>
  );
}
