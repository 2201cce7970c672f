import { useState } from 'react';
import type { ProxyDumpView } from '#contract';
import { sayError } from '../../lab-client/index.ts';
import { useLab, useStore } from '../parts/use-store.ts';
import { OriginList } from './origin-list.tsx';
import { shortPod } from './train-graph.ts';

const PARTS = ['listeners', 'routes', 'clusters', 'endpoints', 'secrets'] as const;

/** What one proxy holds now: its own dump, resource by resource. */
export function ProxyDump({ pods }: { pods: readonly string[] }) {
  const lab = useLab();
  const sandbox = useStore(lab.stores.sandbox);
  const [dump, setDump] = useState<ProxyDumpView>();
  const [failure, setFailure] = useState<string>();
  const [chosen, setPod] = useState('');
  const pod = pods.includes(chosen) ? chosen : (pods[0] ?? '');
  const read = async (): Promise<void> => {
    const namespace = sandbox?.pods.find((one) => one.name === pod)?.namespace ?? 'default';
    try {
      setDump(await lab.request('proxy.dump', { pod, namespace }));
      setFailure(undefined);
    } catch (error) {
      setFailure(sayError(error));
    }
  };
  return (
    <section className="dump" aria-label="Configuration of one proxy">
      <div className="toolbar">
        <label>
          Configuration of{' '}
          <select value={pod} onChange={(event) => setPod(event.target.value)}>
            {pods.map((name) => (
              <option key={name} value={name}>
                {shortPod(name)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="btn" onClick={() => void read()}>
          Show
        </button>
      </div>
      {failure && <p role="alert">{failure}</p>}
      {dump &&
        PARTS.map((part) => (
          <details key={part}>
            <summary>
              {part} <span className="num">{dump[part].length}</span>
            </summary>
            {dump[part].map((resource, index) => (
              <details key={JSON.stringify(resource)} className="resource">
                <summary className="mono">{nameOf(resource)}</summary>
                {(part === 'listeners' || part === 'routes' || part === 'clusters') && (
                  <OriginList origins={dump.behind[part][index] ?? []} />
                )}
                <pre>{JSON.stringify(resource, null, 2)}</pre>
              </details>
            ))}
          </details>
        ))}
    </section>
  );
}

function nameOf(resource: object): string {
  if ('name' in resource && typeof resource.name === 'string') return resource.name;
  if ('clusterName' in resource && typeof resource.clusterName === 'string') return resource.clusterName;
  return 'unnamed';
}
