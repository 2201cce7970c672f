import type { EjectedView, InsideView, PoolView, PushOnItsWay } from '#contract';
import { formatMs } from '../parts/format.ts';
import { Icon, Mark } from '../parts/sign.tsx';

/** What can be seen inside the proxies now: queues, endpoints that are out, a push on its way. */
export function Inside({ view }: { view: InsideView }) {
  return (
    <div className="inside">
      <section aria-label="Pools">
        <h3>Requests under way and waiting</h3>
        {view.pools.length === 0 && <p className="dim">No request is under way.</p>}
        {view.pools.map((pool) => (
          <Pool key={`${pool.pod} ${pool.to}`} pool={pool} />
        ))}
      </section>
      <section aria-label="Ejected endpoints">
        <h3>Endpoints that are out</h3>
        {view.ejected.length === 0 && <p className="dim">None.</p>}
        {view.ejected.map((one) => (
          <Ejected key={`${one.pod} ${one.to} ${one.address}`} one={one} />
        ))}
      </section>
      <section aria-label="The push on its way">
        <h3>The last push</h3>
        {view.push ? <Push push={view.push} /> : <p className="dim">Nothing was pushed since this view can tell.</p>}
      </section>
      {view.happened.length > 0 && (
        <section aria-label="What happened">
          <h3>What happened</h3>
          <ol className="told">
            {[...new Set(view.happened)].map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ol>
        </section>
      )}
    </div>
  );
}

const MOST_DOTS = 120;

/** One dot for each request: filled while it is under way, hollow while it waits. */
function Pool({ pool }: { pool: PoolView }) {
  const { connections, waiting } = pool.limits;
  const limits = [
    connections === undefined ? '' : `at most ${connections} connections`,
    waiting === undefined ? '' : `at most ${waiting} waiting`,
  ].filter((words) => words !== '');
  return (
    <div className="pool">
      <p className="num">
        <b>
          {pool.service} to {pool.to}
        </b>
        : {pool.active} under way, <span className={pool.waiting > 0 ? 'waits' : ''}>{pool.waiting} waiting</span>,{' '}
        {pool.connections} connections{limits.length > 0 ? ` (${limits.join(', ')})` : ''}
      </p>
      <Dots active={Math.min(pool.active, MOST_DOTS)} waiting={Math.min(pool.waiting, MOST_DOTS)} />
    </div>
  );
}

const SIDE = 12;
const IN_A_ROW = 40;

function Dots({ active, waiting }: { active: number; waiting: number }) {
  const all = active + waiting;
  const rows = Math.max(1, Math.ceil(all / IN_A_ROW));
  return (
    <svg viewBox={`0 0 ${IN_A_ROW * SIDE} ${rows * SIDE}`} className="dots" aria-hidden="true">
      {Array.from({ length: all }, (_, index) => ({ index, waits: index >= active })).map(({ index, waits }) => (
        <circle
          key={index}
          cx={(index % IN_A_ROW) * SIDE + SIDE / 2}
          cy={Math.floor(index / IN_A_ROW) * SIDE + SIDE / 2}
          r="4"
          className={waits ? 'hollow' : 'full'}
        />
      ))}
    </svg>
  );
}

function Ejected({ one }: { one: EjectedView }) {
  const share = one.baseMs ? Math.min(1, one.outMs / one.baseMs) : 0;
  const round = 2 * Math.PI * 9;
  return (
    <p className="ejected num">
      <svg width="24" height="24" viewBox="0 0 24 24" aria-hidden="true">
        <circle cx="12" cy="12" r="9" className="ring" />
        <circle
          cx="12"
          cy="12"
          r="9"
          className="arc"
          strokeDasharray={`${round * share} ${round}`}
          transform="rotate(-90 12 12)"
        />
      </svg>
      <span>
        <b>
          {one.to} at {one.address}
        </b>{' '}
        is out for {one.service}, for {formatMs(one.outMs)}
        {one.baseMs ? ` of ${formatMs(one.baseMs)} or more` : ''}. It comes back at the first sweep after that.
      </span>
    </p>
  );
}

const WORDS = {
  waits: 'waits for it',
  sent: 'has been sent it',
  acked: 'has it (ACK)',
  nacked: 'refused it (NACK)',
} as const;

function Push({ push }: { push: PushOnItsWay }) {
  return (
    <>
      <p>
        <Mark name="push" /> {push.title}
      </p>
      <ol className="lineup way">
        {push.proxies.map(({ pod, state, afterMs }) => (
          <li key={pod} className={state === 'acked' ? 'done' : state === 'nacked' ? 'bad' : 'now'}>
            <span className="mono">{pod}</span> {WORDS[state]}
            {afterMs !== undefined && <span className="num"> + {formatMs(afterMs)}</span>}
            {state === 'acked' && <Icon name="check" />}
          </li>
        ))}
      </ol>
    </>
  );
}
