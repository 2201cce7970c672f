import { useEffect, useRef, useState } from 'react';
import type { EffectView } from '#contract';
import { sayError, writable } from '../../lab-client/index.ts';
import { counted } from '../parts/format.ts';
import { useLab } from '../parts/use-store.ts';
import { shortPod } from '../xds-inspector/train-graph.ts';

type Preview = { state: 'loading' } | { state: 'ready'; view: EffectView } | { state: 'failed'; message: string };

/** What Apply would change, before it is pressed: objects, hosts, proxies, and where the newest requests would go. Open as long as it is there. */
export default function Effect({ onClose }: { onClose: () => void }) {
  const lab = useLab();
  const dialog = useRef<HTMLDialogElement>(null);
  const [preview, setPreview] = useState<Preview>({ state: 'loading' });
  useEffect(() => {
    dialog.current?.showModal();
    lab.request('yaml.preview', { files: writable(lab.stores.sheets.get()) }, 30_000).then(
      (view) => setPreview({ state: 'ready', view }),
      (error: unknown) => setPreview({ state: 'failed', message: sayError(error) }),
    );
  }, [lab]);
  const apply = (): void => {
    dialog.current?.close();
    void lab.apply();
  };
  return (
    <dialog className="solution effect" ref={dialog} aria-labelledby="effect-title" onClose={onClose}>
      <h2 id="effect-title">What Apply would change</h2>
      {preview.state === 'loading' && (
        <p role="status">The text is translated for every proxy, and requests are replayed.</p>
      )}
      {preview.state === 'failed' && (
        <p className="bad" role="alert">
          {preview.message}
        </p>
      )}
      {preview.state === 'ready' && <Found view={preview.view} />}
      <div className="row">
        <button type="button" className="btn go" onClick={apply}>
          Apply
        </button>
        <button type="button" className="btn" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}

function Found({ view }: { view: EffectView }) {
  const changed = view.objects.filter(({ outcome }) => outcome !== 'unchanged');
  return (
    <div className="found">
      <p className="found-sum">
        {view.proxies.length === 0
          ? 'No proxy would get another configuration.'
          : `${view.proxies.length} of ${counted(view.outOf, 'proxy', 'proxies')} would get another configuration.`}
      </p>
      {view.notes.map((note) => (
        <p key={note} className="late-note">
          {note}
        </p>
      ))}
      <h3>Objects</h3>
      <ul>
        {changed.map(({ kind, name, outcome }) => (
          <li key={`${kind} ${name}`}>
            {kind} <span className="mono">{name}</span> {outcome === 'created' ? 'is new' : 'changes'}
          </li>
        ))}
        {changed.length === 0 && <li>None changes.</li>}
      </ul>
      {view.hosts.length > 0 && (
        <>
          <h3>Hosts</h3>
          <p className="mono hosts">{view.hosts.join(', ')}</p>
        </>
      )}
      {view.proxies.length > 0 && <Proxies view={view} />}
      {view.replayed > 0 && <Replayed view={view} />}
    </div>
  );
}

const SIGNS = { added: '+', changed: '~', removed: '−' } as const;

function Proxies({ view }: { view: EffectView }) {
  return (
    <>
      <h3>Proxies</h3>
      <ul>
        {view.proxies.map(({ pod, changes }) => (
          <li key={pod}>
            <details>
              <summary>
                {shortPod(pod)} <span className="dim">{typesOf(changes)}</span>
              </summary>
              <ul className="mono changes-of">
                {changes.map(({ type, name, change }) => (
                  <li key={`${type} ${name}`}>
                    {SIGNS[change]} <span className="sr">{change} </span>
                    {type} {name}
                  </li>
                ))}
              </ul>
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

const typesOf = (changes: EffectView['proxies'][number]['changes']): string =>
  [...Map.groupBy(changes, ({ type }) => type)].map(([type, all]) => `${type} ${all.length}`).join(', ');

function Replayed({ view }: { view: EffectView }) {
  const elsewhere = view.elsewhere.reduce((sum, { count }) => sum + count, 0);
  return (
    <>
      <h3>
        {elsewhere} of the last {counted(view.replayed, 'request')} would go elsewhere
      </h3>
      {view.elsewhere.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Request</th>
              <th scope="col">Now</th>
              <th scope="col">Then</th>
              <th scope="col" className="r">
                How many
              </th>
            </tr>
          </thead>
          <tbody>
            {view.elsewhere.map(({ request, from, what, before, after, count }) => (
              <tr key={request}>
                <td>
                  {from}: <span className="mono">{what}</span>
                </td>
                <td>{before}</td>
                <td>{after}</td>
                <td className="r num">{count}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
