import type { PushView } from '#contract';
import { Empty } from '../parts/empty.tsx';
import { counted, formatBytes, formatMs, formatTime } from '../parts/format.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { ProxyDump } from './proxy-dump.tsx';
import { PushChanges } from './push-changes.tsx';
import { NAMES, RIGHT, type Row, shortPod, trainGraphOf } from './train-graph.ts';

/** Pushes: when each proxy was sent the new configuration, when it answered, and what it refused. */
export function XdsInspector() {
  const lab = useLab();
  const pushes = useStore(lab.stores.pushes);
  const view = useStore(lab.stores.view);
  const push = pushes.find((one) => one.number === view.push) ?? pushes.at(-1);
  const sandbox = useStore(lab.stores.sandbox);
  const proxied = (sandbox?.pods ?? []).filter((pod) => pod.proxied).map((pod) => pod.name);
  if (!push) {
    return (
      <div className="xds">
        <Empty text="No push since the mesh started. Apply something, and watch it reach each proxy." />
        {proxied.length > 0 && <ProxyDump pods={proxied} />}
      </div>
    );
  }
  const looked = push.proxies.find(({ pod }) => pod === view.show) ?? push.proxies[0];
  return (
    <div className="xds">
      <div className="toolbar">
        <label>
          Push{' '}
          <select value={push.number} onChange={(event) => lab.show({ push: Number(event.target.value) })}>
            {pushes.map((one) => (
              <option key={one.number} value={one.number}>
                {one.number} · {one.title}
              </option>
            ))}
          </select>
        </label>
        <span className="tag num">{wordsOf(push)}</span>
      </div>
      {push.proxies.length > 0 ? (
        <>
          <Graph push={push} />
          <Table push={push} chosen={looked?.pod} />
        </>
      ) : (
        <p className="pad-line">
          This change is stored, and istiod sent nothing for it: nothing in the configuration of a connected proxy hangs
          on it, or no proxy was connected. A proxy that connects later is sent everything.
        </p>
      )}
      {looked && <PushChanges push={push.number} pod={looked.pod} namespace={looked.namespace} />}
      <ProxyDump pods={proxied.length > 0 ? proxied : push.proxies.map((proxy) => proxy.pod)} />
    </div>
  );
}

function wordsOf(push: PushView): string {
  const refused = push.proxies.filter((proxy) => proxy.state === 'nacked').length;
  const at = formatTime(push.atMs, false);
  if (push.proxies.length === 0) return `${at}, sent to no proxy`;
  if (refused > 0) return `${at}, refused by ${counted(refused, 'proxy', 'proxies')}`;
  const reach = counted(push.proxies.length, 'proxy', 'proxies');
  return push.effectiveMs === undefined
    ? `${at}, on its way to ${reach}`
    : `${at}, in force at ${reach} after ${formatMs(push.effectiveMs)}`;
}

function Graph({ push }: { push: PushView }) {
  const graph = trainGraphOf(push);
  const last = graph.rows.reduce<Row | undefined>(
    (late, row) => ((row.settledX ?? 0) > (late?.settledX ?? 0) ? row : late),
    undefined,
  );
  return (
    <div className="graph">
      <svg
        viewBox={`0 0 640 ${graph.height}`}
        role="img"
        aria-label={`Push ${push.number}, ${push.title}: ${wordsOf(push)}`}
      >
        {graph.ticks.map((tick) => (
          <g key={tick.text}>
            <path d={`M${tick.x} 22V${graph.height - 18}`} className="grid" />
            <text x={tick.x} y="14" textAnchor="middle" className="tick">
              {tick.text}
            </text>
          </g>
        ))}
        <text x="0" y="44" className="who first">
          istiod
        </text>
        <path d={`M${NAMES} 40H${RIGHT}`} className="after" />
        {graph.rows.map((row) => (
          <TrainRow key={row.pod} row={row} />
        ))}
        {last && (
          <text x={Math.min(RIGHT, (last.settledX ?? 0) + 90)} y={last.y - 9} textAnchor="end" className="note">
            {last.state === 'nacked' ? 'NACK' : 'ACK'}, last of {push.proxies.length}
          </text>
        )}
      </svg>
      <p className="foot-note">◆ sent by istiod. The tick is the proxy’s ACK, the cross its NACK.</p>
    </div>
  );
}

/** Dotted: the old configuration. Blue: sent and not answered yet. Solid: the new one is in force. */
function TrainRow({ row }: { row: Row }) {
  const answeredX = row.settledX ?? RIGHT;
  return (
    <g>
      <text x="0" y={row.y + 4} className="who">
        {shortPod(row.pod)}
      </text>
      <path d={`M${NAMES} ${row.y}H${row.sentX}`} className="before" />
      <path d={`M${row.sentX} 40V${row.y}`} className="drop" />
      <path d={`M${row.sentX} ${row.y}H${answeredX}`} className="under-way" />
      <path d={`M${answeredX} ${row.y}H${RIGHT}`} className={row.state === 'acked' ? 'after' : 'before'} />
      <path d={`M${row.sentX} ${row.y - 6}l6 6-6 6-6-6z`} className="sent" />
      {row.settledX !== undefined && row.state === 'acked' && (
        <path d={`M${row.settledX} ${row.y - 7}v14`} className="ack" />
      )}
      {row.settledX !== undefined && row.state === 'nacked' && (
        <path d={`M${row.settledX - 5} ${row.y - 5}l10 10m0-10l-10 10`} className="nack" />
      )}
    </g>
  );
}

const STATES = { sent: 'waits for its answer', acked: 'ACK', nacked: 'NACK' } as const;

function Table({ push, chosen }: { push: PushView; chosen: string | undefined }) {
  const lab = useLab();
  return (
    <table>
      <caption className="sr">Answers of each proxy to push {push.number}</caption>
      <thead>
        <tr>
          <th scope="col">Proxy</th>
          <th scope="col">Types</th>
          <th scope="col" className="r">
            Bytes
          </th>
          <th scope="col" className="r">
            Sent
          </th>
          <th scope="col" className="r">
            Answered
          </th>
          <th scope="col">Answer</th>
        </tr>
      </thead>
      <tbody>
        {push.proxies.map((proxy) => (
          <tr
            key={proxy.pod}
            className={proxy.pod === chosen ? 'on' : ''}
            onClick={() => lab.show({ show: proxy.pod })}
          >
            <td>
              <button type="button" className="row-link" aria-current={proxy.pod === chosen ? 'true' : undefined}>
                {shortPod(proxy.pod)}
              </button>
            </td>
            <td className="mono">{proxy.types.join(' ')}</td>
            <td className="r">{formatBytes(proxy.bytes)}</td>
            <td className="r">{formatMs(proxy.sentMs)}</td>
            <td className="r">{proxy.settledMs === undefined ? 'not yet' : formatMs(proxy.settledMs)}</td>
            <td className="answer">
              <span className={`flag ${proxy.state === 'nacked' ? 'error' : proxy.state === 'acked' ? 'ok' : ''}`}>
                {STATES[proxy.state]}
              </span>
              {proxy.error && <p>{proxy.error}</p>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
