import { type FormEvent, useState } from 'react';
import type { ForecastRunView } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { addEntry } from '../cards/add-entry.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { Calibration } from './calibration.tsx';
import { FactLines } from './fact-lines.tsx';
import { Shares, type ShareText, sharesOf, sumOf } from './shares.tsx';

const RUN_MS = 180_000;

/** Predict, then run: a forecast is committed first, the run is laid over it, and both are kept. */
export default function Predict() {
  const lab = useLab();
  const traffic = useStore(lab.stores.traffic);
  const mesh = useStore(lab.stores.mesh);
  const [from, setFrom] = useState('');
  const [count, setCount] = useState(100);
  const [header, setHeader] = useState('');
  const [statuses, setStatuses] = useState<readonly ShareText[]>([{ name: '200', share: '' }]);
  const [service, setService] = useState('');
  const [versions, setVersions] = useState<readonly ShareText[]>([]);
  const [p50, setP50] = useState('');
  const [p99, setP99] = useState('');
  const [running, setRunning] = useState(false);
  const [fact, setFact] = useState<ForecastRunView>();
  const [failure, setFailure] = useState<string>();
  const [kept, setKept] = useState(0);
  const chosen = from || (traffic[0]?.id ?? '');
  const split = (mesh?.nodes ?? []).filter(({ version }) => version !== '');
  const services = [...new Set(split.map((node) => node.service))].filter(
    (name) => split.filter((node) => node.service === name).length > 1,
  );
  const sum = sumOf(statuses);
  const splitSum = sumOf(versions);
  const complete = sum === 100 && (service === '' || splitSum === 100);

  const run = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setRunning(true);
    setFailure(undefined);
    setFact(undefined);
    try {
      const [name = '', value = ''] = header.split(/:\s*/, 2);
      const view = await lab.request(
        'forecast.run',
        {
          traffic: chosen,
          requests: count,
          atOnce: 4,
          statuses: sharesOf(statuses),
          ...(name && value ? { headers: { [name.trim().toLowerCase()]: value } } : {}),
          ...(service ? { split: { service, versions: sharesOf(versions) } } : {}),
          ...(p50 === '' ? {} : { p50: Number(p50) }),
          ...(p99 === '' ? {} : { p99: Number(p99) }),
        },
        RUN_MS,
      );
      setFact(view);
      for (const line of view.lines)
        await addEntry({
          kind: 'forecast',
          forecast: `${lab.labId}/${line.id}`.slice(0, 80),
          said: line.said,
          was: line.was,
          unit: line.unit,
        });
      setKept((number) => number + 1);
    } catch (error) {
      setFailure(sayError(error));
    } finally {
      setRunning(false);
    }
  };

  return (
    <div className="predict">
      <form onSubmit={(event) => void run(event)}>
        <div className="row">
          <label>
            <span>Send</span>
            <input
              type="number"
              min={10}
              max={500}
              value={count}
              onChange={(event) => setCount(Number(event.target.value))}
            />
          </label>
          <label>
            <span>requests of</span>
            <select value={chosen} onChange={(event) => setFrom(event.target.value)}>
              {traffic.map(({ id, title }) => (
                <option key={id} value={id}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span>with this header, if any</span>
            <input placeholder="x-canary: true" value={header} onChange={(event) => setHeader(event.target.value)} />
          </label>
        </div>
        <Shares
          title="Of 100 answers, how many have which status? (none: no answer)"
          names="Status"
          shares={statuses}
          onShares={setStatuses}
          suggestions={['200', '403', '404', '429', '500', '503', '504', 'none']}
        />
        {services.length > 0 && (
          <>
            <label className="of">
              <span>Split of the calls to</span>
              <select
                value={service}
                onChange={(event) => {
                  const name = event.target.value;
                  setService(name);
                  setVersions(
                    split.filter((node) => node.service === name).map((node) => ({ name: node.version, share: '' })),
                  );
                }}
              >
                <option value="">no service</option>
                {services.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            </label>
            {service && (
              <Shares
                title={`Of 100 calls to ${service}, how many go to which version?`}
                names="Version"
                shares={versions}
                onShares={setVersions}
                suggestions={[]}
              />
            )}
          </>
        )}
        <div className="row">
          <label>
            <span>Half are answered within (ms)</span>
            <input type="number" min={0} max={120000} value={p50} onChange={(event) => setP50(event.target.value)} />
          </label>
          <label>
            <span>99 of 100 within (ms)</span>
            <input type="number" min={0} max={120000} value={p99} onChange={(event) => setP99(event.target.value)} />
          </label>
        </div>
        <div className="row">
          <button type="submit" className="btn go" disabled={!complete || running || chosen === ''}>
            Commit and run
          </button>
          <span role="status">
            {running
              ? 'The requests are sent.'
              : complete
                ? 'A forecast that is committed cannot be changed.'
                : 'Each list must add up to 100.'}
          </span>
        </div>
      </form>
      {failure && <p className="said-wrong">{failure}</p>}
      {fact && <FactLines fact={fact} />}
      <Calibration after={kept} />
    </div>
  );
}
