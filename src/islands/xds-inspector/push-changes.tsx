import type { PushChangesView, ResourceChangeView } from '#contract';
import { DiffView } from '../parts/diff-view.tsx';
import { counted, formatBytes, formatMs } from '../parts/format.ts';
import { Pending } from '../parts/pending.tsx';
import { useLive } from '../parts/use-live.ts';
import { OriginList } from './origin-list.tsx';
import { shortPod } from './train-graph.ts';

interface PushChangesProps {
  push: number;
  pod: string;
  namespace: string;
}

/** What one push changed at one proxy: every response, every resource before and after, the YAML behind it. */
export function PushChanges({ push, pod, namespace }: PushChangesProps) {
  const live = useLive('push.changes', { push, pod, namespace }, { everyMs: 0 });
  return (
    <section className="changes" aria-label={`What push ${push} changed at ${shortPod(pod)}`}>
      <h3>
        What push {push} changed at {shortPod(pod)}
      </h3>
      {live.state !== 'ready' ? <Pending live={live} what="The responses" /> : <Changes view={live.value} />}
    </section>
  );
}

function Changes({ view }: { view: PushChangesView }) {
  const real = view.changes.filter(({ change }) => change !== 'resent');
  const resent = view.changes.length - real.length;
  return (
    <>
      <ul className="responses">
        {view.responses.map((response) => (
          <li key={`${response.type} ${response.sentMs}`}>
            <b>{response.type}</b> <span className="num">{formatBytes(response.bytes)}</span>{' '}
            <span className="dim num">
              sent at {formatMs(response.sentMs)},{' '}
              {response.settledMs === undefined
                ? 'not answered yet'
                : `${response.state === 'nacked' ? 'NACK' : 'ACK'} at ${formatMs(response.settledMs)}`}
            </span>
            {response.error && <p className="bad">{response.error}</p>}
          </li>
        ))}
        {view.responses.length === 0 && <li>This proxy was sent nothing: nothing that it holds has changed.</li>}
      </ul>
      {real.map((change, index) => (
        <Resource key={`${change.type} ${change.name}`} change={change} open={index === 0} />
      ))}
      {resent > 0 && (
        <p className="foot-note">
          {counted(resent, 'resource')} sent again without a change: a proxy asks for endpoints anew when their cluster
          changes.
        </p>
      )}
    </>
  );
}

const WORDS = { added: 'new', changed: 'changed', removed: 'removed', resent: 'sent again' } as const;

function Resource({ change, open }: { change: ResourceChangeView; open: boolean }) {
  const { type, name, before, after, origins } = change;
  return (
    <details open={open} className="change">
      <summary>
        <span className="flag">{type}</span> <span className="mono name">{name}</span>{' '}
        <span className={change.change === 'removed' ? 'bad' : ''}>{WORDS[change.change]}</span>
      </summary>
      <OriginList origins={origins} />
      {before === undefined && after === undefined ? (
        <p className="dim">A secret: its content is not shown.</p>
      ) : (
        <DiffView before={before ?? ''} after={after ?? ''} label={`${type} ${name}`} />
      )}
    </details>
  );
}
